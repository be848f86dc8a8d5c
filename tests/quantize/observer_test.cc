// SPDX-License-Identifier: Apache-2.0
// Ranges from hand-made distributions.
#include "quantize/observer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "quantize/function.h"
#include "support/random.h"

namespace dotori::quantize {
namespace {

using graph::RangeMethod;
using testing::Random;

TensorView view_of(std::vector<float>& x, const Shape& shape) {
  TensorView view;
  view.shape = shape;
  view.data = x.data();
  view.size_bytes = x.size() * sizeof(float);
  return view;
}

struct Seen {
  Extremes extremes;
  Distribution distribution;
};

// All samples have one channel.
Seen see(std::vector<std::vector<float>> samples) {
  Seen seen;
  for (auto& x : samples) seen.extremes.add(view_of(x, {static_cast<std::int64_t>(x.size()), 1}));
  seen.distribution = Distribution(seen.extremes);
  for (auto& x : samples) seen.distribution.add(x);
  return seen;
}

// Near enough to a normal distribution: the sum of 12 uniform numbers.
std::vector<float> bell(std::size_t n, std::uint64_t seed, float scale = 1) {
  Random random(seed);
  std::vector<float> x(n);
  for (float& v : x) {
    float sum = 0;
    for (int i = 0; i < 12; ++i) sum += random.uniform(-0.5f, 0.5f);
    v = scale * sum;
  }
  return x;
}

double mean_squared_error(const std::vector<float>& x, const Encoding& e) {
  double sum = 0;
  for (float v : x) {
    const double q = quantize_one(static_cast<double>(v), static_cast<double>(e.scale), e.zero_point) - e.zero_point;
    sum += std::pow(static_cast<double>(v) - q * static_cast<double>(e.scale), 2);
  }
  return sum / static_cast<double>(x.size());
}

TEST(Encoding, HoldsZeroExactlyAndBothEnds) {
  const Encoding relu = encode_range(0.5, 6, RangeMethod::kMinMax);
  EXPECT_EQ(relu.zero_point, -128);
  EXPECT_FLOAT_EQ(relu.scale, 6.0f / 255);
  const Encoding negative = encode_range(-2.55, -1, RangeMethod::kMinMax);
  EXPECT_EQ(negative.zero_point, 127);
  const Encoding both = encode_range(-1, 3, RangeMethod::kMinMax);
  EXPECT_EQ(quantize_one(-1, static_cast<double>(both.scale), both.zero_point), -128);
  EXPECT_EQ(quantize_one(3, static_cast<double>(both.scale), both.zero_point), 127);
  const Encoding nothing = encode_range(0, 0, RangeMethod::kMinMax);
  EXPECT_EQ(nothing.scale, 1);
  EXPECT_EQ(nothing.zero_point, 0);
}

TEST(Encoding, RoundsTiesToEvenAndClamps) {
  EXPECT_EQ(quantize_one(0.5, 1, 0), 0);
  EXPECT_EQ(quantize_one(1.5, 1, 0), 2);
  EXPECT_EQ(quantize_one(-1e30, 1, 5), -128);
  EXPECT_EQ(quantize_one(-1e30, 1, 0, -127, 127), -127);
}

TEST(Extremes, OfChannelsSamplesAndAll) {
  std::vector<float> first = {1, -2, 3, 4}, second = {-5, 0, 0, 1};
  Extremes e;
  e.add(view_of(first, {2, 2}));
  e.add(view_of(second, {2, 2}));
  EXPECT_EQ(e.low, -5);
  EXPECT_EQ(e.high, 4);
  EXPECT_EQ(e.average_low, -7);
  EXPECT_EQ(e.average_high, 5);
  EXPECT_EQ(e.samples, 2u);
  EXPECT_EQ(e.channel_low, (std::vector<float>{-5, -2}));
  EXPECT_EQ(e.channel_high, (std::vector<float>{3, 4}));
  EXPECT_EQ(e.channel_sum, (std::vector<double>{-1, 3}));
  EXPECT_TRUE(e.finite);
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> x = {0, bad};
    Extremes broken;
    broken.add(view_of(x, {2, 1}));
    EXPECT_FALSE(broken.finite);
  }
}

TEST(Observer, MinMaxAndAverage) {
  const Seen seen = see({{0, 1, -1}, {0, 9, 0}, {-2, 2, 0}});
  const Encoding all = choose_encoding(seen.extremes, seen.distribution, Observer::kMinMax, {});
  EXPECT_FLOAT_EQ(all.scale, 11.0f / 255);
  EXPECT_EQ(all.range, RangeMethod::kMinMax);
  const Encoding average = choose_encoding(seen.extremes, seen.distribution, Observer::kAverage, {});
  EXPECT_FLOAT_EQ(average.scale, 5.0f / 255);
  EXPECT_EQ(average.range, RangeMethod::kAverage);
}

TEST(Observer, PercentileDropsTheRareEnd) {
  std::vector<float> x(99999, 1.0f);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 1000) / 1000;
  x.push_back(100);
  const Seen seen = see({x});
  const Range range = percentile_range(seen.distribution, 1e-4);
  EXPECT_EQ(range.low, 0);
  EXPECT_LT(range.high, 1.2);
  EXPECT_GE(range.high, 0.99);
  // Nothing may be dropped, and zero stays inside.
  EXPECT_NEAR(percentile_range(seen.distribution, 0).high, 100, 1e-6);
  EXPECT_GE(percentile_range(seen.distribution, 1).high, 0);
}

