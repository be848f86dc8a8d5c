// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/quantized_graph.h"
#include "support/int8_inputs.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

using graph::AveragePool2d;
using graph::MaxPool2d;
using Bytes = std::vector<std::int8_t>;

struct Window {
  int greatest = -128, inside = 0, padded = 0;
  std::int64_t sum = 0;  // of elements less the zero point
};

// `value_of` makes the output element of a window.
template <class Op, class ValueOf>
void check(const Op& op, const Shape& shape, int out_h, int out_w, const Quantization& in, const Quantization& out,
           const ValueOf& value_of) {
  const int n = static_cast<int>(shape[0]), h = static_cast<int>(shape[1]), w = static_cast<int>(shape[2]);
  const int channels = static_cast<int>(shape[3]);
  Random random(static_cast<std::uint64_t>(h * 31 + w * 7 + channels));
  const Bytes x = int8_inputs(random, static_cast<std::size_t>(shape.elements()));
  Bytes want;
  for (int image = 0; image < n; ++image) {
    for (int y = 0; y < out_h; ++y) {
      for (int col = 0; col < out_w; ++col) {
        for (int c = 0; c < channels; ++c) {
          Window window;
          for (int ky = 0; ky < op.kernel_h; ++ky) {
            for (int kx = 0; kx < op.kernel_w; ++kx) {
              const int iy = y * op.stride_h - op.pad_top + ky * op.dilation_h;
              const int ix = col * op.stride_w - op.pad_left + kx * op.dilation_w;
              if (iy < -op.pad_top || iy >= h + op.pad_bottom || ix < -op.pad_left || ix >= w + op.pad_right) continue;
              ++window.padded;
              if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
              ++window.inside;
              const int value = x[static_cast<std::size_t>(((image * h + iy) * w + ix) * channels + c)];
              window.greatest = std::max(window.greatest, value);
              window.sum += value - in.zero_points[0];
            }
          }
          want.push_back(value_of(window));
        }
      }
    }
  }
  graph::Graph g;
  const graph::ValueId input = add_quantized_input(g, "x", shape, in);
  const graph::ValueId output = add_quantized_output(g, op, {input}, out);
  ASSERT_TRUE(output.valid());
  EXPECT_EQ(g.value(output).type.shape, Shape({n, out_h, out_w, channels}));
  std::string kernel;
  EXPECT_EQ(run_quantized(g, {x}, &kernel), want) << kernel << " " << shape.to_string();
  EXPECT_NE(kernel.find("pool_s8_"), std::string::npos) << kernel;
}

template <class Op>
Op make_pool(int kernel, int stride, int pad) {
  Op op;
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
  return op;
}

void check_max(const MaxPool2d& op, const Shape& shape, int out_h, int out_w) {
  const Quantization q = per_tensor(0.04f, 9);
  check(op, shape, out_h, out_w, q, q, [](const Window& w) { return static_cast<std::int8_t>(w.greatest); });
}

void check_average(const AveragePool2d& op, const Shape& shape, int out_h, int out_w,
                   const Quantization& in = per_tensor(0.04f, 9), const Quantization& out = per_tensor(0.03f, -20)) {
  check(op, shape, out_h, out_w, in, out, [&](const Window& w) {
    const int count = std::max(1, op.count_include_pad ? w.padded : w.inside);
    const float scale = static_cast<float>(static_cast<double>(in.scales[0]) /
                                           (static_cast<double>(out.scales[0]) * static_cast<double>(count)));
    const double q = std::nearbyint(static_cast<double>(static_cast<float>(w.sum) * scale)) + out.zero_points[0];
    return static_cast<std::int8_t>(std::min(std::max(q, -128.0), 127.0));
  });
}

TEST(MaxPool2dS8, Shapes) {
  for (int channels : {1, 8, 20, 37}) {
    check_max(make_pool<MaxPool2d>(2, 2, 0), {1, 6, 8, channels}, 3, 4);
    check_max(make_pool<MaxPool2d>(3, 2, 1), {2, 7, 9, channels}, 4, 5);
    check_max(make_pool<MaxPool2d>(13, 1, 6), {1, 13, 13, channels}, 13, 13);
  }
}

TEST(MaxPool2dS8, CeilModeAndDilation) {
  MaxPool2d op = make_pool<MaxPool2d>(3, 2, 0);
  op.ceil_mode = true;
  check_max(op, {1, 6, 6, 16}, 3, 3);
  op = make_pool<MaxPool2d>(3, 1, 2);
  op.dilation_h = op.dilation_w = 2;
  check_max(op, {1, 9, 10, 17}, 9, 10);
}

TEST(AveragePool2dS8, Shapes) {
  for (int channels : {1, 8, 20, 37}) {
    check_average(make_pool<AveragePool2d>(2, 2, 0), {1, 6, 8, channels}, 3, 4);
    check_average(make_pool<AveragePool2d>(3, 2, 1), {2, 7, 9, channels}, 4, 5);
    check_average(make_pool<AveragePool2d>(7, 1, 0), {1, 7, 7, channels}, 1, 1);
  }
}

TEST(AveragePool2dS8, PaddingCountsWhenAsked) {
  AveragePool2d op = make_pool<AveragePool2d>(3, 2, 1);
  op.count_include_pad = true;
  check_average(op, {1, 7, 9, 24}, 4, 5);
  op.ceil_mode = true;
  check_average(op, {1, 6, 6, 24}, 4, 4);
}

TEST(AveragePool2dS8, SameAndDistantQuantization) {
  const AveragePool2d op = make_pool<AveragePool2d>(5, 1, 2);
  const Quantization q = per_tensor(0.02f, -128);
  check_average(op, {1, 9, 9, 19}, 9, 9, q, q);
  check_average(op, {1, 9, 9, 19}, 9, 9, q, per_tensor(1e-4f, 127));
  check_average(op, {1, 9, 9, 19}, 9, 9, per_tensor(0.5f, 127), per_tensor(30.0f, 0));
}

TEST(AveragePool2dS8, ManyTasks) {
  check_average(make_pool<AveragePool2d>(3, 1, 1), {1, 40, 24, 64}, 40, 24);
}

TEST(AveragePool2dS8, RefusesScalesWithoutAFactor) {
  graph::Graph g;
  const graph::ValueId x = add_quantized_input(g, "x", {1, 4, 4, 8}, per_tensor(1e30f, 0));
  add_quantized_output(g, make_pool<AveragePool2d>(2, 2, 0), {x}, per_tensor(1e-30f, 0));
  const Result<Model> model = Model::from_graph(g);
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Result<Session> session = Session::create(*model, SessionOptions{});
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.status().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace dotori::testing
