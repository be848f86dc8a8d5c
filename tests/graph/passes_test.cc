// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/passes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "graph/interpreter.h"
#include "graph/verify.h"
#include "support/random.h"

namespace dotori::graph {
namespace {

using Pass = std::function<Status(Graph&)>;

class Passes : public ::testing::Test {
 protected:
  ValueId input(const Shape& shape, const char* name = "x") { return g.add_input(name, DataType::kFloat32, shape); }
  ValueId weights(const char* name, const Shape& shape, float low = -1, float high = 1) {
    return g.add_constant_f32(name, shape, random.floats(static_cast<std::size_t>(shape.elements()), low, high));
  }
  ValueId scalar(const char* name, float v) { return g.add_constant_f32(name, {}, {v}); }
  ValueId node(const char* name, Op op, std::vector<ValueId> inputs) {
    Result<ValueId> id = g.add_node(name, std::move(op), std::move(inputs));
    EXPECT_TRUE(id.ok()) << id.status().message();
    return *id;
  }
  ValueId unary(const char* name, Function f, ValueId x, float alpha = 0, float beta = 0) {
    return node(name, Unary{{f, alpha, beta}}, {x});
  }
  ValueId binary(const char* name, BinaryFunction f, ValueId a, ValueId b) { return node(name, Binary{f, {}}, {a, b}); }

  static std::vector<std::vector<double>> outputs_of(const Graph& graph) {
    testing::Interpreter interpreter(graph);
    testing::Random numbers(99);
    for (ValueId id : graph.inputs) {
      const std::vector<float> x =
          numbers.floats(static_cast<std::size_t>(graph.value(id).type.shape.elements()), -4, 4);
      interpreter.set(id, std::vector<double>(x.begin(), x.end()));
    }
    interpreter.run();
    std::vector<std::vector<double>> outputs;
    for (ValueId id : graph.outputs) outputs.push_back(interpreter.get(id).data);
    return outputs;
  }

  // Runs the pass: the graph stays valid, its outputs keep names and values.
  void rewrite(const Pass& pass) {
    const Status before = verify(g);
    ASSERT_TRUE(before.ok()) << before.message();
    const std::vector<std::vector<double>> expected = outputs_of(g);
    std::vector<std::string> names;
    for (ValueId id : g.outputs) names.push_back(g.value(id).name);
    const Status status = pass(g);
    ASSERT_TRUE(status.ok()) << status.message();
    const Status after = verify(g);
    ASSERT_TRUE(after.ok()) << after.message() << "\n" << to_string(g);
    const std::vector<std::vector<double>> found = outputs_of(g);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t o = 0; o < found.size(); ++o) {
      EXPECT_EQ(g.value(g.outputs[o]).name, names[o]);
      ASSERT_EQ(found[o].size(), expected[o].size());
      for (std::size_t i = 0; i < found[o].size(); ++i) {
        ASSERT_FALSE(std::isnan(expected[o][i]));
        ASSERT_NEAR(found[o][i], expected[o][i], 2e-5 * (1 + std::fabs(expected[o][i]))) << names[o] << " " << i;
      }
    }
  }

