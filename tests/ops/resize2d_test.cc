// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "ops/run_graph.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::CoordinateRule;
using graph::NearestRule;
using graph::Resize2d;
using graph::ResizeFilter;

// The table of graph/ops/resize2d.h in double precision.
double position(CoordinateRule rule, double stated_scale, int in, int out, int i) {
  const double s = stated_scale == 0 ? static_cast<double>(out) / in : stated_scale;
  switch (rule) {
    case CoordinateRule::kHalfPixel: return (i + 0.5) / s - 0.5;
    case CoordinateRule::kPytorchHalfPixel: return out > 1 ? (i + 0.5) / s - 0.5 : 0;
    case CoordinateRule::kAlignCorners: return out > 1 ? static_cast<double>(i) * (in - 1) / (out - 1) : 0;
    case CoordinateRule::kAsymmetric: return i / s;
    case CoordinateRule::kTfHalfPixelForNn: return (i + 0.5) / s;
    case CoordinateRule::kHalfPixelSymmetric: return in / 2.0 * (1 - out / (s * in)) + (i + 0.5) / s - 0.5;
    case CoordinateRule::kCount: break;
  }
  return 0;
}
int clamp_index(double i, int size) {
  return i < 0 ? 0 : i > size - 1 ? size - 1 : static_cast<int>(i);
}
int nearest(NearestRule rule, double p, int size) {
  switch (rule) {
    case NearestRule::kRoundPreferFloor: return clamp_index(std::ceil(p - 0.5), size);
    case NearestRule::kRoundPreferCeil: return clamp_index(std::floor(p + 0.5), size);
    case NearestRule::kFloor: return clamp_index(std::floor(p), size);
    default: return clamp_index(std::ceil(p), size);
  }
}

void check(const Resize2d& op, const Shape& shape) {
  const int n = static_cast<int>(shape[0]), h = static_cast<int>(shape[1]), w = static_cast<int>(shape[2]);
  const int channels = static_cast<int>(shape[3]);
  testing::Random random(static_cast<std::uint64_t>(h * 31 + w * 7 + channels));
  const std::vector<float> x = random.floats(static_cast<std::size_t>(shape.elements()));
  const auto at = [&](int image, int y, int col, int c) {
    return static_cast<double>(x[static_cast<std::size_t>(((image * h + y) * w + col) * channels + c)]);
  };
  std::vector<double> expected;
  for (int image = 0; image < n; ++image) {
    for (int y = 0; y < op.out_h; ++y) {
      for (int col = 0; col < op.out_w; ++col) {
        const double py = position(op.coordinates, static_cast<double>(op.scale_h), h, op.out_h, y);
        const double px = position(op.coordinates, static_cast<double>(op.scale_w), w, op.out_w, col);
        for (int c = 0; c < channels; ++c) {
          if (op.filter == ResizeFilter::kNearest) {
            expected.push_back(at(image, nearest(op.nearest, py, h), nearest(op.nearest, px, w), c));
            continue;
          }
          const double fy = py - std::floor(py), fx = px - std::floor(px);
          const int y0 = clamp_index(std::floor(py), h), y1 = clamp_index(std::floor(py) + 1, h);
          const int x0 = clamp_index(std::floor(px), w), x1 = clamp_index(std::floor(px) + 1, w);
          expected.push_back((1 - fy) * ((1 - fx) * at(image, y0, x0, c) + fx * at(image, y0, x1, c)) +
                             fy * ((1 - fx) * at(image, y1, x0, c) + fx * at(image, y1, x1, c)));
        }
      }
    }
  }
  std::vector<float> first;
  for (const SessionOptions& options : testing::all_session_options()) {
    const testing::OpRun found = testing::run_op(op, shape, x, {}, options);
    EXPECT_EQ(found.shape, Shape({n, op.out_h, op.out_w, channels}));
    ASSERT_EQ(found.values.size(), expected.size());
    if (first.empty()) first = found.values;
    if (options.backend != BackendKind::kXnnpack) {
      EXPECT_EQ(found.values, first) << "both give the same bits";
    }
    const double tolerance = op.filter == ResizeFilter::kNearest ? 0 : 2e-5;  // positions are in float32
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(found.values[i]), expected[i], tolerance)
          << found.kernel << " rule " << coordinate_rule_name(op.coordinates) << " element " << i;
    }
  }
}

