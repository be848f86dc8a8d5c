// SPDX-License-Identifier: Apache-2.0
// What the passes share. All of it assumes a graph that passed verify().
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace dotori::graph {

// Who writes and who reads each value, when it was made; a pass keeps it up to date where it looks again. Also hands
// out names for new values.
class Uses {
 public:
  explicit Uses(const Graph& graph);

  // Inputs of nodes that are this value; a graph output is not counted.
  int readers(ValueId id) const noexcept { return readers_[index(id)]; }
  bool is_output(ValueId id) const noexcept { return is_output_[index(id)]; }
  // Read once, by a node, and by nobody else.
  bool has_one_reader(ValueId id) const noexcept { return readers(id) == 1 && !is_output(id); }
  // Invalid for inputs and constants.
  NodeId producer(ValueId id) const noexcept { return producers_[index(id)]; }
  void set_producer(ValueId id, NodeId node) noexcept { producers_[index(id)] = node; }

  // A constant like `old` with other elements, for one reader of `old`: `old` itself when nobody else reads it, else a
  // new value named after it.
  Result<ValueId> replace_constant_f32(Graph& graph, ValueId old, const std::vector<float>& elements);
  // A new float32 constant of `shape`, named after `base`, counted as read once.
  Result<ValueId> add_constant_f32(Graph& graph, const std::string& base, const Shape& shape,
                                   const std::vector<float>& elements);

 private:
  static std::size_t index(ValueId id) noexcept { return static_cast<std::size_t>(id.index); }
  std::vector<int> readers_;
  std::vector<bool> is_output_;
  std::vector<NodeId> producers_;
  std::set<std::string> names_;
  std::map<std::string, int> numbers_;  // by base name: the last number behind it
};

// `writer` writes the output of `absorbed` from now on; `absorbed` is left without operator, inputs and outputs, for
// remove_dead().
void absorb(Graph& graph, Uses& uses, NodeId writer, NodeId absorbed);

// The elements of a float32 constant; nullptr when `id` is something else.
const float* f32_constant(const Graph& graph, ValueId id) noexcept;
// True, and `value` is set, when `id` is a float32 constant of one element.
bool f32_scalar(const Graph& graph, ValueId id, float* value) noexcept;

}  // namespace dotori::graph
