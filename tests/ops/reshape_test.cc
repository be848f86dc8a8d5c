// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

namespace dotori::testing {
namespace {

TEST(ReshapeOp, KeepsTheElements) {
  graph::Reshape op;
  op.shape = {4, 6};
  const std::vector<float> x = counting<float>({2, 3, 4});
  const std::vector<double> want(x.begin(), x.end());
  OpCase().input(Shape{2, 3, 4}, x).expect<float>(op, {4, 6}, want);
  const std::vector<std::uint8_t> bytes = counting<std::uint8_t>({24});
  OpCase().input(Shape{24}, bytes).expect<std::uint8_t>(op, {4, 6}, want);
}

// A constant has no buffer to share, so its reshape is a copy.
TEST(ReshapeOp, OfAConstant) {
  graph::Graph g;
  const graph::ValueId x = g.add_input("x", DataType::kFloat32, {2, 3});
  const graph::ValueId c = g.add_constant_f32("c", {3, 2}, {1, 2, 3, 4, 5, 6});
  graph::Reshape reshape;
  reshape.shape = {2, 3};
  const Result<graph::ValueId> reshaped = g.add_node("reshape", reshape, {c});
  ASSERT_TRUE(reshaped.ok()) << reshaped.status().message();
  const Result<graph::ValueId> sum = g.add_node("sum", graph::Binary{}, {x, *reshaped});
  ASSERT_TRUE(sum.ok()) << sum.status().message();
  g.outputs.push_back(*sum);
  const Result<Model> model = Model::from_graph(g);
  ASSERT_TRUE(model.ok()) << model.status().message();
  Result<Session> session = Session::create(*model);
  ASSERT_TRUE(session.ok()) << session.status().message();
  for (int run = 0; run < 2; ++run) {
    for (int i = 0; i < 6; ++i) session->input(0).f32()[i] = 10.0f * static_cast<float>(i);
    ASSERT_TRUE(session->run().ok());
    for (int i = 0; i < 6; ++i)
      EXPECT_EQ(session->output(0).f32()[i], 10.0f * static_cast<float>(i) + static_cast<float>(i + 1));
  }
}

}  // namespace
}  // namespace dotori::testing
