// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/elementwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/elementwise/broadcast.h"
#include "kernels/elementwise/cast.h"
#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// The function in double precision, written independently of the kernels.
double expected_unary(UnaryFunction f, double x, double alpha, double beta) {
  switch (f) {
    case UnaryFunction::kIdentity: return x;
    case UnaryFunction::kRelu: return x > 0 ? x : 0;
    case UnaryFunction::kClip: return std::fmin(std::fmax(x, alpha), beta);
    case UnaryFunction::kLeakyRelu: return x >= 0 ? x : alpha * x;
    case UnaryFunction::kSigmoid: return 1 / (1 + std::exp(-x));
    case UnaryFunction::kTanh: return std::tanh(x);
    case UnaryFunction::kHardSigmoid: return std::fmin(std::fmax(alpha * x + beta, 0), 1);
    case UnaryFunction::kHardSwish: return x * std::fmin(std::fmax(x + 3, 0), 6) / 6;
    case UnaryFunction::kSilu: return x / (1 + std::exp(-x));
    case UnaryFunction::kMish: return x * std::tanh(x > 30 ? x : std::log1p(std::exp(x)));
    case UnaryFunction::kSoftplus: return x > 40 ? x : std::log1p(std::exp(x));
    case UnaryFunction::kExp: return std::exp(x);
    case UnaryFunction::kSqrt: return std::sqrt(x);
    case UnaryFunction::kAbs: return std::fabs(x);
    case UnaryFunction::kNegate: return -x;
    case UnaryFunction::kLog: return std::log(x);
    case UnaryFunction::kReciprocal: return 1 / x;
    case UnaryFunction::kElu: return x >= 0 ? x : alpha * std::expm1(x);
    case UnaryFunction::kFloor: return std::floor(x);
    case UnaryFunction::kRsqrt: return 1 / std::sqrt(x);
    case UnaryFunction::kSquare: return x * x;
    case UnaryFunction::kGelu: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case UnaryFunction::kCeil: return std::ceil(x);
    case UnaryFunction::kRound: return std::nearbyint(x);
    case UnaryFunction::kSign: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case UnaryFunction::kErf: return std::erf(x);
    case UnaryFunction::kSin: return std::sin(x);
    case UnaryFunction::kCos: return std::cos(x);
    case UnaryFunction::kCount: break;
  }
  return 0;
}

struct Parameters {
  float alpha = 0, beta = 0;
};

Parameters parameters(UnaryFunction f) {
  switch (f) {
    case UnaryFunction::kClip: return {-0.75f, 6};
    case UnaryFunction::kLeakyRelu: return {0.1f, 0};
    case UnaryFunction::kHardSigmoid: return {0.2f, 0.5f};
    case UnaryFunction::kElu: return {1.25f, 0};
    default: return {};
  }
}

// The bound the kernels' comments promise, in units of the last place of the float result (subnormal spacing at the
// bottom).
double allowed_ulps(UnaryFunction f) {
  switch (f) {
    case UnaryFunction::kExp: return 1.1;
    case UnaryFunction::kSigmoid: return 2.6;
    case UnaryFunction::kTanh: return 3.0;
    case UnaryFunction::kSilu: return 3.5;
    case UnaryFunction::kMish: return 5.0;
    case UnaryFunction::kSoftplus: return 2.0;
    case UnaryFunction::kElu: return 2.0;
    case UnaryFunction::kHardSigmoid: return 1.0;
    case UnaryFunction::kHardSwish: return 2.5;
    case UnaryFunction::kRsqrt: return 1.5;
    case UnaryFunction::kErf:
    case UnaryFunction::kSin:
    case UnaryFunction::kCos:
    case UnaryFunction::kLog: return 1.5;
    default: return 0.501;
  }
}

double ulp_of(double y) {
  const double magnitude = std::fabs(y);
  if (!(magnitude >= 1.17549435e-38)) return std::ldexp(1.0, -149);
  return std::ldexp(1.0, std::ilogb(magnitude) - 23);
}

