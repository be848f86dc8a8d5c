// SPDX-License-Identifier: Apache-2.0
// What the lowering functions need: the TFLite model on one side, the growing Graph on the other.
//
// A tensor that the file quantises to int8 or uint8 is int8 in the graph: a uint8 one is stored - 128 with the zero
// point
// - 128, which changes no real value. Only the graph's inputs and outputs keep the file's type, with a quantize node
// between.
#pragma once

#include <dotori/status.h>

#include <cstdint>
#include <string>
#include <unordered_map>
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

  // Whether a node writes the value.
  bool computed(graph::ValueId value) const noexcept { return graph_.producer(value).valid(); }

  // Operand `i` of an operator. An input that is left out does not exist.
  bool has_input(const Operator& op, int i) const noexcept;
  Status expect_inputs(const Operator& op, int least, int most) const;
  Status expect_outputs(const Operator& op, int count) const;
  // Only after expect_inputs() / has_input(); not checked.
  Tensor& input_tensor(const Operator& op, int i) noexcept;
  Tensor& output_tensor(const Operator& op, int i) noexcept;
  // Its value; a constant enters the graph here. Errors: an unsupported tensor type, or a tensor that nothing has
  // computed.
  Result<graph::ValueId> input(const Operator& op, int i);
  // The same as float32: a quantised value goes through a dequantize node.
  Result<graph::ValueId> real_input(const Operator& op, int i);
  // Weights for the input `x`, output channels first. kOutputsLast: [1,h,w,O] in the file. For an int8 `x` they must be
  // a quantised constant, and are brought into [-127,127] (graph::narrow_weights); for a float one a quantised constant
  // becomes float32.
  enum class WeightOrder { kOutputsFirst, kOutputsLast };
  Result<graph::ValueId> weights(const Operator& op, int i, graph::ValueId x, WeightOrder order);
  // The bias to these; int32 for an int8 `x`.
  Result<graph::ValueId> bias(const Operator& op, int i, graph::ValueId x, graph::ValueId weights);
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

  // Appends a node named after the operator's output plus `suffix` ("" for the node that writes the output itself). An
  // int8 result has the quantisation of the operator's first output or, for an operator that only moves elements, of
  // the node's first input.
  Result<graph::ValueId> emit(const Operator& op, const std::string& suffix, graph::Op node,
                              std::vector<graph::ValueId> inputs);
  // The same for a node with as many outputs as the operator, of which none is quantised; they are bound.
  Status emit_outputs(const Operator& op, graph::Op node, std::vector<graph::ValueId> inputs);
  // emit(), then bind() to output 0.
  Status emit_output(const Operator& op, graph::Op node, std::vector<graph::ValueId> inputs);
  // The value of output `i` from here on; requantised where the file has another scale or zero point for it.
  Status bind(const Operator& op, int i, graph::ValueId value);
  // emit_output() with the activation as a node of its own behind `node`, which cannot fuse one.
  Status emit_activated(const Operator& op, const graph::Activation& activation, graph::Op node,
                        std::vector<graph::ValueId> inputs);
  // Turns a tensor that nothing has written into a constant.
  Status make_constant(Tensor& tensor, TensorType type, const Shape& shape, const void* elements,
                       std::size_t size_bytes);
  // A float constant made by the importer.
  Result<graph::ValueId> constant(const std::string& name, const Shape& shape, std::vector<float> elements);

  // A graph output's value, of the file's type. Errors as input().
  Result<graph::ValueId> output(int tensor);
  // What was changed on the way, in words; empty: nothing.
  std::string notes() const;
  // The operator's input shapes, for messages.
  std::string describe_inputs(const Operator& op);

 private:
  Result<graph::ValueId> value_of(int tensor);
  Status check_type(const Tensor& tensor) const;
  Result<graph::ValueId> add_constant(const Tensor& tensor);
  Result<graph::ValueId> int8_weights(const Operator& op, int i, WeightOrder order);
  Result<graph::ValueId> float_weights(const Operator& op, int i, WeightOrder order);
  // A quantize node called `name`, for an output of this quantisation.
  Result<graph::ValueId> quantize(const std::string& name, graph::ValueId value, DataType type,
                                  Quantization quantization);
  // `writer` gets the name of `other`, which gets a new one.
  void take_name(graph::ValueId writer, graph::ValueId other, const std::string& name_of_other);
  std::string unique_node_name(const std::string& base);
  // Books memory for a constant. Many tensors of a hostile file may share one large buffer.
  Status book(std::size_t size_bytes);

  Model& model_;
  graph::Graph graph_;
  std::vector<graph::ValueId> values_;                         // by tensor number; invalid: none yet
  std::unordered_map<int, graph::ValueId> weights_, outputs_;  // by tensor number: int8 weights, uint8 graph outputs
  std::unordered_set<std::string> node_names_;
  std::size_t booked_bytes_ = 0;
  std::int64_t narrowed_weights_ = 0, widened_weights_ = 0;
};

// The elements of a float32, float16 or quantised int8 / uint8 constant as float32.
Result<std::vector<float>> constant_as_floats(const Tensor& tensor);

// The quantisation of a quantised int8 or uint8 tensor as the graph stores it, in int8. Errors: axis or number of
// scales.
Result<Quantization> int8_quantization(const Tensor& tensor);

}  // namespace dotori::convert::tflite
