// SPDX-License-Identifier: Apache-2.0
#include "kernels/upsample/upsample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

constexpr int kChannels[] = {1, 2, 3, 7, 8, 9, 15, 16, 21, 24, 33};
constexpr int kInW = 6;

std::size_t elems(int width, int channels) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
}

TEST(Resize, EveryNearestKernelCopiesTheColumns) {
  const std::vector<std::int32_t> columns = {0, 0, 5, 2, 2, 1, 3, 4, 5};
  const int out_w = static_cast<int>(columns.size());
  std::size_t count = 0;
  const ResizeNearestF32Kernel* kernels = resize_nearest_f32_kernels(&count);
  ASSERT_GE(count, 1u);
  for (int channels : kChannels) {
    Random random(static_cast<std::uint64_t>(channels));
    const GuardedBuffer<float> src(static_cast<std::size_t>(channels % 4), random.floats(elems(kInW, channels)));
    for (std::size_t k = 0; k < count; ++k) {
      if (!isa_covers(machine_isa(), kernels[k].isa)) continue;
      GuardedBuffer<float> dst(elems(out_w, channels), 1);
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

std::vector<float> run_bilinear(const ResizeBilinearF32Kernel& kernel, int channels,
                                const std::vector<float>& top_values, const std::vector<float>& bottom_values,
                                float row_fraction, std::size_t offset) {
  const GuardedBuffer<float> top(offset, top_values), bottom(offset, bottom_values);
  GuardedBuffer<float> dst(elems(kTapCount, channels), offset);
  kernel.run(kTaps, kTapCount, channels, top.data(), bottom.data(), row_fraction, dst.data());
  EXPECT_TRUE(dst.guards_intact()) << kernel.name << " " << channels << " channels";
  return dst.values();
}

TEST(Resize, EveryBilinearKernelComputesTheDefinition) {
  std::size_t count = 0;
  const ResizeBilinearF32Kernel* kernels = resize_bilinear_f32_kernels(&count);
  for (int channels : kChannels) {
    for (float fy : {0.0f, 0.3f, 0.875f}) {
      Random random(static_cast<std::uint64_t>(channels) + 50);
      const std::vector<float> top = random.floats(elems(kInW, channels)),
                               bottom = random.floats(elems(kInW, channels));
      const std::vector<float> reference = run_bilinear(kernels[count - 1], channels, top, bottom, fy, 0);
      for (std::size_t k = 0; k < count; ++k) {
        if (!isa_covers(machine_isa(), kernels[k].isa) || channels < kernels[k].least_channels) continue;
        const std::vector<float> found = run_bilinear(kernels[k], channels, top, bottom, fy, k + 1);
        EXPECT_EQ(found, reference) << kernels[k].name << ": the same bits everywhere";
        for (std::size_t i = 0; i < found.size(); ++i) {
          const ResizeTap& tap = kTaps[i / static_cast<std::size_t>(channels)];
          const std::size_t c = i % static_cast<std::size_t>(channels);
          const std::size_t a = elems(tap.first, channels) + c, b = elems(tap.second, channels) + c;
          const double y = static_cast<double>(fy), x = static_cast<double>(tap.fraction);
          const double expected = (1 - y) * ((1 - x) * static_cast<double>(top[a]) + x * static_cast<double>(top[b])) +
                                  y * ((1 - x) * static_cast<double>(bottom[a]) + x * static_cast<double>(bottom[b]));
          ASSERT_NEAR(static_cast<double>(found[i]), expected, 1e-6)
              << kernels[k].name << " " << channels << " channels";
        }
      }
    }
  }
}

TEST(Resize, EqualNeighboursStayExactlyEqual) {
  std::size_t count = 0;
  const ResizeBilinearF32Kernel* kernels = resize_bilinear_f32_kernels(&count);
  const std::vector<float> row(elems(kInW, 11), 0.1f);
  for (std::size_t k = 0; k < count; ++k) {
    if (!isa_covers(machine_isa(), kernels[k].isa)) continue;
    for (float y : run_bilinear(kernels[k], 11, row, row, 0.7f, 0)) ASSERT_EQ(y, 0.1f) << kernels[k].name;
  }
}

TEST(Resize, SelectsByChannelsAndIsa) {
  EXPECT_STREQ(select_resize_nearest_f32(kIsaNone).name, "resize_f32_nearest__reference");
  EXPECT_STREQ(select_resize_bilinear_f32(64, kIsaNone).name, "resize_f32_bilinear__reference");
  EXPECT_STREQ(select_resize_bilinear_f32(2, kIsaAvx2 | kIsaNeon).name, "resize_f32_bilinear__reference");
#if defined(__x86_64__)
  EXPECT_STREQ(select_resize_bilinear_f32(64, kIsaAvx2).name, "resize_f32_bilinear__avx2");
#elif defined(__aarch64__)
  EXPECT_STREQ(select_resize_bilinear_f32(64, kIsaNeon).name, "resize_f32_bilinear__neon");
#endif
}

}  // namespace
}  // namespace dotori::kernels
