// SPDX-License-Identifier: Apache-2.0
// Every operator with an int8 form, alone and in small networks: verified, run, and near the float32 result.
#include "quantize/lower.h"

#include <functional>
#include <map>

#include "graph/verify.h"
#include "small_networks.h"

namespace dotori::quantize {
namespace {

using graph::BinaryFunction;
using graph::Node;

std::map<std::string, int> count_ops(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes()) ++counts[graph::op_name(node.op)];
  return counts;
}

// The nodes in the middle are those under test: a convolution behind them keeps them from being the network's tail.
struct Case {
  const char* name;
  std::function<ValueId(NetworkMaker&, ValueId)> middle;
  double least_db = 25;
};

ValueId unary(NetworkMaker& m, ValueId x, Function f, float alpha = 0, float beta = 0) {
  return m.add("unary", graph::Unary{{f, alpha, beta}}, {x});
}

std::vector<Case> cases() {
  const auto binary = [](BinaryFunction f, bool constant, Activation a = {}) {
    return [=](NetworkMaker& m, ValueId x) {
      const ValueId other = constant ? m.constant("c", {1, 1, 1, 8}, 0.2f, 2) : m.conv("other", x, 8, 1);
      return m.add("binary", graph::Binary{f, a}, {x, other});
    };
  };
  const auto function = [](Function f, float alpha = 0, float beta = 0) {
    return [=](NetworkMaker& m, ValueId x) { return unary(m, x, f, alpha, beta); };
  };
  graph::Pad pad;
  pad.before = {0, 1, 0, 0};
  pad.after = {0, 0, 2, 0};
  graph::Resize2d nearest;
  nearest.out_h = nearest.out_w = 12;
  graph::Resize2d bilinear = nearest;
  bilinear.filter = graph::ResizeFilter::kBilinear;
  const auto one = [](graph::Op op) { return [=](NetworkMaker& m, ValueId x) { return m.add("middle", op, {x}); }; };
  const auto convolution = [](Activation a, int groups) {
    return [=](NetworkMaker& m, ValueId x) { return m.conv("middle", x, 8, 3, a, groups); };
  };
  return {
      {"conv relu", convolution({Function::kRelu, 0, 0}, 1)},
      {"conv clip", convolution({Function::kClip, 0, 1}, 1)},
      {"conv leaky", convolution({Function::kLeakyRelu, 0.1f, 0}, 1)},
      {"conv silu", convolution({Function::kSilu, 0, 0}, 1)},
      {"conv hard swish", convolution({Function::kHardSwish, 0, 0}, 1)},
      {"conv mish", convolution({Function::kMish, 0, 0}, 2)},
      {"conv steep leaky", convolution({Function::kLeakyRelu, 1.5f, 0}, 1)},
      {"depthwise", convolution({Function::kRelu, 0, 0}, 8)},
      {"no bias", [](NetworkMaker& m, ValueId x) { return m.conv("middle", x, 8, 3, {}, 1, false); }},
      {"transposed conv",
       [](NetworkMaker& m, ValueId x) {
         graph::ConvTranspose2d op;
         op.kernel_h = op.kernel_w = op.stride_h = op.stride_w = 2;
         return m.add("middle", op, {x, m.constant("w", {8, 2, 2, 8}), m.constant("b", {8})});
       }},
      {"fully connected",
       [](NetworkMaker& m, ValueId x) {
         return m.add("middle", graph::FullyConnected{{Function::kRelu, 0, 0}}, {x, m.constant("w", {8, 8})});
       }},
      {"add", binary(BinaryFunction::kAdd, false)},
      {"add relu", binary(BinaryFunction::kAdd, false, {Function::kRelu, 0, 0})},
      {"add silu", binary(BinaryFunction::kAdd, false, {Function::kSilu, 0, 0})},
      {"sub constant", binary(BinaryFunction::kSub, true)},
      {"mul constant", binary(BinaryFunction::kMul, true)},
      {"mul", binary(BinaryFunction::kMul, false), 20},
      {"div constant", binary(BinaryFunction::kDiv, true)},
      {"min", binary(BinaryFunction::kMin, false)},
      {"max", binary(BinaryFunction::kMax, true)},
      {"pow stays float",
       [](NetworkMaker& m, ValueId x) {
         const ValueId two = m.graph.add_constant_f32("two", {}, {2});
         return m.add("middle", graph::Binary{BinaryFunction::kPow, {}}, {x, two});
       }},
      {"sigmoid", function(Function::kSigmoid)},
      {"tanh", function(Function::kTanh)},
      {"hard sigmoid", function(Function::kHardSigmoid, 1.0f / 6, 0.5f)},
      {"elu", function(Function::kElu, 1)},
      {"gelu", function(Function::kGelu)},
      {"exp stays float", function(Function::kExp)},
      {"prelu",
       [](NetworkMaker& m, ValueId x) {
         return m.add("middle", graph::Prelu{}, {x, m.constant("slope", {1, 1, 1, 8}, 0, 0.5f)});
       }},
      {"softmax", one(graph::Softmax{3, 1})},
      {"mean", one(graph::Reduce{graph::ReduceFunction::kMean, {1, 2}, true})},
      {"max over rows", one(graph::Reduce{graph::ReduceFunction::kMax, {1}, true})},
      {"average pool", one(graph::AveragePool2d{})},
      {"max pool", one(graph::MaxPool2d{})},
      {"nearest", one(nearest)},
      {"bilinear", one(bilinear)},
      {"pad", one(pad)},
      {"reshape", one(graph::Reshape{{1, 3, 12, 8}})},
      {"transpose", one(graph::Transpose{{0, 2, 1, 3}})},
      {"slice", one(graph::Slice{{0, 1, 0, 2}, {1, 4, 3, 4}, {1, 1, 2, 1}})},
      {"depth to space", one(graph::DepthToSpace{2, false})},
      {"space to depth", one(graph::SpaceToDepth{2})},
      {"gather",
       [](NetworkMaker& m, ValueId x) {
         const std::int64_t picks[] = {3, 0, 5};
         return m.add("middle", graph::Gather{3},
                      {x, *m.graph.add_constant("i", DataType::kInt64, {3}, picks, sizeof picks)});
       }},
      {"concat",
       [](NetworkMaker& m, ValueId x) {
         return m.add("middle", graph::Concat{3}, {x, m.conv("a", x, 3, 1), m.conv("b", x, 4, 3)});
       }},
      {"concat of moved",
       [](NetworkMaker& m, ValueId x) {
         const ValueId moved = m.add("moved", graph::Transpose{{0, 2, 1, 3}}, {m.conv("a", x, 8, 1)});
         return m.add("middle", graph::Concat{3}, {moved, x, m.constant("c", {1, 6, 6, 2})});
       }},
  };
}

TEST(Lower, EveryOperatorIsVerifiedRunAndNear) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    NetworkMaker m;
    const ValueId x = m.conv("first", m.input({1, 6, 6, 3}), 8, 3, {Function::kLeakyRelu, 0.3f, 0});
    m.graph.outputs = {m.conv("last", c.middle(m, x), 5, 1)};
    ASSERT_TRUE(graph::verify(m.graph).ok()) << graph::verify(m.graph).message();
    const Calibration data = random_calibration(8);
    Options options;
    const Result<Quantized> q = quantize(m.graph, data, options);
    ASSERT_TRUE(q.ok()) << q.status().message();
    EXPECT_TRUE(graph::verify(q->graph).ok()) << graph::verify(q->graph).message();
    EXPECT_GE(sqnr(outputs_of(m.graph, data, 3), outputs_of(q->graph, data, 3)), c.least_db);
    // One way in, one way out, and islands only where the name says so.
    auto ops = count_ops(q->graph);
    const int islands = std::string(c.name).find("stays float") != std::string::npos ? 1 : 0;
    EXPECT_EQ(ops["quantize"], 1 + islands);
    EXPECT_EQ(ops["dequantize"], 1 + islands);
  }
}

