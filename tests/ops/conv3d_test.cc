// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/conv3d_check.h"

namespace dotori {
namespace {

using graph::Conv3d;
using graph::Function;
using testing::make_uneven_conv;
using testing::make_volume_conv;

void check(const Conv3d& op, const Shape& in, std::int64_t outputs, bool with_bias = true) {
  testing::check_volume(op, in, outputs, with_bias, "conv_f32_any__reference");
}

TEST(Conv3d, OneByOne) {
  for (int outputs : {1, 2, 17}) check(make_volume_conv<Conv3d>(1, 1, 0), {1, 3, 4, 5, 19}, outputs);
}

TEST(Conv3d, ThreeByThree) {
  check(make_volume_conv<Conv3d>(3, 1, 1), {1, 4, 5, 6, 16}, 23);
  check(make_volume_conv<Conv3d>(3, 1, 0), {2, 4, 3, 5, 7}, 9, false);
  check(make_volume_conv<Conv3d>(3, 2, 1), {1, 5, 6, 7, 9}, 10);
}

// A kernel row is one tap.
TEST(Conv3d, FewChannels) {
  for (int channels : {1, 2, 3}) check(make_volume_conv<Conv3d>(3, 1, 1), {1, 4, 5, 7, channels}, 18);
  check(make_volume_conv<Conv3d>(5, 2, 2), {2, 5, 6, 7, 1}, 8);
}

TEST(Conv3d, UnequalAxes) {
  check(make_uneven_conv<Conv3d>(), {1, 6, 7, 8, 5}, 11);
  check(make_uneven_conv<Conv3d>(3), {2, 5, 6, 7, 9}, 12);
}

// Deeper than one block of K, cut between taps and within them.
TEST(Conv3d, ManyChannels) {
  check(make_volume_conv<Conv3d>(3, 1, 1), {1, 3, 3, 4, 40}, 16);
  check(make_volume_conv<Conv3d>(2, 1, 0), {1, 3, 3, 3, 150}, 20);
}

TEST(Conv3d, Grouped) {
  check(make_volume_conv<Conv3d>(3, 1, 1, 2), {1, 4, 4, 5, 12}, 34);
  check(make_volume_conv<Conv3d>(3, 2, 1, 10), {1, 5, 4, 5, 10}, 10);
}

// Large enough for Winograd's method: kernel slices in one chain and in several, slices beyond the volume, uneven
// pads, kernels of one and of five slices, several groups of tiles, a batch, groups, activations.
TEST(Conv3d, Winograd) {
  const auto check_winograd = [](const Conv3d& op, const Shape& in, std::int64_t outputs, bool with_bias = true) {
    testing::check_volume(op, in, outputs, with_bias, "conv_f32_any__reference", "winograd_f32_");
  };
  check_winograd(make_volume_conv<Conv3d>(3, 1, 1), {1, 5, 13, 18, 32}, 40);
  check_winograd(make_volume_conv<Conv3d>(3, 1, 1), {1, 3, 17, 14, 96}, 32, false);
  check_winograd(make_volume_conv<Conv3d>(3, 1, 0), {2, 4, 18, 14, 32}, 32);
  Conv3d uneven = make_volume_conv<Conv3d>(3, 1, 0);
  uneven.kernel_d = 5;
  uneven.pad_front = 4;  // the first slice of the output sees one of the input
  uneven.pad_top = 2;
  uneven.pad_right = 1;
  for (Function f : {Function::kRelu, Function::kSilu}) {
    uneven.activation = {f, 0.1f, 0};
    check_winograd(uneven, {1, 4, 15, 19, 32}, 24);
  }
  Conv3d flat = make_volume_conv<Conv3d>(3, 1, 1);
  flat.kernel_d = 1;
  flat.pad_front = flat.pad_back = 3;  // slices that see nothing
  check_winograd(flat, {1, 3, 16, 16, 64}, 64);
  check_winograd(make_volume_conv<Conv3d>(3, 1, 1, 2), {1, 4, 13, 14, 64}, 64);
}

TEST(Conv3d, PaddingWiderThanTheVolume) {
  check(make_volume_conv<Conv3d>(3, 1, 4), {1, 1, 2, 1, 8}, 4);
}

TEST(Conv3d, Activations) {
  for (Function f : {Function::kRelu, Function::kSilu, Function::kLeakyRelu}) {
    Conv3d op = make_volume_conv<Conv3d>(3, 1, 1);
    op.activation.function = f;
    op.activation.alpha = 0.1f;
    check(op, {1, 4, 5, 6, 8}, 21);
  }
}

Status inferred(const Conv3d& op, const Shape& x, const Shape& weights) {
  graph::Graph g;
  const graph::ValueId in = g.add_input("x", DataType::kFloat32, x);
  const graph::ValueId w = g.add_input("w", DataType::kFloat32, weights);
  return g.add_node("node", op, {in, w}).status();
}

TEST(Conv3d, Refusals) {
  const Conv3d op = make_volume_conv<Conv3d>(3, 1, 0);
  EXPECT_TRUE(inferred(op, {1, 3, 4, 5, 2}, {4, 3, 3, 3, 2}).ok());
  EXPECT_NE(inferred(op, {1, 2, 4, 5, 2}, {4, 3, 3, 3, 2}).message().find("depth"), std::string::npos);
  EXPECT_NE(inferred(op, {1, 3, 4, 5, 2}, {4, 3, 3, 2, 2}).message().find("3x3x2"), std::string::npos);
  EXPECT_FALSE(inferred(op, {1, 3, 4, 5}, {4, 3, 3, 3, 2}).ok());
  EXPECT_FALSE(inferred(op, {1, 3, 4, 5, 2}, {4, 3, 3, 3, 1}).ok());
  EXPECT_FALSE(inferred(make_volume_conv<Conv3d>(3, 1, 0, 2), {1, 3, 4, 5, 3}, {4, 3, 3, 3, 1}).ok());
  EXPECT_FALSE(inferred(make_volume_conv<Conv3d>(3, 0, 0), {1, 3, 4, 5, 2}, {4, 3, 3, 3, 2}).ok());
}

// Weights that another node computes go to the plain kernel.
TEST(Conv3d, WeightsKnownAtRunTime) {
  const Conv3d op = make_uneven_conv<Conv3d>();
  const Shape in = {1, 5, 4, 6, 3}, weight_shape = {4, 2, 3, 4, 3};
  testing::Random random(5);
  const std::vector<float> x = random.floats(static_cast<std::size_t>(in.elements()));
  const std::vector<float> w = random.floats(static_cast<std::size_t>(weight_shape.elements()));
  graph::Graph g;
  const graph::ValueId x_id = g.add_input("x", DataType::kFloat32, in);
  const graph::ValueId w_id = g.add_input("w", DataType::kFloat32, weight_shape);
  const Result<graph::ValueId> y = g.add_node("node", op, {x_id, w_id});
  ASSERT_TRUE(y.ok()) << y.status().message();
  g.outputs = {*y};
  const Shape out = g.value(*y).type.shape;
  const Result<Model> model = Model::from_graph(g);
  ASSERT_TRUE(model.ok()) << model.status().message();
  Result<Session> session = Session::create(*model, SessionOptions{});
  ASSERT_TRUE(session.ok()) << session.status().message();
  std::copy(x.begin(), x.end(), session->input(0).f32());
  std::copy(w.begin(), w.end(), session->input(1).f32());
  ASSERT_TRUE(session->run().ok());
  const std::vector<double> want = testing::volume_sums(op, in, x, w, {}, out);
  for (std::size_t i = 0; i < want.size(); ++i)
    ASSERT_NEAR(static_cast<double>(session->output(0).f32()[i]), want[i], 1e-5) << "at " << i;
}

}  // namespace
}  // namespace dotori
