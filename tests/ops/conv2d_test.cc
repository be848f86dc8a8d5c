// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "ops/conv_check.h"

namespace dotori {
namespace {

using graph::Conv2d;
using graph::Function;

Conv2d conv(int kernel, int stride = 1, int pad = 0, int groups = 1) {
  Conv2d op;
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
  op.groups = groups;
  return op;
}

void check(const Conv2d& op, const Shape& in, std::int64_t outputs, bool with_bias = true) {
  testing::check_convolution(op, in, outputs, with_bias, "conv_f32_any__reference");
}

TEST(Conv2d, Pointwise) {
  for (int channels : {1, 5, 16}) {
    for (int outputs : {1, 8, 23, 33}) check(conv(1), {1, 5, 7, channels}, outputs);
  }
}

TEST(Conv2d, PointwiseStrided) {
  check(conv(1, 2), {1, 7, 9, 12}, 18);
}

// Few channels: the taps of a kernel row are taken together, and rows at the border copied.
TEST(Conv2d, FirstLayers) {
  check(conv(3, 2, 1), {1, 13, 14, 3}, 20);
  check(conv(7, 2, 3), {1, 9, 15, 3}, 9);
  check(conv(3, 1, 1), {2, 5, 4, 1}, 17);
  check(conv(5, 1, 4), {1, 3, 2, 2}, 4);
}

TEST(Conv2d, ManyChannels) {
  check(conv(3, 1, 1), {1, 6, 7, 40}, 24);
  check(conv(3, 2, 1), {1, 9, 6, 33}, 17);
}

// Large enough for Winograd's method: tiles that reach beyond the image, uneven pads, several groups of tiles and
// blocks of columns, a batch, a deep sum, every kind of activation.
TEST(Conv2d, Winograd) {
  const auto check_winograd = [](const Conv2d& op, const Shape& in, std::int64_t outputs, bool with_bias = true) {
    testing::check_convolution(op, in, outputs, with_bias, "conv_f32_any__reference", "winograd_f32_");
  };
  check_winograd(conv(3, 1, 1), {1, 24, 24, 64}, 64);
  check_winograd(conv(3, 1, 1), {1, 21, 18, 64}, 72, false);
  check_winograd(conv(3, 1, 0), {2, 22, 22, 64}, 136);
  Conv2d uneven = conv(3, 1, 0);
  uneven.pad_top = 2;
  uneven.pad_right = 1;
  for (Function f : {Function::kRelu, Function::kSilu, Function::kLeakyRelu}) {
    uneven.activation = {f, 0.1f, 0};
    check_winograd(uneven, {1, 30, 19, 64}, 64);
  }
  check_winograd(conv(3, 1, 1), {1, 20, 20, 264}, 64);
  // Groups of 16, 24 and 48 outputs: several in a block of columns, and a block that is not full.
  check_winograd(conv(3, 1, 1, 5), {1, 21, 22, 80}, 80);
  check_winograd(conv(3, 1, 1, 3), {2, 17, 18, 72}, 72);
  check_winograd(conv(3, 1, 1, 2), {1, 23, 19, 64}, 96);
}

// Taps of more floats than a block of K, and blocks of several taps. The clamp is for the whole sum.
TEST(Conv2d, DeepSums) {
  for (Function f : {Function::kIdentity, Function::kRelu}) {
    Conv2d point = conv(1), wide = conv(2), padded = conv(3, 1, 1);
    point.activation.function = wide.activation.function = padded.activation.function = f;
    check(point, {1, 3, 5, 600}, 20);
    check(wide, {1, 3, 5, 290}, 18);
    check(padded, {1, 4, 4, 70}, 5);
  }
}

TEST(Conv2d, OnePixel) {
  check(conv(1), {1, 1, 1, 300}, 90);
  check(conv(3, 1, 1), {1, 1, 1, 30}, 50);
}

TEST(Conv2d, BatchWithoutBias) {
  check(conv(3, 1, 1), {3, 4, 5, 24}, 10, false);
}

TEST(Conv2d, AsymmetricPaddingDilationAndStride) {
  Conv2d op = conv(3);
  op.kernel_h = 2;
  op.stride_h = 2;
  op.stride_w = 3;
  op.dilation_h = 3;
  op.dilation_w = 2;
  op.pad_top = 2;
  op.pad_right = 5;
  check(op, {2, 8, 11, 3}, 7);
  check(op, {1, 8, 11, 30}, 19);
}

// Windows wholly in the padding see zeros.
TEST(Conv2d, PaddingWiderThanTheKernel) {
  check(conv(3, 1, 5), {1, 2, 3, 2}, 6);
  check(conv(3, 1, 5), {1, 2, 3, 40}, 6);
}

TEST(Conv2d, Grouped) {
  check(conv(3, 1, 1, 3), {1, 6, 5, 48}, 48);
  check(conv(3, 2, 1, 4), {1, 7, 7, 12}, 20);
  check(conv(1, 1, 0, 2), {1, 3, 3, 10}, 36);
}

TEST(Conv2d, DepthwiseWithMultiplier) {
  check(conv(3, 1, 1, 5), {1, 5, 6, 5}, 10);
}

TEST(Conv2d, Activations) {
  for (Function f : {Function::kRelu, Function::kClip, Function::kSilu, Function::kLeakyRelu}) {
    for (int groups : {1, 2}) {
      Conv2d op = conv(3, 1, 1, groups);
      op.activation.function = f;
      if (f == Function::kClip) op.activation.beta = 0.75f;
      if (f == Function::kLeakyRelu) op.activation.alpha = 0.1f;
      check(op, {1, 7, 9, 20}, 38);
      check(op, {1, 1, 1, 300}, 38);
    }
  }
}

// Enough work for several tasks of rows, and of columns.
TEST(Conv2d, ManyTasks) {
  Conv2d op = conv(5, 1, 2);
  op.activation.function = Function::kSilu;
  check(op, {1, 20, 21, 16}, 48);
  check(conv(1), {1, 6, 6, 160}, 200);
}

TEST(Conv2d, NanStaysInItsPixels) {
  std::vector<float> x(9 * 9 * 4, 0.5f);
  x[(4 * 9 + 4) * 4] = std::numeric_limits<float>::quiet_NaN();
  Conv2d op = conv(3, 1, 1);
  op.activation.function = Function::kRelu;
  const std::vector<float> weights(6 * 9 * 4, 0.25f);
  for (const SessionOptions& options : testing::all_session_options()) {
    if (options.backend == BackendKind::kXnnpack) continue;  // its clamps make a number of a NaN
    const testing::OpRun found = testing::run_op(op, {1, 9, 9, 4}, x, {{{6, 3, 3, 4}, weights}}, options);
    ASSERT_EQ(found.values.size(), 9u * 9 * 6);
    for (int y = 0; y < 9; ++y) {
      for (int col = 0; col < 9; ++col) {
        const bool reached = std::abs(y - 4) <= 1 && std::abs(col - 4) <= 1;
        EXPECT_EQ(std::isnan(found.values[static_cast<std::size_t>((y * 9 + col) * 6)]), reached) << y << " " << col;
      }
    }
  }
}

// Scratch holds what an earlier layer left there; padding must be zero nevertheless.
TEST(Conv2d, SecondLayerSeesCleanPadding) {
  testing::Random random(11);
  const Conv2d first = conv(7, 1, 3), second = conv(3, 1, 1);
  const Shape shape = {1, 6, 9, 3};
  const std::vector<float> x = random.floats(6 * 9 * 3), w1 = random.floats(3 * 49 * 3), w2 = random.floats(3 * 9 * 3);
  graph::Graph g;
  const graph::ValueId input = g.add_input("x", DataType::kFloat32, shape);
  const graph::ValueId a = *g.add_node("a", first, {input, g.add_constant_f32("w1", {3, 7, 7, 3}, w1)});
  g.outputs.push_back(*g.add_node("b", second, {a, g.add_constant_f32("w2", {3, 3, 3, 3}, w2)}));
  Result<Model> model = Model::from_graph(std::move(g));
  ASSERT_TRUE(model.ok()) << model.status().message();
  Result<Session> session = Session::create(*model);
  ASSERT_TRUE(session.ok()) << session.status().message();
  const std::vector<double> middle = testing::convolved(first, shape, x, w1, {}, shape);
  const std::vector<double> expected =
      testing::convolved(second, shape, std::vector<float>(middle.begin(), middle.end()), w2, {}, shape);
  for (int run = 0; run < 2; ++run) {
    std::copy(x.begin(), x.end(), session->input(0).f32());
    ASSERT_TRUE(session->run().ok());
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(static_cast<double>(session->output(0).f32()[i]), expected[i], 1e-4) << "run " << run << " at " << i;
  }
}

// Weights computed by another node: only the plain kernel can.
TEST(Conv2d, ComputedWeights) {
  testing::Random random(5);
  const std::vector<float> x = random.floats(5 * 6 * 4), weights = random.floats(8 * 9 * 4);
  graph::Graph g;
  const graph::ValueId input = g.add_input("x", DataType::kFloat32, {1, 5, 6, 4});
  const graph::ValueId w = g.add_input("w", DataType::kFloat32, {8, 3, 3, 4});
  g.outputs.push_back(*g.add_node("node", conv(3), {input, w}));
  Result<Model> model = Model::from_graph(std::move(g));
  ASSERT_TRUE(model.ok()) << model.status().message();
  Result<Session> session = Session::create(*model);
  ASSERT_TRUE(session.ok()) << session.status().message();
  std::copy(x.begin(), x.end(), session->input(0).f32());
  std::copy(weights.begin(), weights.end(), session->input(1).f32());
  ASSERT_TRUE(session->run().ok());
  const std::vector<double> expected = testing::convolved(conv(3), {1, 5, 6, 4}, x, weights, {}, {1, 3, 4, 8});
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(static_cast<double>(session->output(0).f32()[i]), expected[i], 1e-5);
}

}  // namespace
}  // namespace dotori