TEST(Lower, ArgMaxReadsInt8) {
  NetworkMaker m;
  const ValueId x = m.conv("a", m.input({1, 32, 32, 3}), 6, 3);
  m.graph.outputs = {m.add("best", graph::ArgMax{3, true, false, DataType::kInt32}, {x})};
  const Result<Quantized> q = quantize(m.graph, random_calibration(2), {});
  ASSERT_TRUE(q.ok()) << q.status().message();
  EXPECT_TRUE(graph::verify(q->graph).ok());
}

TEST(Lower, NamesOfInputsOutputsAndLayersStay) {
  NetworkMaker m;
  const ValueId x = m.input({1, 8, 8, 3}, "picture");
  const ValueId a = m.conv("a", x, 8, 3, {Function::kRelu, 0, 0});
  const ValueId b = m.conv("b", a, 8, 3);
  m.graph.outputs = {b, a};
  const Result<Quantized> q = quantize(m.graph, random_calibration(2), {});
  ASSERT_TRUE(q.ok()) << q.status().message();
  const Graph& g = q->graph;
  EXPECT_EQ(g.value(g.inputs[0]).name, "picture");
  EXPECT_EQ(g.value(g.outputs[0]).name, "b");
  EXPECT_EQ(g.value(g.outputs[1]).name, "a");
  for (ValueId id : g.outputs) EXPECT_EQ(g.value(id).type.type, DataType::kFloat32);
  EXPECT_EQ(count_ops(g)["conv2d"], 2);
}

