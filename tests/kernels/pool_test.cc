// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/pool.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

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

PoolF32 describe(const Case& c) {
  return {c.in_h,       c.in_w,       c.channels, c.out_w,      c.kernel_h, c.kernel_w,  c.stride_h,         c.stride_w,
          c.dilation_h, c.dilation_w, c.pad_top,  c.pad_bottom, c.pad_left, c.pad_right, c.count_include_pad};
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (int channels : {1, 5, 8, 9, 16, 33, 43}) {
    all.push_back({6, 8, channels, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 3, 4});
    all.push_back({7, 9, channels, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 4, 5});
    all.push_back({7, 5, channels, 3, 2, 1, 2, 1, 1, 1, 0, 0, 1, 6, 3, true});
    all.push_back({6, 6, channels, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2, 6, 6});
  }
  all.push_back({5, 13, 9, 13, 13, 1, 1, 1, 1, 6, 6, 6, 6, 5, 13});  // wider than the image
  all.push_back({7, 7, 40, 7, 7, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1});     // global
  all.push_back({6, 6, 8, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0, 3, 3});      // ceil_mode: the last windows hang over
  all.push_back({6, 6, 8, 3, 3, 2, 2, 1, 1, 1, 0, 1, 0, 4, 4, true});
  all.push_back({5, 6, 11, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3, 3, true});
  all.push_back({9, 10, 12, 3, 3, 1, 2, 2, 3, 2, 2, 3, 3, 9, 5});  // dilated
  all.push_back({9, 10, 12, 3, 3, 1, 2, 2, 3, 2, 2, 3, 3, 9, 5, true});
  all.push_back({2, 2, 8, 2, 2, 1, 1, 3, 3, 2, 1, 2, 1, 2, 2});  // dilated windows that miss the image
  all.push_back({1, 1, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  return all;
}

std::vector<float> run(const PoolF32Kernel& kernel, const Case& c, const std::vector<float>& values,
                       std::size_t offset) {
  GuardedBuffer<float> src(offset, values);
  GuardedBuffer<float> dst(c.out_elems(), offset);
  const PoolF32 pool = describe(c);
  GuardedBuffer<float> scratch(pool_f32_scratch_elems(kernel, pool));
  const std::size_t row = static_cast<std::size_t>(c.out_w * c.channels);
  for (int y = 0; y < c.out_h; ++y)
    kernel.run(pool, src.data(), dst.data() + static_cast<std::size_t>(y) * row, y, scratch.data());
  EXPECT_TRUE(dst.guards_intact()) << kernel.name << " " << c.to_string();
  EXPECT_TRUE(scratch.guards_intact()) << kernel.name << " " << c.to_string();
  return dst.values();
}

template <class Visit>
void for_each_kernel(PoolKind kind, const Case& c, const Visit& visit) {
  std::size_t count = 0;
  const PoolF32Kernel* kernels = pool_f32_kernels(&count);
  for (std::size_t i = 0; i < count; ++i) {
    const PoolF32Kernel& kernel = kernels[i];
    if (kernel.kind == kind && isa_covers(machine_isa(), kernel.isa) && c.channels >= kernel.least_channels)
      visit(kernel);
  }
}

// The values of a window inside the image, and how many positions the average divides by.
struct Window {
  std::vector<double> values;
  int padded = 0;
};
Window window_at(const Case& c, const std::vector<float>& src, int y, int x, int channel) {
  Window w;
  for (int ky = 0; ky < c.kernel_h; ++ky) {
    for (int kx = 0; kx < c.kernel_w; ++kx) {
      const int iy = y * c.stride_h - c.pad_top + ky * c.dilation_h,
                ix = x * c.stride_w - c.pad_left + kx * c.dilation_w;
      if (iy < -c.pad_top || iy >= c.in_h + c.pad_bottom || ix < -c.pad_left || ix >= c.in_w + c.pad_right) continue;
      ++w.padded;
      if (iy < 0 || iy >= c.in_h || ix < 0 || ix >= c.in_w) continue;
      w.values.push_back(static_cast<double>(src[static_cast<std::size_t>((iy * c.in_w + ix) * c.channels + channel)]));
    }
  }
  return w;
}

TEST(Pool, EveryMaxKernelComputesTheDefinition) {
  std::uint64_t seed = 1;
  for (const Case& c : cases()) {
    Random random(seed++);
    const std::vector<float> src = random.floats(c.in_elems(), -5, -1);  // below zero: padding must not win
    for_each_kernel(PoolKind::kMax, c, [&](const PoolF32Kernel& kernel) {
      const std::vector<float> found = run(kernel, c, src, seed % 4);
      std::size_t i = 0;
      for (int y = 0; y < c.out_h; ++y) {
        for (int x = 0; x < c.out_w; ++x) {
          for (int channel = 0; channel < c.channels; ++channel, ++i) {
            double best = -std::numeric_limits<double>::infinity();
            for (double v : window_at(c, src, y, x, channel).values) best = std::fmax(best, v);
            ASSERT_EQ(static_cast<double>(found[i]), best)
                << kernel.name << " " << c.to_string() << " at " << y << "," << x << "," << channel;
          }
        }
      }
    });
  }
}

TEST(Pool, EveryAverageKernelComputesTheDefinition) {
  std::uint64_t seed = 100;
  for (const Case& c : cases()) {
    Random random(seed++);
    const std::vector<float> src = random.floats(c.in_elems());
    for_each_kernel(PoolKind::kAverage, c, [&](const PoolF32Kernel& kernel) {
      const std::vector<float> found = run(kernel, c, src, seed % 4);
      std::size_t i = 0;
      for (int y = 0; y < c.out_h; ++y) {
        for (int x = 0; x < c.out_w; ++x) {
          for (int channel = 0; channel < c.channels; ++channel, ++i) {
            const Window w = window_at(c, src, y, x, channel);
            double sum = 0;
            for (double v : w.values) sum += v;
            const int divisor = c.count_include_pad ? w.padded : static_cast<int>(w.values.size());
            ASSERT_NEAR(static_cast<double>(found[i]), divisor == 0 ? 0 : sum / divisor, 1e-6)
                << kernel.name << " " << c.to_string() << " at " << y << "," << x << "," << channel;
          }
        }
      }
    });
  }
}

TEST(Pool, AllKernelsGiveTheReferencesBits) {
  for (const Case& c : cases()) {
    Random random(42);
    const std::vector<float> src = random.floats(c.in_elems(), 0.5f, 2);
    for (PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
      const std::vector<float> expected = run(select_pool_f32(kind, describe(c), kIsaNone), c, src, 0);
      for_each_kernel(kind, c,
                      [&](const PoolF32Kernel& kernel) { ASSERT_EQ(run(kernel, c, src, 1), expected) << kernel.name; });
    }
  }
}

// Wherever in the window it lies.
TEST(Pool, NanInTheWindowGivesNan) {
  const Case c{6, 6, 11, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2, 6, 6};
  for (int at : {0, 14, 35}) {
    for (int channel : {0, 7, 10}) {
      Random random(3);
      std::vector<float> src = random.floats(c.in_elems());
      src[static_cast<std::size_t>(at * 11 + channel)] = kNan;
      for (PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
        for_each_kernel(kind, c, [&](const PoolF32Kernel& kernel) {
          const std::vector<float> found = run(kernel, c, src, 0);
          for (int y = 0; y < 6; ++y) {
            for (int x = 0; x < 6; ++x) {
              for (int other = 0; other < 11; ++other) {
                const bool reached = other == channel && std::abs(at / 6 - y) <= 2 && std::abs(at % 6 - x) <= 2;
                ASSERT_EQ(std::isnan(found[static_cast<std::size_t>((y * 6 + x) * 11 + other)]), reached)
                    << kernel.name << " " << y << "," << x << "," << other;
              }
            }
          }
        });
      }
    }
  }
}

TEST(Pool, SelectsByWindowChannelsAndIsa) {
  const PoolF32 small = describe({8, 8, 16, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 4, 4});
  const PoolF32 large = describe({8, 8, 16, 9, 9, 1, 1, 1, 1, 4, 4, 4, 4, 8, 8});
  const PoolF32 narrow = describe({8, 8, 4, 9, 9, 1, 1, 1, 1, 4, 4, 4, 4, 8, 8});
  EXPECT_STREQ(select_pool_f32(PoolKind::kMax, large, kIsaNone).name, "maxpool_f32_any__reference");
  EXPECT_STREQ(select_pool_f32(PoolKind::kAverage, large, kIsaNone).name, "avgpool_f32_any__reference");
  Isa isa = kIsaNone;
  std::string suffix;
#if defined(__x86_64__)
  isa = kIsaAvx2;
  suffix = "__avx2";
#elif defined(__aarch64__)
  isa = kIsaNeon;
  suffix = "__neon";
#endif
  if (isa == kIsaNone) return;
  EXPECT_EQ(select_pool_f32(PoolKind::kMax, small, isa).name, "maxpool_f32_any" + suffix);
  EXPECT_EQ(select_pool_f32(PoolKind::kMax, large, isa).name, "maxpool_f32_separable" + suffix);
  EXPECT_EQ(select_pool_f32(PoolKind::kAverage, large, isa).name, "avgpool_f32_any" + suffix);
  EXPECT_STREQ(select_pool_f32(PoolKind::kMax, narrow, isa).name, "maxpool_f32_any__reference");
}

}  // namespace
}  // namespace dotori::kernels
