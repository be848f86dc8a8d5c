// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/pool_s8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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
  int out_h, out_w;  // given, because ceil_mode may add a window
  bool count_include_pad = false;

  std::size_t in_elems() const { return static_cast<std::size_t>(in_h * in_w * channels); }
  std::size_t out_elems() const { return static_cast<std::size_t>(out_h * out_w * channels); }
  std::string to_string() const {
    return "in " + std::to_string(in_h) + "x" + std::to_string(in_w) + "x" + std::to_string(channels) + " kernel " +
           std::to_string(kernel_h) + "x" + std::to_string(kernel_w) + " stride " + std::to_string(stride_h) + "," +
           std::to_string(stride_w) + (count_include_pad ? " padding counts" : "");
  }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (int channels : {1, 5, 8, 9, 15, 16, 17, 33, 43, 71}) {
    all.push_back({6, 8, channels, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 3, 4});
    all.push_back({7, 9, channels, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 4, 5});
    all.push_back({7, 5, channels, 3, 2, 1, 2, 1, 1, 1, 0, 0, 1, 6, 3, true});
    all.push_back({6, 6, channels, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2, 6, 6});
  }
  all.push_back({5, 13, 9, 13, 13, 1, 1, 1, 1, 6, 6, 6, 6, 5, 13});   // wider than the image
  all.push_back({7, 7, 40, 7, 7, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1});      // global
  all.push_back({23, 29, 18, 23, 29, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1});  // more taps than an int16 sum holds
  all.push_back({2, 300, 9, 2, 300, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1});   // alike, in one row
  all.push_back({16, 16, 16, 16, 16, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1});  // just as many
  all.push_back({6, 6, 8, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0, 3, 3});       // ceil_mode: the last windows hang over
  all.push_back({6, 6, 8, 3, 3, 2, 2, 1, 1, 1, 0, 1, 0, 4, 4, true});
  all.push_back({5, 6, 11, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3, 3, true});
  all.push_back({9, 10, 12, 3, 3, 1, 2, 2, 3, 2, 2, 3, 3, 9, 5});  // dilated
  all.push_back({9, 10, 12, 3, 3, 1, 2, 2, 3, 2, 2, 3, 3, 9, 5, true});
  all.push_back({2, 2, 8, 2, 2, 1, 1, 3, 3, 2, 1, 2, 1, 2, 2});  // dilated windows that miss the image
  all.push_back({1, 1, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  return all;
}

PoolS8 describe(const Case& c, std::uint64_t seed) {
  PoolS8 pool{};
  pool.in_h = c.in_h;
  pool.in_w = c.in_w;
  pool.channels = c.channels;
  pool.out_w = c.out_w;
  pool.kernel_h = c.kernel_h;
  pool.kernel_w = c.kernel_w;
  pool.stride_h = c.stride_h;
  pool.stride_w = c.stride_w;
  pool.dilation_h = c.dilation_h;
  pool.dilation_w = c.dilation_w;
  pool.pad_top = c.pad_top;
  pool.pad_bottom = c.pad_bottom;
  pool.pad_left = c.pad_left;
  pool.pad_right = c.pad_right;
  pool.count_include_pad = c.count_include_pad;
  Random random(seed);
  pool.in_zero_point = random.integer(-128, 127);
  const float scales[] = {1.0f, 0.37f, 2.5f, 1e-20f, 1e20f};
  pool.in_scale = static_cast<double>(scales[seed % 5]);
  pool.out_scale = static_cast<double>(scales[seed % 3]);
  pool.output = {1.0f, random.integer(-128, 127), -128, 127};
  if (seed % 2 == 0) pool.output.low = std::max(-100, pool.output.zero_point);
  if (seed % 3 == 0) pool.output.high = random.integer(pool.output.low, 127);
  if (seed % 4 == 0) pool.output.slope = 0.125f;
  return pool;
}

// Full range; -128 nearly everywhere; 127 everywhere.
std::vector<std::int8_t> bytes(std::size_t n, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::int8_t> v(n);
  for (std::int8_t& x : v) {
    const bool any = seed % 4 < 2 || (seed % 4 == 2 && random.integer(0, 9) == 0);
    x = static_cast<std::int8_t>(any ? random.integer(-128, 127) : seed % 4 == 2 ? -128 : 127);
  }
  return v;
}

std::vector<std::int8_t> run(const PoolS8Kernel& kernel, const PoolS8& pool, const Case& c,
                             const std::vector<std::int8_t>& values, std::size_t offset) {
  GuardedBuffer<std::int8_t> src(offset, values);
  GuardedBuffer<std::int8_t> dst(c.out_elems(), offset + 1);
  GuardedBuffer<std::int8_t> scratch(pool_s8_scratch_bytes(kernel, pool));
  const std::size_t row = static_cast<std::size_t>(c.out_w * c.channels);
  for (int y = 0; y < c.out_h; ++y)
    kernel.run(pool, src.data(), dst.data() + static_cast<std::size_t>(y) * row, y, scratch.data());
  EXPECT_TRUE(dst.guards_intact()) << kernel.name << " " << c.to_string();
  EXPECT_TRUE(scratch.guards_intact()) << kernel.name << " " << c.to_string();
  return dst.values();
}

std::int8_t expected_at(PoolKind kind, const PoolS8& pool, const Case& c, const std::vector<std::int8_t>& src, int y,
                        int x, int channel) {
  int greatest = -128, padded = 0, inside = 0;
  std::int64_t sum = 0;
  for (int ky = 0; ky < c.kernel_h; ++ky) {
    for (int kx = 0; kx < c.kernel_w; ++kx) {
      const int iy = y * c.stride_h - c.pad_top + ky * c.dilation_h;
      const int ix = x * c.stride_w - c.pad_left + kx * c.dilation_w;
      if (iy < -c.pad_top || iy >= c.in_h + c.pad_bottom || ix < -c.pad_left || ix >= c.in_w + c.pad_right) continue;
      ++padded;
      if (iy < 0 || iy >= c.in_h || ix < 0 || ix >= c.in_w) continue;
      ++inside;
      const int value = src[static_cast<std::size_t>((iy * c.in_w + ix) * c.channels + channel)];
      greatest = std::max(greatest, value);
      sum += value - pool.in_zero_point;
    }
  }
  if (kind == PoolKind::kMax) return static_cast<std::int8_t>(greatest);
  const int count = std::max(1, c.count_include_pad ? padded : inside);
  float v = static_cast<float>(sum) * static_cast<float>(pool.in_scale / (pool.out_scale * count));
  v = std::max(v, v * pool.output.slope);
  const double low = pool.output.low - pool.output.zero_point, high = pool.output.high - pool.output.zero_point;
  const double clamped = std::min(std::max(static_cast<double>(v), low), high);
  return static_cast<std::int8_t>(static_cast<int>(std::nearbyint(clamped)) + pool.output.zero_point);
}

void check(PoolKind kind) {
  std::size_t count = 0;
  const PoolS8Kernel* kernels = pool_s8_kernels(&count);
  std::uint64_t seed = 1;
  for (const Case& c : cases()) {
    for (int round = 0; round < 4; ++round) {
      ++seed;
      const PoolS8 pool = describe(c, seed);
      const std::vector<std::int8_t> src = bytes(c.in_elems(), seed / 3);
      std::vector<std::int8_t> want;
      for (int y = 0; y < c.out_h; ++y)
        for (int x = 0; x < c.out_w; ++x)
          for (int channel = 0; channel < c.channels; ++channel)
            want.push_back(expected_at(kind, pool, c, src, y, x, channel));
      for (std::size_t k = 0; k < count; ++k) {
        const PoolS8Kernel& kernel = kernels[k];
        if (kernel.kind != kind || !isa_covers(machine_isa(), kernel.isa) || c.channels < kernel.least_channels)
          continue;
        ASSERT_EQ(run(kernel, pool, c, src, seed % 5), want) << kernel.name << " " << c.to_string() << " seed " << seed;
      }
    }
  }
}

TEST(PoolS8, EveryMaxKernelComputesTheDefinition) {
  check(PoolKind::kMax);
}

TEST(PoolS8, EveryAverageKernelComputesTheDefinition) {
  check(PoolKind::kAverage);
}

TEST(PoolS8, SelectsByShapeAndIsa) {
  const PoolS8 big = describe({13, 13, 64, 13, 13, 1, 1, 1, 1, 6, 6, 6, 6, 13, 13}, 1);
  PoolS8 narrow = big;
  narrow.channels = 7;
  EXPECT_STREQ(select_pool_s8(PoolKind::kMax, big, kIsaNone).name, "maxpool_s8_any__reference");
  EXPECT_STREQ(select_pool_s8(PoolKind::kAverage, big, kIsaNone).name, "avgpool_s8_any__reference");
  EXPECT_STREQ(select_pool_s8(PoolKind::kMax, narrow).name, "maxpool_s8_any__reference");
#if defined(__x86_64__)
  EXPECT_STREQ(select_pool_s8(PoolKind::kMax, big, kIsaAvx2).name, "maxpool_s8_separable__avx2");
  EXPECT_STREQ(select_pool_s8(PoolKind::kAverage, big, kIsaAvx2).name, "avgpool_s8_any__avx2");
#elif defined(__aarch64__)
  EXPECT_STREQ(select_pool_s8(PoolKind::kMax, big, kIsaNeon).name, "maxpool_s8_separable__neon");
  EXPECT_STREQ(select_pool_s8(PoolKind::kAverage, big, kIsaNeon).name, "avgpool_s8_any__neon");
#endif
}

}  // namespace
}  // namespace dotori::kernels
