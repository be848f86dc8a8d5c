// SPDX-License-Identifier: Apache-2.0
// int8 conv2d, conv_transpose2d and fully_connected: the exact sum from the definition, requantised by the one rule.
#include <gtest/gtest.h>

#include <cstdlib>

#include "kernels/quantize/requantize.h"
#include "ops/conv_check.h"
#include "ops/quantized_graph.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::Conv2d;
using graph::ConvTranspose2d;
using graph::Function;
using testing::per_tensor;
using testing::Random;

struct Setting {
  Quantization x = per_tensor(0.05f, -7);
  Quantization weights;  // empty: a scale for each channel
  Quantization y = per_tensor(0.3f, 11);
  bool bias = true;
};

std::vector<std::int8_t> random_bytes(Random& random, std::int64_t n, int low) {
  std::vector<std::int8_t> bytes;
  // One in four is an end of the range.
  for (std::int64_t i = 0; i < n; ++i) {
    const int kind = random.integer(0, 7);
    bytes.push_back(static_cast<std::int8_t>(kind == 0 ? low : kind == 1 ? 127 : random.integer(low, 127)));
  }
  return bytes;
}

kernels::QuantizedOutput output_of(const graph::Activation& a, const Quantization& y) {
  kernels::QuantizedOutput out = {1, y.zero_points[0], -128, 127};
  const auto element = [&](float real) { return kernels::quantize_real(real / y.scales[0], out); };
  if (a.function == Function::kRelu) out.low = y.zero_points[0];
  if (a.function == Function::kLeakyRelu) out.slope = a.alpha;
  if (a.function == Function::kClip) {
    const std::int8_t low = element(a.alpha), high = element(a.beta);
    out.low = low;
    out.high = high;
  }
  return out;
}

template <class Op>
void check(const Op& op, const Shape& in, std::int64_t outputs, const Setting& setting = {}) {
  Random random(static_cast<std::uint64_t>(in.elements() * 31 + outputs * 7 + op.kernel_w));
  const Shape weight_shape = {outputs, op.kernel_h, op.kernel_w, in[3] / op.groups};
  const std::int64_t each = weight_shape.elements() / outputs;
  const std::vector<std::int8_t> x = random_bytes(random, in.elements(), -128);
  const std::vector<std::int8_t> w = random_bytes(random, weight_shape.elements(), -127);
  Quantization weights = setting.weights;
  for (std::int64_t o = 0; setting.weights.empty() && o < outputs; ++o) {
    weights.scales.push_back(random.uniform(0.001f, 0.1f) / static_cast<float>(each));
    weights.zero_points.push_back(0);
  }
  std::vector<std::int32_t> bias;
  for (std::int64_t o = 0; setting.bias && o < outputs; ++o) bias.push_back(random.integer(-100000, 100000));

  graph::Graph g;
  std::vector<graph::ValueId> ids = {testing::add_quantized_input(g, "x", in, setting.x),
                                     testing::add_quantized_constant(g, "w", weight_shape, w, weights)};
  if (setting.bias) ids.push_back(testing::add_quantized_constant(g, "b", {outputs}, bias, {}));
  const graph::ValueId y = testing::add_quantized_output(g, op, ids, setting.y);
  ASSERT_TRUE(y.valid());
  const Shape out = g.value(y).type.shape;
  std::string kernel;
  const std::vector<std::int8_t> found = testing::run_quantized(g, {x}, &kernel);
  ASSERT_EQ(static_cast<std::int64_t>(found.size()), out.elements());

  // All numbers are whole and small enough to be exact.
  std::vector<float> real_x, real_w;
  for (std::int8_t q : x) real_x.push_back(static_cast<float>(q - setting.x.zero_points[0]));
  for (std::int8_t q : w) real_w.push_back(static_cast<float>(q - weights.zero_points[0]));
  Op plain = op;
  plain.activation = {};
  const std::vector<double> sums = testing::convolved(plain, in, real_x, real_w, {}, out);
  const kernels::QuantizedOutput rule = output_of(op.activation, setting.y);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::size_t o = i % static_cast<std::size_t>(outputs);
    const double ws = static_cast<double>(weights.scales[weights.scales.size() == 1 ? 0 : o]);
    const float scale =
        static_cast<float>(static_cast<double>(setting.x.scales[0]) * ws / static_cast<double>(setting.y.scales[0]));
    const std::int32_t acc = static_cast<std::int32_t>(sums[i]) + (setting.bias ? bias[o] : 0);
    ASSERT_EQ(found[i], kernels::requantize(acc, scale, rule)) << kernel << " at " << i << ", channel " << o;
  }
}

Conv2d conv(int kernel, int stride = 1, int pad = 0, int groups = 1) {
  Conv2d op;
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
  op.groups = groups;
  return op;
}

TEST(ConvS8, Pointwise) {
  for (int channels : {1, 5, 16, 32, 40})
    for (int outputs : {1, 8, 23, 33}) check(conv(1), {1, 5, 7, channels}, outputs);
  check(conv(1, 2), {1, 7, 9, 12}, 18);
}

