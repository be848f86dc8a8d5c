// SPDX-License-Identifier: Apache-2.0
#include "kernels/depthwise/depthwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Case {
  int in_h, in_w, channels;
  int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  int pad_top, pad_bottom, pad_left, pad_right;
  float low = -kInfinity, high = kInfinity;

  int out_h() const { return (in_h + pad_top + pad_bottom - dilation_h * (kernel_h - 1) - 1) / stride_h + 1; }
  int out_w() const { return (in_w + pad_left + pad_right - dilation_w * (kernel_w - 1) - 1) / stride_w + 1; }
  std::size_t in_elems() const { return static_cast<std::size_t>(in_h * in_w * channels); }
  std::size_t out_elems() const { return static_cast<std::size_t>(out_h() * out_w() * channels); }
  std::size_t weight_elems() const { return static_cast<std::size_t>(channels * kernel_h * kernel_w); }
  std::string to_string() const {
    std::string s = "in " + std::to_string(in_h) + "x" + std::to_string(in_w) + "x" + std::to_string(channels);
    s += " kernel " + std::to_string(kernel_h) + "x" + std::to_string(kernel_w);
    s += " stride " + std::to_string(stride_h) + "," + std::to_string(stride_w);
    s += " dilation " + std::to_string(dilation_h) + "," + std::to_string(dilation_w);
    s += " pad " + std::to_string(pad_top) + "," + std::to_string(pad_left);
    return s;
  }
};

struct Data {
  std::vector<float> src, weights, bias;
  static Data random(const Case& c, std::uint64_t seed) {
    Random random(seed);
    return {random.floats(c.in_elems()), random.floats(c.weight_elems()),
            random.floats(static_cast<std::size_t>(c.channels))};
  }
};

DepthwiseF32 describe(const Case& c, const float* packed) {
  DepthwiseF32 conv{};
  conv.packed = packed;
  conv.in_h = c.in_h;
  conv.in_w = c.in_w;
  conv.channels = c.channels;
  conv.out_w = c.out_w();
  conv.kernel_h = c.kernel_h;
  conv.kernel_w = c.kernel_w;
  conv.stride_h = c.stride_h;
  conv.stride_w = c.stride_w;
  conv.dilation_h = c.dilation_h;
  conv.dilation_w = c.dilation_w;
  conv.pad_top = c.pad_top;
  conv.pad_left = c.pad_left;
  conv.low = c.low;
  conv.high = c.high;
  return conv;
}

// The definition in double precision, and how much float32 may differ from it.
struct Expected {
  double value, tolerance;
};
Expected expected_at(const Case& c, const Data& data, int y, int x, int channel) {
  double sum = static_cast<double>(data.bias[static_cast<std::size_t>(channel)]), magnitude = std::fabs(sum);
  for (int ky = 0; ky < c.kernel_h; ++ky) {
    for (int kx = 0; kx < c.kernel_w; ++kx) {
      const int iy = y * c.stride_h - c.pad_top + ky * c.dilation_h,
                ix = x * c.stride_w - c.pad_left + kx * c.dilation_w;
      if (iy < 0 || iy >= c.in_h || ix < 0 || ix >= c.in_w) continue;
      const double product =
          static_cast<double>(data.src[static_cast<std::size_t>((iy * c.in_w + ix) * c.channels + channel)]) *
          static_cast<double>(data.weights[static_cast<std::size_t>((channel * c.kernel_h + ky) * c.kernel_w + kx)]);
      sum += product;
      magnitude += std::fabs(product);
    }
  }
  const double tolerance = 6e-8 * (c.kernel_h * c.kernel_w + 1) * magnitude;
  return {std::fmin(std::fmax(sum, static_cast<double>(c.low)), static_cast<double>(c.high)), tolerance};
}

