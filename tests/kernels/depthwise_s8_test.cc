// SPDX-License-Identifier: Apache-2.0
#include "kernels/depthwise/depthwise_s8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

struct Case {
  int in_h, in_w, channels;
  int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  int pad_top, pad_bottom, pad_left, pad_right;

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

enum class Values { kAny, kLeast, kGreatest, kExtreme };

std::int8_t value_of(Values values, Random& random, int least) {
  switch (values) {
    case Values::kLeast:
      return static_cast<std::int8_t>(random.integer(0, 7) == 0 ? random.integer(least, 127) : least);
    case Values::kGreatest: return 127;
    case Values::kExtreme: return static_cast<std::int8_t>(random.integer(0, 1) == 0 ? least : 127);
    default: return static_cast<std::int8_t>(random.integer(least, 127));
  }
}

struct Data {
  std::vector<std::int8_t> src, weights;
  std::vector<std::int32_t> bias;
  std::vector<float> scale;
  int in_zero_point = 0, weight_zero_point = 0;
  QuantizedOutput output{1.0f, 0, -128, 127};

  int max_weight() const {
    int greatest = 0;
    for (std::int8_t w : weights) greatest = std::max(greatest, std::abs(w - weight_zero_point));
    return greatest;
  }

  // Scales that bring most sums into the output's range; every fifth channel's are far too small or too large for it.
  static Data random(const Case& c, std::uint64_t seed, Values values = Values::kAny) {
    Random random(seed);
    Data d;
    const bool wide = seed % 3 == 2;
    d.in_zero_point = random.integer(-128, 127);
    d.weight_zero_point = wide ? random.integer(-128, 127) : 0;
    for (std::size_t i = 0; i < c.in_elems(); ++i) d.src.push_back(value_of(values, random, -128));
    for (std::size_t i = 0; i < c.weight_elems(); ++i)
      d.weights.push_back(value_of(values, random, wide ? -128 : -127));
    for (int i = 0; i < c.channels; ++i) {
      d.bias.push_back(random.integer(-40000, 40000));
      float scale = random.uniform(0.3f, 3.0f) / (60.0f * static_cast<float>(c.kernel_h * c.kernel_w));
      if (i % 5 == 3) scale = i % 2 == 0 ? 1e-20f : 1e20f;
      d.scale.push_back(scale);
    }
    d.output.zero_point = random.integer(-128, 127);
    if (seed % 2 == 0) d.output.low = std::max(-128, d.output.zero_point);
    if (seed % 4 == 1) d.output.high = random.integer(d.output.low, 127);
    if (seed % 5 == 0) d.output.slope = random.uniform(0, 1);
    return d;
  }
};

DepthwiseS8 describe(const Case& c, const void* packed, const QuantizedOutput& output) {
  DepthwiseS8 conv{};
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
  conv.output = output;
  return conv;
}

// The definition, with an exact sum and nearbyint() in place of the header's rounding.
std::vector<std::int8_t> expected(const Case& c, const Data& d) {
  std::vector<std::int8_t> out;
  for (int y = 0; y < c.out_h(); ++y) {
    for (int x = 0; x < c.out_w(); ++x) {
      for (int channel = 0; channel < c.channels; ++channel) {
        std::int64_t sum = d.bias[static_cast<std::size_t>(channel)];
        for (int ky = 0; ky < c.kernel_h; ++ky) {
          for (int kx = 0; kx < c.kernel_w; ++kx) {
            const int iy = y * c.stride_h - c.pad_top + ky * c.dilation_h;
            const int ix = x * c.stride_w - c.pad_left + kx * c.dilation_w;
            if (iy < 0 || iy >= c.in_h || ix < 0 || ix >= c.in_w) continue;
            const int value = d.src[static_cast<std::size_t>((iy * c.in_w + ix) * c.channels + channel)];
            const int weight = d.weights[static_cast<std::size_t>((channel * c.kernel_h + ky) * c.kernel_w + kx)];
            sum += std::int64_t{value - d.in_zero_point} * (weight - d.weight_zero_point);
          }
        }
        float v = static_cast<float>(sum) * d.scale[static_cast<std::size_t>(channel)];
        v = std::max(v, v * d.output.slope);
        const double low = d.output.low - d.output.zero_point, high = d.output.high - d.output.zero_point;
        const double clamped = std::min(std::max(static_cast<double>(v), low), high);
        out.push_back(static_cast<std::int8_t>(static_cast<int>(std::nearbyint(clamped)) + d.output.zero_point));
      }
    }
  }
  return out;
}

// All rows by one kernel, from memory `offset` bytes off a cache line.
std::vector<std::int8_t> run(const DepthwiseS8Kernel& kernel, const Case& c, const Data& d, std::size_t offset) {
  GuardedBuffer<std::int8_t> src(offset, d.src);
  GuardedBuffer<std::int8_t> dst(c.out_elems(), offset * 3);
  const std::size_t packed_bytes = depthwise_s8_packed_bytes(kernel.layout, c.channels, c.kernel_h, c.kernel_w);
  GuardedBuffer<unsigned char> packed(0, std::vector<unsigned char>(packed_bytes));
  pack_depthwise_s8({d.weights.data(), d.bias.data(), d.scale.data(), d.weight_zero_point, d.in_zero_point},
                    kernel.layout, c.channels, c.kernel_h, c.kernel_w, packed.data());
  const DepthwiseS8 conv = describe(c, packed.data(), d.output);
  const std::size_t row = static_cast<std::size_t>(c.out_w() * c.channels);
  for (int y = 0; y < c.out_h(); ++y) kernel.run(conv, src.data(), dst.data() + static_cast<std::size_t>(y) * row, y);
  EXPECT_TRUE(packed.guards_intact()) << kernel.name;
  EXPECT_TRUE(dst.guards_intact()) << kernel.name << " " << c.to_string();
  return dst.values();
}

template <class Visit>
void for_each_kernel(const Case& c, int max_weight, const Visit& visit) {
  std::size_t count = 0;
  const DepthwiseS8Kernel* kernels = depthwise_s8_kernels(&count);
  const DepthwiseS8 conv = describe(c, nullptr, {});
  for (std::size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), kernels[i].isa) && depthwise_s8_fits(kernels[i], conv, max_weight)) visit(kernels[i]);
}