// Two pixels at a time.
TEST(ConvS8, NarrowPointwise) {
  Setting zero_points;
  zero_points.weights = per_tensor(0.002f, 13);
  for (int channels : {1, 7, 8, 24, 25}) {
    for (int outputs : {1, 4, 7, 8, 9}) {
      check(conv(1), {1, 6, 7, channels}, outputs);
      check(conv(1), {2, 3, 4, channels}, outputs, zero_points);
      check(conv(1, 2, 1), {1, 3, 3, channels}, outputs);  // padded, of the same size all the same
    }
  }
}

TEST(ConvS8, FirstLayers) {
  check(conv(3, 2, 1), {1, 13, 14, 3}, 20);
  check(conv(7, 2, 3), {1, 9, 15, 3}, 9);
  check(conv(3, 1, 1), {2, 5, 4, 1}, 17);
  check(conv(5, 1, 4), {1, 3, 2, 2}, 4);
}

TEST(ConvS8, ManyChannelsAndDeepSums) {
  check(conv(3, 1, 1), {1, 6, 7, 40}, 24);
  check(conv(3, 2, 1), {1, 9, 6, 33}, 17);
  check(conv(3, 1, 1), {1, 4, 4, 64}, 5);
  check(conv(1), {1, 3, 5, 1600}, 20);
  check(conv(3, 1, 1), {1, 3, 3, 500}, 9);
}

TEST(ConvS8, AsymmetricPaddingDilationAndStride) {
  Conv2d op = conv(3);
  op.kernel_h = 2;
  op.stride_h = 2;
  op.stride_w = 3;
  op.dilation_h = 3;
  op.dilation_w = 2;
  op.pad_top = 2;
  op.pad_right = 5;
  check(op, {2, 8, 11, 3}, 7);
  check(op, {1, 8, 11, 32}, 19);
  check(conv(3, 1, 5), {1, 2, 3, 2}, 6);
}

TEST(ConvS8, Grouped) {
  check(conv(3, 1, 1, 3), {1, 6, 5, 48}, 48);
  check(conv(3, 2, 1, 4), {1, 7, 7, 12}, 20);
  check(conv(1, 1, 0, 2), {1, 3, 3, 10}, 36);
  check(conv(3, 1, 1, 5), {1, 5, 6, 5}, 10);
}

TEST(ConvS8, Depthwise) {
  check(conv(3, 1, 1, 21), {1, 7, 6, 21}, 21);
  Setting zero_points;
  zero_points.weights = per_tensor(0.002f, 13);
  check(conv(3, 2, 1, 16), {2, 7, 9, 16}, 16, zero_points);
  check(conv(5, 1, 2, 8), {1, 6, 6, 8}, 8, zero_points);
}

// What uint8 files have: one scale and a zero point for the weights.
TEST(ConvS8, WeightZeroPoints) {
  Setting setting;
  setting.weights = per_tensor(0.002f, 25);
  for (int zero_point : {-127, -9, 25, 127}) {
    setting.weights.zero_points = {zero_point};
    check(conv(3, 1, 1), {1, 6, 5, 16}, 18, setting);
    check(conv(3, 2, 1), {1, 6, 5, 3}, 18, setting);
    check(conv(1, 1, 0, 2), {1, 3, 3, 10}, 36, setting);
  }
}

TEST(ConvS8, ExtremeZeroPointsAndScales) {
  for (int zero_point : {-128, 127}) {
    Setting setting;
    setting.x = per_tensor(0.05f, zero_point);
    setting.y = per_tensor(0.3f, -zero_point - 1);
    check(conv(3, 1, 1), {1, 5, 5, 16}, 9, setting);
  }
  Setting tiny, huge;
  tiny.y = per_tensor(1e-12f, 3);
  huge.y = per_tensor(1e12f, 3);
  check(conv(3, 1, 1), {1, 5, 5, 16}, 9, tiny);
  check(conv(3, 1, 1), {1, 5, 5, 16}, 9, huge);
}

TEST(ConvS8, FusedActivations) {
  Conv2d op = conv(3, 1, 1);
  op.activation.function = Function::kRelu;
  check(op, {1, 5, 5, 16}, 9);
  op.activation = {Function::kClip, -3, 6};
  check(op, {1, 5, 5, 16}, 9);
  op.activation = {Function::kLeakyRelu, 0.1f, 0};
  check(op, {1, 5, 5, 16}, 9);
  Setting no_bias;
  no_bias.bias = false;
  check(op, {1, 5, 5, 16}, 9, no_bias);
}