std::vector<UnaryF32Kernel> runnable_unary() {
  size_t count = 0;
  const UnaryF32Kernel* kernels = unary_f32_kernels(&count);
  std::vector<UnaryF32Kernel> runnable;
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), kernels[i].isa)) runnable.push_back(kernels[i]);
  return runnable;
}

// Numbers of every size: uniform ones, then mantissas spread over the exponents from 2^-40 to 2^8, both signs.
std::vector<float> sample(size_t n) {
  Random random(7);
  std::vector<float> x = random.floats(n, -12, 12);
  for (size_t i = 0; i < n; ++i) {
    const float mantissa = random.uniform(1, 2);
    x.push_back(std::ldexp(random.integer(0, 1) ? mantissa : -mantissa, random.integer(-40, 7)));
  }
  return x;
}

TEST(UnaryF32, EveryFunctionIsWithinItsErrorBound) {
#if defined(__aarch64__)
  const std::vector<float> x = sample(4001);
#else
  const std::vector<float> x = sample(400003);
#endif
  std::vector<float> y(x.size());
  for (const UnaryF32Kernel& kernel : runnable_unary()) {
    const Parameters p = parameters(kernel.function);
    kernel.run(x.data(), y.data(), 0, p.alpha, p.beta);  // nothing to do
    kernel.run(x.data(), y.data(), x.size(), p.alpha, p.beta);
    double worst = 0;
    float worst_x = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double want = expected_unary(kernel.function, x[i], p.alpha, p.beta);
      if (std::isnan(want)) {
        ASSERT_TRUE(std::isnan(y[i])) << kernel.name << " of " << x[i];
        continue;
      }
      if (std::fabs(want) >= std::ldexp(1.0, 128)) {
        ASSERT_EQ(y[i], want > 0 ? kInf : -kInf) << kernel.name << " of " << x[i];
        continue;
      }
      double ulp = ulp_of(want);
      // A sum that cancels is as good as its terms.
      if (kernel.function == UnaryFunction::kHardSigmoid || kernel.function == UnaryFunction::kHardSwish)
        ulp = std::fmax(ulp, ulp_of(0.5));
      // Where the gate is subnormal (x below -87), its absolute error is magnified by x; the vector kernels of sigmoid
      // and SiLU take such a gate for 0, exp(-88.37) at most.
      if (kernel.function == UnaryFunction::kMish) ulp = std::fmax(ulp, std::ldexp(104.0, -149));
      const double gate = std::exp(-88.37) / allowed_ulps(kernel.function);
      if (kernel.function == UnaryFunction::kSigmoid) ulp = std::fmax(ulp, gate);
      if (kernel.function == UnaryFunction::kSilu) ulp = std::fmax(ulp, 88.38 * gate);
      const double ulps = std::fabs(y[i] - want) / ulp;
      if (!(ulps <= worst)) worst = ulps, worst_x = x[i];
    }
    EXPECT_LE(worst, allowed_ulps(kernel.function)) << kernel.name << " at " << worst_x;
    RecordProperty(kernel.name, std::to_string(worst));
  }
}

TEST(UnaryF32, AnElementDoesNotDependOnItsPlace) {
  Random random(3);
  for (const UnaryF32Kernel& kernel : runnable_unary()) {
    const Parameters p = parameters(kernel.function);
    for (size_t n = 1; n <= 33; ++n) {
      const size_t offset = n % 5;
      GuardedBuffer<float> x(offset, random.floats(n, -9, 9)), y(n, (offset + 2) % 7);
      kernel.run(x.data(), y.data(), n, p.alpha, p.beta);
      EXPECT_TRUE(y.guards_intact()) << kernel.name << " n=" << n;
      for (size_t i = 0; i < n; ++i) {
        float alone = 0;
        kernel.run(&x[i], &alone, 1, p.alpha, p.beta);
        EXPECT_EQ(std::memcmp(&alone, &y[i], sizeof(float)), 0) << kernel.name << " n=" << n << " i=" << i;
      }
      const std::vector<float> apart = y.values();
      kernel.run(x.data(), x.data(), n, p.alpha, p.beta);
      EXPECT_TRUE(x.guards_intact()) << kernel.name;
      const std::vector<float> in_place = x.values();
      EXPECT_EQ(std::memcmp(in_place.data(), apart.data(), n * sizeof(float)), 0) << kernel.name << " in place";
    }
  }
}