// All rows by one kernel, from memory `offset` floats off a cache line.
std::vector<float> run(const DepthwiseF32Kernel& kernel, const Case& c, const Data& data, std::size_t offset) {
  GuardedBuffer<float> src(offset, data.src);
  GuardedBuffer<float> dst(c.out_elems(), offset);
  GuardedBuffer<float> packed(depthwise_f32_packed_elems(c.channels, c.kernel_h, c.kernel_w));
  pack_depthwise_f32(data.weights.data(), data.bias.data(), c.channels, c.kernel_h, c.kernel_w, packed.data());
  const DepthwiseF32 conv = describe(c, packed.data());
  const std::size_t row = static_cast<std::size_t>(c.out_w() * c.channels);
  for (int y = 0; y < c.out_h(); ++y) kernel.run(conv, src.data(), dst.data() + static_cast<std::size_t>(y) * row, y);
  EXPECT_TRUE(packed.guards_intact()) << kernel.name;
  EXPECT_TRUE(dst.guards_intact()) << kernel.name << " " << c.to_string();
  return dst.values();
}

template <class Visit>
void for_each_kernel(const Case& c, const Visit& visit) {
  std::size_t count = 0;
  const DepthwiseF32Kernel* kernels = depthwise_f32_kernels(&count);
  const DepthwiseF32 conv = describe(c, nullptr);
  for (std::size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), kernels[i].isa) && depthwise_f32_fits(kernels[i], conv)) visit(kernels[i]);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (int kernel : {1, 3, 5, 7}) {
    for (int stride : {1, 2, 3}) {
      const int pad = kernel / 2;
      for (int width : {1, 4, 7, 9, 21})
        if (width + 2 * pad >= kernel)
          all.push_back({5, width, 11, kernel, kernel, stride, stride, 1, 1, pad, pad, pad, pad});
    }
  }
  for (int channels : {1, 3, 7, 8, 9, 15, 16, 17, 24})
    for (int kernel : {3, 5}) all.push_back({6, 12, channels, kernel, kernel, 1, 1, 1, 1, 1, 0, 0, 1});
  all.push_back({7, 30, 8, 3, 5, 2, 1, 1, 1, 2, 0, 4, 1, 0.0f, 6.0f});  // asymmetric padding, tall strides, clamp
  all.push_back({9, 33, 12, 5, 3, 1, 2, 1, 1, 0, 3, 0, 2, -0.5f, 0.5f});
  all.push_back({9, 11, 10, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2});  // dilated
  all.push_back({9, 26, 8, 3, 3, 1, 1, 4, 3, 4, 4, 3, 3});
  all.push_back({8, 9, 9, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1});  // dilated rows, fast columns
  all.push_back({1, 1, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1});
  all.push_back({2, 2, 8, 5, 5, 1, 1, 1, 1, 4, 4, 4, 4});  // rows and columns in the padding alone
  all.push_back({1, 20, 5, 1, 9, 1, 1, 1, 1, 0, 0, 4, 4});
  all.push_back({20, 1, 9, 9, 1, 1, 1, 1, 1, 4, 4, 0, 0});
  return all;
}

TEST(Depthwise, EveryKernelComputesTheDefinition) {
  std::uint64_t seed = 1;
  for (const Case& c : cases()) {
    const Data data = Data::random(c, seed++);
    for_each_kernel(c, [&](const DepthwiseF32Kernel& kernel) {
      const std::vector<float> found = run(kernel, c, data, seed % 4);
      std::size_t i = 0;
      for (int y = 0; y < c.out_h(); ++y) {
        for (int x = 0; x < c.out_w(); ++x) {
          for (int channel = 0; channel < c.channels; ++channel, ++i) {
            const Expected e = expected_at(c, data, y, x, channel);
            ASSERT_NEAR(static_cast<double>(found[i]), e.value, e.tolerance)
                << kernel.name << " " << c.to_string() << " at " << y << "," << x << "," << channel;
          }
        }
      }
    });
  }
}

// Fixed and general kernels add in the same order with the same fused operations.
TEST(Depthwise, VectorKernelsOfAnIsaAgreeInEveryBit) {
  for (const Case& c : cases()) {
    const Data data = Data::random(c, 77);
    std::vector<float> first;
    for_each_kernel(c, [&](const DepthwiseF32Kernel& kernel) {
      if (kernel.isa == kIsaNone) return;
      const std::vector<float> found = run(kernel, c, data, 1);
      if (first.empty()) first = found;
      ASSERT_EQ(std::memcmp(found.data(), first.data(), found.size() * sizeof(float)), 0)
          << kernel.name << c.to_string();
    });
  }
}

