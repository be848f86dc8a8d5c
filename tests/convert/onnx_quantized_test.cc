// SPDX-License-Identifier: Apache-2.0
// Quantised ONNX models, "QDQ" and "QOperator": the graph as imported computes in float32 between the roundings that
// the file asks for; fold_quantization() makes int8 operators of it. Both must agree within one step.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include <dotori/dotori.h>

#include "backends/backend.h"
#include "convert/onnx/host_tensor.h"
#include "convert/onnx_maker.h"
#include "graph/passes/passes.h"
#include "graph/verify.h"

namespace dotori {
namespace {

using convert::onnx::HostTensor;
using dotori_onnx::TensorProto;
using testing::Dims;

class QuantizedMaker : public testing::OnnxMaker {
 public:
  explicit QuantizedMaker(int opset = 13) : OnnxMaker(opset) {
    auto* extension = model().add_opset_import();
    extension->set_domain("com.microsoft");
    extension->set_version(1);
  }
  // The base's, so that a chain can go on.
  QuantizedMaker& input(const std::string& name, const Dims& dims, int type = TensorProto::FLOAT) {
    OnnxMaker::input(name, dims, type);
    return *this;
  }
  QuantizedMaker& random(const std::string& name, const Dims& dims) {
    OnnxMaker::random(name, dims);
    return *this;
  }
  QuantizedMaker& floats(const std::string& name, const Dims& dims, const std::vector<float>& values) {
    OnnxMaker::floats(name, dims, values);
    return *this;
  }
  QuantizedMaker& node(const std::string& op, const std::vector<std::string>& in, const std::vector<std::string>& out) {
    OnnxMaker::node(op, in, out);
    return *this;
  }
  template <class T>
  QuantizedMaker& attr(const std::string& name, const T& values) {
    OnnxMaker::attr(name, values);
    return *this;
  }
  QuantizedMaker& number(const std::string& name, std::int64_t v) {
    OnnxMaker::number(name, v);
    return *this;
  }
  QuantizedMaker& output(const std::string& name) { return typed_output(name, TensorProto::FLOAT); }

  // 8-bit or int32 numbers.
  QuantizedMaker& whole(const std::string& name, const Dims& dims, const std::vector<int>& values, int type) {
    TensorProto* t = tensor(name, dims, type);
    for (int v : values) t->add_int32_data(v);
    return *this;
  }
  QuantizedMaker& random_whole(const std::string& name, const Dims& dims, int low, int high, int type) {
    std::vector<int> values;
    std::int64_t count = 1;
    for (std::int64_t d : dims) count *= d;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(numbers_.integer(low, high));
    return whole(name, dims, values, type);
  }
  // Adds "<name>_s" and "<name>_z".
  QuantizedMaker& scale(const std::string& name, float scale, int zero_point, int type) {
    floats(name + "_s", {}, {scale});
    return whole(name + "_z", {}, {zero_point}, type);
  }
  QuantizedMaker& scales(const std::string& name, const std::vector<float>& scales, int type) {
    const auto n = static_cast<std::int64_t>(scales.size());
    floats(name + "_s", {n}, scales);
    return whole(name + "_z", {n}, std::vector<int>(scales.size(), 0), type);
  }
  // x -> <name> through QuantizeLinear (<name>_q) and DequantizeLinear.
  QuantizedMaker& qdq(const std::string& x, const std::string& name, float s, int z, int type) {
    scale(name, s, z, type);
    node("QuantizeLinear", {x, name + "_s", name + "_z"}, {name + "_q"});
    node("DequantizeLinear", {name + "_q", name + "_s", name + "_z"}, {name});
    return *this;
  }
  QuantizedMaker& dequantized(const std::string& name, const Dims& dims, int low, int high, int type) {
    random_whole(name + "_q", dims, low, high, type);
    return node("DequantizeLinear", {name + "_q", name + "_s", name + "_z"}, {name}).number("axis", 0);
  }
  QuantizedMaker& ms(const std::string& op, const std::vector<std::string>& in, const std::vector<std::string>& out) {
    node(op, in, out);
    graph().mutable_node()->rbegin()->set_domain("com.microsoft");
    return *this;
  }
  QuantizedMaker& typed_output(const std::string& name, int type) {
    auto* value = graph().add_output();
    value->set_name(name);
    value->mutable_type()->mutable_tensor_type()->set_elem_type(type);
    return *this;
  }