void check(const Case& c, const Data& d, std::uint64_t seed) {
  const std::vector<std::int8_t> want = expected(c, d);
  for_each_kernel(c, d.max_weight(), [&](const DepthwiseS8Kernel& kernel) {
    const std::vector<std::int8_t> got = run(kernel, c, d, seed % 7);
    for (std::size_t i = 0; i < want.size(); ++i) {
      ASSERT_EQ(static_cast<int>(got[i]), static_cast<int>(want[i]))
          << kernel.name << " " << c.to_string() << " seed " << seed << " pixel "
          << i / static_cast<std::size_t>(c.channels) << " channel " << i % static_cast<std::size_t>(c.channels);
    }
  });
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (int kernel : {1, 2, 3, 5, 7}) {
    for (int stride : {1, 2, 3}) {
      const int pad = kernel / 2;
      for (int width : {1, 4, 7, 9, 21})
        if (width + 2 * pad >= kernel)
          all.push_back({5, width, 18, kernel, kernel, stride, stride, 1, 1, pad, pad, pad, pad});
    }
  }
  for (int channels : {1, 3, 7, 8, 9, 15, 16, 17, 24, 32, 40})
    for (int kernel : {3, 5})
      for (int stride : {1, 2}) all.push_back({6, 12, channels, kernel, kernel, stride, stride, 1, 1, 1, 1, 0, 1});
  for (int width = 7; width < 32; width += 4)  // two pixels of eight channels in a vector
    for (int kernel : {3, 5}) all.push_back({6, width, 8, kernel, kernel, 1, 1, 1, 1, 1, 2, 1, 2});
  all.push_back({7, 30, 16, 3, 5, 2, 1, 1, 1, 2, 0, 4, 1});  // asymmetric padding, tall strides
  all.push_back({9, 33, 20, 5, 3, 1, 2, 1, 1, 0, 3, 0, 2});
  all.push_back({9, 11, 10, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2});  // dilated
  all.push_back({9, 26, 16, 3, 3, 1, 1, 4, 3, 4, 4, 3, 3});
  all.push_back({8, 9, 19, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1});  // dilated rows, fast columns
  all.push_back({8, 9, 19, 5, 5, 1, 1, 3, 1, 6, 6, 2, 2});
  all.push_back({1, 1, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1});
  all.push_back({2, 2, 16, 5, 5, 1, 1, 1, 1, 4, 4, 4, 4});    // rows and columns in the padding alone
  all.push_back({2, 3, 17, 5, 5, 1, 1, 1, 1, 4, 4, 12, 12});  // many tiles at the edge
  for (int stride : {1, 2}) all.push_back({3, 150, 56, 3, 3, stride, stride, 1, 1, 1, 1, 1, 1});  // many inside
  all.push_back({3, 150, 56, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2});
  all.push_back({1, 20, 5, 1, 9, 1, 1, 1, 1, 0, 0, 4, 4});
  all.push_back({20, 1, 17, 9, 1, 1, 1, 1, 1, 4, 4, 0, 0});
  all.push_back({7, 7, 16, 6, 4, 1, 1, 1, 1, 2, 3, 2, 1});
  return all;
}

