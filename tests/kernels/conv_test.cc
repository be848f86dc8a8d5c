// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv/conv.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Sizes {
  int h, w, c, out_c, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left, groups;
  int out_h, out_w;
};

ConvF32 describe(const Sizes& s) {
  ConvF32 conv{};
  conv.in_h = s.h;
  conv.in_w = s.w;
  conv.in_c = s.c;
  conv.out_h = s.out_h;
  conv.out_w = s.out_w;
  conv.out_c = s.out_c;
  conv.kernel_h = s.kernel_h;
  conv.kernel_w = s.kernel_w;
  conv.stride_h = s.stride_h;
  conv.stride_w = s.stride_w;
  conv.dilation_h = s.dilation_h;
  conv.dilation_w = s.dilation_w;
  conv.pad_top = s.pad_top;
  conv.pad_left = s.pad_left;
  conv.groups = s.groups;
  conv.low = -kInf;
  conv.high = kInf;
  return conv;
}

// Scatters every product to where the definition says it belongs, in double: for a convolution from input (iy, ix) back
// to its output, for a transposed one forward.
std::vector<double> scattered(const Sizes& s, bool transposed, const std::vector<float>& x,
                              const std::vector<float>& weights, const std::vector<float>& bias) {
  std::vector<double> y;
  for (int i = 0; i < s.out_h * s.out_w; ++i) y.insert(y.end(), bias.begin(), bias.end());
  const int group_in = s.c / s.groups, group_out = s.out_c / s.groups;
  for (int iy = 0; iy < s.h; ++iy) {
    for (int ix = 0; ix < s.w; ++ix) {
      for (int ky = 0; ky < s.kernel_h; ++ky) {
        for (int kx = 0; kx < s.kernel_w; ++kx) {
          int oy, ox;
          if (transposed) {
            oy = iy * s.stride_h + ky * s.dilation_h - s.pad_top;
            ox = ix * s.stride_w + kx * s.dilation_w - s.pad_left;
          } else {
            oy = iy + s.pad_top - ky * s.dilation_h;
            ox = ix + s.pad_left - kx * s.dilation_w;
            if (oy % s.stride_h != 0 || ox % s.stride_w != 0) continue;
            oy /= s.stride_h;
            ox /= s.stride_w;
          }
          if (oy < 0 || oy >= s.out_h || ox < 0 || ox >= s.out_w) continue;
          for (int o = 0; o < s.out_c; ++o) {
            for (int c = 0; c < group_in; ++c) {
              const int in = o / group_out * group_in + c;
              y[static_cast<size_t>((oy * s.out_w + ox) * s.out_c + o)] +=
                  static_cast<double>(x[static_cast<size_t>((iy * s.w + ix) * s.c + in)]) *
                  static_cast<double>(
                      weights[static_cast<size_t>(((o * s.kernel_h + ky) * s.kernel_w + kx) * group_in + c)]);
            }
          }
        }
      }
    }
  }
  return y;
}

void check(const Sizes& s, bool transposed) {
  Random random(static_cast<size_t>(s.h * 31 + s.c * 7 + s.kernel_w));
  const size_t weight_count = static_cast<size_t>(s.out_c * s.kernel_h * s.kernel_w * (s.c / s.groups));
  const GuardedBuffer<float> x(1, random.floats(static_cast<size_t>(s.h * s.w * s.c)));
  const GuardedBuffer<float> weights(3, random.floats(weight_count));
  const std::vector<float> bias = random.floats(static_cast<size_t>(s.out_c));
  const std::vector<double> expected = scattered(s, transposed, x.values(), weights.values(), bias);
  const ConvF32 conv = describe(s);
  const size_t row = static_cast<size_t>(s.out_w * s.out_c);
  for (int oy = 0; oy < s.out_h; ++oy) {
    GuardedBuffer<float> y(row, 1);
    (transposed ? conv_transpose_f32_any__reference : conv_f32_any__reference)(conv, x.data(), weights.data(),
                                                                               bias.data(), y.data(), oy);
    EXPECT_TRUE(y.guards_intact());
    for (size_t i = 0; i < row; ++i)
      ASSERT_NEAR(static_cast<double>(y[i]), expected[static_cast<size_t>(oy) * row + i], 1e-5)
          << "row " << oy << " " << i;
  }
}

TEST(ConvF32, Plain) {
  check({5, 6, 3, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 5, 6}, false);
}
TEST(ConvF32, StridedDilatedGrouped) {
  check({9, 11, 6, 4, 2, 3, 2, 3, 3, 2, 1, 2, 2, 4, 4}, false);
}
TEST(ConvF32, PaddingWiderThanTheKernel) {
  check({2, 2, 1, 2, 3, 3, 1, 1, 1, 1, 4, 4, 1, 8, 8}, false);
}
TEST(ConvF32, DepthwiseMultiplier) {
  check({4, 5, 3, 6, 3, 3, 1, 1, 1, 1, 0, 0, 3, 2, 3}, false);
}
TEST(ConvTransposeF32, Upsampling) {
  check({3, 4, 5, 3, 2, 2, 2, 2, 1, 1, 0, 0, 1, 6, 8}, true);
}
TEST(ConvTransposeF32, OverlappingTapsAndPadding) {
  check({4, 3, 4, 6, 3, 4, 2, 2, 1, 1, 1, 1, 2, 8, 6}, true);
}
TEST(ConvTransposeF32, StrideWiderThanTheKernel) {
  check({3, 2, 2, 2, 1, 2, 3, 4, 1, 1, 0, 0, 1, 7, 6}, true);
}
TEST(ConvTransposeF32, Dilated) {
  check({4, 4, 2, 3, 3, 2, 2, 3, 2, 3, 2, 1, 1, 7, 12}, true);
}

TEST(ConvF32, ClampKeepsNanAndNoBiasIsZero) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  ConvF32 conv = describe({1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 3});
  conv.low = 0;
  conv.high = 6;
  const float x[] = {-2, 9, nan}, weight = 1;
  float y[3];
  conv_f32_any__reference(conv, x, &weight, nullptr, y, 0);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 6);
  EXPECT_NE(y[2], y[2]);
}

}  // namespace
}  // namespace dotori::kernels