TEST(Lower, EightBitInputsAndOutputs) {
  NetworkMaker m;
  const ValueId a = m.conv("a", m.input({1, 8, 8, 3}), 8, 3, {Function::kRelu, 0, 0});
  m.graph.outputs = {m.conv("b", a, 4, 1)};
  const Calibration data = random_calibration(4);
  const std::vector<float> exact = outputs_of(m.graph, data, 1);
  for (DataType type : {DataType::kInt8, DataType::kUint8}) {
    Options options;
    options.input_type = options.output_type = type;
    const Result<Quantized> q = quantize(m.graph, data, options);
    ASSERT_TRUE(q.ok()) << q.status().message();
    const graph::Value& in = q->graph.value(q->graph.inputs[0]);
    EXPECT_EQ(in.type.type, type);
    EXPECT_EQ(in.name, "x");
    EXPECT_EQ(q->graph.value(q->graph.outputs[0]).type.type, type);
    EXPECT_EQ(q->graph.value(q->graph.outputs[0]).name, "b");
    Calibration bytes = data;
    bytes.fill = [&](Session& session, std::size_t i) {
      const TensorView view = session.input(0);
      testing::Random random(1000 + i);
      const int low = type == DataType::kInt8 ? -128 : 0;
      for (std::int64_t e = 0; e < view.elements(); ++e) {
        static_cast<std::uint8_t*>(view.data)[e] = static_cast<std::uint8_t>(quantize_one(
            static_cast<double>(random.uniform()), static_cast<double>(view.scale), view.zero_point, low, low + 255));
      }
      return Status();
    };
    EXPECT_GT(sqnr(exact, outputs_of(q->graph, bytes, 1)), 25);
  }
}

