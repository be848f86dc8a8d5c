// SPDX-License-Identifier: Apache-2.0
// What the lowering functions need: the TFLite model on one side, the growing Graph on the other.
#pragma once

#include <dotori/status.h>

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "convert/tflite/model.h"
#include "graph/graph.h"

namespace dotori::convert::tflite {

class Builder {
 public:
  // `model` must outlive the builder, which gives constants to tensors that it folds.
  explicit Builder(Model& model) : model_(model), values_(model.tensors.size()) {}

  graph::Graph& graph() noexcept { return graph_; }
  const Model& model() const noexcept { return model_; }

  // Adds the graph input for a tensor.
  Status add_input(int tensor, const Shape& shape);

  // Operand `i` of an operator. An input that is left out does not exist.
  bool has_input(const Operator& op, int i) const noexcept;
  Status expect_inputs(const Operator& op, int least, int most) const;
  Status expect_outputs(const Operator& op, int count) const;
  // Only after expect_inputs() / has_input(); not checked.
  Tensor& input_tensor(const Operator& op, int i) noexcept;
  Tensor& output_tensor(const Operator& op, int i) noexcept;
  // Its value; a constant enters the graph here. Errors: a quantised or otherwise unsupported tensor type, or a tensor
  // that nothing has computed.
  Result<graph::ValueId> input(const Operator& op, int i);
  // The shape it has in the graph: that of the value when there is one, else the constant's.
  Result<Shape> input_shape(const Operator& op, int i);
  // The elements of an int32 or int64 constant. `what` names it in errors.
  Result<std::vector<std::int64_t>> integers(const Operator& op, int i, const char* what);
  // One integer.
  Result<std::int64_t> integer(const Operator& op, int i, const char* what);
  // An axis counted from the end when negative, checked against `rank`.
  Result<int> axis(std::int64_t value, int rank) const;

  // The operator's options table, which must be of this type or missing (then every field has its default).
  Result<FlatTable> options(const Operator& op, OptionsType type) const;
  Result<graph::Activation> activation(const FlatTable& options, int field) const;

  // Appends a node named after the operator's output plus `suffix` ("" for the node that writes the output itself).
  Result<graph::ValueId> emit(const Operator& op, const std::string& suffix, graph::Op node,
                              std::vector<graph::ValueId> inputs);
  // emit(), then bind() to output 0.
  Status emit_output(const Operator& op, graph::Op node, std::vector<graph::ValueId> inputs);
  // The value of output `i` from here on.
  Status bind(const Operator& op, int i, graph::ValueId value);
  // emit_output() with the activation as a node of its own behind `node`, which cannot fuse one.
  Status emit_activated(const Operator& op, const graph::Activation& activation, graph::Op node,
                        std::vector<graph::ValueId> inputs);
  // Turns a tensor that nothing has written into a constant.
  Status make_constant(Tensor& tensor, TensorType type, const Shape& shape, const void* elements,
                       std::size_t size_bytes);
  // A float constant made by the importer.
  Result<graph::ValueId> constant(const std::string& name, const Shape& shape, std::vector<float> elements);

  // A graph output's value. Errors as input().
  Result<graph::ValueId> output(int tensor);
  // The operator's input shapes, for messages.
  std::string describe_inputs(const Operator& op);

 private:
  Result<graph::ValueId> value_of(int tensor);
  Status check_type(const Tensor& tensor) const;
  std::string unique_node_name(const std::string& base);
  // Books memory for a constant. Many tensors of a hostile file may share one large buffer.
  Status book(std::size_t size_bytes);

  Model& model_;
  graph::Graph graph_;
  std::vector<graph::ValueId> values_;  // by tensor number; invalid: none yet
  std::unordered_set<std::string> node_names_;
  std::size_t booked_bytes_ = 0;
};

// The elements of a float32, float16 or quantised int8 / uint8 constant as float32.
Result<std::vector<float>> constant_as_floats(const Tensor& tensor);

}  // namespace dotori::convert::tflite
