// SPDX-License-Identifier: Apache-2.0
#include "convert/tflite/builder.h"

#include <utility>

#include "graph/verify_quantization.h"

namespace dotori::convert::tflite {
Status Builder::check_type(const Tensor& tensor) const {
  if (tensor.sparse)
    return unsupported("tensor '" + tensor.name + "' is stored sparse; only dense tensors are supported");
  DataType ignored;
  if (!data_type(tensor.type, &ignored) || (tensor.is_quantized() && !tensor.is_8_bit()))
    return unsupported("tensor '" + tensor.name + "' has type " + tensor_type_name(tensor.type) +
                       (tensor.is_quantized() ? ", quantised" : "") +
                       "; supported are float32, int32, int64, bool, and int8 and uint8 with a scale");
  if (tensor.is_quantized() && tensor.scales.size() > 1)
    return unsupported("tensor '" + tensor.name + "' has " + std::to_string(tensor.scales.size()) +
                       " scales; only weights may have more than one");
  return {};
}

Status Builder::add_input(int tensor, const Shape& shape) {
  const Tensor& t = model_.tensors[static_cast<std::size_t>(tensor)];
  DOTORI_RETURN_IF_ERROR(check_type(t));
  if (values_[static_cast<std::size_t>(tensor)].valid())
    return corrupt_model("tensor '" + t.name + "' is listed twice as a model input");
  if (t.is_constant()) return corrupt_model("model input '" + t.name + "' is a constant");
  DataType type = DataType::kFloat32;
  data_type(t.type, &type);
  graph::ValueId& value = values_[static_cast<std::size_t>(tensor)];
  value = graph_.add_input(graph_.unique_value_name(t.name), type, shape);
  if (!t.is_quantized()) return {};
  DOTORI_ASSIGN_OR_RETURN(const Quantization q, int8_quantization(t));
  graph_.value(value).quantization = q;
  if (t.type == TensorType::kInt8) return {};
  graph_.value(value).quantization.zero_points[0] += 128;
  DOTORI_ASSIGN_OR_RETURN(value, quantize(t.name + "/int8", value, DataType::kInt8, q));
  return {};
}

bool Builder::has_input(const Operator& op, int i) const noexcept {
  return static_cast<std::size_t>(i) < op.inputs.size() && op.inputs[static_cast<std::size_t>(i)] >= 0;
}

Status Builder::expect_inputs(const Operator& op, int least, int most) const {
  const int count = static_cast<int>(op.inputs.size());
  if (count < least || count > most)
    return corrupt_model("expected " + std::to_string(least) + (least == most ? "" : " to " + std::to_string(most)) +
                         " inputs, found " + std::to_string(count));
  for (int i = 0; i < least; ++i)
    if (!has_input(op, i)) return corrupt_model("input " + std::to_string(i) + " is left out but needed");
  return {};
}

Status Builder::expect_outputs(const Operator& op, int count) const {
  if (op.outputs.size() == static_cast<std::size_t>(count)) return {};
  return corrupt_model("expected " + std::to_string(count) + " outputs, found " + std::to_string(op.outputs.size()));
}

Tensor& Builder::input_tensor(const Operator& op, int i) noexcept {
  return model_.tensors[static_cast<std::size_t>(op.inputs[static_cast<std::size_t>(i)])];
}

Tensor& Builder::output_tensor(const Operator& op, int i) noexcept {
  return model_.tensors[static_cast<std::size_t>(op.outputs[static_cast<std::size_t>(i)])];
}

Result<graph::ValueId> Builder::value_of(int tensor) {
  graph::ValueId& value = values_[static_cast<std::size_t>(tensor)];
  if (value.valid()) return value;
  const Tensor& t = model_.tensors[static_cast<std::size_t>(tensor)];
  DOTORI_RETURN_IF_ERROR(check_type(t));
  if (!t.is_constant())
    return corrupt_model("tensor '" + t.name + "' is read, but it is neither a constant nor computed before");
  DOTORI_ASSIGN_OR_RETURN(value, add_constant(t));
  return value;
}

Result<graph::ValueId> Builder::input(const Operator& op, int i) {
  if (!has_input(op, i)) return corrupt_model("input " + std::to_string(i) + " is left out but needed");
  return value_of(op.inputs[static_cast<std::size_t>(i)]);
}

Result<graph::ValueId> Builder::output(int tensor) {
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId value, value_of(tensor));
  const Tensor& t = model_.tensors[static_cast<std::size_t>(tensor)];
  if (!t.is_quantized() || t.type != TensorType::kUint8) return value;
  graph::ValueId& out = outputs_[tensor];
  if (out.valid()) return out;
  DOTORI_ASSIGN_OR_RETURN(Quantization q, int8_quantization(t));
  q.zero_points[0] += 128;
  DOTORI_ASSIGN_OR_RETURN(out, quantize(t.name + "/uint8", value, DataType::kUint8, std::move(q)));
  take_name(out, value, t.name + "/int8");
  return out;
}

