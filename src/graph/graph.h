// SPDX-License-Identifier: Apache-2.0
// Graph: values and nodes in flat vectors, built by appending. A node stands after all nodes whose outputs it reads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <dotori/task.h>
#include <dotori/tensor.h>

#include "graph/ids.h"
#include "graph/op.h"

namespace dotori::graph {

// The elements of a constant: dense, outermost first, little-endian, aligned to 64 bytes when made by make_constant or the
// reader. `owner` keeps the memory alive (a heap block or the whole file); copies share it.
struct Constant {
  std::shared_ptr<const void> owner;
  const void* data = nullptr;
  std::size_t size_bytes = 0;
};

struct Value {
  std::string name;              // from the source file; unique in the graph
  TensorType type;
  Quantization quantization;
  Constant constant;             // data != nullptr: a constant
  Shape source_order;            // see TensorInfo::source_order; for graph inputs and outputs

  bool is_constant() const noexcept { return constant.data != nullptr; }
};

struct Node {
  std::string name;              // the source file's layer name; unique in the graph
  Op op;
  std::vector<ValueId> inputs;   // an invalid id stands for an optional input left out, only at the end
  std::vector<ValueId> outputs;
};

// A plain value: copyable (constants are shared), movable. Not thread-safe while being changed.
class Graph {
 public:
  std::string name;      // of the network
  std::string source;    // format and file it was converted from, such as "onnx: yolox_nano.onnx"
  TaskInfo task;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;

  const std::vector<Value>& values() const noexcept { return values_; }
  const std::vector<Node>& nodes() const noexcept { return nodes_; }
  std::vector<Value>& values() noexcept { return values_; }
  std::vector<Node>& nodes() noexcept { return nodes_; }
  // `id` must be valid and of this graph; not checked.
  const Value& value(ValueId id) const noexcept { return values_[static_cast<std::size_t>(id.index)]; }
  Value& value(ValueId id) noexcept { return values_[static_cast<std::size_t>(id.index)]; }
  const Node& node(NodeId id) const noexcept { return nodes_[static_cast<std::size_t>(id.index)]; }
  Node& node(NodeId id) noexcept { return nodes_[static_cast<std::size_t>(id.index)]; }

  ValueId add_value(Value value);
  // Adds a value and lists it as a graph input.
  ValueId add_input(std::string name, DataType type, const Shape& shape);
  // Adds a constant with a copy of `elements`. The number of bytes must fit the type and shape.
  Result<ValueId> add_constant(std::string name, DataType type, const Shape& shape, const void* elements,
                               std::size_t size_bytes);
  ValueId add_constant_f32(std::string name, const Shape& shape, std::vector<float> elements);
  // Appends a node with one output, whose type comes from infer(). The output value gets the node's name (made unique).
  // Errors carry the node's name, operator and input shapes.
  Result<ValueId> add_node(std::string name, Op op, std::vector<ValueId> node_inputs);
  // `base`, or `base` with a number behind it, not used by any value so far.
  std::string unique_value_name(const std::string& base) const;

  // Operands as infer() wants them.
  Operand operand(ValueId id) const noexcept;
  // The node that writes `id`, invalid for inputs and constants. O(nodes).
  NodeId producer(ValueId id) const noexcept;
  // Parameters: elements of all float constants that some node reads.
  std::int64_t parameter_count() const noexcept;

 private:
  std::vector<Value> values_;
  std::vector<Node> nodes_;
};

// Memory aligned to 64 bytes, holding a copy of `bytes`.
Constant make_constant(const void* bytes, std::size_t size_bytes);
Constant allocate_constant(std::size_t size_bytes, void** writable);

// Multiply-accumulates of one run of the node (conv, transposed conv, fully connected); 0 for everything else.
std::int64_t node_macs(const Graph& graph, const Node& node) noexcept;

// A text dump: one line a node, for golden tests and `inspect`.
std::string to_string(const Graph& graph);

}  // namespace dotori::graph