TEST(UnaryF32, LimitsAndNan) {
  struct Case {
    UnaryFunction function;
    float x, y;
  };
  const Case cases[] = {
      {UnaryFunction::kRelu, -kInf, 0},
      {UnaryFunction::kRelu, kInf, kInf},
      {UnaryFunction::kClip, -kInf, -0.75f},
      {UnaryFunction::kClip, kInf, 6},
      {UnaryFunction::kLeakyRelu, -kInf, -kInf},
      {UnaryFunction::kLeakyRelu, kInf, kInf},
      {UnaryFunction::kSigmoid, -kInf, 0},
      {UnaryFunction::kSigmoid, kInf, 1},
      {UnaryFunction::kSigmoid, -200, 0},
      {UnaryFunction::kSigmoid, 3e38f, 1},
      {UnaryFunction::kSigmoid, 0, 0.5f},
      {UnaryFunction::kTanh, 0, 0},
      {UnaryFunction::kTanh, -kInf, -1},
      {UnaryFunction::kTanh, kInf, 1},
      {UnaryFunction::kTanh, 3e38f, 1},
      {UnaryFunction::kHardSigmoid, -kInf, 0},
      {UnaryFunction::kHardSigmoid, kInf, 1},
      {UnaryFunction::kHardSwish, -kInf, 0},
      {UnaryFunction::kHardSwish, kInf, kInf},
      {UnaryFunction::kHardSwish, 3e38f, 3e38f},
      {UnaryFunction::kSilu, -kInf, 0},
      {UnaryFunction::kSilu, kInf, kInf},
      {UnaryFunction::kSilu, -3e38f, 0},
      {UnaryFunction::kMish, -kInf, 0},
      {UnaryFunction::kMish, -3e38f, 0},
      {UnaryFunction::kMish, kInf, kInf},
      {UnaryFunction::kMish, 100, 100},
      {UnaryFunction::kSoftplus, 100, 100},
      {UnaryFunction::kSoftplus, kInf, kInf},
      {UnaryFunction::kSoftplus, -kInf, 0},
      {UnaryFunction::kSoftplus, -3e38f, 0},
      {UnaryFunction::kExp, -kInf, 0},
      {UnaryFunction::kExp, kInf, kInf},
      {UnaryFunction::kExp, 88.75f, kInf},
      {UnaryFunction::kExp, -104, 0},
      {UnaryFunction::kExp, 0, 1},
      {UnaryFunction::kElu, -kInf, -1.25f},
      {UnaryFunction::kElu, kInf, kInf},
      {UnaryFunction::kElu, -3e38f, -1.25f},
      {UnaryFunction::kSqrt, kInf, kInf},
      {UnaryFunction::kAbs, -kInf, kInf},
      {UnaryFunction::kNegate, kInf, -kInf},
      {UnaryFunction::kGelu, -kInf, 0},
      {UnaryFunction::kGelu, kInf, kInf},
      {UnaryFunction::kLog, 0, -kInf},
      {UnaryFunction::kReciprocal, kInf, 0},
      {UnaryFunction::kRsqrt, kInf, 0},
      {UnaryFunction::kSign, 0, 0},
  };
  for (const UnaryF32Kernel& kernel : runnable_unary()) {
    const Parameters p = parameters(kernel.function);
    for (const Case& c : cases) {
      if (c.function != kernel.function) continue;
      // In the vector body and in the tail.
      std::vector<float> x(11, c.x), y(11);
      kernel.run(x.data(), y.data(), x.size(), p.alpha, p.beta);
      for (float v : y) EXPECT_EQ(v, c.y) << kernel.name << " of " << c.x;
    }
    std::vector<float> x(11, 0.5f), y(11);
    x[2] = x[9] = kNan;
    kernel.run(x.data(), y.data(), x.size(), p.alpha, p.beta);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(std::isnan(y[i]), i == 2 || i == 9) << kernel.name << " i=" << i;
  }
}