Resize2d resize(ResizeFilter filter, CoordinateRule rule, int out_h, int out_w) {
  Resize2d op;
  op.filter = filter;
  op.coordinates = rule;
  op.out_h = out_h;
  op.out_w = out_w;
  return op;
}

TEST(Resize2d, BilinearWithEveryCoordinateRule) {
  for (int rule = 0; rule < static_cast<int>(CoordinateRule::kCount); ++rule) {
    const CoordinateRule r = static_cast<CoordinateRule>(rule);
    check(resize(ResizeFilter::kBilinear, r, 10, 14), {1, 5, 7, 8});  // twice as large
    check(resize(ResizeFilter::kBilinear, r, 3, 4), {2, 7, 9, 11});   // smaller, batch
    check(resize(ResizeFilter::kBilinear, r, 11, 1), {1, 4, 3, 2});   // narrow
    check(resize(ResizeFilter::kBilinear, r, 5, 6), {1, 1, 1, 21});   // one pixel
    check(resize(ResizeFilter::kBilinear, r, 6, 5), {1, 6, 5, 9});    // same size
  }
}

// Sizes whose positions are exact in binary, so that ties are ties in both precisions.
TEST(Resize2d, NearestWithEveryRule) {
  for (int rule = 0; rule < static_cast<int>(CoordinateRule::kCount); ++rule) {
    for (int rounding = 0; rounding < static_cast<int>(NearestRule::kCount); ++rounding) {
      for (int channels : {1, 8, 19}) {
        Resize2d op = resize(ResizeFilter::kNearest, static_cast<CoordinateRule>(rule), 8, 16);
        op.nearest = static_cast<NearestRule>(rounding);
        if (op.coordinates == CoordinateRule::kAlignCorners) {
          op.out_h = 7;
          op.out_w = 9;  // (in - 1) / (out - 1) = 1 / 2 and 3 / 4
          check(op, {2, 4, 7, channels});
          continue;
        }
        check(op, {2, 4, 8, channels});
        op.out_h = 2;
        op.out_w = 4;
        check(op, {1, 4, 8, channels});
      }
    }
  }
}

TEST(Resize2d, StatedScale) {
  for (CoordinateRule rule :
       {CoordinateRule::kHalfPixel, CoordinateRule::kAsymmetric, CoordinateRule::kHalfPixelSymmetric}) {
    Resize2d op = resize(ResizeFilter::kBilinear, rule, 7, 12);
    op.scale_h = 1.5f;
    op.scale_w = 2.5f;
    check(op, {1, 5, 5, 9});
  }
}

TEST(Resize2d, ManyTasks) {
  check(resize(ResizeFilter::kBilinear, CoordinateRule::kHalfPixel, 64, 48), {2, 16, 12, 16});
}

// A NaN must not reach pixels that do not weigh it.
TEST(Resize2d, NeighboursWithoutWeightAreNotRead) {
  std::vector<float> x(4 * 8, 1.0f);
  for (std::size_t c = 0; c < 8; ++c) x[3 * 8 + c] = std::numeric_limits<float>::quiet_NaN();
  for (const SessionOptions& options : testing::all_session_options()) {
    if (options.backend == BackendKind::kXnnpack) continue;  // it multiplies them by zero
    const testing::OpRun found = testing::run_op(resize(ResizeFilter::kBilinear, CoordinateRule::kAlignCorners, 3, 3),
                                                 {1, 2, 2, 8}, x, {}, options);
    ASSERT_EQ(found.values.size(), 72u);
    for (std::size_t pixel = 0; pixel < 9; ++pixel) {
      const bool reached = pixel / 3 > 0 && pixel % 3 > 0;
      EXPECT_EQ(std::isnan(found.values[pixel * 8]), reached) << found.kernel << " pixel " << pixel;
    }
  }
}

}  // namespace
}  // namespace dotori
