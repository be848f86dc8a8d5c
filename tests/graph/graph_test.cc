// SPDX-License-Identifier: Apache-2.0
#include "graph/graph.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

#include "graph/fields.h"

namespace dotori::graph {
namespace {

Conv2d conv3x3(int groups = 1) {
  Conv2d conv;
  conv.kernel_h = conv.kernel_w = 3;
  conv.groups = groups;
  return conv;
}

TEST(Graph, AddNodeInfersTheOutput) {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 8, 9, 2});
  const ValueId w = g.add_constant_f32("w", {4, 3, 3, 2}, std::vector<float>(72, 1.0f));
  const Result<ValueId> y = g.add_node("conv", conv3x3(), {x, w, ValueId{}});
  ASSERT_TRUE(y.ok()) << y.status().message();
  EXPECT_EQ(g.value(*y).name, "conv");
  EXPECT_EQ(g.value(*y).type.shape, (Shape{1, 6, 7, 4}));
  EXPECT_EQ(g.nodes()[0].inputs.size(), 2u) << "the input left out is dropped";
  EXPECT_EQ(g.producer(*y).index, 0);
  EXPECT_FALSE(g.producer(x).valid());
  EXPECT_EQ(g.parameter_count(), 72);
}

TEST(Graph, AddNodeErrorNamesNodeAndShapes) {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 224, 224, 3});
  const ValueId w = g.add_constant_f32("w", {16, 3, 3, 4}, std::vector<float>(16 * 36));
  const Result<ValueId> y = g.add_node("stem/conv", conv3x3(), {x, w});
  ASSERT_FALSE(y.ok());
  EXPECT_EQ(y.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(y.status().message(),
            "conv2d 'stem/conv' (x [1,224,224,3], weights [16,3,3,4]): weights have 4 channels in, expected 3");
  EXPECT_TRUE(g.nodes().empty());
  EXPECT_EQ(g.values().size(), 2u);
}

TEST(Graph, AddNodeRefusesUnknownValues) {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1});
  EXPECT_FALSE(g.add_node("a", Unary{}, {ValueId{5}}).ok());
  EXPECT_FALSE(g.add_node("b", Binary{}, {ValueId{}, x}).ok());
  EXPECT_FALSE(g.add_node("c", Op{}, {x}).ok());
}

TEST(Graph, NamesAreMadeUnique) {
  Graph g;
  const ValueId x = g.add_input("a", DataType::kFloat32, {2});
  const ValueId first = *g.add_node("a", Unary{}, {x});
  const ValueId second = *g.add_node("a", Unary{}, {first});
  EXPECT_EQ(g.value(first).name, "a_1");
  EXPECT_EQ(g.nodes()[0].name, "a");
  EXPECT_EQ(g.nodes()[1].name, "a_1");
  EXPECT_EQ(g.value(second).name, "a_1_1");
  EXPECT_EQ(g.unique_value_name("a"), "a_2");
  EXPECT_EQ(g.unique_value_name("b"), "b");
  EXPECT_EQ(g.value(*g.add_node("", Unary{}, {second})).name, "unary");
}

TEST(Graph, ConstantsAreCheckedAndAligned) {
  Graph g;
  const float elements[3] = {1, 2, 3};
  EXPECT_FALSE(g.add_constant("c", DataType::kFloat32, {4}, elements, sizeof elements).ok());
  EXPECT_FALSE(g.add_constant("c", DataType::kFloat32, {0}, elements, 0).ok());
  EXPECT_FALSE(g.add_constant("c", static_cast<DataType>(77), {3}, elements, 3).ok());
  EXPECT_FALSE(g.add_constant_f32("c", {2}, {1.0f}).valid());
  const Result<ValueId> c = g.add_constant("c", DataType::kFloat32, {3}, elements, sizeof elements);
  ASSERT_TRUE(c.ok());
  const Constant& constant = g.value(*c).constant;
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(constant.data) % 64, 0u);
  EXPECT_EQ(static_cast<const float*>(constant.data)[2], 3.0f);
  Graph copy = g;
  EXPECT_EQ(copy.value(*c).constant.data, constant.data) << "copies share constants";
}

TEST(Graph, Macs) {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {2, 8, 8, 4});
  const ValueId w = g.add_constant_f32("w", {6, 3, 3, 2}, std::vector<float>(108));
  ASSERT_TRUE(g.add_node("conv", conv3x3(2), {x, w}).ok());
  EXPECT_EQ(node_macs(g, g.nodes()[0]), 2 * 6 * 6 * 6 * 3 * 3 * 2);
  ConvTranspose2d transposed;
  transposed.kernel_h = transposed.kernel_w = 3;
  transposed.groups = 2;
  ASSERT_TRUE(g.add_node("up", transposed, {x, w}).ok());
  EXPECT_EQ(node_macs(g, g.nodes()[1]), 2 * 8 * 8 * 4 * 3 * 3 * 6 / 2);
  const ValueId m = g.add_constant_f32("m", {5, 4}, std::vector<float>(20));
  ASSERT_TRUE(g.add_node("fc", FullyConnected{}, {x, m}).ok());
  EXPECT_EQ(node_macs(g, g.nodes()[2]), 2 * 8 * 8 * 4 * 5);
  ASSERT_TRUE(g.add_node("relu", Unary{{Function::kRelu, 0, 0}}, {x}).ok());
  EXPECT_EQ(node_macs(g, g.nodes()[3]), 0);
  EXPECT_EQ(g.parameter_count(), 128);
}

