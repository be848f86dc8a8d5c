// SPDX-License-Identifier: Apache-2.0
// A 3-D U-Net through quantize().
#include "quantize/quantize.h"

#include "graph/passes/passes.h"
#include "small_networks.h"

namespace dotori::quantize {
namespace {

ValueId conv(NetworkMaker& m, const std::string& name, ValueId x, std::int64_t filters, int kernel,
             Activation activation) {
  const std::int64_t channels = m.graph.value(x).type.shape[4];
  graph::Conv3d op;
  op.kernel_d = op.kernel_h = op.kernel_w = kernel;
  op.pad_front = op.pad_back = op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = kernel / 2;
  op.activation = activation;
  const float spread = 1.7f / std::sqrt(static_cast<float>(kernel * kernel * kernel * channels));
  return m.add(name, op,
               {x, m.constant(name + "/w", {filters, kernel, kernel, kernel, channels}, -spread, spread),
                m.constant(name + "/b", {filters}, -0.3f, 0.3f)});
}

Graph volume_unet() {
  NetworkMaker m(5);
  const Activation relu = {Function::kRelu, 0, 0}, leaky = {Function::kLeakyRelu, 0.01f, 0};
  const ValueId fine = conv(m, "fine", m.input({1, 8, 8, 8, 1}), 8, 3, relu);
  const ValueId pooled = m.add("pool", graph::MaxPool3d(), {fine});
  const ValueId coarse = conv(m, "coarse", pooled, 12, 3, relu);
  graph::ConvTranspose3d op;
  op.kernel_d = op.kernel_h = op.kernel_w = op.stride_d = op.stride_h = op.stride_w = 2;
  const ValueId up = m.add("up", op, {coarse, m.constant("up/w", {8, 2, 2, 2, 12}, -0.5f, 0.5f)});
  graph::Concat concat;
  concat.axis = 4;
  const ValueId joined = m.add("concat", concat, {up, fine});
  const ValueId merged = conv(m, "merge", joined, 8, 3, leaky);
  const ValueId smooth = m.add("average", graph::AveragePool3d(), {merged});
  m.graph.outputs = {conv(m, "head", smooth, 2, 3, {})};  // large enough to be int8 too
  return m.graph;
}

TEST(QuantizeVolume, EveryLayerBecomesInt8) {
  const Graph g = volume_unet();
  const Calibration data = random_calibration(4);
  const Result<Quantized> q = quantize(g, data, {});
  ASSERT_TRUE(q.ok()) << q.status().message();
  std::set<std::string> float32;
  for (const graph::QuantizedNode& n : q->graph.quantization.nodes)
    if (n.bits != 8) float32.insert(n.name);
  EXPECT_EQ(float32, std::set<std::string>());
  EXPECT_EQ(q->graph.quantization.nodes.size(), 8u);
  for (const graph::Node& node : q->graph.nodes()) {
    if (!graph::has_filters(node.op)) continue;
    const graph::Value& weights = q->graph.value(node.inputs[1]);
    EXPECT_EQ(weights.type.type, DataType::kInt8) << node.name;
    EXPECT_EQ(static_cast<std::int64_t>(weights.quantization.scales.size()), weights.type.shape[0]) << node.name;
  }
  EXPECT_GT(sqnr(outputs_of(g, data, 1), outputs_of(q->graph, data, 1)), 20);
}

}  // namespace
}  // namespace dotori::quantize
