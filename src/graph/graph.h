// SPDX-License-Identifier: Apache-2.0
// Graph: values and nodes in flat vectors, built by appending. A node stands after all nodes whose outputs it reads.
#pragma once

#include <dotori/task.h>
#include <dotori/tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "graph/ids.h"
#include "graph/op.h"
#include "graph/quantization_report.h"
#include "graph/tuning.h"

namespace dotori::graph {

// The elements of a constant: dense, outermost first, little-endian, aligned to 64 bytes when made by make_constant or
// the reader. `owner` keeps the memory alive (a heap block or the whole file); copies share it.
struct Constant {
  std::shared_ptr<const void> owner;
  const void* data = nullptr;
  std::size_t size_bytes = 0;
};

struct Value {
  std::string name;  // from the source file; unique in the graph
  TensorType type;
  Quantization quantization;  // of a float32 constant: what its elements were dequantised from (int8)
  Constant constant;          // data != nullptr: a constant
  Shape source_order;         // see TensorInfo::source_order

  bool is_constant() const noexcept { return constant.data != nullptr; }
};

struct Node {
  std::string name;  // the source file's layer name; unique in the graph
  Op op;
  std::vector<ValueId> inputs;  // an invalid id stands for an optional input left out, only at the end
  std::vector<ValueId> outputs;
};

// A plain value: copyable (constants are shared), movable. Not thread-safe while being changed.
class Graph {
 public:
  std::string name;    // of the network
  std::string source;  // format and file it was converted from, such as "onnx: yolox_nano.onnx"
  TaskInfo task;
  QuantizationReport quantization;  // empty unless the graph was quantised by Dotori
  std::vector<Tuning> tunings;      // at most one for an ISA; their nodes are this graph's
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
  // Appends a node with one output, whose type comes from infer(). The output value gets the node's name (made unique
  // among the values), the node too (made unique among the nodes); an empty name becomes the operator's. Invalid ids at
  // the end of the inputs are dropped. O(values + nodes). Errors carry the node's name, operator and input shapes.
  Result<ValueId> add_node(std::string name, Op op, std::vector<ValueId> node_inputs);
  // The same for an operator with `count` outputs; those behind the first are named "<node's name>/<number>".
  Result<std::vector<ValueId>> add_node_outputs(std::string name, Op op, std::vector<ValueId> node_inputs, int count);
  // `base`, or `base` with a number behind it, not used by any value so far.
  std::string unique_value_name(const std::string& base) const;

  // Operands as infer() wants them. `id` must be valid.
  Operand operand(ValueId id) const noexcept;
  // Runs the operator's infer() over the node's inputs (ids valid and of this graph, but for the optional ones left out
  // at the end). Errors as in add_node.
  Result<TensorType> infer_node(const Node& node) const;
  Result<std::vector<TensorType>> infer_outputs(const Node& node, int count) const;
  // The node that writes `id`, invalid for inputs and constants. O(nodes).
  NodeId producer(ValueId id) const noexcept;
  // Parameters: elements of all float32, int8 and quantised int32 constants that some node reads.
  std::int64_t parameter_count() const noexcept;

 private:
  std::vector<Value> values_;
  std::vector<Node> nodes_;
};

// Memory aligned to 64 bytes, holding a copy of `bytes`, or zeros to be overwritten through `*writable`. `data` is null
// when there is not enough memory.
Constant make_constant(const void* bytes, std::size_t size_bytes);
Constant allocate_constant(std::size_t size_bytes, void** writable);

// op_display_name with what only the graph knows: "depthwise_conv2d". Static storage.
const char* node_display_name(const Graph& graph, const Node& node) noexcept;
// "conv2d 'stem/conv' (x [1,224,224,3], weights [16,3,3,4])": how messages call a node. Any ids may be out of range.
std::string describe_node(const Graph& graph, const Node& node);

// Multiply-accumulates of one run of the node (conv, transposed conv, fully connected); 0 for everything else.
std::int64_t node_macs(const Graph& graph, const Node& node) noexcept;

// The graph's tuning for an ISA (kernels::isa_name); null where there is none.
const Tuning* tuning_for(const Graph& graph, const char* isa) noexcept;

// A text dump, for golden tests and `inspect`: one line each for the graph inputs, the nodes and the graph outputs,
// such as
//   input x float32 [1,8,8,3]
//   conv2d 'stem' (x, w [16,3,3,3], b [16]) kernel_h=3, kernel_w=3 -> stem float32 [1,6,6,16]
//   output stem
// A constant shows its shape, a float scalar its value.
std::string to_string(const Graph& graph);

}  // namespace dotori::graph