TEST(Observer, LeastErrorBeatsMinMaxOnABellWithAnOutlier) {
  std::vector<float> x = bell(400000, 1);
  x.push_back(12);
  const Seen seen = see({x});
  const Encoding all = choose_encoding(seen.extremes, seen.distribution, Observer::kMinMax, {});
  const Encoding mse = choose_encoding(seen.extremes, seen.distribution, Observer::kMse, {});
  EXPECT_LT(mean_squared_error(x, mse), 0.9 * mean_squared_error(x, all));
}

TEST(Observer, EntropyClipsALongTail) {
  std::vector<float> x = bell(50000, 2);
  for (int i = 0; i < 5; ++i) x.push_back(40 + static_cast<float>(i));
  const Seen seen = see({x});
  const Range range = entropy_range(seen.distribution);
  EXPECT_LT(range.high, 40);
  EXPECT_GT(range.high, 1.5);
}

TEST(Observer, UniformNumbersAreNotClipped) {
  const Seen seen = see({Random(3).floats(50000, -4, 4)});
  for (Observer o : {Observer::kAuto, Observer::kMse}) {
    EXPECT_NEAR(static_cast<double>(choose_encoding(seen.extremes, seen.distribution, o, {}).scale), 8.0 / 255, 8e-4);
  }
}

TEST(Observer, ExpectedErrorIsTheMeasuredOne) {
  const std::vector<float> x = bell(50000, 4);
  const Seen seen = see({x});
  for (double high : {1.0, 2.0, 4.0}) {
    const Range range = {-3, high};
    const double expected = expected_error(seen.distribution, range, {false, {}});
    EXPECT_NEAR(expected / mean_squared_error(x, encode_range(-3, high, RangeMethod::kMse)), 1, 0.15) << high;
  }
}

TEST(Observer, AutoIsNoWorseThanAnyOther) {
  std::vector<float> x = bell(20000, 5);
  x.push_back(-35);
  const Seen seen = see({x, bell(20000, 6, 0.5f)});
  const auto error = [&](Observer o) {
    const Encoding e = choose_encoding(seen.extremes, seen.distribution, o, {});
    const double s = static_cast<double>(e.scale);
    return expected_error(seen.distribution, {s * (-128 - e.zero_point), s * (127 - e.zero_point)}, {true, {}});
  };
  const double least = error(Observer::kAuto);
  for (Observer o : {Observer::kMinMax, Observer::kAverage, Observer::kPercentile, Observer::kEntropy}) {
    EXPECT_LE(least, error(o) * 1.05) << static_cast<int>(o);
  }
}

TEST(Observer, LooksThroughTheFunctionBehind) {
  // Most of it far below zero, where SiLU makes nothing of it.
  std::vector<float> x = Random(7).floats(20000, -90, 0);
  for (float v : bell(20000, 8, 2)) x.push_back(v);
  const Seen seen = see({x});
  const graph::Activation silu = {graph::Function::kSilu, 0, 0};
  const Encoding with = choose_encoding(seen.extremes, seen.distribution, Observer::kAuto, {true, silu});
  const Encoding without = choose_encoding(seen.extremes, seen.distribution, Observer::kAuto, {});
  EXPECT_LT(with.scale, 0.5f * without.scale);
  const double low = static_cast<double>(with.scale) * (-128 - with.zero_point);
  EXPECT_LT(low, -3);
}

TEST(Observer, ZerosAlone) {
  const Seen seen = see({{0, 0, 0, 0}});
  for (Observer o : {Observer::kAuto, Observer::kMinMax, Observer::kAverage, Observer::kPercentile, Observer::kEntropy,
                     Observer::kMse}) {
    EXPECT_EQ(choose_encoding(seen.extremes, seen.distribution, o, {}).scale, 1);
  }
}

TEST(Function, KnownValues) {
  using graph::Function;
  EXPECT_NEAR(apply({Function::kSilu, 0, 0}, 1), 0.7310585786, 1e-9);
  EXPECT_NEAR(apply({Function::kMish, 0, 0}, -1000), 0, 1e-9);
  EXPECT_NEAR(apply({Function::kGelu, 0, 0}, 1), 0.8413447461, 1e-9);
  EXPECT_NEAR(apply({Function::kHardSwish, 0, 0}, -1), -1.0 / 3, 1e-12);
  EXPECT_EQ(apply({Function::kClip, 0, 6}, 7), 6);
  EXPECT_EQ(apply({Function::kRound, 0, 0}, 2.5), 2);
}

}  // namespace
}  // namespace dotori::quantize
