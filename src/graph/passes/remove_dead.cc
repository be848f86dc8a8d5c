// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "graph/passes/passes.h"

namespace dotori::graph {

Status remove_dead(Graph& graph) {
  std::vector<Value>& values = graph.values();
  std::vector<Node>& nodes = graph.nodes();
  std::vector<bool> needed(values.size(), false);
  const auto need = [&](ValueId id) {
    if (id.valid()) needed[static_cast<std::size_t>(id.index)] = true;
  };
  for (ValueId id : graph.inputs) need(id);
  for (ValueId id : graph.outputs) need(id);

  // Readers stand behind writers, so one walk from the end sees every reader first.
  std::vector<bool> live(nodes.size(), false);
  for (std::size_t n = nodes.size(); n-- > 0;) {
    for (ValueId id : nodes[n].outputs) {
      if (needed[static_cast<std::size_t>(id.index)]) live[n] = true;
    }
    if (!live[n]) continue;
    for (ValueId id : nodes[n].inputs) need(id);
    for (ValueId id : nodes[n].outputs) need(id);
  }

  std::size_t kept = 0;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    if (!live[n]) continue;
    if (kept != n) nodes[kept] = std::move(nodes[n]);
    ++kept;
  }
  nodes.resize(kept);

  std::vector<ValueId> renumbered(values.size());
  kept = 0;
  for (std::size_t v = 0; v < values.size(); ++v) {
    if (!needed[v]) continue;
    renumbered[v] = {static_cast<std::int32_t>(kept)};
    if (kept != v) values[kept] = std::move(values[v]);
    ++kept;
  }
  values.resize(kept);

  const auto renumber = [&](std::vector<ValueId>& ids) {
    for (ValueId& id : ids) {
      if (id.valid()) id = renumbered[static_cast<std::size_t>(id.index)];
    }
  };
  renumber(graph.inputs);
  renumber(graph.outputs);
  for (Node& node : nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  return {};
}

}  // namespace dotori::graph
