// SPDX-License-Identifier: Apache-2.0
#include <dotori/dotori.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "graph/int8_weights.h"
#include "graph/passes/passes.h"
#include "graph/verify.h"
#include "support/random.h"

namespace dotori::graph {
namespace {

class FoldQuantization : public ::testing::Test {
 protected:
  ValueId input(const Shape& shape) { return g.add_input("x", DataType::kFloat32, shape); }
  ValueId node(const char* name, Op op, std::vector<ValueId> inputs) {
    Result<ValueId> id = g.add_node(name, std::move(op), std::move(inputs));
    EXPECT_TRUE(id.ok()) << id.status().message();
    return *id;
  }
  ValueId quantize(const char* name, ValueId x, float scale, std::int32_t zero_point) {
    const ValueId id = node(name, Quantize{}, {x});
    g.value(id).quantization = {{scale}, {zero_point}, 0};
    return id;
  }
  ValueId dequantize(ValueId x) { return node("dq", Dequantize{}, {x}); }
  // A float that has been through 8 bits.
  ValueId fake(const char* name, ValueId x, float scale, std::int32_t zero_point) {
    return dequantize(quantize(name, x, scale, zero_point));
  }
  // Random weights along axis 0, one scale each, as the importer leaves them: float32 with a quantization.
  ValueId weights(const Shape& shape, bool by_channel = true) {
    const std::size_t channels = by_channel ? static_cast<std::size_t>(shape[0]) : 1;
    Quantization q;
    for (std::size_t c = 0; c < channels; ++c) {
      q.scales.push_back(0.004f + 0.001f * static_cast<float>(c));
      q.zero_points.push_back(by_channel ? 0 : 5);
    }
    std::vector<float> reals;
    const std::size_t each = static_cast<std::size_t>(shape.elements()) / channels;
    for (std::size_t i = 0; i < static_cast<std::size_t>(shape.elements()); ++i) {
      const int stored = static_cast<int>(random.uniform(-127, 127.99f));
      reals.push_back(static_cast<float>(stored - q.zero_points[i / each]) * q.scales[i / each]);
    }
    const ValueId id = g.add_constant_f32("w", shape, reals);
    g.value(id).quantization = q;
    return id;
  }
  ValueId int8_constant(const char* name, const Shape& shape, std::vector<std::int8_t> elements, Quantization q) {
    const Result<ValueId> id = g.add_constant(name, DataType::kInt8, shape, elements.data(), elements.size());
    EXPECT_TRUE(id.ok());
    g.value(*id).quantization = std::move(q);
    return *id;
  }

  std::vector<float> run(const Graph& graph) {
    const Result<Model> model = Model::from_graph(graph);
    EXPECT_TRUE(model.ok()) << model.status().message();
    SessionOptions options;
    options.backend = BackendKind::kReference;
    Result<Session> session = Session::create(*model, options);
    EXPECT_TRUE(session.ok()) << session.status().message();
    if (!session.ok()) return {};
    testing::Random numbers(7);
    const TensorView x = session->input(0);
    const std::vector<float> values = numbers.floats(static_cast<std::size_t>(x.elements()), -3, 3);
    std::memcpy(x.data, values.data(), x.size_bytes);
    EXPECT_TRUE(session->run().ok());
    const TensorView y = session->output(0);
    return std::vector<float>(y.f32(), y.f32() + y.elements());
  }

  // Folds; the float32 output may move by `steps` of `scale`. No operator but quantize and dequantize is left in float.
  void fold(ValueId output, float scale, bool everything = true, float steps = 1) {
    g.outputs = {output};
    const Status before = verify(g);
    ASSERT_TRUE(before.ok()) << before.message();
    const std::vector<float> expected = run(g);
    ASSERT_TRUE(fold_quantization(g).ok());
    const Status after = verify(g);
    ASSERT_TRUE(after.ok()) << after.message() << "\n" << to_string(g);
    if (everything) {
      for (const Node& n : g.nodes()) {
        if (std::holds_alternative<Dequantize>(n.op)) continue;
        EXPECT_EQ(g.value(n.outputs[0]).type.type, DataType::kInt8) << to_string(g);
      }
    }
    const std::vector<float> found = run(g);
    ASSERT_EQ(found.size(), expected.size());
    std::size_t moved = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_LE(std::fabs(found[i] - expected[i]), (steps + 0.01f) * scale) << i << "\n" << to_string(g);
      moved += found[i] != expected[i];
    }
    EXPECT_LE(moved, found.size() / 20 + 1);
    const std::string once = to_string(g);
    ASSERT_TRUE(fold_quantization(g).ok());
    EXPECT_EQ(to_string(g), once);
  }
  template <class T>
  const T* find() const {
    const T* found = nullptr;
    for (const Node& n : g.nodes()) found = std::get_if<T>(&n.op) != nullptr ? std::get_if<T>(&n.op) : found;
    return found;
  }
  int count(const char* op) const {
    int n = 0;
    for (const Node& each : g.nodes()) n += std::strcmp(op_name(each.op), op) == 0;
    return n;
  }