Result<Shape> Builder::input_shape(const Operator& op, int i) {
  const Tensor& tensor = input_tensor(op, i);
  const graph::ValueId value = values_[static_cast<std::size_t>(op.inputs[static_cast<std::size_t>(i)])];
  if (value.valid()) return graph_.value(value).type.shape;
  if (tensor.is_constant()) {
    const auto elements = tensor.shape.checked_elements();
    if (!elements.ok()) return elements.status().with_context("constant tensor '" + tensor.name + "'");
    return tensor.shape;
  }
  return corrupt_model("tensor '" + tensor.name + "' is read, but it is neither a constant nor computed before");
}

Result<std::vector<std::int64_t>> Builder::integers(const Operator& op, int i, const char* what) {
  if (!has_input(op, i)) return corrupt_model(std::string(what) + " is left out");
  const Tensor& tensor = input_tensor(op, i);
  if (!tensor.is_constant())
    return unsupported(std::string(what) + " (tensor '" + tensor.name +
                       "') is computed while the model runs; only constants are supported");
  if (tensor.type != TensorType::kInt32 && tensor.type != TensorType::kInt64)
    return corrupt_model(std::string(what) + " (tensor '" + tensor.name + "') must be int32 or int64, found " +
                         tensor_type_name(tensor.type));
  std::vector<std::int64_t> result;
  if (tensor.type == TensorType::kInt32) {
    const FlatNumbers<std::int32_t> numbers(tensor.data);
    for (std::size_t k = 0; k < numbers.size(); ++k) result.push_back(numbers[k]);
  } else {
    const FlatNumbers<std::int64_t> numbers(tensor.data);
    for (std::size_t k = 0; k < numbers.size(); ++k) result.push_back(numbers[k]);
  }
  return result;
}

Result<std::int64_t> Builder::integer(const Operator& op, int i, const char* what) {
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> all, integers(op, i, what));
  if (all.size() != 1)
    return corrupt_model(std::string(what) + " must be one number, found " + std::to_string(all.size()));
  return all[0];
}

Result<int> Builder::axis(std::int64_t value, int rank) const {
  if (value < -rank || value >= rank)
    return corrupt_model("axis " + std::to_string(value) + " is out of range for " + std::to_string(rank) +
                         " dimensions");
  return static_cast<int>(value < 0 ? value + rank : value);
}

Result<FlatTable> Builder::options(const Operator& op, OptionsType type) const {
  if (op.options_type == type || op.options_type == OptionsType::kNone) return op.options;
  return corrupt_model("expected options of type " + std::to_string(static_cast<int>(type)) + ", found type " +
                       std::to_string(static_cast<int>(op.options_type)));
}

Result<graph::Activation> Builder::activation(const FlatTable& options, int field) const {
  const std::int8_t code = options.number<std::int8_t>(field);
  switch (static_cast<FusedActivation>(code)) {
    case FusedActivation::kNone: return graph::Activation{};
    case FusedActivation::kRelu: return graph::Activation{graph::Function::kRelu, 0, 0};
    case FusedActivation::kReluN1To1: return graph::Activation{graph::Function::kClip, -1, 1};
    case FusedActivation::kRelu6: return graph::Activation{graph::Function::kClip, 0, 6};
    case FusedActivation::kTanh: return graph::Activation{graph::Function::kTanh, 0, 0};
    case FusedActivation::kSignBit: break;
  }
  return unsupported("fused activation " + std::to_string(code) +
                     " (supported: NONE, RELU, RELU_N1_TO_1, RELU6, TANH)");
}

std::string Builder::unique_node_name(const std::string& base) {
  std::string name = base;
  for (int i = 1; !node_names_.insert(name).second; ++i) name = base + "_" + std::to_string(i);
  return name;
}

Result<graph::ValueId> Builder::emit(const Operator& op, const std::string& suffix, graph::Op node,
                                     std::vector<graph::ValueId> inputs) {
  const graph::ValueId first = inputs.empty() ? graph::ValueId{} : inputs[0];
  const bool moves = graph::keeps_quantization(node);
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId id,
                          graph_.add_node(unique_node_name(op.name + suffix), std::move(node), std::move(inputs)));
  if (graph_.value(id).type.type != DataType::kInt8) return id;
  if (moves) {
    graph_.value(id).quantization = graph_.value(first).quantization;
  } else if (output_tensor(op, 0).is_quantized()) {
    DOTORI_RETURN_IF_ERROR(check_type(output_tensor(op, 0)));
    DOTORI_ASSIGN_OR_RETURN(graph_.value(id).quantization, int8_quantization(output_tensor(op, 0)));
  }
  return id;
}

