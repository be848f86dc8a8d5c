// SPDX-License-Identifier: Apache-2.0
#include "graph/pass_fixture.h"

namespace dotori::graph {
namespace {

// ---- remove_dead

TEST_F(Passes, RemoveDeadKeepsInputsAndOrder) {
  const ValueId x = input({2}), unused = input({3}, "unused");
  const ValueId a = unary("a", Function::kRelu, x);
  const ValueId dead = unary("dead", Function::kTanh, a);
  unary("deader", Function::kRelu, dead);
  scalar("lost", 1);
  g.outputs = {unary("b", Function::kSigmoid, a)};
  (void)unused;
  rewrite(remove_dead);
  EXPECT_EQ(to_string(g),
            "input x float32 [2]\n"
            "input unused float32 [3]\n"
            "unary 'a' (x) activation.function=relu -> a float32 [2]\n"
            "unary 'b' (a) activation.function=sigmoid -> b float32 [2]\n"
            "output b\n");
  EXPECT_EQ(g.values().size(), 4u);
}

// ---- fold_constants

TEST_F(Passes, FoldConstantsAlongAChain) {
  const ValueId x = input({2, 3});
  const ValueId c = weights("c", {3, 2});
  const ValueId t = node("t", Transpose{{1, 0}}, {c});
  const ValueId r = unary("r", Function::kRelu, t);
  g.outputs = {binary("y", BinaryFunction::kAdd, x, r)};
  rewrite([](Graph& graph) { return fold_constants(graph, testing::interpret_node); });
  EXPECT_EQ(to_string(g),
            "input x float32 [2,3]\n"
            "binary 'y' (x, r [2,3]) -> y float32 [2,3]\n"
            "output y\n");
}

TEST_F(Passes, FoldConstantsLeavesWhatItCannot) {
  const ValueId x = input({2});
  const ValueId c = weights("c", {2});
  const ValueId softmax = node("s", Softmax{0, 1}, {c});  // the interpreter does not know it
  const ValueId out = unary("out", Function::kRelu, c);   // a graph output stays a node's
  g.outputs = {binary("y", BinaryFunction::kAdd, x, softmax), out};
  const std::string before = to_string(g);
  EXPECT_TRUE(fold_constants(g, testing::interpret_node).ok());
  EXPECT_EQ(to_string(g), before);
  EXPECT_TRUE(fold_constants(g, nullptr).ok());
  EXPECT_TRUE(verify(g).ok());
}

TEST_F(Passes, FoldConstantsReportsFailures) {
  const ValueId x = input({2});
  g.outputs = {binary("y", BinaryFunction::kAdd, x, unary("r", Function::kRelu, weights("c", {2})))};
  Graph copy = g;
  EXPECT_EQ(
      fold_constants(g, [](const Graph&, const Node&) -> Result<Constant> { return out_of_memory("full"); }).code(),
      StatusCode::kOutOfMemory);
  EXPECT_EQ(
      fold_constants(copy, [](const Graph&, const Node&) -> Result<Constant> { return make_constant("", 1); }).code(),
      StatusCode::kInternal);
}

// ---- fold_batch_norm

TEST_F(Passes, FoldBatchNormChain) {
  const ValueId x = input({1, 5, 5, 2});
  const ValueId c = node("conv", conv(3), {x, weights("w", {4, 3, 3, 2})});
  const ValueId s = binary("sub", BinaryFunction::kSub, c, weights("mean", {4}));
  const ValueId d = binary("div", BinaryFunction::kDiv, s, weights("std", {1, 1, 1, 4}, 0.5f, 2));
  const ValueId m = binary("mul", BinaryFunction::kMul, weights("gamma", {1, 4}), d);
  g.outputs = {node("bn", Binary{BinaryFunction::kAdd, {Function::kRelu, 0, 0}}, {m, weights("beta", {1, 1, 4})})};
  rewrite(fold_batch_norm);
  EXPECT_EQ(to_string(g),
            "input x float32 [1,5,5,2]\n"
            "conv2d 'conv' (x, w [4,3,3,2], conv/bias [4]) kernel_h=3, kernel_w=3, activation.function=relu"
            " -> bn float32 [1,3,3,4]\n"
            "output bn\n");
}

TEST_F(Passes, FoldBatchNormOperandOrders) {
  const ValueId x = input({2, 3});
  ValueId y = node("fc", FullyConnected{}, {x, weights("w", {4, 3}), weights("b", {4})});
  y = binary("rsub", BinaryFunction::kSub, weights("c", {4}), y);
  y = binary("scalar", BinaryFunction::kMul, y, scalar("two", 2));
  y = binary("ones", BinaryFunction::kDiv, y, g.add_constant_f32("three", {1, 1}, {3}));
  g.outputs = {y};
  rewrite(fold_batch_norm);
  ASSERT_EQ(g.nodes().size(), 1u);
  EXPECT_TRUE(std::holds_alternative<FullyConnected>(g.nodes()[0].op));
}

TEST_F(Passes, FoldBatchNormIntoGroupedAndTransposed) {
  const ValueId x = input({1, 3, 4, 4});
  ConvTranspose2d up;
  up.kernel_h = up.kernel_w = 2;
  up.stride_h = up.stride_w = 2;
  ValueId y = node("up", up, {x, weights("w", {4, 2, 2, 4})});
  y = binary("m", BinaryFunction::kMul, y, weights("s", {4}));
  y = node("dw", conv(3, 4), {y, weights("wd", {4, 3, 3, 1})});
  y = binary("m2", BinaryFunction::kMul, y, weights("s2", {4}));
  g.outputs = {y};
  rewrite(fold_batch_norm);
  EXPECT_EQ(g.nodes().size(), 2u);
  EXPECT_EQ(g.nodes()[1].inputs.size(), 2u) << "a scale alone makes no bias";
}

TEST_F(Passes, FoldBatchNormLeavesSharedWeightsAlone) {
  const ValueId x = input({1, 3, 3, 2});
  const ValueId w = weights("w", {4, 1, 1, 2}), b = weights("b", {4});
  const ValueId first = node("first", conv(1), {x, w, b});
  const ValueId second = node("second", conv(1), {x, w, b});
  g.outputs = {binary("m", BinaryFunction::kMul, first, weights("s", {4})), second};
  rewrite(fold_batch_norm);
  EXPECT_EQ(g.nodes().size(), 2u);
  EXPECT_EQ(g.value(g.nodes()[0].inputs[1]).name, "w_1");
  EXPECT_EQ(g.value(g.nodes()[1].inputs[1]).name, "w");
}

TEST_F(Passes, FoldBatchNormRefusals) {
  const ValueId x = input({1, 3, 3, 4});
  const ValueId w = weights("w", {4, 1, 1, 4});
  // Read twice.
  const ValueId a = node("a", conv(1), {x, w});
  const ValueId a2 = binary("a2", BinaryFunction::kMul, a, weights("s", {4}));
  const ValueId a3 = binary("a3", BinaryFunction::kAdd, a, a2);
  // A graph output itself.
  const ValueId b = node("b", conv(1), {x, w});
  const ValueId b2 = binary("b2", BinaryFunction::kAdd, b, weights("t", {4}));
  // An activation in between.
  Conv2d active = conv(1);
  active.activation.function = Function::kTanh;
  const ValueId c2 = binary("c2", BinaryFunction::kAdd, node("c", active, {x, w}), weights("u", {4}));
  // Constant along another axis, constant that enlarges the shape, constant in the numerator, a divisor of zero.
  const ValueId d2 = binary("d2", BinaryFunction::kAdd, node("d", conv(1), {x, w}), weights("v", {3, 1}));
  const ValueId e2 = binary("e2", BinaryFunction::kAdd, node("e", conv(1), {x, w}), weights("z", {2, 1, 1, 4}));
  const ValueId f2 = binary("f2", BinaryFunction::kDiv, weights("q", {4}, 1, 2),
                            node("f", FullyConnected{}, {x, weights("fw", {4, 4})}));
  // Weights that are no constant.
  const ValueId dynamic = input({4, 1, 1, 4}, "dynamic");
  const ValueId h2 = binary("h2", BinaryFunction::kMul, node("h", conv(1), {x, dynamic}), weights("hs", {4}));
  g.outputs = {a3, b, b2, c2, d2, e2, f2, h2};
  const std::string before = to_string(g);
  rewrite(fold_batch_norm);
  EXPECT_EQ(to_string(g), before);

  const ValueId zero = g.add_constant_f32("zero", {4}, {1, 0, 1, 1});
  g.outputs = {binary("i2", BinaryFunction::kDiv, node("i", conv(1), {x, w}), zero)};
  EXPECT_TRUE(fold_batch_norm(g).ok());
  EXPECT_EQ(g.nodes().size(), 2u) << "division by zero stays at run time";
}

// ---- fold_pad

TEST_F(Passes, FoldPadIntoConvAndPool) {
  const ValueId x = input({1, 5, 6, 2});
  const ValueId p = node("p", Pad{PadMode::kConstant, {0, 1, 2, 0}, {0, 3, 0, 0}, 0}, {x});
  const ValueId c = node("c", conv(3), {p, weights("w", {3, 3, 3, 2})});
  AveragePool2d pool;
  pool.kernel_h = pool.kernel_w = 4;
  const ValueId a = node("a", pool, {p});
  g.outputs = {c, a};
  rewrite(fold_pad);
  EXPECT_EQ(to_string(g),
            "input x float32 [1,5,6,2]\n"
            "conv2d 'c' (x, w [3,3,3,2]) kernel_h=3, kernel_w=3, pad_top=1, pad_bottom=3, pad_left=2"
            " -> c float32 [1,7,6,3]\n"
            "average_pool2d 'a' (x) kernel_h=4, kernel_w=4, pad_top=1, pad_bottom=3, pad_left=2, count_include_pad=true"
            " -> a float32 [1,3,3,2]\n"
            "output c\noutput a\n");
}

TEST_F(Passes, FoldPadRefusals) {
  const ValueId x = input({1, 5, 6, 2});
  const ValueId w = weights("w", {3, 3, 3, 2});
  const ValueId one = node("one", Pad{PadMode::kConstant, {0, 1, 0, 0}, {0, 0, 0, 0}, 1}, {x});
  const ValueId flat = input({1, 1, 2, 1}, "flat");
  const ValueId wide = node("wide", Pad{PadMode::kConstant, {0, 0, 4097, 0}, {0, 0, 0, 0}, 0}, {flat});
  const ValueId channel = node("channel", Pad{PadMode::kConstant, {0, 0, 0, 1}, {0, 0, 0, 0}, 0}, {x});
  const ValueId one_c = node("one_c", conv(3), {one, w});
  const ValueId wide_c = node("wide_c", conv(1), {wide, weights("w1", {1, 1, 1, 1})});
  const ValueId channel_c = node("channel_c", conv(1), {channel, weights("w3", {1, 1, 1, 3})});
  AveragePool2d pool;  // the padding would be as wide as the kernel
  const ValueId thick = node("thick", Pad{PadMode::kConstant, {0, 2, 0, 0}, {0, 0, 0, 0}, 0}, {x});
  const ValueId a = node("a", pool, {thick});
  pool.kernel_h = pool.kernel_w = 3;  // its own padding is not counted, the Pad's is
  pool.pad_top = 1;
  const ValueId b = node("b", pool, {thick});
  g.outputs = {one_c, wide_c, channel_c, a, b};
  const std::string before = to_string(g);
  rewrite(fold_pad);
  EXPECT_EQ(to_string(g), before);
}

TEST_F(Passes, FoldPadKeepsAPadThatIsAnOutput) {
  const ValueId x = input({1, 5, 6, 2});
  const ValueId p = node("p", Pad{PadMode::kConstant, {0, 1, 1, 0}, {0, 1, 1, 0}, 0}, {x});
  g.outputs = {p, node("c", conv(3), {p, weights("w", {3, 3, 3, 2})})};
  rewrite(fold_pad);
  EXPECT_EQ(g.nodes().size(), 2u);
  EXPECT_EQ(g.nodes()[1].inputs[0], g.inputs[0]);
}

// ---- fold_space_to_batch

// Blocks of 2 x 3, each filter 3 x 2, three images; `added` and `removed`: top, bottom, left, right.
struct Margins {
  std::int64_t top, bottom, left, right;
};
ValueId dilated_by_blocks(Graph& g, ValueId x, ValueId w, Conv2d conv, Margins added, Margins removed) {
  const auto node = [&](const char* name, Op op, std::vector<ValueId> inputs) {
    return *g.add_node(name, std::move(op), std::move(inputs));
  };
  const auto shape_of = [&](ValueId id) { return g.value(id).type.shape; };
  conv.kernel_h = 3;
  conv.kernel_w = 2;
  ValueId y =
      node("pad", Pad{PadMode::kConstant, {0, added.top, added.left, 0}, {0, added.bottom, added.right, 0}, 0}, {x});
  const Shape p = shape_of(y);
  y = node("split", Reshape{{p[0], p[1] / 2, 2, p[2] / 3, 3, p[3]}}, {y});
  y = node("spread", Transpose{{2, 4, 0, 1, 3, 5}}, {y});
  y = node("batch", Reshape{{6 * p[0], p[1] / 2, p[2] / 3, p[3]}}, {y});
  y = node("conv", conv, {y, w});
  const Shape q = shape_of(y);
  y = node("join", Reshape{{2, 3, p[0], q[1], q[2], q[3]}}, {y});
  y = node("gather", Transpose{{2, 3, 0, 4, 1, 5}}, {y});
  y = node("space", Reshape{{p[0], q[1] * 2, q[2] * 3, q[3]}}, {y});
  const Shape r = shape_of(y);
  return node("crop",
              Slice{{0, removed.top, removed.left, 0},
                    {r[0], r[1] - removed.top - removed.bottom, r[2] - removed.left - removed.right, r[3]},
                    {1, 1, 1, 1}},
              {y});
}

TEST_F(Passes, FoldSpaceToBatch) {
  const ValueId x = input({3, 9, 10, 4});
  const ValueId w = weights("w", {6, 3, 2, 4});
  g.outputs = {dilated_by_blocks(g, x, w, {}, {4, 5, 3, 5}, {0, 2, 1, 0})};
  rewrite(fold_space_to_batch);
  EXPECT_EQ(
      to_string(g),
      "input x float32 [3,9,10,4]\n"
      "conv2d 'conv' (x, w [6,3,2,4]) kernel_h=3, kernel_w=2, dilation_h=2, dilation_w=3, pad_top=4, pad_bottom=3,"
      " pad_left=2, pad_right=5 -> crop float32 [3,12,14,6]\n"
      "output crop\n");
}

TEST_F(Passes, FoldSpaceToBatchWithPadsAndGroupsOfTheConvolution) {
  Conv2d grouped = conv(3, 2);
  grouped.pad_top = grouped.pad_right = 1;
  const ValueId x = input({1, 8, 9, 4});
  g.outputs = {dilated_by_blocks(g, x, weights("w", {6, 3, 2, 2}), grouped, {0, 0, 0, 0}, {1, 0, 0, 2})};
  rewrite(fold_space_to_batch);
  ASSERT_EQ(g.nodes().size(), 1u);
  const auto& folded = std::get<Conv2d>(g.nodes()[0].op);
  EXPECT_EQ(folded.pad_top, 1);
  EXPECT_EQ(folded.pad_right, 1);
  EXPECT_EQ(folded.groups, 2);
}

// More is cut than was added: the slice stays.
TEST_F(Passes, FoldSpaceToBatchKeepsALargeCrop) {
  g.outputs = {dilated_by_blocks(g, input({2, 12, 12, 4}), weights("w", {5, 3, 2, 4}), {}, {0, 0, 0, 0}, {1, 0, 0, 0})};
  rewrite(fold_space_to_batch);
  ASSERT_EQ(g.nodes().size(), 2u);
  EXPECT_EQ(std::string(op_name(g.nodes()[1].op)), "slice");
}

TEST_F(Passes, FoldSpaceToBatchRefusals) {
  const ValueId x = input({2, 12, 12, 4});
  Conv2d strided = conv(3);
  strided.stride_h = 2;
  const ValueId a = dilated_by_blocks(g, x, weights("w", {5, 3, 2, 4}), strided, {0, 0, 0, 0}, {0, 0, 0, 0});
  g.outputs = {a};
  const std::string before = to_string(g);
  rewrite(fold_space_to_batch);
  EXPECT_EQ(to_string(g), before);
}

// ---- fuse_activation

TEST_F(Passes, FuseActivation) {
  const ValueId x = input({1, 4, 4, 2});
  ValueId y = node("c", conv(1), {x, weights("w", {2, 1, 1, 2})});
  y = unary("relu6", Function::kClip, y, 0, 6);
  y = binary("sum", BinaryFunction::kAdd, y, x);
  y = unary("tanh", Function::kTanh, y);
  g.outputs = {y};
  rewrite(fuse_activation);
  EXPECT_EQ(to_string(g),
            "input x float32 [1,4,4,2]\n"
            "conv2d 'c' (x, w [2,1,1,2]) activation.function=clip, activation.beta=6 -> relu6 float32 [1,4,4,2]\n"
            "binary 'sum' (relu6, x) activation.function=tanh -> tanh float32 [1,4,4,2]\n"
            "output tanh\n");
}

TEST_F(Passes, FuseActivationRefusals) {
  const ValueId x = input({1, 4, 4, 2});
  const ValueId w = weights("w", {2, 1, 1, 2});
  const ValueId shared = node("shared", conv(1), {x, w});
  const ValueId a = unary("a", Function::kRelu, shared);
  const ValueId b = unary("b", Function::kTanh, shared);
  const ValueId shown = node("shown", conv(1), {x, w});
  const ValueId c = unary("c", Function::kRelu, shown);
  const ValueId d = unary("d", Function::kRelu, x);
  g.outputs = {a, b, shown, c, d};
  const std::string before = to_string(g);
  rewrite(fuse_activation);
  EXPECT_EQ(to_string(g), before);
}

TEST_F(Passes, FuseOnlyOneActivation) {
  const ValueId x = input({1, 4, 4, 2});
  const ValueId c = node("c", conv(1), {x, weights("w", {2, 1, 1, 2})});
  g.outputs = {unary("b", Function::kTanh, unary("a", Function::kRelu, c))};
  rewrite(fuse_activation);
  EXPECT_EQ(g.nodes().size(), 2u);
}

}  // namespace
}  // namespace dotori::graph
