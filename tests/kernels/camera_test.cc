// SPDX-License-Identifier: Apache-2.0
#include "kernels/camera/camera.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

constexpr std::size_t kWidths[] = {1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 64, 71};

// `count` weights of sum 2^14.
std::vector<std::int16_t> weights_of(Random& random, int count) {
  std::vector<std::int16_t> w(static_cast<std::size_t>(count));
  int left = 1 << kCameraWeightBits;
  for (int i = 0; i < count; ++i) {
    const int part = i + 1 == count ? left : random.integer(0, left);
    w[static_cast<std::size_t>(random.integer(0, count - 1))] += static_cast<std::int16_t>(part);
    left -= part;
  }
  return w;
}

const CameraKernels& reference() {
  return select_camera(kIsaNone);
}

template <class Test>
void for_each_kernel(const Test& test) {
  std::size_t count = 0;
  const CameraKernels* all = camera_kernels(&count);
  ASSERT_GE(count, 1u);
  for (std::size_t k = 0; k < count; ++k)
    if (isa_covers(machine_isa(), all[k].isa)) test(all[k]);
}

TEST(Camera, ColumnSumsAreTheDefinition) {
  Random random(1);
  for (std::size_t n : kWidths)
    for (int count : {1, 2, 3, 6, 17}) {
      const std::size_t stride = n + 5, bytes = stride * static_cast<std::size_t>(count - 1) + n;
      std::vector<std::uint8_t> values(bytes);
      for (std::uint8_t& v : values) v = static_cast<std::uint8_t>(random.integer(0, 3) == 0 ? 255 : random.bits());
      const GuardedBuffer<std::uint8_t> src(n % 3, values);
      const std::vector<std::int16_t> w = weights_of(random, count);
      for_each_kernel([&](const CameraKernels& kernels) {
        GuardedBuffer<std::int16_t> dst(n, 1);
        kernels.columns(src.data(), static_cast<std::ptrdiff_t>(stride), w.data(), count, dst.data(), n);
        ASSERT_TRUE(dst.guards_intact()) << kernels.name << " " << n;
        for (std::size_t i = 0; i < n; ++i) {
          double sum = 0;
          for (int t = 0; t < count; ++t)
            sum += double{1} * w[static_cast<std::size_t>(t)] * values[static_cast<std::size_t>(t) * stride + i];
          ASSERT_EQ(dst[i], std::floor(sum / 128 + 0.5)) << kernels.name << " column " << i << " of " << n;
        }
      });
    }
}

TEST(Camera, RowSumsAreTheDefinition) {
  Random random(2);
  for (std::size_t n : kWidths)
    for (int blocks : {1, 2, 5}) {
      const std::size_t taps = static_cast<std::size_t>(blocks) * kCameraTapBlock, width = taps + 40;
      std::vector<std::int16_t> values(width);
      for (std::int16_t& v : values)
        v = static_cast<std::int16_t>(random.integer(0, 1) == 0 ? 32640 : random.integer(0, 32640));
      const GuardedBuffer<std::int16_t> src(n % 3, values);
      std::vector<std::int32_t> first;
      std::vector<std::int16_t> w;
      for (std::size_t x = 0; x < n; ++x) {
        first.push_back(random.integer(0, 40));
        const std::vector<std::int16_t> own = weights_of(random, static_cast<int>(taps));
        w.insert(w.end(), own.begin(), own.end());
      }
      for_each_kernel([&](const CameraKernels& kernels) {
        GuardedBuffer<std::int32_t> dst(n, 1);
        kernels.row(src.data(), first.data(), w.data(), blocks, dst.data(), n);
        ASSERT_TRUE(dst.guards_intact()) << kernels.name << " " << n;
        for (std::size_t x = 0; x < n; ++x) {
          std::int64_t sum = 0;
          for (std::size_t t = 0; t < taps; ++t)
            sum += std::int64_t{w[x * taps + t]} * values[static_cast<std::size_t>(first[x]) + t];
          ASSERT_EQ(dst[x], sum) << kernels.name << " result " << x << " of " << n;
        }
      });
    }
}

CameraColors colors(CameraOrder order) {
  CameraColors c = {
      1.0f / (1 << 21), 0, 1.402f, 0.344136f, 0.714136f, 1.772f, order, 1.25f, {}, {}, 0.02f, 3, -128, 127};
  const float mean[] = {123.675f, 116.28f, 103.53f}, scale[] = {0.01712475f, 0.017507f, 0.01742919f};
  for (int i = 0; i < 3; ++i) c.mean[i] = mean[i], c.scale[i] = scale[i];
  return c;
}

struct Sums {
  explicit Sums(std::size_t n, std::uint64_t seed) : y(n), u(n), v(n) {
    Random random(seed);
    for (std::vector<std::int32_t>* plane : {&y, &u, &v})
      for (std::int32_t& s : *plane) s = random.integer(0, 255 << 21);
  }
  std::vector<std::int32_t> y, u, v;
};

constexpr CameraOrder kOrders[] = {kCameraRgb, kCameraBgr, kCameraGray, kCameraGrayRepeated};