TEST(ConvTransposeS8, StridesAndGroups) {
  for (int stride : {1, 2, 3}) {
    for (int groups : {1, 2}) {
      ConvTranspose2d op;
      op.kernel_h = 3;
      op.kernel_w = 2;
      op.stride_h = op.stride_w = stride;
      op.pad_top = 1;
      op.groups = groups;
      check(op, {1, 4, 5, 16}, 6);
      check(op, {2, 3, 4, 6}, 20);
      Setting setting;
      setting.weights = per_tensor(0.002f, -11);
      check(op, {1, 4, 5, 16}, 6, setting);
    }
  }
}

TEST(FullyConnectedS8, MatchesTheSum) {
  for (std::int64_t features : {1, 17, 64, 300}) {
    for (std::int64_t vectors : {1, 3}) {
      const std::int64_t outputs = 37;
      Random random(static_cast<std::uint64_t>(features));
      const std::vector<std::int8_t> x = random_bytes(random, vectors * features, -128);
      const std::vector<std::int8_t> w = random_bytes(random, outputs * features, -127);
      std::vector<std::int32_t> bias;
      for (int o = 0; o < outputs; ++o) bias.push_back(random.integer(-5000, 5000));
      graph::Graph g;
      const auto ids = std::vector<graph::ValueId>{
          testing::add_quantized_input(g, "x", {vectors, features}, per_tensor(0.1f, 5)),
          testing::add_quantized_constant(g, "w", {outputs, features}, w, per_tensor(0.01f, 3)),
          testing::add_quantized_constant(g, "b", {outputs}, bias, {})};
      ASSERT_TRUE(testing::add_quantized_output(g, graph::FullyConnected{}, ids, per_tensor(0.5f, -4)).valid());
      const std::vector<std::int8_t> found = testing::run_quantized(g, {x});
      ASSERT_EQ(found.size(), static_cast<std::size_t>(vectors * outputs));
      const float scale = static_cast<float>(static_cast<double>(0.1f) * static_cast<double>(0.01f) / 0.5);
      for (std::int64_t v = 0; v < vectors; ++v) {
        for (std::int64_t o = 0; o < outputs; ++o) {
          std::int32_t acc = bias[static_cast<std::size_t>(o)];
          for (std::int64_t i = 0; i < features; ++i)
            acc += (x[static_cast<std::size_t>(v * features + i)] - 5) *
                   (w[static_cast<std::size_t>(o * features + i)] - 3);
          ASSERT_EQ(found[static_cast<std::size_t>(v * outputs + o)],
                    kernels::requantize(acc, scale, {1, -4, -128, 127}));
        }
      }
    }
  }
}

Status compile_status(const graph::Graph& g) {
  Result<Model> model = Model::from_graph(g);
  if (!model.ok()) return model.status();
  return Session::create(*model).status();
}

TEST(ConvS8, RefusesSumsThatOverflow) {
  const std::int64_t channels = 4;
  graph::Graph g;
  const std::vector<std::int8_t> w(static_cast<std::size_t>(2 * channels), 127);
  const std::vector<std::int32_t> bias = {0, 2147483647 - 4 * 127 * 255 + 1};
  const auto ids =
      std::vector<graph::ValueId>{testing::add_quantized_input(g, "x", {1, 2, 2, channels}, per_tensor(0.1f, 5)),
                                  testing::add_quantized_constant(g, "w", {2, 1, 1, channels}, w, per_tensor(0.01f, 0)),
                                  testing::add_quantized_constant(g, "b", {2}, bias, {})};
  ASSERT_TRUE(testing::add_quantized_output(g, conv(1), ids, per_tensor(0.5f, -4)).valid());
  const Status status = compile_status(g);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.message().find("channel 1"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("'node'"), std::string::npos) << status.message();
}

TEST(ConvS8, RefusesScalesWithoutAFactor) {
  graph::Graph g;
  const std::vector<std::int8_t> w(8, 1);
  const auto ids =
      std::vector<graph::ValueId>{testing::add_quantized_input(g, "x", {1, 2, 2, 4}, per_tensor(1e-30f, 5)),
                                  testing::add_quantized_constant(g, "w", {2, 1, 1, 4}, w, per_tensor(1e-30f, 0))};
  ASSERT_TRUE(testing::add_quantized_output(g, conv(1), ids, per_tensor(0.5f, -4)).valid());
  EXPECT_EQ(compile_status(g).code(), StatusCode::kUnsupported);
}

TEST(ConvS8, VerifierRefusesBadWeights) {
  for (int value : {-128, -127}) {
    graph::Graph g;
    const std::vector<std::int8_t> w(8, static_cast<std::int8_t>(value));
    const auto ids =
        std::vector<graph::ValueId>{testing::add_quantized_input(g, "x", {1, 2, 2, 4}, per_tensor(0.1f, 5)),
                                    testing::add_quantized_constant(g, "w", {2, 1, 1, 4}, w, per_tensor(0.1f, 0))};
    ASSERT_TRUE(testing::add_quantized_output(g, conv(1), ids, per_tensor(0.5f, -4)).valid());
    EXPECT_EQ(compile_status(g).ok(), value == -127) << value;
  }
}

}  // namespace
}  // namespace dotori
