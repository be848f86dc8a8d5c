// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "convert/tflite/codes.h"

namespace dotori::convert::tflite {

// The fused activation is field 0 of AddOptions, SubOptions, MulOptions and DivOptions; the others have none.
Status lower_binary(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 2));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  graph::Binary node;
  OptionsType type = OptionsType::kNone;
  switch (op.code) {
    case kAdd:
      node.function = graph::BinaryFunction::kAdd;
      type = OptionsType::kAdd;
      break;
    case kSub:
      node.function = graph::BinaryFunction::kSub;
      type = OptionsType::kSub;
      break;
    case kMul:
      node.function = graph::BinaryFunction::kMul;
      type = OptionsType::kMul;
      break;
    case kDiv:
      node.function = graph::BinaryFunction::kDiv;
      type = OptionsType::kDiv;
      break;
    case kPow: node.function = graph::BinaryFunction::kPow; break;
    case kMinimum: node.function = graph::BinaryFunction::kMin; break;
    case kMaximum: node.function = graph::BinaryFunction::kMax; break;
    case kSquaredDifference: node.function = graph::BinaryFunction::kSquaredDifference; break;
    default: return internal_error("no binary function for " + operator_name(op));
  }
  if (type != OptionsType::kNone) {
    DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, type));
    DOTORI_ASSIGN_OR_RETURN(node.activation, builder.activation(options, 0));
  }
  const Tensor& to = builder.output_tensor(op, 0);
  const bool real_only = node.function == graph::BinaryFunction::kDiv || node.function == graph::BinaryFunction::kPow ||
                         node.function == graph::BinaryFunction::kSquaredDifference;
  if (to.is_quantized() && to.is_8_bit() && real_only) {
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId a, builder.real_input(op, 0));
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId b, builder.real_input(op, 1));
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId y, builder.emit(op, "/real", node, {a, b}));
    return builder.emit_output(op, graph::Quantize{DataType::kInt8}, {y});
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId a, builder.input(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId b, builder.input(op, 1));
  return builder.emit_output(op, node, {a, b});
}

Status lower_unary(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  graph::Activation f;
  switch (op.code) {
    case kRelu: f = {graph::Function::kRelu, 0, 0}; break;
    case kRelu6: f = {graph::Function::kClip, 0, 6}; break;
    case kReluN1To1: f = {graph::Function::kClip, -1, 1}; break;
    case kRelu0To1: f = {graph::Function::kClip, 0, 1}; break;
    case kLeakyRelu: {
      DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kLeakyRelu));
      f = {graph::Function::kLeakyRelu, options.number<float>(0), 0};
      break;
    }
    case kGelu: {
      DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kGelu));
      if (options.boolean(0)) return unsupported("the tanh approximation of GELU (approximate = true)");
      f = {graph::Function::kGelu, 0, 0};
      break;
    }
    case kLogistic: f = {graph::Function::kSigmoid, 0, 0}; break;
    case kTanh: f = {graph::Function::kTanh, 0, 0}; break;
    case kHardSwish: f = {graph::Function::kHardSwish, 0, 0}; break;
    case kElu: f = {graph::Function::kElu, 1, 0}; break;
    case kExp: f = {graph::Function::kExp, 0, 0}; break;
    case kLog: f = {graph::Function::kLog, 0, 0}; break;
    case kSqrt: f = {graph::Function::kSqrt, 0, 0}; break;
    case kRsqrt: f = {graph::Function::kRsqrt, 0, 0}; break;
    case kSquare: f = {graph::Function::kSquare, 0, 0}; break;
    case kNeg: f = {graph::Function::kNegate, 0, 0}; break;
    case kAbs: f = {graph::Function::kAbs, 0, 0}; break;
    case kFloor: f = {graph::Function::kFloor, 0, 0}; break;
    case kCeil: f = {graph::Function::kCeil, 0, 0}; break;
    case kRound: f = {graph::Function::kRound, 0, 0}; break;
    case kSign: f = {graph::Function::kSign, 0, 0}; break;
    case kSin: f = {graph::Function::kSin, 0, 0}; break;
    case kCos: f = {graph::Function::kCos, 0, 0}; break;
    default: return internal_error("no function for " + operator_name(op));
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, graph::Unary{f}, {x});
}

// float32 sums of any number of tensors.
Status lower_add_n(Builder& builder, const Operator& op) {
  const int count = static_cast<int>(op.inputs.size());
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, std::max(count, 2), std::max(count, 2)));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(graph::ValueId sum, builder.input(op, 0));
  const graph::Binary add{graph::BinaryFunction::kAdd, {}};
  for (int i = 1; i < count; ++i) {
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, i));
    if (i + 1 == count) return builder.emit_output(op, add, {sum, x});
    DOTORI_ASSIGN_OR_RETURN(sum, builder.emit(op, "/sum_" + std::to_string(i), add, {sum, x}));
  }
  return {};
}

