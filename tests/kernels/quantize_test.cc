// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantize/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/quantize/table_math.h"
#include "support/guarded_buffer.h"
#include "support/int8_inputs.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::int8_inputs;
using dotori::testing::Random;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// ---------------------------------------------------------------- table_math

double libm_function(UnaryFunction f, double x, double alpha, double beta) {
  switch (f) {
    case UnaryFunction::kIdentity: return x;
    case UnaryFunction::kRelu: return std::fmax(x, 0);
    case UnaryFunction::kClip: return std::fmin(std::fmax(x, alpha), beta);
    case UnaryFunction::kLeakyRelu: return x >= 0 ? x : alpha * x;
    case UnaryFunction::kSigmoid: return 1 / (1 + std::exp(-x));
    case UnaryFunction::kTanh: return std::tanh(x);
    case UnaryFunction::kHardSigmoid: return std::fmin(std::fmax(alpha * x + beta, 0), 1);
    case UnaryFunction::kHardSwish: return x * std::fmin(std::fmax(x + 3, 0), 6) / 6;
    case UnaryFunction::kSilu: return x / (1 + std::exp(-x));
    case UnaryFunction::kMish: return x * std::tanh(x > 40 ? x : std::log1p(std::exp(x)));
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
  return kNan;
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

TEST(TableMath, EveryFunctionAgreesWithLibm) {
  Random random(1);
  std::vector<double> samples;
#if defined(__aarch64__)
  const int n = 300;
#else
  const int n = 20000;
#endif
  for (int i = 0; i < n; ++i) {
    samples.push_back(static_cast<double>(random.uniform(-12, 12)) * 1.00000001);
    const double size = std::ldexp(1 + static_cast<double>(random.uniform(0, 1)), random.integer(-60, 9));
    samples.push_back(random.integer(0, 1) ? size : -size);
  }
  for (int k = -60; k <= 60; ++k) samples.push_back(k * 0.25);  // halves, ties and zero
  for (int f = 0; f < static_cast<int>(UnaryFunction::kCount); ++f) {
    const UnaryFunction function = static_cast<UnaryFunction>(f);
    const Parameters p = parameters(function);
    double worst = 0, worst_x = 0;
    for (double x : samples) {
      const double got = table_function(function, x, p.alpha, p.beta);
      const double want = libm_function(function, x, static_cast<double>(p.alpha), static_cast<double>(p.beta));
      if (std::isnan(want) || std::isinf(want)) {
        ASSERT_TRUE(std::isnan(want) ? std::isnan(got) : got == want) << "function " << f << " of " << x;
        continue;
      }
      // Absolute where the result passes through zero far from x = 0; below 1e-280 bits run out.
      double scale = std::fabs(want) + 1e-280;
      if (function == UnaryFunction::kSin || function == UnaryFunction::kCos || function == UnaryFunction::kHardSwish ||
          function == UnaryFunction::kHardSigmoid)
        scale = std::fmax(scale, 1);
      const double error = std::fabs(got - want) / scale;
      if (!(error <= worst)) worst = error, worst_x = x;
    }
    // The rounding of gelu's own argument x / sqrt(2) grows by x^2 in the tail.
    EXPECT_LE(worst, function == UnaryFunction::kGelu ? 1e-12 : 1e-13) << "function " << f << " at " << worst_x;
    RecordProperty("function_" + std::to_string(f), std::to_string(worst * 1e16));
  }
}

TEST(TableMath, LimitsAndNan) {
  for (int f = 0; f < static_cast<int>(UnaryFunction::kCount); ++f)
    EXPECT_TRUE(std::isnan(table_function(static_cast<UnaryFunction>(f), kNan, 1, 1))) << f;
  const struct {
    UnaryFunction function;
    double x, y;
  } cases[] = {
      {UnaryFunction::kExp, -kInf, 0},       {UnaryFunction::kExp, kInf, kInf},
      {UnaryFunction::kExp, 0, 1},           {UnaryFunction::kExp, 1000, kInf},
      {UnaryFunction::kExp, -1000, 0},       {UnaryFunction::kLog, 0, -kInf},
      {UnaryFunction::kLog, kInf, kInf},     {UnaryFunction::kLog, 1, 0},
      {UnaryFunction::kReciprocal, 0, kInf}, {UnaryFunction::kRsqrt, 0, kInf},
      {UnaryFunction::kTanh, -kInf, -1},     {UnaryFunction::kTanh, 500, 1},
      {UnaryFunction::kSigmoid, -1000, 0},   {UnaryFunction::kSigmoid, 1000, 1},
      {UnaryFunction::kSilu, -kInf, 0},      {UnaryFunction::kSilu, 1e300, 1e300},
      {UnaryFunction::kMish, -1e6, 0},       {UnaryFunction::kMish, 1e6, 1e6},
      {UnaryFunction::kGelu, -kInf, 0},      {UnaryFunction::kGelu, 1e6, 1e6},
      {UnaryFunction::kErf, 100, 1},         {UnaryFunction::kErf, -kInf, -1},
      {UnaryFunction::kSoftplus, 1e6, 1e6},  {UnaryFunction::kSoftplus, -1e6, 0},
      {UnaryFunction::kHardSwish, -kInf, 0}, {UnaryFunction::kFloor, -0.5, -1},
      {UnaryFunction::kFloor, 1e300, 1e300}, {UnaryFunction::kCeil, 0.5, 1},
      {UnaryFunction::kRound, 2.5, 2},       {UnaryFunction::kRound, -1.5, -2},
      {UnaryFunction::kRound, 1e300, 1e300}, {UnaryFunction::kSign, -1e-300, -1},
      {UnaryFunction::kSin, 1e9, 0},         {UnaryFunction::kCos, -1e9, 1},
  };
  for (const auto& c : cases)
    EXPECT_EQ(table_function(c.function, c.x, 0, 0), c.y) << static_cast<int>(c.function) << " of " << c.x;
  EXPECT_TRUE(std::isnan(table_log(-1)));
  EXPECT_TRUE(std::isnan(table_sin(kInf)));
  EXPECT_TRUE(std::isnan(table_function(UnaryFunction::kSqrt, -1, 0, 0)));
  // Subnormal results and arguments.
  EXPECT_NEAR(table_exp(-740) / std::exp(-740.0), 1, 1e-2);
  EXPECT_NEAR(table_log(1e-310) / std::log(1e-310), 1, 1e-13);
  // Large angles that are still reduced.
  for (double x : {1000.5, 65537.25, -1048575.0}) EXPECT_NEAR(table_sin(x), std::sin(x), 1e-13) << x;
}

// The tables are part of a model's bits, so these few numbers must never change on any machine.
TEST(TableMath, TheSameBitsOnEveryMachine) {
  std::uint64_t hash = 1469598103934665603u;
  for (int f = 0; f < static_cast<int>(UnaryFunction::kCount); ++f)
    for (int q = -128; q < 128; ++q) {
      const Parameters p = parameters(static_cast<UnaryFunction>(f));
      const double y = table_function(static_cast<UnaryFunction>(f), 0.037 * q, p.alpha, p.beta);
      std::uint64_t bits = 0;
      if (y == y) std::memcpy(&bits, &y, sizeof bits);  // which NaN it is does not matter
      hash = (hash ^ bits) * 1099511628211u;
    }
  EXPECT_EQ(hash, 704971141169068221u);
}

TEST(TableMath, UnaryTable) {
  const QuantizedOutput out = {1, -128, -128, 127};
  int8_t table[256];
  make_unary_table_s8(UnaryFunction::kSigmoid, 0, 0, 0.05f, 3, 1.0f / 256, out, table);
  for (int q = -128; q < 128; ++q) {
    const double y = 256 / (1 + std::exp(-static_cast<double>(0.05f) * (q - 3)));
    EXPECT_NEAR(table[static_cast<uint8_t>(q)], std::fmin(y, 255) - 128, 0.501) << q;
  }
  // The logarithm of a negative number stands for nothing: zero_point.
  make_unary_table_s8(UnaryFunction::kLog, 0, 0, 0.05f, 3, 0.1f, {1, 7, -128, 127}, table);
  EXPECT_EQ(table[static_cast<uint8_t>(int8_t{2})], 7);
  EXPECT_EQ(table[3], -128);
  EXPECT_EQ(table[4], 7 + static_cast<int>(std::nearbyint(std::log(0.05) / 0.1)));
}

TEST(TableMath, RequantizeTable) {
  const QuantizedOutput out = {1, 5, -100, 90};
  int8_t table[256];
  make_requantize_table_s8(-7, 0.5f, out, table);
  for (int q = -128; q < 128; ++q) {
    const double y = std::nearbyint((q + 7) * 0.5) + 5;  // ties to even
    EXPECT_EQ(table[static_cast<uint8_t>(q)], std::fmin(std::fmax(y, -100), 90)) << q;
  }
}

TEST(TableMath, SoftmaxTable) {
  int32_t table[256];
  make_softmax_table(0.1, table);
  EXPECT_EQ(table[0], 1 << 23);
  for (int d = 0; d < 256; ++d) EXPECT_NEAR(table[d], std::exp(-0.1 * d) * 8388608, 0.5001) << d;
  make_softmax_table(1e30, table);
  EXPECT_EQ(table[1], 0);
  make_softmax_table(0, table);
  EXPECT_EQ(table[255], 1 << 23);
}

// ---------------------------------------------------------------- kernels

TEST(LookupS8, EveryIndexLengthAndPlace) {
  Random random(2);
  std::vector<int8_t> table = int8_inputs(random, 256);
  std::vector<int8_t> all(256);
  for (int i = 0; i < 256; ++i) all[static_cast<size_t>(i)] = static_cast<int8_t>(i);
  size_t count = 0;
  const LookupS8Kernel* kernels = lookup_s8_kernels(&count);
  for (size_t k = 0; k < count; ++k) {
    if (!isa_covers(machine_isa(), kernels[k].isa)) continue;
    std::vector<int8_t> y(256);
    kernels[k].run(all.data(), 0, y.data(), 0, 1, 256, table.data());
    EXPECT_EQ(y, table) << kernels[k].name;
    for (size_t n : {1, 15, 31, 32, 33, 64, 95, 96, 97, 127, 128, 161, 300}) {
      GuardedBuffer<int8_t> x(n % 5, int8_inputs(random, n)), z(n, n % 3);
      kernels[k].run(x.data(), 0, z.data(), 0, 1, n, table.data());
      EXPECT_TRUE(z.guards_intact());
      for (size_t i = 0; i < n; ++i)
        ASSERT_EQ(z[i], table[static_cast<uint8_t>(x[i])]) << kernels[k].name << " n=" << n << " i=" << i;
      kernels[k].run(x.data(), 0, x.data(), 0, 1, n, table.data());
      EXPECT_EQ(x.values(), z.values()) << kernels[k].name << " in place";
      EXPECT_TRUE(x.guards_intact());
    }
  }
}

TEST(LookupS8, RowsWithStrides) {
  Random random(9);
  const std::vector<int8_t> table = int8_inputs(random, 256);
  size_t count = 0;
  const LookupS8Kernel* kernels = lookup_s8_kernels(&count);
  for (size_t k = 0; k < count; ++k) {
    if (!isa_covers(machine_isa(), kernels[k].isa)) continue;
    for (size_t cols : {1, 15, 16, 24, 31, 32, 40, 49, 70}) {
      const size_t rows = 5, x_stride = cols + 3, y_stride = cols + 7;
      GuardedBuffer<int8_t> x(1, int8_inputs(random, (rows - 1) * x_stride + cols)), y((rows - 1) * y_stride + cols, 2);
      std::memset(y.data(), 77, y.size());
      kernels[k].run(x.data(), x_stride, y.data(), y_stride, rows, cols, table.data());
      EXPECT_TRUE(y.guards_intact());
      for (size_t i = 0; i < y.size(); ++i) {
        const size_t r = i / y_stride, c = i % y_stride;
        const int8_t want = c < cols ? table[static_cast<uint8_t>(x[r * x_stride + c])] : int8_t{77};
        ASSERT_EQ(y[i], want) << kernels[k].name << " cols=" << cols << " r=" << r << " c=" << c;
      }
    }
  }
}

TEST(QuantizeF32, BytesByTheRule) {
  Random random(3);
  const float float_inf = std::numeric_limits<float>::infinity();
  size_t count = 0;
  const QuantizeF32Kernel* kernels = quantize_f32_kernels(&count);
  for (size_t k = 0; k < count; ++k) {
    if (!isa_covers(machine_isa(), kernels[k].isa)) continue;
    for (const auto& [scale, zero_point] :
         {std::pair<float, int>{0.1f, 3}, {1, 0}, {0.037f, -128}, {2, 127}, {1e-38f, 5}, {3e38f, -9}})
      for (size_t n : {1, 7, 15, 16, 17, 31, 48, 101})
        for (bool is_unsigned : {false, true}) {
          std::vector<float> values(n);
          for (float& v : values) {
            // Ties, ordinary numbers, far outside, not numbers.
            const int kind = random.integer(0, 9);
            v = kind == 0   ? scale * (static_cast<float>(random.integer(-200, 200)) + 0.5f)
                : kind == 1 ? random.uniform(-1, 1) * 1e38f
                : kind == 2 ? (random.integer(0, 1) ? float_inf : -float_inf)
                : kind == 3 ? std::numeric_limits<float>::quiet_NaN()
                            : scale * random.uniform(-150, 150);
          }
          GuardedBuffer<float> x(1, values);
          GuardedBuffer<uint8_t> y(n, 3);
          kernels[k].quantize(x.data(), y.data(), n, scale, zero_point, is_unsigned ? 0x80 : 0);
          EXPECT_TRUE(y.guards_intact());
          // As an element of its own type: the uint8 tensor has its zero point and range 128 higher.
          const int shift = is_unsigned ? 128 : 0;
          for (size_t i = 0; i < n; ++i) {
            const float v = values[i] / scale;
            double want = zero_point + shift;
            if (v == v)
              want = std::fmin(std::fmax(std::nearbyint(static_cast<double>(v)) + want, shift - 128), shift + 127);
            const int got = is_unsigned ? int{y[i]} : int{static_cast<int8_t>(y[i])};
            ASSERT_EQ(got, want) << kernels[k].name << " x=" << values[i] << " scale=" << scale;
          }
        }
  }
}

TEST(QuantizeF32, DequantizeBitsByTheRule) {
  Random random(4);
  size_t count = 0;
  const QuantizeF32Kernel* kernels = quantize_f32_kernels(&count);
  for (size_t k = 0; k < count; ++k) {
    if (!isa_covers(machine_isa(), kernels[k].isa)) continue;
    for (size_t n : {1, 5, 16, 19, 35, 77})
      for (bool is_unsigned : {false, true})
        for (int zero_point : {-128, -3, 0, 127}) {
          GuardedBuffer<int8_t> x(2, int8_inputs(random, n));
          GuardedBuffer<float> y(n, 1);
          kernels[k].dequantize(x.data(), y.data(), n, 0.0371f, zero_point, is_unsigned ? 0x80 : 0);
          EXPECT_TRUE(y.guards_intact());
          for (size_t i = 0; i < n; ++i) {
            const int q = is_unsigned ? static_cast<uint8_t>(x[i]) - 128 : int{x[i]};
            ASSERT_EQ(y[i], static_cast<float>(q - zero_point) * 0.0371f) << kernels[k].dequantize_name;
          }
        }
  }
}

TEST(FlipSign, EveryLength) {
  Random random(5);
  for (size_t n = 1; n < 40; ++n) {
    GuardedBuffer<int8_t> x(n % 7, int8_inputs(random, n)), y(n, 1);
    flip_sign_b1__reference(x.data(), y.data(), n);
    EXPECT_TRUE(y.guards_intact());
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(static_cast<uint8_t>(y[i]), x[i] + 128);
  }
}

TEST(QuantizeKernels, SelectionFollowsTheIsa) {
  EXPECT_EQ(select_lookup_s8(kIsaNone).isa, kIsaNone);
  EXPECT_EQ(select_quantize_f32(kIsaNone).isa, kIsaNone);
  EXPECT_EQ(select_lookup_s8(machine_isa()).isa == kIsaNone, machine_isa() == kIsaNone);
  EXPECT_EQ(select_quantize_f32(machine_isa()).isa == kIsaNone, machine_isa() == kIsaNone);
}

}  // namespace
}  // namespace dotori::kernels
