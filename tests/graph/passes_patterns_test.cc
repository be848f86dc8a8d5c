// SPDX-License-Identifier: Apache-2.0
// Activations written as formulas, movement of data, and everything together.
#include "graph/pass_fixture.h"

namespace dotori::graph {
namespace {

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