Status Builder::emit_outputs(const Operator& op, graph::Op node, std::vector<graph::ValueId> inputs) {
  const int count = static_cast<int>(op.outputs.size());
  DOTORI_ASSIGN_OR_RETURN(
      const std::vector<graph::ValueId> values,
      graph_.add_node_outputs(unique_node_name(op.name), std::move(node), std::move(inputs), count));
  for (int i = 0; i < count; ++i) {
    const graph::ValueId value = values[static_cast<std::size_t>(i)];
    graph_.value(value).name.clear();
    graph_.value(value).name = graph_.unique_value_name(output_tensor(op, i).name);
    DOTORI_RETURN_IF_ERROR(bind(op, i, value));
  }
  return {};
}

Status Builder::emit_output(const Operator& op, graph::Op node, std::vector<graph::ValueId> inputs) {
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId value, emit(op, "", std::move(node), std::move(inputs)));
  return bind(op, 0, value);
}

Status Builder::bind(const Operator& op, int i, graph::ValueId value) {
  const int tensor = op.outputs[static_cast<std::size_t>(i)];
  const Tensor& t = model_.tensors[static_cast<std::size_t>(tensor)];
  if (values_[static_cast<std::size_t>(tensor)].valid() || t.is_constant())
    return corrupt_model("output tensor '" + t.name + "' is written twice or is a constant or a model input");
  DOTORI_RETURN_IF_ERROR(check_type(t));
  DataType type = DataType::kFloat32;
  data_type(t.type, &type);
  if (t.is_quantized()) type = DataType::kInt8;
  const DataType found = graph_.value(value).type.type;
  if (found != type)
    return corrupt_model("output tensor '" + t.name + "' is " + tensor_type_name(t.type) +
                         " in the file, but the operator makes " + data_type_name(found));
  if (t.is_quantized()) {
    DOTORI_ASSIGN_OR_RETURN(Quantization q, int8_quantization(t));
    if (!(q == graph_.value(value).quantization)) {
      const graph::ValueId before = value;
      DOTORI_ASSIGN_OR_RETURN(value, quantize(t.name + "/requantize", before, DataType::kInt8, std::move(q)));
      take_name(value, before, t.name + "/before");
    }
  }
  values_[static_cast<std::size_t>(tensor)] = value;
  return {};
}

Status Builder::emit_activated(const Operator& op, const graph::Activation& activation, graph::Op node,
                               std::vector<graph::ValueId> inputs) {
  if (activation.is_identity()) return emit_output(op, std::move(node), std::move(inputs));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId linear, emit(op, "/linear", std::move(node), std::move(inputs)));
  return emit_output(op, graph::Unary{activation}, {linear});
}

Status Builder::book(std::size_t size_bytes) {
  // 8-bit weights grow four times, and each may be used in two layouts.
  const std::size_t budget = 8 * model_.file->bytes().size() + (std::size_t{1} << 20);
  if (size_bytes > budget - booked_bytes_)
    return out_of_memory("the constants need more than " + std::to_string(budget) + " bytes, eight times the file");
  booked_bytes_ += size_bytes;
  return {};
}

Status Builder::make_constant(Tensor& tensor, TensorType type, const Shape& shape, const void* elements,
                              std::size_t size_bytes) {
  const std::size_t number = static_cast<std::size_t>(&tensor - model_.tensors.data());
  if (tensor.type != type || tensor.is_constant() || values_[number].valid())
    return corrupt_model("output tensor '" + tensor.name + "' must be a " + tensor_type_name(type) +
                         " tensor that nothing has written");
  DOTORI_RETURN_IF_ERROR(book(size_bytes));
  const graph::Constant constant = graph::make_constant(elements, size_bytes);
  tensor.shape = shape;
  tensor.owner = constant.owner;
  tensor.data = {static_cast<const unsigned char*>(constant.data), constant.size_bytes};
  return {};
}

Result<graph::ValueId> Builder::constant(const std::string& name, const Shape& shape, std::vector<float> elements) {
  DOTORI_RETURN_IF_ERROR(book(elements.size() * sizeof(float)));
  return graph_.add_constant_f32(graph_.unique_value_name(name), shape, std::move(elements));
}

std::string Builder::describe_inputs(const Operator& op) {
  std::string text;
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    if (i != 0) text += ", ";
    if (op.inputs[i] < 0) {
      text += "none";
      continue;
    }
    const Tensor& tensor = input_tensor(op, static_cast<int>(i));
    const auto shape = input_shape(op, static_cast<int>(i));
    text += std::string(tensor_type_name(tensor.type)) + (shape.ok() ? *shape : tensor.shape).to_string();
  }
  return text;
}

}  // namespace dotori::convert::tflite
