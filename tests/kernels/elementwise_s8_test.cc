// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/binary_s8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/int8_inputs.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::int8_inputs;
using dotori::testing::Random;

// The stated arithmetic, each operation rounded to float once (a double holds every sum and product of two of these
// numbers with 53 bits, and rounding those to float is the same as one rounding).
float rounded(double v) {
  return static_cast<float>(v);
}

float expected_v(BinaryFunction f, int a, int b, const BinaryS8& how) {
  const int da = a - how.a_zero_point, db = b - how.b_zero_point;
  if (f == BinaryFunction::kMul) return rounded(static_cast<double>(da * db) * static_cast<double>(how.a_scale));
  const double va = static_cast<double>(rounded(da * static_cast<double>(how.a_scale)));
  const double vb = static_cast<double>(rounded(db * static_cast<double>(how.b_scale)));
  switch (f) {
    case BinaryFunction::kAdd: return rounded(va + vb);
    case BinaryFunction::kSub: return rounded(va - vb);
    case BinaryFunction::kMin: return rounded(std::fmin(va, vb));
    default: return rounded(std::fmax(va, vb));
  }
}

int expected_byte(float v, const QuantizedOutput& out) {
  if (v < 0) v = std::fmax(v, rounded(static_cast<double>(v) * static_cast<double>(out.slope)));
  const double q = std::nearbyint(static_cast<double>(v)) + out.zero_point;
  return static_cast<int>(std::fmin(std::fmax(q, out.low), out.high));
}

std::vector<BinaryS8Kernel> runnable_binary() {
  size_t count = 0;
  const BinaryS8Kernel* kernels = binary_s8_kernels(&count);
  std::vector<BinaryS8Kernel> found;
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), kernels[i].isa)) found.push_back(kernels[i]);
  return found;
}

const BinaryS8 kHows[] = {
    {0.5f, 0.25f, 0, 0, {1, 0, -128, 127}},             // many ties
    {0.731f, 1.213f, -128, 127, {1, -128, -128, 127}},  // a difference of 255 on one side
    {0.011f, 0.0173f, 5, -9, {1, 3, 3, 127}},           // relu
    {0.011f, 0.0173f, 5, -9, {0.1f, 3, -128, 127}},     // leaky relu
    {0.3f, 0.07f, -20, 31, {0, -11, -90, 77}},          // slope 0 and a clip
    {1e30f, 1e30f, 1, 2, {0.25f, 127, -128, 127}},      // far outside int32
    {1e-30f, 1e-42f, 1, 2, {1, -5, -128, 127}},         // nothing left
    {1e9f, 3e9f, 0, 0, {1, -128, -128, 127}},           // at the edge of int32
};

TEST(BinaryS8, BytesByTheRule) {
  Random random(1);
  for (const BinaryS8Kernel& kernel : runnable_binary()) {
    const bool a_scalar = kernel.form == BinaryForm::kScalarVector, b_scalar = kernel.form == BinaryForm::kVectorScalar;
    for (const BinaryS8& how : kHows)
      for (size_t cols : {1, 2, 7, 8, 15, 16, 17, 24, 31, 32, 47, 65})
        for (size_t repeat = 0; repeat < 3; ++repeat) {
          // repeat 0: both advance; 1: b repeats; 2: a repeats.
          const size_t rows = 3;
          const size_t a_stride = repeat == 2 ? 0 : a_scalar ? 2 : cols + 3;
          const size_t b_stride = repeat == 1 ? 0 : b_scalar ? 3 : cols + 3;
          GuardedBuffer<int8_t> a(1, int8_inputs(random, (rows - 1) * a_stride + (a_scalar ? 1 : cols)));
          GuardedBuffer<int8_t> b(2, int8_inputs(random, (rows - 1) * b_stride + (b_scalar ? 1 : cols)));
          GuardedBuffer<int8_t> y(rows * cols, 3);
          kernel.run(a.data(), a_stride, b.data(), b_stride, y.data(), rows, cols, how);
          EXPECT_TRUE(y.guards_intact()) << kernel.name;
          for (size_t r = 0; r < rows; ++r)
            for (size_t c = 0; c < cols; ++c) {
              const int av = a[r * a_stride + (a_scalar ? 0 : c)], bv = b[r * b_stride + (b_scalar ? 0 : c)];
              ASSERT_EQ(y[r * cols + c], expected_byte(expected_v(kernel.function, av, bv, how), how.out))
                  << kernel.name << " cols=" << cols << " a=" << av << " b=" << bv << " scales " << how.a_scale << " "
                  << how.b_scale;
            }
        }
  }
}

#if !defined(__aarch64__)
TEST(BinaryS8, EveryPairOfElements) {
  std::vector<int8_t> a(65536), b(65536), y(65536);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<int8_t>(i >> 8), b[i] = static_cast<int8_t>(i);
  for (const BinaryS8Kernel& kernel : runnable_binary()) {
    if (kernel.form != BinaryForm::kVectorVector) continue;
    for (const BinaryS8& how : kHows) {
      kernel.run(a.data(), 0, b.data(), 0, y.data(), 1, a.size(), how);
      for (size_t i = 0; i < a.size(); ++i)
        ASSERT_EQ(y[i], expected_byte(expected_v(kernel.function, a[i], b[i], how), how.out))
            << kernel.name << " a=" << int{a[i]} << " b=" << int{b[i]};
    }
  }
}
#endif