TEST(Graph, TextDump) {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 8, 8, 3});
  const ValueId w = g.add_constant_f32("w", {3, 3, 3, 1}, std::vector<float>(27));
  const ValueId half = g.add_constant_f32("half", {}, {0.5f});
  Conv2d conv = conv3x3(3);
  conv.activation = {Function::kClip, 0, 6};
  const ValueId y = *g.add_node("dw", conv, {x, w});
  g.outputs = {*g.add_node("sum", Binary{}, {y, half})};
  EXPECT_EQ(to_string(g),
            "input x float32 [1,8,8,3]\n"
            "conv2d 'dw' (x, w [3,3,3,1]) kernel_h=3, kernel_w=3, groups=3, activation.function=clip, activation.beta=6"
            " -> dw float32 [1,6,6,3]\n"
            "binary 'sum' (dw, 0.5) -> sum float32 [1,6,6,3]\n"
            "output sum\n");
  EXPECT_STREQ(node_display_name(g, g.nodes()[0]), "depthwise_conv2d");
  EXPECT_STREQ(node_display_name(g, g.nodes()[1]), "add");
}

TEST(Op, NamesAndMakeOp) {
  EXPECT_STREQ(op_name(Op{}), "none");
  EXPECT_STREQ(op_name(Op{Conv2d{}}), "conv2d");
  EXPECT_STREQ(op_name(Op{Gather{}}), "gather");
  EXPECT_STREQ(op_display_name(Op{Unary{{Function::kCos, 0, 0}}}), "cos");
  EXPECT_STREQ(op_display_name(Op{Reduce{ReduceFunction::kMin, {1}, true}}), "min");
  EXPECT_STREQ(function_name(static_cast<Function>(200)), "unknown");
  const Result<Op> made = make_op("arg_max");
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(*made == Op{ArgMax{}});
  EXPECT_EQ(make_op("conv4d").status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(make_op("none").status().code(), StatusCode::kUnsupported);
}

TEST(Op, EveryOperatorIsMadeUnderItsName){
#define DOTORI_OP(type, file)                   \
  {                                             \
    const Result<Op> made = make_op(#file);     \
    ASSERT_TRUE(made.ok());                     \
    EXPECT_STREQ(op_name(*made), #file);        \
    EXPECT_TRUE(*made == Op{type{}});           \
    EXPECT_EQ(op_to_string(*made), #file "()"); \
  }
#include "graph/ops.inc"
#undef DOTORI_OP
}

TEST(Op, EqualityLooksAtEveryField) {
  // Changing any one leaf must make two operators differ, in equality and in the text.
  int leaves = 0;
#define DOTORI_OP(type, file)                                                                     \
  {                                                                                               \
    int count = 0;                                                                                \
    type probe;                                                                                   \
    visit_fields(probe, [&](const char*, auto&) { ++count; });                                    \
    for (int changed = 0; changed < count; ++changed) {                                           \
      type op;                                                                                    \
      int i = 0;                                                                                  \
      visit_fields(op, [&](const char* name, auto& field) {                                       \
        using Field = std::remove_reference_t<decltype(field)>;                                   \
        if (i++ != changed) return;                                                               \
        EXPECT_GT(std::string(name).size(), 1u);                                                  \
        if constexpr (std::is_same_v<Field, Shape>) field.push_back(3);                           \
        else if constexpr (std::is_same_v<Field, bool>) field = !field;                           \
        else if constexpr (is_enum_field<Field>)                                                  \
          field = static_cast<Field>((static_cast<int>(field) + 1) % enum_field_count<Field>);    \
        else field += 1;                                                                          \
      });                                                                                         \
      EXPECT_FALSE(Op{op} == Op{type{}}) << #file << " field " << changed;                        \
      EXPECT_TRUE(Op{op} == Op{op});                                                              \
      EXPECT_NE(op_to_string(Op{op}), op_to_string(Op{type{}})) << #file << " field " << changed; \
      ++leaves;                                                                                   \
    }                                                                                             \
  }
#include "graph/ops.inc"
#undef DOTORI_OP
  EXPECT_GT(leaves, 80);
}

TEST(Op, ActivationIsFlattened) {
  std::string names;
  Op op = Binary{};
  visit_op_fields(op, [&](const char* name, auto&) { names += std::string(name) + " "; });
  EXPECT_EQ(names, "binary_function activation.function activation.alpha activation.beta ");
}

TEST(Op, TextOfFloatsIsExact) {
  EXPECT_EQ(op_to_string(Op{Softmax{2, 0.1f}}), "softmax(axis=2, beta=0.1)");
  EXPECT_EQ(op_to_string(Op{Softmax{0, 1.0f / 3}}), "softmax(beta=0.33333334)");
  EXPECT_FALSE((Op{Pad{PadMode::kConstant, {}, {}, -0.0f}} == Op{Pad{}}));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE((Op{Softmax{0, nan}} == Op{Softmax{0, nan}}));
}

TEST(Op, FusedActivation) {
  Op conv = Conv2d{}, unary = Unary{}, pool = MaxPool2d{};
  ASSERT_NE(fused_activation(conv), nullptr);
  fused_activation(conv)->function = Function::kRelu;
  EXPECT_EQ(std::get<Conv2d>(conv).activation.function, Function::kRelu);
  EXPECT_EQ(fused_activation(unary), nullptr);
  EXPECT_EQ(fused_activation(pool), nullptr);
}

}  // namespace
}  // namespace dotori::graph
