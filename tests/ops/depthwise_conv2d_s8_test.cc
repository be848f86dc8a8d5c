// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "ops/quantized_graph.h"
#include "support/int8_inputs.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

using graph::Conv2d;
using graph::Function;
using Bytes = std::vector<std::int8_t>;

struct Depthwise {
  Conv2d op;
  Shape shape;
  Quantization x = per_tensor(0.031f, -7), y = per_tensor(0.09f, 12);
  Quantization w;
  Bytes weights;
  std::vector<std::int32_t> bias;  // empty: none

  Shape weight_shape() const { return {shape[3], op.kernel_h, op.kernel_w, 1}; }
  graph::Graph graph() const {
    graph::Graph g;
    std::vector<graph::ValueId> ids = {add_quantized_input(g, "x", shape, x),
                                       add_quantized_constant(g, "w", weight_shape(), weights, w)};
    if (!bias.empty()) ids.push_back(add_quantized_constant(g, "b", {shape[3]}, bias, {}));
    add_quantized_output(g, op, ids, y);
    return g;
  }
};

Depthwise make(int kernel, int stride, int pad, const Shape& shape) {
  Depthwise d;
  d.op.kernel_h = d.op.kernel_w = kernel;
  d.op.stride_h = d.op.stride_w = stride;
  d.op.pad_top = d.op.pad_bottom = d.op.pad_left = d.op.pad_right = pad;
  d.op.groups = static_cast<int>(shape[3]);
  d.shape = shape;
  return d;
}

// Weights with a scale for each channel, or with one and the zero point given.
void fill(Depthwise& d, bool per_channel, int zero_point = 0) {
  Random random(static_cast<std::uint64_t>(d.shape.elements()));
  const std::size_t channels = static_cast<std::size_t>(d.shape[3]);
  d.weights.clear();
  for (std::int64_t i = 0; i < d.weight_shape().elements(); ++i)
    d.weights.push_back(static_cast<std::int8_t>(random.integer(-127, 127)));
  d.w = per_tensor(0.013f, zero_point);
  if (per_channel) {
    d.w.scales.clear();
    for (std::size_t c = 0; c < channels; ++c) d.w.scales.push_back(random.uniform(0.005f, 0.05f));
    d.w.zero_points.assign(channels, 0);
  }
  d.bias.clear();
  for (std::size_t c = 0; c < channels; ++c) d.bias.push_back(random.integer(-9000, 9000));
}

// [low, high] as the fused activation makes it.
void check(const Depthwise& d, int low = -128, int high = 127) {
  const Conv2d& op = d.op;
  const std::int64_t n = d.shape[0], h = d.shape[1], w = d.shape[2], channels = d.shape[3];
  const std::int64_t out_h = (h + op.pad_top + op.pad_bottom - op.dilation_h * (op.kernel_h - 1) - 1) / op.stride_h + 1;
  const std::int64_t out_w = (w + op.pad_left + op.pad_right - op.dilation_w * (op.kernel_w - 1) - 1) / op.stride_w + 1;
  Random random(3);
  const Bytes x = int8_inputs(random, static_cast<std::size_t>(d.shape.elements()));
  const float slope = op.activation.function == Function::kLeakyRelu ? op.activation.alpha : 1.0f;
  Bytes want;
  for (std::int64_t image = 0; image < n; ++image) {
    for (std::int64_t y = 0; y < out_h; ++y) {
      for (std::int64_t col = 0; col < out_w; ++col) {
        for (std::int64_t c = 0; c < channels; ++c) {
          std::int64_t sum = d.bias.empty() ? 0 : d.bias[static_cast<std::size_t>(c)];
          for (std::int64_t ky = 0; ky < op.kernel_h; ++ky) {
            for (std::int64_t kx = 0; kx < op.kernel_w; ++kx) {
              const std::int64_t iy = y * op.stride_h - op.pad_top + ky * op.dilation_h;
              const std::int64_t ix = col * op.stride_w - op.pad_left + kx * op.dilation_w;
              if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
              sum +=
                  (x[static_cast<std::size_t>(((image * h + iy) * w + ix) * channels + c)] - d.x.zero_points[0]) *
                  (d.weights[static_cast<std::size_t>((c * op.kernel_h + ky) * op.kernel_w + kx)] - d.w.zero_points[0]);
            }
          }
          const float sw = d.w.scales.size() == 1 ? d.w.scales[0] : d.w.scales[static_cast<std::size_t>(c)];
          const float scale = static_cast<float>(static_cast<double>(d.x.scales[0]) * static_cast<double>(sw) /
                                                 static_cast<double>(d.y.scales[0]));
          float v = static_cast<float>(sum) * scale;
          v = std::max(v, v * slope);
          const double q = std::nearbyint(static_cast<double>(v)) + d.y.zero_points[0];
          want.push_back(static_cast<std::int8_t>(std::min<double>(std::max<double>(q, low), high)));
        }
      }
    }
  }
  std::string kernel;
  EXPECT_EQ(run_quantized(d.graph(), {x}, &kernel), want) << kernel << " " << d.shape.to_string();
  EXPECT_EQ(kernel.rfind("dwconv_s8_", 0), 0u) << kernel;
}