// A channel gives the same bits alone, in a full block and in the last block.
TEST(Depthwise, BitsDoNotDependOnTheNeighbours) {
  for (int kernel_w : {3, 4, 5}) {
    const Case wide{6, 19, 21, 3, kernel_w, 1, 1, 1, 1, 1, 1, 1, 1};
    const Data data = Data::random(wide, 5);
    for_each_kernel(wide, [&](const DepthwiseF32Kernel& kernel) {
      const std::vector<float> all = run(kernel, wide, data, 0);
      for (int channel : {0, 7, 8, 13, 15, 16, 20}) {
        Case one = wide;
        one.channels = 1;
        Data part;
        for (std::size_t i = static_cast<std::size_t>(channel); i < data.src.size(); i += 21)
          part.src.push_back(data.src[i]);
        const std::size_t taps = static_cast<std::size_t>(3 * kernel_w),
                          start = static_cast<std::size_t>(channel) * taps;
        for (std::size_t i = 0; i < taps; ++i) part.weights.push_back(data.weights[start + i]);
        part.bias = {data.bias[static_cast<std::size_t>(channel)]};
        const std::vector<float> alone = run(kernel, one, part, 3);
        for (std::size_t i = 0; i < alone.size(); ++i)
          ASSERT_EQ(alone[i], all[i * 21 + static_cast<std::size_t>(channel)]) << kernel.name << " channel " << channel;
      }
    });
  }
}

TEST(Depthwise, TapsInThePaddingAreLeftOut) {
  // An infinite weight that only meets padding must not make 0 * infinity.
  const Case c{1, 9, 10, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  Data data = Data::random(c, 9);
  for (int channel = 0; channel < c.channels; ++channel)
    for (int kx = 0; kx < 3; ++kx)
      data.weights[static_cast<std::size_t>(channel * 9 + kx)] =
          data.weights[static_cast<std::size_t>(channel * 9 + 6 + kx)] = kInfinity;
  for_each_kernel(c, [&](const DepthwiseF32Kernel& kernel) {
    for (float y : run(kernel, c, data, 0)) ASSERT_TRUE(std::isfinite(y)) << kernel.name;
  });
}

TEST(Depthwise, NanPassesTheClamp) {
  const Case c{3, 12, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 0.0f, 6.0f};
  Data data = Data::random(c, 10);
  data.src[static_cast<std::size_t>((1 * 12 + 5) * 9 + 8)] = std::numeric_limits<float>::quiet_NaN();
  for_each_kernel(c, [&](const DepthwiseF32Kernel& kernel) {
    const std::vector<float> found = run(kernel, c, data, 0);
    for (int y = 0; y < 3; ++y)
      for (int x = 0; x < 12; ++x)
        for (int channel = 0; channel < 9; ++channel)
          ASSERT_EQ(std::isnan(found[static_cast<std::size_t>((y * 12 + x) * 9 + channel)]),
                    channel == 8 && x >= 4 && x <= 6)
              << kernel.name << " " << y << "," << x << "," << channel;
  });
}

TEST(Depthwise, SelectsByShapeAndIsa) {
  const DepthwiseF32 fast = describe({9, 9, 8, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1}, nullptr);
  const DepthwiseF32 dilated = describe({9, 9, 8, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2}, nullptr);
  EXPECT_STREQ(select_depthwise_f32(fast, kIsaNone).name, "dwconv_f32_any__reference");
#if defined(__x86_64__)
  EXPECT_STREQ(select_depthwise_f32(fast, kIsaAvx2).name, "dwconv_f32_kw3s2__avx2");
  EXPECT_STREQ(select_depthwise_f32(dilated, kIsaAvx2).name, "dwconv_f32_any__avx2");
#elif defined(__aarch64__)
  EXPECT_STREQ(select_depthwise_f32(fast, kIsaNeon | kIsaNeonDot).name, "dwconv_f32_kw3s2__neon");
  EXPECT_STREQ(select_depthwise_f32(dilated, kIsaNeon).name, "dwconv_f32_any__neon");
#endif
  EXPECT_STREQ(select_depthwise_f32(dilated, kIsaNone).name, "dwconv_f32_any__reference");
}

}  // namespace
}  // namespace dotori::kernels