TEST(BinaryS8, InPlaceOverEitherOperand) {
  Random random(3);
  for (const BinaryS8Kernel& kernel : runnable_binary())
    for (size_t cols : {5, 16, 29, 61}) {
      const size_t rows = 3, n = rows * cols;
      const BinaryS8& how = kHows[3];
      const bool a_scalar = kernel.form == BinaryForm::kScalarVector,
                 b_scalar = kernel.form == BinaryForm::kVectorScalar;
      const std::vector<int8_t> a = int8_inputs(random, a_scalar ? rows : n);
      const std::vector<int8_t> b = int8_inputs(random, b_scalar ? rows : n);
      const size_t a_stride = a_scalar ? 1 : cols, b_stride = b_scalar ? 1 : cols;
      std::vector<int8_t> y(n), over_a = a, over_b = b;
      kernel.run(a.data(), a_stride, b.data(), b_stride, y.data(), rows, cols, how);
      if (!a_scalar) {
        kernel.run(over_a.data(), a_stride, b.data(), b_stride, over_a.data(), rows, cols, how);
        EXPECT_EQ(over_a, y) << kernel.name << " over a, cols=" << cols;
      }
      if (!b_scalar) {
        kernel.run(a.data(), a_stride, over_b.data(), b_stride, over_b.data(), rows, cols, how);
        EXPECT_EQ(over_b, y) << kernel.name << " over b, cols=" << cols;
      }
    }
}

TEST(BinaryS8, SelectionFollowsTheIsa) {
  for (int f = 0; f < static_cast<int>(BinaryFunction::kCount); ++f)
    for (int form = 0; form < static_cast<int>(BinaryForm::kCount); ++form) {
      const auto function = static_cast<BinaryFunction>(f);
      const bool has = function == BinaryFunction::kAdd || function == BinaryFunction::kSub ||
                       function == BinaryFunction::kMul || function == BinaryFunction::kMin ||
                       function == BinaryFunction::kMax;
      const BinaryS8Kernel* plain = select_binary_s8(function, static_cast<BinaryForm>(form), kIsaNone);
      const BinaryS8Kernel* best = select_binary_s8(function, static_cast<BinaryForm>(form), machine_isa());
      ASSERT_EQ(plain != nullptr, has);
      if (!has) continue;
      EXPECT_EQ(plain->isa, kIsaNone);
      EXPECT_EQ(best->function, function);
      EXPECT_EQ(static_cast<int>(best->form), form);
      EXPECT_EQ(best->isa == kIsaNone, machine_isa() == kIsaNone);
    }
}

TEST(PreluS8, BytesByTheRuleAndInPlace) {
  Random random(4);
  size_t count = 0;
  const PreluS8Kernel* kernels = prelu_s8_kernels(&count);
  for (size_t k = 0; k < count; ++k) {
    const PreluS8Kernel& kernel = kernels[k];
    if (!isa_covers(machine_isa(), kernel.isa)) continue;
    const bool scalar = kernel.form == BinaryForm::kVectorScalar;
    for (int zero_point : {-128, 0, 17, 127})
      for (float scale : {0.5f, 0.731f, 1e20f})
        for (size_t cols : {1, 5, 15, 16, 17, 33, 64, 77}) {
          const size_t rows = 3, n_stride = cols % 2 == 0 ? 0 : scalar ? 2 : cols + 1;
          const QuantizedOutput out = {1, -zero_point / 2, -110, 120};
          GuardedBuffer<int8_t> x(1, int8_inputs(random, rows * cols)), y(rows * cols, 2);
          // Negative slopes too.
          GuardedBuffer<float> negative(3, random.floats((rows - 1) * n_stride + (scalar ? 1 : cols), -scale, scale));
          kernel.run(x.data(), cols, negative.data(), n_stride, y.data(), rows, cols, scale, zero_point, out);
          EXPECT_TRUE(y.guards_intact()) << kernel.name;
          for (size_t r = 0; r < rows; ++r)
            for (size_t c = 0; c < cols; ++c) {
              const int d = x[r * cols + c] - zero_point;
              const float factor = d < 0 ? negative[r * n_stride + (scalar ? 0 : c)] : scale;
              const float v = rounded(d * static_cast<double>(factor));
              const double q = std::nearbyint(static_cast<double>(v)) + out.zero_point;
              ASSERT_EQ(y[r * cols + c], std::fmin(std::fmax(q, out.low), out.high)) << kernel.name << " d=" << d;
            }
          kernel.run(x.data(), cols, negative.data(), n_stride, x.data(), rows, cols, scale, zero_point, out);
          EXPECT_EQ(x.values(), y.values()) << kernel.name << " in place";
        }
  }
  EXPECT_EQ(select_prelu_s8(BinaryForm::kVectorScalar, kIsaNone).isa, kIsaNone);
  EXPECT_EQ(select_prelu_s8(BinaryForm::kScalarVector, machine_isa()).form, BinaryForm::kVectorVector);
}

}  // namespace
}  // namespace dotori::kernels