TEST(DepthwiseConv2dS8, FastShapes) {
  for (int kernel : {3, 5}) {
    for (int stride : {1, 2}) {
      for (int channels : {3, 12, 16, 40}) {
        Depthwise d = make(kernel, stride, kernel / 2, {1, 9, 21, channels});
        fill(d, true);
        check(d);
      }
    }
  }
}

TEST(DepthwiseConv2dS8, BatchWithoutBias) {
  Depthwise d = make(3, 1, 1, {3, 5, 6, 19});
  fill(d, true);
  d.bias.clear();
  check(d);
}

TEST(DepthwiseConv2dS8, WeightsWithAZeroPoint) {
  for (int kernel : {3, 4}) {
    for (int zero_point : {-128, -5, 127}) {
      Depthwise d = make(kernel, 1, 1, {1, 8, 9, 21});
      fill(d, false, zero_point);
      check(d);
    }
  }
}

TEST(DepthwiseConv2dS8, AsymmetricPaddingDilationAndStride) {
  Depthwise d = make(3, 1, 0, {2, 8, 15, 18});
  d.op.kernel_h = 2;
  d.op.stride_h = 2;
  d.op.stride_w = 3;
  d.op.dilation_w = 2;
  d.op.pad_top = 1;
  d.op.pad_right = 4;
  fill(d, true);
  check(d);
}

TEST(DepthwiseConv2dS8, FusedActivations) {
  Depthwise d = make(3, 1, 1, {1, 7, 11, 24});
  fill(d, true);
  d.op.activation.function = Function::kRelu;
  check(d, 12);
  d.op.activation = {Function::kClip, -0.9f, 4.5f};
  check(d, 12 - 10, 12 + 50);
  d.op.activation = {Function::kLeakyRelu, 0.1f, 0};
  check(d);
}

// Enough rows for several tasks.
TEST(DepthwiseConv2dS8, ManyTasks) {
  Depthwise d = make(5, 1, 2, {1, 24, 24, 32});
  fill(d, true);
  check(d);
}

TEST(DepthwiseConv2dS8, RefusesSumsThatCouldOverflow) {
  Depthwise d = make(3, 1, 1, {1, 4, 4, 8});
  fill(d, true);
  for (std::size_t i = 5 * 9; i < 6 * 9; ++i) d.weights[i] = -127;
  const std::int32_t room = 2147483647 - 255 * 9 * 127;
  d.bias[5] = room;
  check(d);
  d.bias[5] = room + 1;
  const Result<Model> model = Model::from_graph(d.graph());
  ASSERT_TRUE(model.ok()) << model.status().message();
  for (const SessionOptions& options : all_session_options()) {
    const Result<Session> session = Session::create(*model, options);
    ASSERT_FALSE(session.ok());
    EXPECT_EQ(session.status().code(), StatusCode::kUnsupported);
    for (const char* part : {"channel 5", "2147483648", "2147483647"})
      EXPECT_NE(session.status().message().find(part), std::string::npos) << session.status().message();
  }
}

}  // namespace
}  // namespace dotori::testing