TEST(UnaryF32, SelectionPrefersTheBestIsaAndNeverFails) {
  for (int f = 0; f < static_cast<int>(UnaryFunction::kCount); ++f) {
    const UnaryFunction function = static_cast<UnaryFunction>(f);
    EXPECT_EQ(select_unary_f32(function, kIsaNone).isa, kIsaNone);
    EXPECT_EQ(select_unary_f32(function, kIsaNone).function, function);
    EXPECT_EQ(select_unary_f32(function, machine_isa()).function, function);
  }
  EXPECT_EQ(select_unary_f32(UnaryFunction::kSilu, machine_isa()).isa == kIsaNone, machine_isa() == kIsaNone);
}

double expected_binary(BinaryFunction f, double a, double b) {
  switch (f) {
    case BinaryFunction::kAdd: return a + b;
    case BinaryFunction::kSub: return a - b;
    case BinaryFunction::kMul: return a * b;
    case BinaryFunction::kDiv: return a / b;
    case BinaryFunction::kPow: return std::pow(a, b);
    case BinaryFunction::kMin: return std::fmin(a, b);
    case BinaryFunction::kMax: return std::fmax(a, b);
    case BinaryFunction::kSquaredDifference: return (a - b) * (a - b);
    case BinaryFunction::kPrelu: return a >= 0 ? a : a * b;
    case BinaryFunction::kCount: break;
  }
  return 0;
}

std::vector<BinaryF32Kernel> runnable_binary() {
  size_t count = 0;
  const BinaryF32Kernel* kernels = binary_f32_kernels(&count);
  std::vector<BinaryF32Kernel> runnable;
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), kernels[i].isa)) runnable.push_back(kernels[i]);
  return runnable;
}

TEST(BinaryF32, RowsColumnsStridesAndClampAgainstDouble) {
  Random random(11);
  for (const BinaryF32Kernel& kernel : runnable_binary()) {
    const bool a_scalar = kernel.form == BinaryForm::kScalarVector, b_scalar = kernel.form == BinaryForm::kVectorScalar;
    for (size_t cols : {1, 2, 7, 8, 9, 17, 24, 31}) {
      for (size_t repeat = 0; repeat < 3; ++repeat) {
        // repeat 0: both advance; 1: b repeats; 2: a repeats. Rows of the operands lie 3 elements further apart than
        // needed.
        const size_t rows = 4;
        const size_t a_stride = repeat == 2 ? 0
                                : a_scalar  ? 2
                                            : cols + 3,
                     b_stride = repeat == 1 ? 0
                                : b_scalar  ? 3
                                            : cols + 3;
        const bool clamp = repeat == 1;
        const float low = clamp ? 0.25f : -kInf, high = clamp ? 0.75f : kInf;
        const bool positive = kernel.function == BinaryFunction::kPow;
        GuardedBuffer<float> a(1,
                               random.floats((rows - 1) * a_stride + (a_scalar ? 1 : cols), positive ? 0.1f : -2, 2));
        GuardedBuffer<float> b(2, random.floats((rows - 1) * b_stride + (b_scalar ? 1 : cols), 0.1f, 2));
        GuardedBuffer<float> y(rows * cols, 3);
        kernel.run(a.data(), a_stride, b.data(), b_stride, y.data(), rows, cols, low, high);
        EXPECT_TRUE(y.guards_intact()) << kernel.name;
        for (size_t r = 0; r < rows; ++r)
          for (size_t c = 0; c < cols; ++c) {
            const double av = a[r * a_stride + (a_scalar ? 0 : c)], bv = b[r * b_stride + (b_scalar ? 0 : c)];
            double want = expected_binary(kernel.function, av, bv);
            if (clamp) want = std::fmin(std::fmax(want, low), high);
            const double slack = kernel.function == BinaryFunction::kSquaredDifference ? 16 * 1.2e-7 : ulp_of(want);
            ASSERT_NEAR(y[r * cols + c], want, slack) << kernel.name << " cols=" << cols << " r=" << r << " c=" << c;
          }
      }
    }
  }
}