TEST(Lower, KeptLayersUseTheirOwnWeights) {
  NetworkMaker m;
  ValueId x = m.conv("a", m.input({1, 8, 8, 3}), 8, 3, {Function::kSilu, 0, 0});
  x = m.conv("b", x, 8, 3, {Function::kSilu, 0, 0});
  m.graph.outputs = {m.conv("c", x, 4, 1)};
  const Calibration data = random_calibration(4);
  Options options;
  options.keep_fp32 = {"b"};
  const Result<Quantized> q = quantize(m.graph, data, options);
  ASSERT_TRUE(q.ok()) << q.status().message();
  for (const Node& node : q->graph.nodes()) {
    const DataType type = q->graph.value(node.outputs[0]).type.type;
    // The function behind a float32 layer stays float32 too.
    if (node.name == "b" || node.name == "b/silu") {
      EXPECT_EQ(type, DataType::kFloat32) << node.name;
    }
    if (node.name == "a" || node.name == "a/silu") {
      EXPECT_EQ(type, DataType::kInt8) << node.name;
    }
  }
  options.keep_fp32 = {"a", "b", "c"};
  EXPECT_FALSE(quantize(m.graph, data, options).ok());
}

TEST(Lower, TheTailOfAClassifierStaysFloat) {
  NetworkMaker m;
  ValueId x = m.conv("a", m.input({1, 8, 8, 3}), 16, 3, {Function::kRelu, 0, 0});
  x = m.conv("b", x, 16, 3);
  x = m.add("mean", graph::Reduce{graph::ReduceFunction::kMean, {1, 2}, false}, {x});
  x = m.add("fc", graph::FullyConnected{}, {x, m.constant("w", {10, 16})});
  m.graph.outputs = {m.add("softmax", graph::Softmax{1, 1}, {x})};
  const Result<Quantized> q = quantize(m.graph, random_calibration(4), {});
  ASSERT_TRUE(q.ok()) << q.status().message();
  for (const Node& node : q->graph.nodes()) {
    const DataType type = q->graph.value(node.outputs[0]).type.type;
    if (node.name == "softmax") {
      EXPECT_EQ(type, DataType::kFloat32);
    }
    if (node.name == "fc" || node.name == "mean") {
      EXPECT_EQ(type, DataType::kInt8);
    }
  }
}

TEST(Lower, WeightScalesGiveBiasesRoom) {
  NetworkMaker m;
  const ValueId x = m.input({1, 1, 1, 1});
  const ValueId w = m.graph.add_constant_f32("w", {3, 1, 1, 1}, {1e-9f, 0, -2});
  const ValueId b = m.graph.add_constant_f32("b", {3}, {1000, 0, 1});
  m.graph.outputs = {m.add("conv", graph::Conv2d{}, {x, w, b})};
  const std::vector<float> scales = weight_scales(m.graph, m.graph.nodes()[0], 0.01f);
  EXPECT_LE(1000 / (0.01 * static_cast<double>(scales[0])), 1.01 * (1 << 29));
  EXPECT_EQ(scales[1], 1);
  EXPECT_GE(scales[2], 2.0f / 127);
  EXPECT_LE(scales[2], 2.0f / 126);
  const Result<Quantized> q = quantize(m.graph, random_calibration(2), {});
  ASSERT_TRUE(q.ok()) << q.status().message();
  const std::vector<float> y = outputs_of(q->graph, random_calibration(2), 0);
  EXPECT_NEAR(y[0], 1000, 4);
}

TEST(Prepare, SplitsWhatNoKernelFuses) {
  NetworkMaker m;
  const ValueId x = m.conv("a", m.input({1, 4, 4, 2}), 4, 3, {Function::kSilu, 0, 0});
  m.graph.outputs = {m.conv("b", x, 4, 3, {Function::kRelu, 0, 0})};
  const Result<Graph> prepared = prepare(m.graph);
  ASSERT_TRUE(prepared.ok()) << prepared.status().message();
  EXPECT_EQ(prepared->nodes().size(), 3u);
  EXPECT_EQ(prepared->nodes()[1].name, "a/silu");
  EXPECT_EQ(prepared->value(prepared->nodes()[1].outputs[0]).name, "a");
  const Calibration data = random_calibration(1);
  EXPECT_GT(sqnr(outputs_of(m.graph, data, 0), outputs_of(*prepared, data, 0)), 110);
}

}  // namespace
}  // namespace dotori::quantize
