// SPDX-License-Identifier: Apache-2.0
#include "kernels/upsample/upsample_s8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

constexpr int kChannels[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 21, 24, 33, 48};
constexpr int kInW = 6;

std::size_t elems(int width, int channels) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
}

// Full range, or both ends alone.
std::vector<std::int8_t> bytes(std::size_t n, Random& random, bool ends) {
  std::vector<std::int8_t> v(n);
  for (std::int8_t& x : v)
    x = static_cast<std::int8_t>(!ends ? random.integer(-128, 127) : random.integer(0, 1) == 0 ? -128 : 127);
  return v;
}

TEST(ResizeS8, EveryNearestKernelCopiesTheColumns) {
  const std::vector<std::int32_t> columns = {0, 0, 5, 2, 2, 1, 3, 4, 5};
  const int out_w = static_cast<int>(columns.size());
  std::size_t count = 0;
  const ResizeNearestS8Kernel* kernels = resize_nearest_s8_kernels(&count);
  ASSERT_GE(count, 1u);
  for (int channels : kChannels) {
    Random random(static_cast<std::uint64_t>(channels));
    const GuardedBuffer<std::int8_t> src(static_cast<std::size_t>(channels % 4),
                                         bytes(elems(kInW, channels), random, false));
    for (std::size_t k = 0; k < count; ++k) {
      if (!isa_covers(machine_isa(), kernels[k].isa)) continue;
      GuardedBuffer<std::int8_t> dst(elems(out_w, channels), 1);
      kernels[k].run(columns.data(), out_w, channels, src.data(), dst.data());
      EXPECT_TRUE(dst.guards_intact()) << kernels[k].name;
      for (std::size_t i = 0; i < dst.size(); ++i) {
        const std::size_t x = i / static_cast<std::size_t>(channels), c = i % static_cast<std::size_t>(channels);
        ASSERT_EQ(dst[i], src.data()[elems(columns[x], channels) + c])
            << kernels[k].name << " " << channels << " channels";
      }
    }
  }
}

constexpr ResizeTap kTaps[] = {{0, 0, 0},       {0, 1, 0.25f}, {0, 1, 0.75f}, {4, 5, 0.5f},
                               {2, 3, 0.9999f}, {5, 5, 0},     {3, 4, 1e-6f}};
constexpr int kTapCount = sizeof kTaps / sizeof kTaps[0];

std::int8_t expected_at(const ResizeBilinearS8& resize, const std::vector<std::int8_t>& top,
                        const std::vector<std::int8_t>& bottom, float fy, std::size_t i) {
  const ResizeTap& tap = kTaps[i / static_cast<std::size_t>(resize.channels)];
  const std::size_t c = i % static_cast<std::size_t>(resize.channels);
  const std::size_t a = elems(tap.first, resize.channels) + c, b = elems(tap.second, resize.channels) + c;
  const auto between = [&tap](int first, int second, int zero_point) {
    const float product = static_cast<float>(second - first) * tap.fraction;
    return static_cast<float>(first - zero_point) + product;
  };
  const float upper = between(top[a], top[b], resize.in_zero_point);
  const float lower = between(bottom[a], bottom[b], resize.in_zero_point);
  const float difference = lower - upper;
  const float product = difference * fy;
  const float v = (upper + product) * resize.scale;
  const double low = resize.output.low - resize.output.zero_point;
  const double high = resize.output.high - resize.output.zero_point;
  const double clamped = std::min(std::max(static_cast<double>(v), low), high);
  return static_cast<std::int8_t>(static_cast<int>(std::nearbyint(clamped)) + resize.output.zero_point);
}

TEST(ResizeS8, EveryBilinearKernelComputesTheDefinition) {
  std::size_t count = 0;
  const ResizeBilinearS8Kernel* kernels = resize_bilinear_s8_kernels(&count);
  std::uint64_t seed = 1;
  for (int channels : kChannels) {
    for (float fy : {0.0f, 0.3f, 0.5f, 0.875f}) {
      for (float scale : {1.0f, 0.731f, 1e-30f, 1e30f}) {
        Random random(++seed);
        const std::vector<std::int8_t> top = bytes(elems(kInW, channels), random, seed % 3 == 0);
        const std::vector<std::int8_t> bottom = bytes(elems(kInW, channels), random, seed % 3 == 0);
        ResizeBilinearS8 resize{kTaps, kTapCount, channels, random.integer(-128, 127), scale, {}};
        resize.output = {1.0f, random.integer(-128, 127), -128, 127};
        if (seed % 2 == 0) resize.output.low = random.integer(-128, 0);
        if (seed % 5 == 0) resize.output.high = random.integer(0, 127);
        std::vector<std::int8_t> want;
        for (std::size_t i = 0; i < elems(kTapCount, channels); ++i)
          want.push_back(expected_at(resize, top, bottom, fy, i));
        for (std::size_t k = 0; k < count; ++k) {
          if (!isa_covers(machine_isa(), kernels[k].isa) || channels < kernels[k].least_channels) continue;
          const GuardedBuffer<std::int8_t> upper(k + 1, top), lower(k + 2, bottom);
          GuardedBuffer<std::int8_t> dst(elems(kTapCount, channels), k + 3);
          kernels[k].run(resize, upper.data(), lower.data(), fy, dst.data());
          EXPECT_TRUE(dst.guards_intact()) << kernels[k].name << " " << channels << " channels";
          ASSERT_EQ(dst.values(), want) << kernels[k].name << " " << channels << " channels, seed " << seed;
        }
      }
    }
  }
}

TEST(ResizeS8, SelectsByChannelsAndIsa) {
  EXPECT_STREQ(select_resize_nearest_s8(kIsaNone).name, "resize_s8_nearest__reference");
  EXPECT_STREQ(select_resize_bilinear_s8(64, kIsaNone).name, "resize_s8_bilinear__reference");
  EXPECT_STREQ(select_resize_bilinear_s8(7).name, "resize_s8_bilinear__reference");
#if defined(__x86_64__)
  EXPECT_STREQ(select_resize_bilinear_s8(8, kIsaAvx2).name, "resize_s8_bilinear__avx2");
#elif defined(__aarch64__)
  EXPECT_STREQ(select_resize_bilinear_s8(8, kIsaNeon).name, "resize_s8_bilinear__neon");
#endif
}

}  // namespace
}  // namespace dotori::kernels