TEST(BinaryF32, SameBitsAsTheReferenceWhereEveryStepIsOneRounding) {
  Random random(13);
  const size_t n = 203;
  const std::vector<float> a = random.floats(n, -3, 3), b = random.floats(n, -3, 3);
  for (const BinaryF32Kernel& kernel : runnable_binary()) {
    std::vector<float> y(n), want(n);
    kernel.run(a.data(), 0, b.data(), 0, y.data(), 1, n, -kInf, kInf);
    select_binary_f32(kernel.function, kernel.form, kIsaNone)
        .run(a.data(), 0, b.data(), 0, want.data(), 1, n, -kInf, kInf);
    for (size_t i = 0; i < n; ++i) {
      if (std::isnan(want[i])) {
        EXPECT_TRUE(std::isnan(y[i])) << kernel.name;
      } else {
        EXPECT_EQ(y[i], want[i]) << kernel.name << " i=" << i;
      }
    }
  }
}

TEST(BinaryF32, InPlaceOverEitherOperand) {
  Random random(17);
  const size_t n = 45;
  const std::vector<float> a = random.floats(n, 0.5f, 3), b = random.floats(n, 0.5f, 3);
  for (const BinaryF32Kernel& kernel : runnable_binary()) {
    if (kernel.form != BinaryForm::kVectorVector) continue;
    std::vector<float> y(n), over_a = a, over_b = b;
    kernel.run(a.data(), 0, b.data(), 0, y.data(), 1, n, -kInf, kInf);
    kernel.run(over_a.data(), 0, b.data(), 0, over_a.data(), 1, n, -kInf, kInf);
    kernel.run(a.data(), 0, over_b.data(), 0, over_b.data(), 1, n, -kInf, kInf);
    EXPECT_EQ(over_a, y) << kernel.name;
    EXPECT_EQ(over_b, y) << kernel.name;
  }
}

TEST(BinaryF32, NanComesThrough) {
  for (const BinaryF32Kernel& kernel : runnable_binary()) {
    if (kernel.form != BinaryForm::kVectorVector) continue;
    std::vector<float> a(11, 2.0f), b(11, 3.0f), y(11);
    a[1] = a[10] = kNan;
    const bool ignores_b = kernel.function == BinaryFunction::kPrelu;  // the slope of a positive element
    b[4] = b[9] = kNan;
    kernel.run(a.data(), 0, b.data(), 0, y.data(), 1, 11, -1, 100);
    for (size_t i = 0; i < 11; ++i) {
      const bool nan = i == 1 || i == 10 || (!ignores_b && (i == 4 || i == 9));
      EXPECT_EQ(std::isnan(y[i]), nan) << kernel.name << " i=" << i;
    }
  }
}

TEST(BinaryInt, WrapsTruncatesAndDividesByZeroToZero) {
  const std::int32_t least = std::numeric_limits<std::int32_t>::min(), most = std::numeric_limits<std::int32_t>::max();
  const std::vector<std::int32_t> a = {7, -7, 5, least, most, 3}, b = {2, 2, 0, -1, 1, -4};
  std::vector<std::int32_t> y(a.size());
  const auto run = [&](BinaryFunction f) {
    select_binary_s32(f, BinaryForm::kVectorVector)->run(a.data(), 0, b.data(), 0, y.data(), 1, a.size());
    return y;
  };
  EXPECT_EQ(run(BinaryFunction::kDiv), (std::vector<std::int32_t>{3, -3, 0, least, most, 0}));
  EXPECT_EQ(run(BinaryFunction::kAdd), (std::vector<std::int32_t>{9, -5, 5, most, least, -1}));
  EXPECT_EQ(run(BinaryFunction::kSub), (std::vector<std::int32_t>{5, -9, 5, least + 1, most - 1, 7}));
  EXPECT_EQ(run(BinaryFunction::kMul), (std::vector<std::int32_t>{14, -14, 0, least, most, -12}));
  EXPECT_EQ(run(BinaryFunction::kMin), (std::vector<std::int32_t>{2, -7, 0, least, 1, -4}));
  EXPECT_EQ(run(BinaryFunction::kMax), (std::vector<std::int32_t>{7, 2, 5, -1, most, 3}));
  EXPECT_EQ(select_binary_s32(BinaryFunction::kPow, BinaryForm::kVectorVector), nullptr);
  const std::int64_t big = std::int64_t{1} << 40, three = 3;
  std::int64_t product = 0;
  select_binary_s64(BinaryFunction::kMul, BinaryForm::kScalarVector)->run(&big, 0, &three, 0, &product, 1, 1);
  EXPECT_EQ(product, big * 3);
}