  Graph g;
  testing::Random random{11};
};

Conv2d conv3x3() {
  Conv2d op;
  op.kernel_h = op.kernel_w = 3;
  op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = 1;
  return op;
}

TEST_F(FoldQuantization, ConvolutionWithBiasAndRelu) {
  const ValueId x = fake("q", input({1, 6, 5, 3}), 0.02f, -10);
  const ValueId bias = g.add_constant_f32("b", {4}, random.floats(4, -1, 1));
  const ValueId y = node("conv", conv3x3(), {x, weights({4, 3, 3, 3}), bias});
  fold(fake("q2", node("relu", Unary{{Function::kRelu, 0, 0}}, {y}), 0.03f, -128), 0.03f);
  ASSERT_NE(find<Conv2d>(), nullptr);
  EXPECT_EQ(find<Conv2d>()->activation.function, Function::kRelu);
  EXPECT_EQ(g.nodes().size(), 3u);
}

TEST_F(FoldQuantization, WeightsWithAZeroPoint) {
  const ValueId x = fake("q", input({1, 6, 5, 3}), 0.02f, -10);
  fold(fake("q2", node("conv", conv3x3(), {x, weights({4, 3, 3, 3}, false)}), 0.05f, 3), 0.05f);
}

TEST_F(FoldQuantization, WeightsBehindADequantizeNode) {
  const ValueId x = fake("q", input({2, 4}), 0.02f, -10);
  const ValueId w = int8_constant("w", {2, 4}, {1, -2, 3, -4, 127, -127, 50, 60}, {{0.01f}, {0}, 0});
  fold(fake("q2", node("fc", FullyConnected{}, {x, dequantize(w)}), 0.02f, 0), 0.02f);
  EXPECT_EQ(g.nodes().size(), 3u);
}

TEST_F(FoldQuantization, FullRangeWeightsAreNarrowed) {
  const ValueId x = fake("q", input({2, 4}), 0.02f, -10);
  const ValueId w = int8_constant("w", {2, 4}, {-128, -2, 3, -4, 126, -127, 50, 60}, {{0.01f}, {7}, 0});
  // -128 and no 127: all move up by one, with the zero point.
  fold(fake("q2", node("fc", FullyConnected{}, {x, dequantize(w)}), 0.02f, 0), 0.02f);
  for (const Value& value : g.values()) {
    if (value.is_constant()) {
      EXPECT_EQ(value.quantization.zero_points[0], 8);
    }
  }
}

TEST(NarrowWeights, MovesOrClampsOrRefuses) {
  std::int32_t zero = 3;
  std::int8_t movable[] = {-128, 0, 126};
  EXPECT_EQ(narrow_weights(movable, 3, &zero), 0);
  EXPECT_EQ(movable[0], -127);
  EXPECT_EQ(movable[2], 127);
  EXPECT_EQ(zero, 4);
  std::vector<std::int8_t> full(64, 5);
  full[3] = -128;
  full[4] = 127;
  EXPECT_EQ(narrow_weights(full.data(), full.size(), &zero), 1);
  EXPECT_EQ(full[3], -127);
  EXPECT_EQ(full[4], 127);
  EXPECT_EQ(zero, 4);
  full[3] = full[5] = -128;
  EXPECT_EQ(narrow_weights(full.data(), full.size(), &zero), -1);
  EXPECT_EQ(full[3], -128);
  full[3] = full[4] = 0;
  EXPECT_EQ(narrow_weights(full.data(), full.size(), nullptr), 1);
  EXPECT_EQ(full[5], -127);
  std::int8_t few[] = {-128, 127};
  EXPECT_EQ(narrow_weights(few, 2, &zero), -1);
}

TEST_F(FoldQuantization, TwoOperandsAndASingleNumber) {
  const ValueId x = input({1, 4, 4, 2});
  const ValueId a = fake("qa", x, 0.02f, -10), b = fake("qb", x, 0.05f, 20);
  const ValueId sum = fake("qs", node("add", Binary{}, {a, b}), 0.06f, 4);
  const ValueId three = g.add_constant_f32("three", {}, {3.0f});
  const ValueId shifted = node("plus", Binary{}, {sum, three});
  const ValueId y = node("clip", Unary{{Function::kClip, 0, 6}}, {shifted});
  fold(fake("qy", y, 6.0f / 255, -128), 6.0f / 255, true, 3);
  EXPECT_EQ(count("binary"), 2);
  EXPECT_EQ(count("unary"), 0);
}

TEST_F(FoldQuantization, DivisionStaysInFloat) {
  const ValueId x = input({1, 4, 4, 2});
  const ValueId a = fake("qa", x, 0.02f, -10), b = fake("qb", x, 0.05f, -100);
  const ValueId one = g.add_constant_f32("ten", {}, {10.0f});
  const ValueId y = node("div", Binary{BinaryFunction::kDiv, {}}, {a, node("plus", Binary{}, {b, one})});
  fold(fake("qy", y, 0.02f, 0), 0.02f, false);
  EXPECT_EQ(count("binary"), 2);
  for (const Node& n : g.nodes()) {
    if (std::holds_alternative<Binary>(n.op)) {
      EXPECT_EQ(g.value(n.outputs[0]).type.type, DataType::kFloat32);
    }
  }
}

TEST_F(FoldQuantization, MovesGoBeforeTheDequantize) {
  const ValueId x = fake("q", input({1, 4, 4, 3}), 0.02f, -10);
  const ValueId t = node("t", Transpose{{0, 3, 1, 2}}, {x});
  const ValueId flat = node("flat", Reshape{{1, 48}}, {t});
  const ValueId y = node("fc", FullyConnected{}, {flat, weights({5, 48})});
  fold(fake("q2", y, 0.1f, 0), 0.1f);
  EXPECT_EQ(count("dequantize"), 1);
}

TEST_F(FoldQuantization, PadKeepsItsBorder) {
  const ValueId x = fake("q", input({1, 4}), 0.02f, -10);
  // 0.333 is no multiple of the scale: it stays in float.
  const ValueId y = node("pad", Pad{PadMode::kConstant, {0, 1}, {0, 2}, 0.333f}, {x});
  fold(y, 0.02f, false, 0);
  EXPECT_EQ(g.value(g.nodes().back().outputs[0]).type.type, DataType::kFloat32);
  EXPECT_NE(find<Pad>(), nullptr);
}

TEST_F(FoldQuantization, PoolsConcatSoftmaxReduceResize) {
  const ValueId x = fake("q", input({1, 4, 4, 3}), 0.02f, -10);
  MaxPool2d max;
  max.kernel_h = max.kernel_w = max.stride_h = max.stride_w = 2;
  AveragePool2d average;
  average.kernel_h = average.kernel_w = average.stride_h = average.stride_w = 2;
  const ValueId a = fake("qm", node("max", max, {x}), 0.02f, -10);
  const ValueId b = fake("qa", node("average", average, {x}), 0.015f, 3);
  const ValueId joined = fake("qc", node("concat", Concat{3}, {a, b}), 0.02f, 0);
  Resize2d resize;
  resize.filter = ResizeFilter::kBilinear;
  resize.out_h = resize.out_w = 3;
  const ValueId large = fake("qr", node("resize", resize, {joined}), 0.02f, 0);
  Reduce mean;
  mean.axes = {1, 2};
  const ValueId pooled = fake("qp", node("mean", mean, {large}), 0.01f, 5);
  fold(fake("qs", node("softmax", Softmax{3, 1.0f}, {pooled}), 1.0f / 256, -128), 1.0f / 256, true, 2);
}

TEST_F(FoldQuantization, ArgMaxReadsTheStoredNumbers) {
  const ValueId x = fake("q", input({1, 4, 4, 3}), 0.02f, -10);
  ArgMax op;
  op.axis = 3;
  g.outputs = {node("top", op, {x})};
  ASSERT_TRUE(fold_quantization(g).ok());
  EXPECT_TRUE(verify(g).ok());
  EXPECT_EQ(count("dequantize"), 0);
}

TEST_F(FoldQuantization, EqualQuantizationsCancelOthersRequantize) {
  const ValueId x = fake("q", input({1, 8}), 0.02f, -10);
  const ValueId same = fake("same", x, 0.02f, -10);
  fold(fake("other", same, 0.05f, 7), 0.05f);
  EXPECT_EQ(count("quantize"), 2);
  EXPECT_EQ(count("dequantize"), 1);
}

TEST_F(FoldQuantization, AFloatReaderKeepsTheOperatorInFloat) {
  const ValueId x = fake("q", input({1, 6, 5, 3}), 0.02f, -10);
  const ValueId y = node("conv", conv3x3(), {x, weights({4, 3, 3, 3})});
  const ValueId q = fake("q2", y, 0.05f, 3);
  const ValueId both = node("mix", Binary{BinaryFunction::kSub, {}}, {y, q});
  fold(both, 0.05f, false, 0);
  for (const Node& n : g.nodes()) {
    if (std::holds_alternative<Conv2d>(n.op)) {
      EXPECT_EQ(g.value(n.outputs[0]).type.type, DataType::kFloat32);
    }
  }
}

TEST_F(FoldQuantization, SumsThatCouldOverflowStayInFloat) {
  const ValueId x = fake("q", input({1, 4}), 0.02f, -10);
  const ValueId w = int8_constant("w", {1, 4}, {127, 127, 127, 127}, {{0.01f}, {0}, 0});
  const ValueId bias = g.add_constant_f32("b", {1}, {2147483000.0f * 0.02f * 0.01f});
  fold(fake("q2", node("fc", FullyConnected{}, {x, dequantize(w), bias}), 5000.0f, 0), 5000.0f, false);
  for (const Node& n : g.nodes()) {
    if (std::holds_alternative<FullyConnected>(n.op)) {
      EXPECT_EQ(g.value(n.outputs[0]).type.type, DataType::kFloat32);
    }
  }
}

}  // namespace
}  // namespace dotori::graph
