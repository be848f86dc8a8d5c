// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "graph/ops/resize2d.h"
#include "ops/quantized_graph.h"
#include "support/int8_inputs.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

using graph::CoordinateRule;
using graph::NearestRule;
using graph::Resize2d;
using graph::ResizeFilter;
using Bytes = std::vector<std::int8_t>;

struct Position {
  int first, second;
  float fraction;
};

Position position_of(CoordinateRule rule, float scale, int in_size, int out_size, int i) {
  float p = graph::resize_source_position(rule, scale, in_size, out_size, i);
  p = std::min(std::max(p, 0.0f), static_cast<float>(in_size - 1));
  const int first = static_cast<int>(p);
  return {first, std::min(first + 1, in_size - 1), p - static_cast<float>(first)};
}

std::int8_t to_byte(float v, const Quantization& out) {
  const double q = std::nearbyint(static_cast<double>(v)) + out.zero_points[0];
  return static_cast<std::int8_t>(std::min(std::max(q, -128.0), 127.0));
}

void check(const Resize2d& op, const Shape& shape, const Quantization& in, const Quantization& out) {
  const int n = static_cast<int>(shape[0]), h = static_cast<int>(shape[1]), w = static_cast<int>(shape[2]);
  const int channels = static_cast<int>(shape[3]);
  Random random(static_cast<std::uint64_t>(shape.elements()));
  const Bytes x = int8_inputs(random, static_cast<std::size_t>(shape.elements()));
  const float k = static_cast<float>(static_cast<double>(in.scales[0]) / static_cast<double>(out.scales[0]));
  Bytes want;
  for (int image = 0; image < n; ++image) {
    const auto at = [&](int y, int col, int c) {
      return x[static_cast<std::size_t>(((image * h + y) * w + col) * channels + c)];
    };
    for (int y = 0; y < op.out_h; ++y) {
      for (int col = 0; col < op.out_w; ++col) {
        for (int c = 0; c < channels; ++c) {
          if (op.filter == ResizeFilter::kNearest) {
            const float py = graph::resize_source_position(op.coordinates, op.scale_h, h, op.out_h, y);
            const float px = graph::resize_source_position(op.coordinates, op.scale_w, w, op.out_w, col);
            const std::int8_t q =
                at(graph::resize_nearest_index(op.nearest, py, h), graph::resize_nearest_index(op.nearest, px, w), c);
            want.push_back(in == out ? q : to_byte(static_cast<float>(q - in.zero_points[0]) * k, out));
            continue;
          }
          const Position py = position_of(op.coordinates, op.scale_h, h, op.out_h, y);
          const Position px = position_of(op.coordinates, op.scale_w, w, op.out_w, col);
          const auto along_row = [&](int row) {
            const float first = static_cast<float>(at(row, px.first, c) - in.zero_points[0]);
            const float second = static_cast<float>(at(row, px.second, c) - in.zero_points[0]);
            const float product = (second - first) * px.fraction;
            return first + product;
          };
          const float upper = along_row(py.first), lower = along_row(py.second);
          const float product = (lower - upper) * py.fraction;
          want.push_back(to_byte((upper + product) * k, out));
        }
      }
    }
  }
  graph::Graph g;
  const graph::ValueId input = add_quantized_input(g, "x", shape, in);
  add_quantized_output(g, op, {input}, out);
  std::string kernel;
  EXPECT_EQ(run_quantized(g, {x}, &kernel), want) << kernel << " " << shape.to_string();
  EXPECT_EQ(kernel.rfind("resize_s8_", 0), 0u) << kernel;
}

Resize2d make(ResizeFilter filter, CoordinateRule coordinates, int out_h, int out_w) {
  Resize2d op;
  op.filter = filter;
  op.coordinates = coordinates;
  op.out_h = out_h;
  op.out_w = out_w;
  return op;
}

const CoordinateRule kRules[] = {CoordinateRule::kHalfPixel, CoordinateRule::kAlignCorners,
                                 CoordinateRule::kAsymmetric};

TEST(Resize2dS8, NearestWithTheSameQuantization) {
  for (CoordinateRule rule : kRules)
    for (int channels : {1, 5, 16, 37})
      check(make(ResizeFilter::kNearest, rule, 10, 7), {2, 5, 4, channels}, per_tensor(0.1f, 3), per_tensor(0.1f, 3));
}

TEST(Resize2dS8, NearestIntoAnotherQuantization) {
  Resize2d op = make(ResizeFilter::kNearest, CoordinateRule::kAsymmetric, 8, 8);
  op.nearest = NearestRule::kFloor;
  check(op, {1, 4, 4, 19}, per_tensor(0.1f, 3), per_tensor(0.07f, -11));
  check(op, {1, 4, 4, 19}, per_tensor(0.1f, 3), per_tensor(0.1f, 4));
}

TEST(Resize2dS8, Bilinear) {
  for (CoordinateRule rule : kRules) {
    for (int channels : {1, 7, 8, 21, 48}) {
      check(make(ResizeFilter::kBilinear, rule, 9, 13), {2, 4, 5, channels}, per_tensor(0.1f, 3), per_tensor(0.1f, 3));
      check(make(ResizeFilter::kBilinear, rule, 3, 2), {1, 8, 7, channels}, per_tensor(0.1f, -128),
            per_tensor(0.083f, 100));
    }
  }
}

TEST(Resize2dS8, ManyTasks) {
  check(make(ResizeFilter::kBilinear, CoordinateRule::kHalfPixel, 64, 64), {1, 32, 32, 24}, per_tensor(0.02f, 5),
        per_tensor(0.021f, 0));
}

TEST(Resize2dS8, RefusesScalesWithoutAFactor) {
  graph::Graph g;
  const graph::ValueId x = add_quantized_input(g, "x", {1, 4, 4, 8}, per_tensor(1e30f, 0));
  add_quantized_output(g, make(ResizeFilter::kBilinear, CoordinateRule::kHalfPixel, 8, 8), {x}, per_tensor(1e-30f, 0));
  const Result<Model> model = Model::from_graph(g);
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Result<Session> session = Session::create(*model, SessionOptions{});
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.status().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace dotori::testing