// Walks the loops of plan_broadcast and compares every element with index arithmetic done axis by axis.
void check_broadcast(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b, int expected_outer_rank,
                     BinaryForm expected_form) {
  std::vector<std::int64_t> y(std::max(a.size(), b.size()), 1);
  const auto dim = [&](const std::vector<std::int64_t>& dims, size_t axis) {
    return axis + dims.size() < y.size() ? 1 : dims[axis + dims.size() - y.size()];
  };
  size_t y_size = 1;
  for (size_t i = 0; i < y.size(); ++i) y[i] = std::max(dim(a, i), dim(b, i)), y_size *= static_cast<size_t>(y[i]);
  const BroadcastLoops loops = plan_broadcast(a.data(), static_cast<int>(a.size()), b.data(),
                                              static_cast<int>(b.size()), y.data(), static_cast<int>(y.size()));
  EXPECT_EQ(loops.outer_rank, expected_outer_rank);
  EXPECT_EQ(loops.form, expected_form);
  ASSERT_EQ(loops.outer * loops.rows * loops.cols, y_size);
  const auto flat = [&](const std::vector<std::int64_t>& dims, size_t index) {
    size_t at = 0, size = 1;
    for (size_t i = y.size(); i-- > 0;) {
      const size_t here = index % static_cast<size_t>(y[i]);
      index /= static_cast<size_t>(y[i]);
      if (dim(dims, i) != 1) at += here * size;
      size *= static_cast<size_t>(dim(dims, i));
    }
    return at;
  };
  for (size_t o = 0; o < loops.outer; ++o) {
    const BroadcastOffsets at = broadcast_offsets(loops, o);
    for (size_t r = 0; r < loops.rows; ++r)
      for (size_t c = 0; c < loops.cols; ++c) {
        const size_t index = at.y + r * loops.cols + c;
        ASSERT_EQ(at.a + r * loops.a_row_stride + (loops.form == BinaryForm::kScalarVector ? 0 : c), flat(a, index));
        ASSERT_EQ(at.b + r * loops.b_row_stride + (loops.form == BinaryForm::kVectorScalar ? 0 : c), flat(b, index));
      }
  }
}

TEST(Broadcast, MergesAxesAndMatchesNumpyIndexing) {
  check_broadcast({2, 3, 4, 5}, {2, 3, 4, 5}, 0, BinaryForm::kVectorVector);
  check_broadcast({2, 3, 4, 5}, {}, 0, BinaryForm::kVectorScalar);
  check_broadcast({1}, {2, 3, 4, 5}, 0, BinaryForm::kScalarVector);
  check_broadcast({2, 3, 4, 5}, {5}, 0, BinaryForm::kVectorVector);
  check_broadcast({2, 3, 4, 5}, {2, 1, 1, 5}, 1, BinaryForm::kVectorVector);
  check_broadcast({2, 1, 1, 5}, {2, 3, 4, 5}, 1, BinaryForm::kVectorVector);
  check_broadcast({2, 3, 4, 5}, {2, 3, 4, 1}, 0, BinaryForm::kVectorScalar);
  check_broadcast({2, 3, 4, 1}, {2, 3, 4, 5}, 0, BinaryForm::kScalarVector);
  check_broadcast({2, 3, 4, 5}, {3, 1, 5}, 2, BinaryForm::kVectorVector);
  check_broadcast({4, 1}, {1, 6}, 0, BinaryForm::kScalarVector);
  check_broadcast({2, 1, 3, 1, 2, 1}, {1, 3, 1, 2, 1, 3}, 4, BinaryForm::kScalarVector);
  check_broadcast({1, 1}, {1}, 0, BinaryForm::kVectorVector);
}