  Graph g;
  testing::Random random{5};
};

Conv2d conv(int kernel, int groups = 1) {
  Conv2d op;
  op.kernel_h = op.kernel_w = kernel;
  op.groups = groups;
  return op;
}

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

class Formulas : public Passes, public ::testing::WithParamInterface<bool> {
 protected:
  ValueId product(const char* name, ValueId a, ValueId b) {
    return GetParam() ? binary(name, BinaryFunction::kMul, b, a) : binary(name, BinaryFunction::kMul, a, b);
  }
  // The convolution in front takes the activation over, nothing else is left.
  void expect_fused(Function f) {
    rewrite(fuse_activation);
    ASSERT_EQ(g.nodes().size(), 1u) << to_string(g);
    EXPECT_EQ(std::get<Conv2d>(g.nodes()[0].op).activation.function, f);
  }
  ValueId convolved() { return node("c", conv(1), {input({1, 4, 4, 2}), weights("w", {2, 1, 1, 2}, -3, 3)}); }
  ValueId shifted_relu6(ValueId x) {
    return unary("r6", Function::kClip,
                 GetParam() ? binary("p", BinaryFunction::kAdd, scalar("three", 3), x)
                            : binary("p", BinaryFunction::kAdd, x, scalar("three", 3)),
                 0, 6);
  }
};
INSTANTIATE_TEST_SUITE_P(OperandOrder, Formulas, ::testing::Bool());

TEST_P(Formulas, Silu) {
  const ValueId c = convolved();
  g.outputs = {product("y", c, unary("s", Function::kSigmoid, c))};
  expect_fused(Function::kSilu);
}
TEST_P(Formulas, Mish) {
  const ValueId c = convolved();
  g.outputs = {product("y", c, unary("t", Function::kTanh, unary("s", Function::kSoftplus, c)))};
  expect_fused(Function::kMish);
}
TEST_P(Formulas, HardSwish) {
  const ValueId c = convolved();
  g.outputs = {product("y", c, unary("s", Function::kHardSigmoid, c, 0.16666667f, 0.5f))};
  expect_fused(Function::kHardSwish);
}
TEST_P(Formulas, HardSwishDividedBeforeTheProduct) {
  const ValueId c = convolved();
  g.outputs = {product("y", c, binary("d", BinaryFunction::kDiv, shifted_relu6(c), scalar("six", 6)))};
  expect_fused(Function::kHardSwish);
}
TEST_P(Formulas, HardSwishDividedAfterTheProduct) {
  const ValueId c = convolved();
  g.outputs = {binary("d", BinaryFunction::kDiv, product("y", c, shifted_relu6(c)), scalar("six", 6))};
  expect_fused(Function::kHardSwish);
}
TEST_P(Formulas, HardSwishTimesASixth) {
  const ValueId c = convolved();
  g.outputs = {product("d", product("y", c, shifted_relu6(c)), scalar("sixth", 0.166667f))};
  expect_fused(Function::kHardSwish);
}
TEST_P(Formulas, HardSigmoid) {
  g.outputs = {product("d", shifted_relu6(convolved()), scalar("sixth", 1.0f / 6))};
  expect_fused(Function::kHardSigmoid);
}
TEST_P(Formulas, HardSigmoidWithFusedRelu6) {
  const ValueId c = convolved();
  const ValueId r = node("p", Binary{BinaryFunction::kAdd, {Function::kClip, 0, 6}}, {c, scalar("three", 3)});
  g.outputs = {product("d", r, scalar("sixth", 1.0f / 6))};
  expect_fused(Function::kHardSigmoid);
}
TEST_P(Formulas, OthersStay) {
  const ValueId x = input({1, 4, 4, 2}), z = input({1, 4, 4, 2}, "z");
  const ValueId other = product("other", x, unary("s", Function::kSigmoid, z));
  const ValueId steep = product("steep", x, unary("h", Function::kHardSigmoid, x, 0.2f, 0.5f));
  const ValueId five = binary("five", BinaryFunction::kDiv, shifted_relu6(x), scalar("5", 5));
  const ValueId upside = binary("upside", BinaryFunction::kDiv, scalar("6", 6), unary("e", Function::kSigmoid, x));
  const ValueId large =
      product("large", unary("k", Function::kSoftplus, x), g.add_constant_f32("sixth", {1, 1, 1, 1, 1}, {1.0f / 6}));
  g.outputs = {other, steep, five, upside, large};
  const Graph before = g;
  rewrite(fuse_activation);
  EXPECT_TRUE(std::holds_alternative<Binary>(g.node(g.producer(g.outputs[0])).op));
  EXPECT_TRUE(std::holds_alternative<Binary>(g.node(g.producer(g.outputs[1])).op));
  EXPECT_TRUE(std::holds_alternative<Binary>(g.node(g.producer(g.outputs[2])).op));
  EXPECT_TRUE(std::holds_alternative<Binary>(g.node(g.producer(g.outputs[3])).op));
  EXPECT_TRUE(std::holds_alternative<Binary>(g.node(g.producer(g.outputs[4])).op));
}

TEST_F(Passes, SharedSigmoidSurvivesSilu) {
  const ValueId x = input({3});
  const ValueId s = unary("s", Function::kSigmoid, x);
  g.outputs = {binary("y", BinaryFunction::kMul, x, s), s};
  rewrite(fuse_activation);
  EXPECT_EQ(to_string(g),
            "input x float32 [3]\n"
            "unary 's' (x) activation.function=sigmoid -> s float32 [3]\n"
            "unary 'y' (x) activation.function=silu -> y float32 [3]\n"
            "output y\noutput s\n");
}

// ---- simplify_movement

TEST_F(Passes, TransposePairsCancel) {
  const ValueId x = input({2, 3, 4, 5});
  ValueId y = node("a", Transpose{{0, 3, 1, 2}}, {x});
  y = node("b", Transpose{{0, 2, 3, 1}}, {y});
  g.outputs = {unary("y", Function::kRelu, y)};
  rewrite(simplify_movement);
  EXPECT_EQ(to_string(g),
            "input x float32 [2,3,4,5]\n"
            "unary 'y' (x) activation.function=relu -> y float32 [2,3,4,5]\n"
            "output y\n");
}

TEST_F(Passes, TransposesCompose) {
  const ValueId x = input({2, 3, 4});
  const ValueId a = node("a", Transpose{{2, 0, 1}}, {x});
  g.outputs = {node("b", Transpose{{1, 0, 2}}, {a}), unary("keep", Function::kRelu, a)};
  rewrite(simplify_movement);
  EXPECT_EQ(g.nodes().size(), 3u);
  EXPECT_EQ(g.nodes()[1].inputs[0], g.inputs[0]);
}

TEST_F(Passes, TransposeOfOnesIsReshape) {
  const ValueId x = input({1, 4, 1, 3});
  ValueId y = node("t", Transpose{{2, 1, 3, 0}}, {x});
  y = node("r", Reshape{{3, 4}}, {y});
  g.outputs = {node("r2", Reshape{{12}}, {y})};
  rewrite(simplify_movement);
  EXPECT_EQ(to_string(g),
            "input x float32 [1,4,1,3]\n"
            "reshape 'r2' (x) shape=[12] -> r2 float32 [12]\n"
            "output r2\n");
}

TEST_F(Passes, IdentitiesGo) {
  const ValueId x = input({1, 4, 1, 3});
  ValueId y = node("slice", Slice{{0, 0, 0, 0}, {1, 4, 1, 3}, {1, 1, -7, 1}}, {x});
  y = node("pad", Pad{PadMode::kEdge, {0, 0, 0, 0}, {0, 0, 0, 0}, 0}, {y});
  y = node("reshape", Reshape{{1, 4, 1, 3}}, {y});
  y = node("cast", Cast{DataType::kFloat32}, {y});
  y = unary("identity", Function::kIdentity, y);
  y = node("transpose", Transpose{{0, 1, 2, 3}}, {y});
  g.outputs = {binary("y", BinaryFunction::kAdd, y, x)};
  rewrite(simplify_movement);
  EXPECT_EQ(to_string(g),
            "input x float32 [1,4,1,3]\n"
            "binary 'y' (x, x) -> y float32 [1,4,1,3]\n"
            "output y\n");
}

TEST_F(Passes, RealMovementStays) {
  const ValueId x = input({2, 4});
  const ValueId flip = node("flip", Slice{{0, 3}, {2, 4}, {1, -1}}, {x});
  const ValueId turn = node("turn", Transpose{{1, 0}}, {x});
  const ValueId square = input({3, 3}, "square");
  g.outputs = {flip, turn, node("turned", Transpose{{1, 0}}, {square})};
  const std::string before = to_string(g);
  rewrite(simplify_movement);
  EXPECT_EQ(to_string(g), before);
}

TEST_F(Passes, AnIdentityThatIsAnOutputKeepsItsName) {
  const ValueId x = input({4});
  const ValueId a = unary("a", Function::kRelu, x);
  const ValueId early = unary("early", Function::kTanh, a);
  const ValueId out = unary("out", Function::kIdentity, a);
  const ValueId late = unary("late", Function::kSigmoid, a);
  g.outputs = {early, out, late};
  rewrite(simplify_movement);
  EXPECT_EQ(to_string(g),
            "input x float32 [4]\n"
            "unary 'a' (x) activation.function=relu -> out float32 [4]\n"
            "unary 'early' (out) activation.function=tanh -> early float32 [4]\n"
            "unary 'late' (out) activation.function=sigmoid -> late float32 [4]\n"
            "output early\noutput out\noutput late\n");
}

TEST_F(Passes, IdentitiesBetweenOutputsStay) {
  const ValueId x = input({4});
  const ValueId a = unary("a", Function::kRelu, x);
  g.outputs = {a, unary("b", Function::kIdentity, a), unary("c", Function::kIdentity, x)};
  const std::string before = to_string(g);
  rewrite(simplify_movement);
  EXPECT_EQ(to_string(g), before);
}

TEST_F(Passes, TwoIdentityOutputsOfOneValue) {
  const ValueId x = input({2, 2});
  const ValueId a = unary("a", Function::kRelu, x);
  const ValueId r = node("r", Reshape{{4}}, {a});
  const ValueId b = unary("b", Function::kIdentity, a);
  const ValueId c = node("c", Reshape{{2, 2}}, {r});
  g.outputs = {b, c};
  rewrite(simplify_movement);
  EXPECT_EQ(g.nodes().size(), 2u) << to_string(g);
}

// ---- optimize

TEST_F(Passes, OptimizeResidualBlock) {
  const ValueId x = input({1, 6, 6, 4});
  ValueId y = node("pad", Pad{PadMode::kConstant, {0, 1, 1, 0}, {0, 1, 1, 0}, 0}, {x});
  y = node("conv1", conv(3), {y, node("wt", Transpose{{3, 0, 1, 2}}, {weights("w1", {3, 3, 4, 4})})});
  y = binary("bn_mul", BinaryFunction::kMul, y, weights("s", {4}));
  y = binary("bn_add", BinaryFunction::kAdd, y, weights("t", {4}));
  y = binary("hs", BinaryFunction::kMul, y, unary("h", Function::kHardSigmoid, y, 1.0f / 6, 0.5f));
  y = node("conv2", conv(1), {y, weights("w2", {4, 1, 1, 4}), weights("b2", {4})});
  y = node("t1", Transpose{{0, 3, 1, 2}}, {y});
  y = node("t2", Transpose{{0, 2, 3, 1}}, {y});
  y = binary("sum", BinaryFunction::kAdd, y, x);
  g.outputs = {unary("y", Function::kRelu, y)};
  rewrite([](Graph& graph) { return optimize(graph, testing::interpret_node); });
  EXPECT_EQ(to_string(g),
            "input x float32 [1,6,6,4]\n"
            "conv2d 'conv1' (x, wt [4,3,3,4], conv1/bias [4]) kernel_h=3, kernel_w=3, pad_top=1, pad_bottom=1, "
            "pad_left=1, pad_right=1, activation.function=hard_swish -> hs float32 [1,6,6,4]\n"
            "conv2d 'conv2' (hs, w2 [4,1,1,4], b2 [4]) -> conv2 float32 [1,6,6,4]\n"
            "binary 'sum' (conv2, x) activation.function=relu -> y float32 [1,6,6,4]\n"
            "output y\n");
}

TEST_F(Passes, OptimizeRefusesABrokenGraph) {
  const ValueId x = input({2});
  g.outputs = {unary("y", Function::kRelu, x)};
  g.nodes()[0].inputs[0] = {77};
  EXPECT_FALSE(optimize(g, nullptr).ok());
}

TEST_F(Passes, OptimizeRandomGraphs) {
  for (int round = 0; round < 150; ++round) {
    g = Graph{};
    random = testing::Random(static_cast<std::uint64_t>(round));
    std::vector<ValueId> pool = {input({1, 3, 2, 4})};
    const int count = random.integer(3, 14);
    for (int i = 0; i < count; ++i) {
      const ValueId a = pool[static_cast<std::size_t>(random.integer(0, static_cast<int>(pool.size()) - 1))];
      const ValueId b = random.integer(0, 2) > 0 ? pool.back() : a;
      ValueId y;
      switch (random.integer(0, 9)) {
        case 0: y = node("conv", conv(1), {b, weights("w", {4, 1, 1, 4})}); break;
        case 1: y = binary("scale", BinaryFunction::kMul, b, weights("s", {4})); break;
        case 2:
          y = binary("shift", random.integer(0, 1) ? BinaryFunction::kAdd : BinaryFunction::kSub, b,
                     weights("t", {1, 4}));
          break;
        case 3: y = unary("relu", Function::kRelu, b); break;
        case 4: y = unary("identity", Function::kIdentity, b); break;
        case 5: y = binary("silu", BinaryFunction::kMul, b, unary("sigmoid", Function::kSigmoid, b)); break;
        case 6: y = node("t2", Transpose{{0, 2, 3, 1}}, {node("t1", Transpose{{0, 3, 1, 2}}, {b})}); break;
        case 7: y = node("r2", Reshape{{1, 3, 2, 4}}, {node("r1", Reshape{{6, 4}}, {b})}); break;
        case 8: y = binary("sum", BinaryFunction::kAdd, a, b); break;
        default: {
          Conv2d padded = conv(3);
          y = node("pad", Pad{PadMode::kConstant, {0, 1, 1, 0}, {0, 1, 1, 0}, 0}, {b});
          y = node("conv3", padded, {y, weights("w3", {4, 3, 3, 4}, -0.3f, 0.3f), weights("b3", {4})});
        }
      }
      // The interpreter's tolerance is for numbers of ordinary size.
      if (random.integer(0, 1)) y = unary("tanh", Function::kTanh, y);
      pool.push_back(y);
      if (random.integer(0, 3) == 0) g.outputs.push_back(y);
    }
    if (g.outputs.empty()) g.outputs.push_back(pool.back());
    rewrite([](Graph& graph) { return optimize(graph, testing::interpret_node); });
    if (HasFatalFailure()) FAIL() << "round " << round;
    const std::string once = to_string(g);
    rewrite([](Graph& graph) { return optimize(graph, testing::interpret_node); });
    EXPECT_EQ(to_string(g), once) << "a second run finds nothing more";
  }
}

TEST_F(Passes, LargeGraphsTakeLinearTime) {
  // Quadratic passes would need minutes here; the time limit of the test program would end them.
  ValueId y = input({1, 1, 1, 1});
  std::vector<ValueId> constants;
  const ValueId w = g.add_constant_f32("w", {1, 1, 1, 1}, {1.0f});
  const ValueId s = scalar("s", 1.5f);
  const auto append = [&](const std::string& name, Op op, std::vector<ValueId> inputs) {
    Value value;
    value.name = name;
    value.type = {DataType::kFloat32, {1, 1, 1, 1}};
    const ValueId id = g.add_value(std::move(value));
    g.nodes().push_back({name, std::move(op), std::move(inputs), {id}});
    return id;
  };
  for (int i = 0; i < 4000; ++i) {
    const std::string n = std::to_string(i);
    y = append("c" + n, Conv2d{}, {y, w});
    y = append("m" + n, Binary{BinaryFunction::kMul, {}}, {y, s});
    y = append("i" + n, Unary{}, {y});
    y = append("a" + n, Binary{BinaryFunction::kAdd, {}}, {y, s});
    y = append("r" + n, Unary{{Function::kRelu, 0, 0}}, {y});
  }
  g.outputs = {y};
  const Status status = optimize(g, nullptr);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(g.nodes().size(), 4000u);
}

}  // namespace
}  // namespace dotori::graph