 private:
  testing::Random numbers_{23};
};

constexpr int kI8 = TensorProto::INT8, kU8 = TensorProto::UINT8, kI32 = TensorProto::INT32;

std::vector<double> run(const graph::Graph& graph, std::vector<unsigned char> input = {}) {
  const Result<Model> model = Model::from_graph(graph);
  EXPECT_TRUE(model.ok()) << model.status().message();
  if (!model.ok()) return {};
  Result<Session> session = Session::create(*model);
  EXPECT_TRUE(session.ok()) << session.status().message();
  if (!session.ok()) return {};
  const TensorView x = session->input(0);
  testing::Random numbers(3);
  if (x.f32() != nullptr) {
    const std::vector<float> values = numbers.floats(static_cast<std::size_t>(x.elements()), -3, 3);
    std::memcpy(x.data, values.data(), x.size_bytes);
  } else {
    for (std::size_t i = 0; i < x.size_bytes; ++i)
      static_cast<unsigned char*>(x.data)[i] = static_cast<unsigned char>(numbers.bits());
  }
  if (!input.empty()) std::memcpy(x.data, input.data(), std::min(input.size(), x.size_bytes));
  EXPECT_TRUE(session->run().ok());
  std::vector<double> all;
  for (int o = 0; o < session->output_count(); ++o) {
    const TensorView y = session->output(o);
    for (std::int64_t i = 0; i < y.elements(); ++i) {
      double v = 0;
      if (y.type == DataType::kFloat32) v = static_cast<double>(y.f32()[i]);
      if (y.type == DataType::kInt8) v = static_cast<const std::int8_t*>(y.data)[i];
      if (y.type == DataType::kUint8) v = static_cast<const std::uint8_t*>(y.data)[i];
      all.push_back(v);
    }
  }
  return all;
}

// Imports; optimises; the outputs move by `steps` of `scale` at most, in one element of twenty at most. Returns the
// int8 graph's operators, such as "quantize conv2d dequantize".
std::string fold(const QuantizedMaker& maker, double scale, double steps = 1.01) {
  Result<graph::Graph> graph = maker.import();
  if (!graph.ok()) return graph.status().message();
  const std::vector<double> want = run(*graph);
  const Status status = graph::optimize(*graph, backends::evaluate_node);
  EXPECT_TRUE(status.ok()) << status.message();
  const std::vector<double> got = run(*graph);
  EXPECT_EQ(got.size(), want.size());
  std::size_t moved = 0;
  for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    EXPECT_NEAR(got[i], want[i], steps * scale) << i << "\n" << to_string(*graph);
    moved += std::fabs(got[i] - want[i]) > 0.01 * scale;
  }
  EXPECT_LE(moved, got.size() / 20 + 1);
  std::string ops;
  for (const graph::Node& node : graph->nodes()) {
    ops += (ops.empty() ? "" : " ") + std::string(graph::op_name(node.op));
    const bool edge = std::holds_alternative<graph::Dequantize>(node.op);
    const DataType type = graph->value(node.outputs[0]).type.type;
    if (!edge && type == DataType::kFloat32) ops += "(float)";
  }
  return ops;
}

TEST(OnnxQuantized, QdqConvolution) {
  for (const int type : {kI8, kU8}) {
    QuantizedMaker m;
    m.input("x", {1, 3, 6, 5});
    m.qdq("x", "a", 0.02f, type == kU8 ? 120 : -8, type);
    if (type == kI8) {
      m.scales("w", {0.004f, 0.01f, 0.006f, 0.02f}, kI8);
    } else {
      m.scale("w", 0.005f, 121, kU8);
    }
    m.dequantized("w", {4, 3, 3, 3}, type == kU8 ? 1 : -127, type == kU8 ? 255 : 127, type);
    m.floats("b", {4}, {0.5f, -1, 0.25f, 2});
    m.node("Conv", {"a", "w", "b"}, {"c"}).attr("pads", Dims{1, 1, 1, 1});
    m.node("Relu", {"c"}, {"r"});
    m.qdq("r", "y", 0.03f, type == kU8 ? 0 : -128, type);
    m.output("y");
    EXPECT_EQ(fold(m, 0.03), "quantize conv2d dequantize");
  }
}

TEST(OnnxQuantized, QdqInt32Bias) {
  QuantizedMaker m;
  m.input("x", {1, 3, 6, 5}).qdq("x", "a", 0.02f, 120, kU8);
  m.scales("w", {0.004f, 0.01f}, kI8).dequantized("w", {2, 3, 1, 1}, -127, 127, kI8);
  m.scales("b", {0.02f * 0.004f, 0.02f * 0.01f}, kI32).dequantized("b", {2}, -9000, 9000, kI32);
  m.node("Conv", {"a", "w", "b"}, {"c"}).qdq("c", "y", 0.03f, 7, kU8).output("y");
  EXPECT_EQ(fold(m, 0.03), "quantize conv2d dequantize");
  Result<graph::Graph> graph = m.import();
  ASSERT_TRUE(graph.ok() && graph::optimize(*graph, backends::evaluate_node).ok());
  for (const graph::Node& node : graph->nodes()) {
    if (!std::holds_alternative<graph::Conv2d>(node.op)) continue;
    // The file's own integers come back.
    const TensorProto& stored = m.graph().initializer(m.graph().initializer_size() - 3);
    ASSERT_EQ(stored.name(), "b_q");
    const auto* bias = static_cast<const std::int32_t*>(graph->value(node.inputs[2]).constant.data);
    EXPECT_EQ(bias[0], stored.int32_data(0));
    EXPECT_EQ(bias[1], stored.int32_data(1));
  }
}

TEST(OnnxQuantized, QdqTransposedDepthwiseAndGemm) {
  QuantizedMaker m;
  m.input("x", {1, 4, 3, 3}).qdq("x", "a", 0.02f, 3, kI8);
  m.scale("w", 0.01f, 0, kI8).dequantized("w", {4, 2, 2, 2}, -127, 127, kI8);
  m.node("ConvTranspose", {"a", "w"}, {"t"}).attr("strides", Dims{2, 2}).qdq("t", "b", 0.05f, 0, kI8);
  m.scales("d", {0.01f, 0.02f}, kI8).dequantized("d", {2, 1, 3, 3}, -127, 127, kI8);
  m.node("Conv", {"b", "d"}, {"e"}).number("group", 2).qdq("e", "f", 0.1f, 0, kI8);
  m.node("Flatten", {"f"}, {"g"}).qdq("g", "h", 0.1f, 0, kI8);
  m.scales("k", {0.01f, 0.02f, 0.03f}, kI8).dequantized("k", {3, 32}, -127, 127, kI8);
  m.node("Gemm", {"h", "k"}, {"l"}).number("transB", 1).qdq("l", "y", 0.5f, 0, kI8).output("y");
  EXPECT_EQ(fold(m, 0.5).find("(float)"), std::string::npos) << fold(m, 0.5);
}

TEST(OnnxQuantized, QdqWeightsByColumnOfAMatrix) {
  QuantizedMaker m;
  m.input("x", {2, 8}).qdq("x", "a", 0.02f, 3, kI8);
  m.scales("w", {0.01f, 0.02f, 0.03f}, kI8).random_whole("w_q", {8, 3}, -127, 127, kI8);
  m.node("DequantizeLinear", {"w_q", "w_s", "w_z"}, {"w"}).number("axis", 1);
  m.node("MatMul", {"a", "w"}, {"m"}).qdq("m", "y", 0.1f, 0, kI8).output("y");
  EXPECT_EQ(fold(m, 0.1), "quantize fully_connected dequantize");
}

TEST(OnnxQuantized, QdqElementwiseAndPools) {
  QuantizedMaker m;
  m.input("x", {1, 4, 6, 6}).qdq("x", "a", 0.02f, 100, kU8);
  m.node("Sigmoid", {"a"}, {"s"}).qdq("s", "b", 1.0f / 256, 0, kU8);
  m.node("Mul", {"a", "b"}, {"p"}).qdq("p", "c", 0.015f, 20, kU8);
  m.node("MaxPool", {"c"}, {"mp"}).attr("kernel_shape", Dims{2, 2}).attr("strides", Dims{2, 2});
  m.qdq("mp", "d", 0.015f, 20, kU8);
  m.node("AveragePool", {"c"}, {"ap"}).attr("kernel_shape", Dims{2, 2}).attr("strides", Dims{2, 2});
  m.qdq("ap", "e", 0.01f, 10, kU8);
  m.node("Concat", {"d", "e"}, {"cc"}).number("axis", 1).qdq("cc", "f", 0.015f, 21, kU8);
  m.node("GlobalAveragePool", {"f"}, {"gp"}).qdq("gp", "y", 0.01f, 5, kU8).output("y");
  EXPECT_EQ(fold(m, 0.01, 2.01), "quantize unary binary max_pool2d average_pool2d concat reduce dequantize");
}

TEST(OnnxQuantized, QOperators) {
  QuantizedMaker m;
  m.input("x", {1, 3, 6, 6}).scale("a", 0.02f, 120, kU8).node("QuantizeLinear", {"x", "a_s", "a_z"}, {"a"});
  m.scales("w", {0.004f, 0.01f, 0.006f, 0.02f}, kI8).random_whole("w", {4, 3, 3, 3}, -127, 127, kI8);
  m.random_whole("b", {4}, -3000, 3000, kI32).scale("c", 0.05f, 60, kU8);
  m.node("QLinearConv", {"a", "a_s", "a_z", "w", "w_s", "w_z", "c_s", "c_z", "b"}, {"c"})
      .attr("pads", Dims{1, 1, 1, 1});
  m.scale("d", 0.04f, 30, kU8).ms("QLinearLeakyRelu", {"c", "c_s", "c_z", "d_s", "d_z"}, {"d"});
  m.scale("e", 1.0f / 256, 0, kU8).ms("QLinearSigmoid", {"d", "d_s", "d_z", "e_s", "e_z"}, {"e"});
  m.scale("f", 0.03f, 20, kU8).ms("QLinearMul", {"d", "d_s", "d_z", "e", "e_s", "e_z", "f_s", "f_z"}, {"f"});
  m.scale("g", 0.06f, 50, kU8).ms("QLinearAdd", {"f", "f_s", "f_z", "d", "d_s", "d_z", "g_s", "g_z"}, {"g"});
  m.scale("h", 0.06f, 40, kU8).ms("QLinearConcat", {"h_s", "h_z", "g", "g_s", "g_z", "f", "f_s", "f_z"}, {"h"});
  m.number("axis", 1);
  m.scale("i", 0.02f, 10, kU8).ms("QLinearGlobalAveragePool", {"h", "h_s", "h_z", "i_s", "i_z"}, {"i"});
  m.number("channels_last", 0);
  m.node("Flatten", {"i"}, {"j"});
  m.scale("k", 0.01f, 0, kI8).random_whole("k", {8, 3}, -127, 127, kI8).scale("l", 0.03f, 128, kU8);
  m.node("QLinearMatMul", {"j", "i_s", "i_z", "k", "k_s", "k_z", "l_s", "l_z"}, {"l"});
  m.scale("n", 1.0f / 256, 0, kU8).ms("QLinearSoftmax", {"l", "l_s", "l_z", "n_s", "n_z"}, {"n"});
  m.number("axis", 1).number("opset", 13);
  m.node("DequantizeLinear", {"n", "n_s", "n_z"}, {"y"}).output("y");
  EXPECT_EQ(fold(m, 1.0 / 256, 2.01),
            "quantize conv2d unary unary binary binary concat reduce reshape fully_connected softmax dequantize");
}

TEST(OnnxQuantized, EightBitInputsAndOutputsKeepTheirType) {
  for (const int type : {kI8, kU8}) {
    QuantizedMaker m;
    m.input("x", {1, 6, 5, 3}, type).node("Transpose", {"x"}, {"t"}).attr("perm", Dims{0, 3, 1, 2});
    m.scale("a", 0.02f, type == kU8 ? 120 : -8, type).scale("w", 0.005f, 0, kI8);
    m.random_whole("w", {4, 3, 1, 1}, -127, 127, kI8).scale("c", 0.03f, 10, type);
    m.node("QLinearConv", {"t", "a_s", "a_z", "w", "w_s", "w_z", "c_s", "c_z"}, {"y"}).typed_output("y", type);
    EXPECT_EQ(fold(m, 1), type == kU8 ? "quantize conv2d quantize" : "conv2d");
    const Result<graph::Graph> graph = m.import();
    ASSERT_TRUE(graph.ok());
    const graph::Value &in = graph->value(graph->inputs[0]), &out = graph->value(graph->outputs[0]);
    EXPECT_EQ(in.type.type, type == kU8 ? DataType::kUint8 : DataType::kInt8);
    EXPECT_EQ(in.quantization.zero_points[0], type == kU8 ? 120 : -8);
    EXPECT_EQ(out.type.type, type == kU8 ? DataType::kUint8 : DataType::kInt8);
    EXPECT_EQ(out.quantization.zero_points[0], 10);
    EXPECT_EQ(out.name, "y");
  }
}

TEST(OnnxQuantized, UnquantisedWeightsStayInFloat) {
  QuantizedMaker m;
  m.input("x", {1, 3, 6, 5}).qdq("x", "a", 0.02f, 3, kI8).random("w", {4, 3, 1, 1});
  m.node("Conv", {"a", "w"}, {"c"}).qdq("c", "y", 0.05f, 0, kI8).output("y");
  EXPECT_EQ(fold(m, 0.05, 0), "quantize dequantize conv2d(float) quantize dequantize");
}

TEST(OnnxQuantized, ConstantsAreQuantisedAtImport) {
  QuantizedMaker m;
  m.input("x", {1, 4}).qdq("x", "a", 0.02f, 3, kI8);
  m.floats("w", {2, 4}, {0.1f, -0.2f, 0.304f, 0.4f, 9, -1.274f, 0.014f, 0.016f}).scale("wq", 0.01f, 0, kI8);
  m.node("QuantizeLinear", {"w", "wq_s", "wq_z"}, {"wi"}).node("DequantizeLinear", {"wi", "wq_s", "wq_z"}, {"wd"});
  m.node("Gemm", {"a", "wd"}, {"c"}).number("transB", 1).qdq("c", "y", 0.05f, 0, kI8).output("y");
  EXPECT_EQ(fold(m, 0.05), "quantize fully_connected dequantize");
  Result<graph::Graph> graph = m.import();
  ASSERT_TRUE(graph.ok() && graph::optimize(*graph, backends::evaluate_node).ok());
  const graph::Node& node = graph->nodes()[1];
  const auto* w = static_cast<const std::int8_t*>(graph->value(node.inputs[1]).constant.data);
  EXPECT_EQ(std::vector<int>(w, w + 8), (std::vector<int>{10, -20, 30, 40, 127, -127, 1, 2}));
}

TEST(OnnxQuantized, RefusesWhatItCannotKeep) {
  const auto error = [](const QuantizedMaker& m) { return m.error(); };
  {
    QuantizedMaker m;
    m.input("x", {1, 4}).node("DynamicQuantizeLinear", {"x"}, {"y", "s", "z"}).output("y");
    EXPECT_NE(error(m).find("quantise the model statically"), std::string::npos) << error(m);
  }
  {
    QuantizedMaker m;
    m.input("x", {1, 4, 1, 1}, kU8).whole("w", {1, 4, 1, 1}, {1, 2, 3, 4}, kI8);
    m.node("ConvInteger", {"x", "w"}, {"y"}).output("y");
    EXPECT_NE(error(m).find("quantise the model statically"), std::string::npos) << error(m);
  }
  {
    QuantizedMaker m;
    m.input("x", {1, 4}).scale("a", 0.1f, 0, kI8).scale("b", 0.2f, 0, kI8);
    m.node("QuantizeLinear", {"x", "a_s", "a_z"}, {"q"})
        .node("DequantizeLinear", {"q", "b_s", "b_z"}, {"y"})
        .output("y");
    EXPECT_NE(error(m).find("is read with scale"), std::string::npos) << error(m);
  }
  {
    QuantizedMaker m;
    m.input("x", {1, 4}).scale("a", 0.1f, 0, kI8).node("QuantizeLinear", {"x", "a_s", "a_z"}, {"q"});
    m.node("Add", {"q", "q"}, {"y"}).output("y");
    EXPECT_NE(error(m).find("quantised numbers"), std::string::npos) << error(m);
  }
  {
    QuantizedMaker m;
    m.input("x", {1, 4}).scale("a", -0.1f, 0, kI8).node("QuantizeLinear", {"x", "a_s", "a_z"}, {"y"}).output("y");
    EXPECT_NE(error(m).find("positive"), std::string::npos) << error(m);
  }
  {
    QuantizedMaker m;
    m.input("x", {1, 4}).ms("FusedConv", {"x"}, {"y"}).output("y");
    EXPECT_NE(error(m).find("com.microsoft"), std::string::npos) << error(m);
  }
}

TEST(OnnxQuantized, HostTensorsKeepTheirQuantisation) {
  HostTensor t = HostTensor::make(convert::onnx::Element::kFloat32, {2, 3, 4});
  t.quantization.scales = {1, 2, 3};
  t.quantization.zero_points = {0, 0, 0};
  t.quantization.axis = 1;
  EXPECT_EQ(t.permuted({1, 2, 0}).quantization.axis, 0);
  EXPECT_EQ(t.reshaped({2, 1, 3, 4}).quantization.axis, 2);
  EXPECT_EQ(t.reshaped({2, 3, 2, 2}).quantization.axis, 1);
  EXPECT_TRUE(t.reshaped({6, 4}).quantization.empty());
  EXPECT_TRUE(t.reshaped({3, 2, 4}).quantization.empty());
}

}  // namespace
}  // namespace dotori
