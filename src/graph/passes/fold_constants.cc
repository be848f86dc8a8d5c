// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"

namespace dotori::graph {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
// A small file can ask for many large constants (by broadcasting); their sum is bounded too.
constexpr std::size_t kMaxTotalBytes = std::size_t{512} << 20;

bool has_constant_inputs(const Graph& graph, const Node& node) {
  for (ValueId id : node.inputs) {
    if (id.valid() && !graph.value(id).is_constant()) return false;
  }
  return !node.inputs.empty();
}

}  // namespace

Status fold_constants(Graph& graph, EvaluateNode evaluate) {
  if (evaluate == nullptr) return {};
  const Uses uses(graph);
  std::size_t total_bytes = 0;
  for (Node& node : graph.nodes()) {
    // A graph output must stay the work of a node.
    if (!has_constant_inputs(graph, node) || node.outputs.size() != 1 || uses.is_output(node.outputs[0])) continue;
    Value& output = graph.value(node.outputs[0]);
    const std::size_t size_bytes =
        static_cast<std::size_t>(output.type.shape.elements()) * data_type_bytes(output.type.type);
    if (size_bytes > kMaxBytes || total_bytes + size_bytes > kMaxTotalBytes) continue;
    Result<Constant> elements = evaluate(graph, node);
    if (!elements.ok()) {
      if (elements.status().code() == StatusCode::kUnsupported) continue;
      return elements.status().with_context(describe_node(graph, node));
    }
    if (elements->data == nullptr || elements->size_bytes != size_bytes) {
      return internal_error(describe_node(graph, node) + ": evaluated to " + std::to_string(elements->size_bytes) +
                            " bytes, expected " + std::to_string(size_bytes));
    }
    total_bytes += size_bytes;
    output.constant = std::move(*elements);
    node.op = std::monostate{};
    node.inputs.clear();
    node.outputs.clear();
  }
  return remove_dead(graph);
}

}  // namespace dotori::graph
