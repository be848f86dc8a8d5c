// SPDX-License-Identifier: Apache-2.0
// The transforms of F(4x4, 3x3): with products in double between them they give the direct convolution.
#include "kernels/winograd/winograd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using testing::GuardedBuffer;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Case {
  std::size_t tiles, channels, columns, offset;  // offset: floats from an aligned address
};

// [tiles][6][6][channels] by [columns][3][3][channels] to [tiles][4][4][columns].
void check(const Case& c, float low, float high, const WinogradF32Kernel* kernel) {
  testing::Random random(c.tiles * 100 + c.channels + c.columns);
  const std::vector<float> x = random.floats(c.tiles * 36 * c.channels), w = random.floats(c.columns * 9 * c.channels),
                           bias = random.floats(c.columns);
  GuardedBuffer<float> input(c.offset, x), weights(c.offset, w);
  std::vector<const float*> from;
  for (std::size_t p = 0; p < c.tiles * 36; ++p) from.push_back(input.data() + p * c.channels);

  const std::size_t v_stride = c.tiles * c.channels + 3;
  GuardedBuffer<float> v(36 * v_stride);
  WinogradInputF32 in{from.data(), c.tiles, c.channels, v.data(), v_stride};
  kernel->input(in);
  EXPECT_TRUE(v.guards_intact());
  GuardedBuffer<float> u(36 * c.columns * c.channels);
  winograd_weights_f32(weights.data(), c.columns, c.channels, u.data());
  EXPECT_TRUE(u.guards_intact());

  const std::size_t row = c.columns + 5, m_stride = c.tiles * row + 1;
  std::vector<float> sums(36 * m_stride);
  for (std::size_t p = 0; p < 36; ++p)
    for (std::size_t t = 0; t < c.tiles; ++t)
      for (std::size_t o = 0; o < c.columns; ++o) {
        double sum = 0;
        for (std::size_t i = 0; i < c.channels; ++i)
          sum += static_cast<double>(v[p * v_stride + t * c.channels + i]) *
                 static_cast<double>(u[(p * c.columns + o) * c.channels + i]);
        sums[p * m_stride + t * row + o] = static_cast<float>(sum);
      }
  // Every fifth pixel lies outside.
  GuardedBuffer<float> m(c.offset, sums), y(c.tiles * 16 * c.columns), held_bias(c.offset, bias);
  std::vector<float*> to;
  for (std::size_t p = 0; p < c.tiles * 16; ++p) to.push_back(p % 5 == 4 ? nullptr : y.data() + p * c.columns - 2);
  WinogradOutputF32 out{m.data(), m_stride, row, c.tiles, c.columns, held_bias.data(), to.data(), 2, low, high};
  kernel->output(out);
  EXPECT_TRUE(y.guards_intact());

  for (std::size_t t = 0; t < c.tiles; ++t)
    for (std::size_t p = 0; p < 16; ++p)
      for (std::size_t o = 0; o < c.columns; ++o) {
        const float found = y[(t * 16 + p) * c.columns + o];
        if (to[t * 16 + p] == nullptr) {
          EXPECT_TRUE(std::isnan(found));
          continue;
        }
        double expected = static_cast<double>(bias[o]), scale = 1;
        for (std::size_t k = 0; k < 9; ++k)
          for (std::size_t i = 0; i < c.channels; ++i) {
            const std::size_t pixel = (p / 4 + k / 3) * 6 + p % 4 + k % 3;
            const double product = static_cast<double>(x[(t * 36 + pixel) * c.channels + i]) *
                                   static_cast<double>(w[(o * 9 + k) * c.channels + i]);
            expected += product;
            scale += std::fabs(product);
          }
        expected = std::fmin(std::fmax(expected, static_cast<double>(low)), static_cast<double>(high));
        EXPECT_NEAR(static_cast<double>(found), expected, 2e-6 * scale) << t << ' ' << p << ' ' << o;
      }
}

// The machine's kernels, the best first.
std::vector<const WinogradF32Kernel*> runnable() {
  std::vector<const WinogradF32Kernel*> kernels;
  Isa isa = machine_isa();
  while (const WinogradF32Kernel* kernel = select_winograd_f32(isa)) {
    kernels.push_back(kernel);
    isa &= ~kernel->isa;
  }
  return kernels;
}

TEST(Winograd, TransformsGiveTheConvolution) {
  if (runnable().empty()) GTEST_SKIP() << "no kernel for this machine";
  for (const WinogradF32Kernel* kernel : runnable()) {
    SCOPED_TRACE(kernel->name);
    for (const Case& c : {Case{1, 8, 8, 0}, Case{3, 16, 24, 1}, Case{7, 40, 8, 3}, Case{2, 64, 16, 0}}) {
      check(c, -kInfinity, kInfinity, kernel);
      check(c, -0.5f, 0.25f, kernel);
    }
  }
}

TEST(Winograd, IsLeftOutWhereTheMachineHasNoVectors) {
  EXPECT_EQ(select_winograd_f32(kIsaNone), nullptr);
}

// NaN stays NaN, also behind a clamp.
TEST(Winograd, NaN) {
  if (runnable().empty()) GTEST_SKIP() << "no kernel for this machine";
  for (const WinogradF32Kernel* kernel : runnable()) {
    std::vector<float> m(36 * 16, 1.0f), y(16 * 16), bias(16);
    m[5] = std::numeric_limits<float>::quiet_NaN();  // point 0, channel 5: only in pixel 0
    std::vector<float*> to;
    for (std::size_t p = 0; p < 16; ++p) to.push_back(y.data() + p * 16);
    kernel->output({m.data(), 16, 16, 1, 16, bias.data(), to.data(), 0, 0.0f, 1.0f});
    EXPECT_TRUE(std::isnan(y[5])) << kernel->name;
    EXPECT_FALSE(std::isnan(y[4])) << kernel->name;
  }
}

}  // namespace
}  // namespace dotori::kernels
