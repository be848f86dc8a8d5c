// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/rewrite.h"

#include <utility>

namespace dotori::graph {

Uses::Uses(const Graph& graph)
    : readers_(graph.values().size(), 0), is_output_(graph.values().size(), false), producers_(graph.values().size()) {
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    for (ValueId id : graph.nodes()[n].inputs) {
      if (id.valid()) ++readers_[index(id)];
    }
    for (ValueId id : graph.nodes()[n].outputs) producers_[index(id)] = {static_cast<std::int32_t>(n)};
  }
  for (ValueId id : graph.outputs) is_output_[index(id)] = true;
}

Result<ValueId> Uses::replace_constant_f32(Graph& graph, ValueId old, const std::vector<float>& elements) {
  if (readers(old) > 1) {
    --readers_[index(old)];
    const Value& value = graph.value(old);
    return add_constant_f32(graph, std::string(value.name), Shape(value.type.shape), elements);
  }
  Constant constant = make_constant(elements.data(), elements.size() * sizeof(float));
  if (constant.data == nullptr) return out_of_memory("constant '" + graph.value(old).name + "'");
  graph.value(old).constant = std::move(constant);
  graph.value(old).quantization = {};  // of the old elements
  return old;
}

Result<ValueId> Uses::add_constant_f32(Graph& graph, const std::string& base, const Shape& shape,
                                       const std::vector<float>& elements) {
  // Looked up in a set: unique_value_name() walks all values, which would be quadratic over a pass.
  if (names_.empty()) {
    for (const Value& value : graph.values()) names_.insert(value.name);
  }
  std::string name = base;
  if (!names_.insert(name).second) {
    int& number = numbers_[base];
    do {
      name = base + "_" + std::to_string(++number);
    } while (!names_.insert(name).second);
  }
  Value value;
  value.name = std::move(name);
  value.type = {DataType::kFloat32, shape};
  value.constant = make_constant(elements.data(), elements.size() * sizeof(float));
  if (!value.is_constant()) return out_of_memory("constant '" + value.name + "'");
  readers_.push_back(1);
  is_output_.push_back(false);
  producers_.push_back({});
  return graph.add_value(std::move(value));
}

void absorb(Graph& graph, Uses& uses, NodeId writer, NodeId absorbed) {
  Node& gone = graph.node(absorbed);
  graph.node(writer).outputs = gone.outputs;
  for (ValueId id : gone.outputs) uses.set_producer(id, writer);
  gone.op = std::monostate{};
  gone.inputs.clear();
  gone.outputs.clear();
}

const float* f32_constant(const Graph& graph, ValueId id) noexcept {
  if (!id.valid()) return nullptr;
  const Value& value = graph.value(id);
  return value.type.type == DataType::kFloat32 ? static_cast<const float*>(value.constant.data) : nullptr;
}

bool f32_scalar(const Graph& graph, ValueId id, float* value) noexcept {
  const float* elements = f32_constant(graph, id);
  if (elements == nullptr || graph.value(id).type.shape.elements() != 1) return false;
  *value = elements[0];
  return true;
}

}  // namespace dotori::graph