TEST(Cast, FloatToIntegerTruncatesAndSaturates) {
  const std::vector<float> x = {0,   -0.9f, 1.9f,  -1.9f, 127.5f, 128,  -128.9f, -129, 255.9f,
                                256, 3e9f,  -3e9f, 1e19f, -1e19f, kInf, -kInf,   kNan};
  const size_t n = x.size();
  const auto cast = [&](ElementType to, void* y) { select_cast(ElementType::kFloat32, to).run(x.data(), y, n); };
  std::vector<std::int8_t> s8(n);
  cast(ElementType::kInt8, s8.data());
  EXPECT_EQ(
      s8, (std::vector<std::int8_t>{0, 0, 1, -1, 127, 127, -128, -128, 127, 127, 127, -128, 127, -128, 127, -128, 0}));
  std::vector<std::uint8_t> u8(n);
  cast(ElementType::kUint8, u8.data());
  EXPECT_EQ(u8, (std::vector<std::uint8_t>{0, 0, 1, 0, 127, 128, 0, 0, 255, 255, 255, 0, 255, 0, 255, 0, 0}));
  const std::int32_t hi = 2147483647, lo = -hi - 1;
  std::vector<std::int32_t> s32(n);
  cast(ElementType::kInt32, s32.data());
  EXPECT_EQ(s32, (std::vector<std::int32_t>{0, 0, 1, -1, 127, 128, -128, -129, 255, 256, hi, lo, hi, lo, hi, lo, 0}));
  const std::int64_t top = std::numeric_limits<std::int64_t>::max(), bottom = std::numeric_limits<std::int64_t>::min();
  std::vector<std::int64_t> s64(n);
  cast(ElementType::kInt64, s64.data());
  EXPECT_EQ(s64, (std::vector<std::int64_t>{0, 0, 1, -1, 127, 128, -128, -129, 255, 256, 3000000000, -3000000000, top,
                                            bottom, top, bottom, 0}));
  std::vector<std::uint8_t> b(n);
  cast(ElementType::kBool, b.data());
  for (size_t i = 0; i < n; ++i) EXPECT_EQ(b[i], i == 0 ? 0 : 1) << x[i];
}

TEST(Cast, BetweenIntegersAndToFloat) {
  const std::vector<std::int64_t> x = {0, -1, 300, (std::int64_t{1} << 33) + 5, 16777217};
  std::vector<std::int32_t> s32(5);
  select_cast(ElementType::kInt64, ElementType::kInt32).run(x.data(), s32.data(), 5);
  EXPECT_EQ(s32, (std::vector<std::int32_t>{0, -1, 300, 5, 16777217}));
  std::vector<float> f32(5);
  select_cast(ElementType::kInt64, ElementType::kFloat32).run(x.data(), f32.data(), 5);
  EXPECT_EQ(f32, (std::vector<float>{0, -1, 300, 8589934592.0f, 16777216.0f}));
  std::vector<std::uint8_t> flags(5);
  select_cast(ElementType::kInt64, ElementType::kBool).run(x.data(), flags.data(), 5);
  EXPECT_EQ(flags, (std::vector<std::uint8_t>{0, 1, 1, 1, 1}));
  select_cast(ElementType::kBool, ElementType::kFloat32).run(flags.data(), f32.data(), 5);
  EXPECT_EQ(f32, (std::vector<float>{0, 1, 1, 1, 1}));
}

TEST(Cast, TableIsInOrder) {
  for (int f = 0; f < static_cast<int>(ElementType::kCount); ++f)
    for (int t = 0; t < static_cast<int>(ElementType::kCount); ++t) {
      const CastKernel& kernel = select_cast(static_cast<ElementType>(f), static_cast<ElementType>(t));
      EXPECT_EQ(static_cast<int>(kernel.from), f) << kernel.name;
      EXPECT_EQ(static_cast<int>(kernel.to), t) << kernel.name;
    }
}

}  // namespace
}  // namespace dotori::kernels