TEST(DepthwiseS8, EveryKernelComputesTheDefinition) {
  std::uint64_t seed = 1;
  for (const Case& c : cases()) {
    for (int round = 0; round < 2; ++round, ++seed) check(c, Data::random(c, seed), seed);
    if (HasFatalFailure()) return;
  }
}

TEST(DepthwiseS8, ExtremeValues) {
  std::uint64_t seed = 1;
  for (Values values : {Values::kLeast, Values::kGreatest, Values::kExtreme}) {
    for (int kernel : {3, 4, 5, 7}) {
      for (int channels : {16, 23}) {
        const Case c{6, 10, channels, kernel, kernel, 1, 1, 1, 1, 1, 1, 1, 1};
        for (int round = 0; round < 3; ++round, ++seed) check(c, Data::random(c, seed, values), seed);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// The sums reach both ends of int32, on the way and at the end.
TEST(DepthwiseS8, SumsUseAllOfInt32) {
  const Case c{3, 9, 17, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0};
  for (int sign : {-1, 1}) {
    Data d = Data::random(c, 4);
    d.in_zero_point = sign * 127;
    d.output = {1.0f, 3, -128, 127};
    for (std::int8_t& w : d.weights) w = static_cast<std::int8_t>(-sign * 127);
    for (std::int8_t& x : d.src) x = static_cast<std::int8_t>(-sign * 127);  // every product is 254 * 127
    for (std::int32_t& b : d.bias) b = 2147483647 - 9 * 254 * 127;
    for (float& s : d.scale) s = 5e-8f;
    check(c, d, 0);
    for (std::int8_t& w : d.weights) w = static_cast<std::int8_t>(sign * 127);
    for (std::int32_t& b : d.bias) b = -2147483647 + 9 * 254 * 127;
    check(c, d, 1);
  }
}

TEST(DepthwiseS8, NoBiasIsZeros) {
  const Case c{4, 6, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  Data d = Data::random(c, 9);
  for (std::int32_t& b : d.bias) b = 0;
  const std::size_t bytes = depthwise_s8_packed_bytes(DepthwiseS8Layout::kTap16, c.channels, 3, 3);
  std::vector<unsigned char> with(bytes), without(bytes);
  pack_depthwise_s8({d.weights.data(), d.bias.data(), d.scale.data(), 0, d.in_zero_point}, DepthwiseS8Layout::kTap16,
                    c.channels, 3, 3, with.data());
  pack_depthwise_s8({d.weights.data(), nullptr, d.scale.data(), 0, d.in_zero_point}, DepthwiseS8Layout::kTap16,
                    c.channels, 3, 3, without.data());
  EXPECT_EQ(with, without);
}

TEST(DepthwiseS8, SelectsByShapeWeightAndIsa) {
  const DepthwiseS8 fast = describe({9, 9, 16, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1}, nullptr, {});
  const DepthwiseS8 dilated = describe({9, 9, 16, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2}, nullptr, {});
  EXPECT_STREQ(select_depthwise_s8(fast, 127, kIsaNone).name, "dwconv_s8_any__reference");
  EXPECT_STREQ(select_depthwise_s8(dilated, 255, kIsaNone).name, "dwconv_s8_any__reference");
#if defined(__x86_64__)
  EXPECT_STREQ(select_depthwise_s8(fast, 127, kIsaAvx2).name, "dwconv_s8_3x3s2__avx2");
  EXPECT_STREQ(select_depthwise_s8(fast, 255, kIsaAvx2).name, "dwconv_s8_3x3s2__avx2");
  EXPECT_STREQ(select_depthwise_s8(dilated, 127, kIsaAvx2).name, "dwconv_s8_any__avx2");
#elif defined(__aarch64__)
  const DepthwiseS8 narrow = describe({9, 9, 7, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1}, nullptr, {});
  EXPECT_STREQ(select_depthwise_s8(fast, 127, kIsaNeon | kIsaNeonDot).name, "dwconv_s8_3x3s2__neon_dot");
  EXPECT_STREQ(select_depthwise_s8(fast, 128, kIsaNeon | kIsaNeonDot).name, "dwconv_s8_any16__neon");
  EXPECT_STREQ(select_depthwise_s8(narrow, 127, kIsaNeon | kIsaNeonDot).name, "dwconv_s8_3x3s2__neon");
  EXPECT_STREQ(select_depthwise_s8(fast, 127, kIsaNeon).name, "dwconv_s8_3x3s2__neon");
  EXPECT_STREQ(select_depthwise_s8(fast, 128, kIsaNeon).name, "dwconv_s8_any16__neon");
  EXPECT_STREQ(select_depthwise_s8(dilated, 127, kIsaNeon).name, "dwconv_s8_any__neon");
#endif
}

}  // namespace
}  // namespace dotori::kernels