std::size_t channels_of(CameraOrder order) {
  return order == kCameraGray ? 1 : 3;
}

// In double, straight from the formulas.
double plain(const Sums& s, const CameraColors& how, std::size_t i, std::size_t c) {
  const double unit = 1.0 / (1 << 21), y = s.y[i] * static_cast<double>(how.y_scale) - static_cast<double>(how.y_bias);
  const double u = s.u[i] * unit - 128, v = s.v[i] * unit - 128;
  const auto clip = [](double x) { return std::fmin(255, std::fmax(0, x)); };
  const double r = clip(y + v * static_cast<double>(how.v_to_r)), b = clip(y + u * static_cast<double>(how.u_to_b));
  const double g = clip(y - u * static_cast<double>(how.u_to_g) - v * static_cast<double>(how.v_to_g));
  double x = 0.299 * r + 0.587 * g + 0.114 * b;
  if (how.order == kCameraRgb) x = c == 0 ? r : c == 1 ? g : b;
  if (how.order == kCameraBgr) x = c == 0 ? b : c == 1 ? g : r;
  return (x * static_cast<double>(how.gain) - static_cast<double>(how.mean[c])) * static_cast<double>(how.scale[c]);
}

TEST(Camera, PixelsHaveTheReferencesBitsAndFollowTheFormula) {
  for (std::size_t n : kWidths)
    for (CameraOrder order : kOrders) {
      const Sums s(n, n);
      const CameraColors how = colors(order);
      const std::size_t channels = channels_of(order);
      std::vector<float> expected(n * channels);
      reference().pixels_f32(s.y.data(), s.u.data(), s.v.data(), how, expected.data(), n);
      for (std::size_t i = 0; i < expected.size(); ++i)
        ASSERT_NEAR(static_cast<double>(expected[i]), plain(s, how, i / channels, i % channels), 1e-5) << i;
      for_each_kernel([&](const CameraKernels& kernels) {
        GuardedBuffer<float> dst(n * channels, 1);
        kernels.pixels_f32(s.y.data(), s.u.data(), s.v.data(), how, dst.data(), n);
        EXPECT_TRUE(dst.guards_intact()) << kernels.name << " " << n;
        EXPECT_EQ(dst.values(), expected) << kernels.name << " " << n << " order " << order;
      });
    }
}

TEST(Camera, BytesHaveTheReferencesBitsAndFollowTheFormula) {
  for (std::size_t n : kWidths)
    for (CameraOrder order : kOrders)
      for (bool is_signed : {true, false}) {
        const Sums s(n, n + 100);
        CameraColors how = colors(order);
        if (!is_signed) how.zero_point = 131, how.low = 0, how.high = 255;
        how.step = 0.015f;  // some results lie outside
        const std::size_t channels = channels_of(order);
        std::vector<std::uint8_t> expected(n * channels);
        reference().pixels_b8(s.y.data(), s.u.data(), s.v.data(), how, expected.data(), n);
        for (std::size_t i = 0; i < expected.size(); ++i) {
          const double real =
              plain(s, how, i / channels, i % channels) / static_cast<double>(how.step) + how.zero_point;
          const int found = is_signed ? static_cast<std::int8_t>(expected[i]) : expected[i];
          ASSERT_NEAR(found, std::fmin(how.high, std::fmax(how.low, real)), 0.501) << i;
        }
        for_each_kernel([&](const CameraKernels& kernels) {
          GuardedBuffer<std::uint8_t> dst(n * channels, 1);
          kernels.pixels_b8(s.y.data(), s.u.data(), s.v.data(), how, dst.data(), n);
          EXPECT_TRUE(dst.guards_intact()) << kernels.name << " " << n;
          EXPECT_EQ(dst.values(), expected) << kernels.name << " " << n << " order " << order;
        });
      }
}

TEST(Camera, LargestIsTheLargestNumberOfAnyPixel) {
  for (std::size_t n : kWidths)
    for (CameraOrder order : kOrders) {
      Sums s(n, n + 200);
      for (std::int32_t& y : s.y) y /= 4;  // below the clamp
      CameraColors how = colors(order);
      how.gain = 1;
      for (int c = 0; c < 3; ++c) how.mean[c] = 0, how.scale[c] = 1;
      std::vector<float> values(n * channels_of(order));
      reference().pixels_f32(s.y.data(), s.u.data(), s.v.data(), how, values.data(), n);
      float expected = 0;
      for (float v : values) expected = v > expected ? v : expected;
      for_each_kernel([&](const CameraKernels& kernels) {
        EXPECT_EQ(kernels.largest(s.y.data(), s.u.data(), s.v.data(), how, n), expected) << kernels.name << " " << n;
      });
    }
}

TEST(Camera, SelectsByIsa) {
  EXPECT_STREQ(select_camera(kIsaNone).name, "camera__reference");
#if defined(__x86_64__)
  EXPECT_STREQ(select_camera(kIsaAvx2).name, "camera__avx2");
#elif defined(__aarch64__)
  EXPECT_STREQ(select_camera(kIsaNeon).name, "camera__neon");
#endif
}

}  // namespace
}  // namespace dotori::kernels