// L2NormOptions: activation. x / max(sqrt(sum of x^2 over the last axis), 1e-6); the bound as in TFLite's kernel.
Status lower_l2_normalization(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kL2Norm));
  DOTORI_ASSIGN_OR_RETURN(const graph::Activation activation, builder.activation(options, 0));
  DOTORI_ASSIGN_OR_RETURN(const Shape shape, builder.input_shape(op, 0));
  if (shape.rank() < 1) return corrupt_model("the input is a scalar");
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.real_input(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId squares,
                          builder.emit(op, "/square", graph::Unary{{graph::Function::kSquare, 0, 0}}, {x}));
  graph::Reduce reduce;
  reduce.function = graph::ReduceFunction::kSum;
  reduce.axes = {shape.rank() - 1};
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId sum, builder.emit(op, "/sum", reduce, {squares}));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId root,
                          builder.emit(op, "/sqrt", graph::Unary{{graph::Function::kSqrt, 0, 0}}, {sum}));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId least, builder.constant(op.name + "/least", {}, {1e-6f}));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId norm,
                          builder.emit(op, "/norm", graph::Binary{graph::BinaryFunction::kMax, {}}, {root, least}));
  const graph::Binary div{graph::BinaryFunction::kDiv, activation};
  if (!builder.output_tensor(op, 0).is_quantized()) return builder.emit_output(op, div, {x, norm});
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId y, builder.emit(op, "/real", div, {x, norm}));
  return builder.emit_output(op, graph::Quantize{DataType::kInt8}, {y});
}

Status lower_prelu(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 2));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId slope, builder.input(op, 1));
  return builder.emit_output(op, graph::Prelu{}, {x, slope});
}

// SoftmaxOptions: beta. Always along the last axis.
Status lower_softmax(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kSoftmax));
  DOTORI_ASSIGN_OR_RETURN(const Shape shape, builder.input_shape(op, 0));
  if (shape.rank() == 0) return corrupt_model("the input is a scalar");
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, graph::Softmax{shape.rank() - 1, options.number<float>(0)}, {x});
}

// ReducerOptions: keep_dims. Inputs: x, axes.
Status lower_reduce(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 2));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kReducer));
  DOTORI_ASSIGN_OR_RETURN(const Shape shape, builder.input_shape(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> listed, builder.integers(op, 1, "the list of axes"));
  std::vector<int> axes;
  for (std::int64_t a : listed) {
    DOTORI_ASSIGN_OR_RETURN(const int axis, builder.axis(a, shape.rank()));
    axes.push_back(axis);
  }
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  graph::Reduce node;
  for (int axis : axes) node.axes.push_back(axis);
  node.keep_dims = options.boolean(0);
  switch (op.code) {
    case kMean: node.function = graph::ReduceFunction::kMean; break;
    case kSum: node.function = graph::ReduceFunction::kSum; break;
    case kReduceMax: node.function = graph::ReduceFunction::kMax; break;
    case kReduceMin: node.function = graph::ReduceFunction::kMin; break;
    default: return internal_error("no reduction for " + operator_name(op));
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, node, {x});
}

// ArgMaxOptions: output_type. Inputs: x, axis. Of equal elements the first wins.
Status lower_arg_max(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 2));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const Shape shape, builder.input_shape(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t axis, builder.integer(op, 1, "the axis"));
  graph::ArgMax node;
  DOTORI_ASSIGN_OR_RETURN(node.axis, builder.axis(axis, shape.rank()));
  node.keep_dims = false;
  // The output tensor's own type: old files leave the option at its default, which names no integer type.
  node.output_type = builder.output_tensor(op, 0).type == TensorType::kInt32 ? DataType::kInt32 : DataType::kInt64;
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, node, {x});
}

Status lower_cast(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  const Tensor& from = builder.input_tensor(op, 0);
  const Tensor& to = builder.output_tensor(op, 0);
  if (from.is_quantized() || to.is_quantized())
    return unsupported("a cast of quantised numbers (" + std::string(tensor_type_name(from.type)) + " to " +
                       tensor_type_name(to.type) + "); use QUANTIZE or DEQUANTIZE");
  graph::Cast node;
  switch (to.type) {
    case TensorType::kFloat32: node.to = DataType::kFloat32; break;
    case TensorType::kInt32: node.to = DataType::kInt32; break;
    case TensorType::kInt64: node.to = DataType::kInt64; break;
    case TensorType::kUint8: node.to = DataType::kUint8; break;
    case TensorType::kInt8: node.to = DataType::kInt8; break;
    case TensorType::kBool: node.to = DataType::kBool; break;
    default: return unsupported(std::string("a cast to ") + tensor_type_name(to.type));
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, node, {x});
}

// Weights kept as float16 (or as scaled 8-bit numbers) become float32 constants here.
Status lower_dequantize(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  const Tensor& from = builder.input_tensor(op, 0);
  Tensor& to = builder.output_tensor(op, 0);
  if (!from.is_constant()) {
    if (!from.is_quantized() || !from.is_8_bit())
      return unsupported("tensor '" + from.name + "' (" + tensor_type_name(from.type) +
                         ") must be int8 or uint8 with a scale");
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
    return builder.emit_output(op, graph::Dequantize{}, {x});
  }
  DOTORI_ASSIGN_OR_RETURN(const std::vector<float> elements, constant_as_floats(from));
  return builder.make_constant(to, TensorType::kFloat32, from.shape, elements.data(), elements.size() * sizeof(float));
}

// From float32, or from 8 bits with another scale.
Status lower_quantize(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  const Tensor& to = builder.output_tensor(op, 0);
  if (!to.is_quantized() || !to.is_8_bit())
    return unsupported("output tensor '" + to.name + "' (" + tensor_type_name(to.type) +
                       ") must be int8 or uint8 with a scale");
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const Quantization q, int8_quantization(to));
  // uint8 to int8 with the same scale is how uint8 enters the graph already.
  if (builder.graph().value(x).type.type == DataType::kInt8 && builder.graph().value(x).quantization == q &&
      builder.computed(x))
    return builder.bind(op, 0, x);
  return builder.emit_output(op, graph::Quantize{DataType::kInt8}, {x});
}

}  // namespace dotori::convert::tflite
