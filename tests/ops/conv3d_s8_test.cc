// SPDX-License-Identifier: Apache-2.0
// int8 conv3d and conv_transpose3d: the exact sum from the definition, requantised by the one rule, on every backend
// and 1 to 8 threads.
#include <gtest/gtest.h>

#include "kernels/quantize/requantize.h"
#include "ops/conv3d_check.h"
#include "ops/quantized_graph.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::Conv3d;
using graph::ConvTranspose3d;
using graph::Function;
using testing::make_uneven_conv;
using testing::make_volume_conv;
using testing::per_tensor;
using testing::Random;

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
  if (a.function == Function::kRelu) out.low = y.zero_points[0];
  if (a.function == Function::kLeakyRelu) out.slope = a.alpha;
  return out;
}

// `weight_zero_point` other than 0: one scale for all weights.
template <class Op>
void check(const Op& op, const Shape& in, std::int64_t outputs, int weight_zero_point = 0) {
  const Quantization x_rule = per_tensor(0.05f, -7), y_rule = per_tensor(0.3f, 11);
  Random random(static_cast<std::uint64_t>(in.elements() * 31 + outputs * 7 + op.kernel_w));
  const Shape weight_shape = {outputs, op.kernel_d, op.kernel_h, op.kernel_w, in[4] / op.groups};
  const std::int64_t each = weight_shape.elements() / outputs;
  const std::vector<std::int8_t> x = random_bytes(random, in.elements(), -128);
  const std::vector<std::int8_t> w = random_bytes(random, weight_shape.elements(), -127);
  Quantization weights;
  if (weight_zero_point != 0) weights = per_tensor(0.002f, weight_zero_point);
  for (std::int64_t o = 0; weight_zero_point == 0 && o < outputs; ++o) {
    weights.scales.push_back(random.uniform(0.001f, 0.1f) / static_cast<float>(each));
    weights.zero_points.push_back(0);
  }
  std::vector<std::int32_t> bias;
  for (std::int64_t o = 0; o < outputs; ++o) bias.push_back(random.integer(-100000, 100000));

  graph::Graph g;
  const graph::ValueId y =
      testing::add_quantized_output(g, op,
                                    {testing::add_quantized_input(g, "x", in, x_rule),
                                     testing::add_quantized_constant(g, "w", weight_shape, w, weights),
                                     testing::add_quantized_constant(g, "b", {outputs}, bias, {})},
                                    y_rule);
  ASSERT_TRUE(y.valid());
  std::string kernel;
  const std::vector<std::int8_t> found = testing::run_quantized(g, {x}, &kernel);
  EXPECT_EQ(kernel.rfind("gemm_s8_", 0), 0u) << kernel;
  ASSERT_EQ(static_cast<std::int64_t>(found.size()), g.value(y).type.shape.elements());

  // All numbers are whole and small enough to be exact.
  std::vector<float> real_x, real_w;
  for (std::int8_t q : x) real_x.push_back(static_cast<float>(q - x_rule.zero_points[0]));
  for (std::int8_t q : w) real_w.push_back(static_cast<float>(q - weights.zero_points[0]));
  const std::vector<double> sums = testing::volume_sums(op, in, real_x, real_w, {}, g.value(y).type.shape);
  const kernels::QuantizedOutput rule = output_of(op.activation, y_rule);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::size_t o = i % static_cast<std::size_t>(outputs);
    const double ws = static_cast<double>(weights.scales[weights.scales.size() == 1 ? 0 : o]);
    const float scale =
        static_cast<float>(static_cast<double>(x_rule.scales[0]) * ws / static_cast<double>(y_rule.scales[0]));
    const std::int32_t acc = static_cast<std::int32_t>(sums[i]) + bias[o];
    ASSERT_EQ(found[i], kernels::requantize(acc, scale, rule)) << kernel << " at " << i << ", channel " << o;
  }
}

TEST(Conv3dS8, Shapes) {
  for (int channels : {1, 3, 8, 16, 33}) {
    check(make_volume_conv<Conv3d>(3, 1, 1), {1, 3, 4, 5, channels}, 18);
    check(make_volume_conv<Conv3d>(1, 1, 0), {1, 3, 4, 5, channels}, 2);
    check(make_volume_conv<Conv3d>(3, 2, 1), {2, 3, 4, 5, channels}, 9);
    check(make_uneven_conv<Conv3d>(), {1, 5, 6, 7, channels}, 7);
  }
}

TEST(Conv3dS8, Grouped) {
  check(make_volume_conv<Conv3d>(3, 1, 1, 3), {1, 3, 4, 5, 24}, 48);
  check(make_volume_conv<Conv3d>(2, 1, 1, 5), {1, 3, 4, 3, 5}, 10);
}

TEST(Conv3dS8, WeightZeroPoint) {
  check(make_volume_conv<Conv3d>(3, 1, 1), {1, 3, 4, 5, 16}, 18, 25);
  check(make_uneven_conv<Conv3d>(), {1, 5, 6, 7, 3}, 7, -9);
}

TEST(Conv3dS8, FusedActivations) {
  Conv3d op = make_volume_conv<Conv3d>(3, 1, 1);
  op.activation.function = Function::kRelu;
  check(op, {1, 3, 4, 5, 16}, 9);
  op.activation = {Function::kLeakyRelu, 0.1f, 0};
  check(op, {1, 3, 4, 5, 16}, 9);
}

TEST(ConvTranspose3dS8, StridesAndGroups) {
  check(make_volume_conv<ConvTranspose3d>(2, 2, 0), {1, 3, 4, 5, 16}, 24);
  check(make_volume_conv<ConvTranspose3d>(3, 2, 1), {2, 3, 2, 4, 5}, 6);
  check(make_volume_conv<ConvTranspose3d>(1, 3, 0), {1, 2, 3, 2, 8}, 5);
  check(make_uneven_conv<ConvTranspose3d>(2), {1, 3, 3, 4, 12}, 6, 3);
}

TEST(Conv3dS8, RefusesSumsThatCouldOverflow) {
  const std::int64_t channels = 3000;
  const std::vector<std::int8_t> w(static_cast<std::size_t>(27 * channels), 127);
  graph::Graph g;
  const graph::ValueId x = testing::add_quantized_input(g, "x", {1, 3, 3, 3, channels}, per_tensor(0.05f, 0));
  const graph::ValueId weights =
      testing::add_quantized_constant(g, "w", {1, 3, 3, 3, channels}, w, per_tensor(0.01f, 0));
  testing::add_quantized_output(g, make_volume_conv<Conv3d>(3, 1, 1), {x, weights}, per_tensor(0.3f, 0));
  const Result<Model> model = Model::from_graph(g);
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Result<Session> session = Session::create(*model, SessionOptions{});
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.status().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace dotori
