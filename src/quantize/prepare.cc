// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <utility>
#include <vector>

#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"
#include "graph/verify.h"
#include "quantize/lower.h"
#include "quantize/names.h"

namespace dotori::quantize {
namespace {

using graph::Activation;
using graph::Function;
using graph::Graph;
using graph::Node;
using graph::ValueId;

// int8 kernels apply these while they requantise.
bool is_fusible(const Activation& a) {
  switch (a.function) {
    case Function::kIdentity:
    case Function::kRelu:
    case Function::kClip: return true;
    case Function::kLeakyRelu: return a.alpha >= 0 && a.alpha <= 1;
    default: return false;
  }
}

// x / c -> x * (1 / c), when every 1 / c is a number.
Status multiply_instead(Graph& graph, graph::Uses& uses, Node& node) {
  auto* binary = std::get_if<graph::Binary>(&node.op);
  if (binary == nullptr || binary->function != graph::BinaryFunction::kDiv) return {};
  const float* divisors = graph::f32_constant(graph, node.inputs[1]);
  if (divisors == nullptr) return {};
  std::vector<float> factors(divisors, divisors + graph.value(node.inputs[1]).type.shape.elements());
  for (float& f : factors) {
    f = 1 / f;
    if (!std::isfinite(f)) return {};
  }
  DOTORI_ASSIGN_OR_RETURN(node.inputs[1], uses.replace_constant_f32(graph, node.inputs[1], factors));
  binary->function = graph::BinaryFunction::kMul;
  return {};
}

}  // namespace

Result<Graph> prepare(const Graph& fp32) {
  Graph graph = fp32;
  graph::Uses uses(graph);
  Names names(graph);
  std::vector<Node> nodes;
  for (Node& node : graph.nodes()) {
    DOTORI_RETURN_IF_ERROR(multiply_instead(graph, uses, node));
    Activation* fused = graph::fused_activation(node.op);
    if (fused == nullptr || is_fusible(*fused) || graph.value(node.outputs[0]).type.type != DataType::kFloat32) {
      nodes.push_back(std::move(node));
      continue;
    }
    Node function;
    function.name = names.unique_node(node.name + "/" + graph::function_name(fused->function));
    function.op = graph::Unary{*fused};
    function.outputs = std::move(node.outputs);
    *fused = Activation();
    graph::Value before;
    before.name = names.unique_value(graph.value(function.outputs[0]).name + "/linear");
    before.type = graph.value(function.outputs[0]).type;
    node.outputs = {graph.add_value(std::move(before))};
    function.inputs = node.outputs;
    nodes.push_back(std::move(node));
    nodes.push_back(std::move(function));
  }
  graph.nodes() = std::move(nodes);
  DOTORI_RETURN_IF_ERROR(graph::remove_dead(graph));
  DOTORI_RETURN_IF_ERROR(graph::verify(graph));
  return graph;
}

}  // namespace dotori::quantize
