// SPDX-License-Identifier: Apache-2.0
// The builder's quantised side: scales, zero points, 8-bit constants.
#include <cmath>
#include <cstring>
#include <utility>

#include "convert/tflite/builder.h"
#include "graph/int8_weights.h"

namespace dotori::convert::tflite {
namespace {

// IEEE binary16; exact.
float half_to_float(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  float magnitude;
  if (exponent == 31) {
    magnitude = mantissa == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  }
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

// uint8 numbers with their middle at 128 have the bits of int8 numbers but for the highest.
std::vector<std::int8_t> int8_elements(const Tensor& tensor) {
  std::vector<std::int8_t> elements(tensor.data.size());
  const unsigned flip = tensor.type == TensorType::kUint8 ? 0x80 : 0;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const unsigned char bits = static_cast<unsigned char>(tensor.data[i] ^ flip);
    std::memcpy(&elements[i], &bits, 1);
  }
  return elements;
}

// [1,kh,kw,O] -> [O,kh,kw,1].
template <class T>
std::vector<T> outputs_first(const std::vector<T>& stored, const Shape& shape) {
  const std::size_t channels = static_cast<std::size_t>(shape[3]);
  const std::size_t taps = stored.size() / channels;
  std::vector<T> elements(stored.size());
  for (std::size_t t = 0; t < taps; ++t)
    for (std::size_t c = 0; c < channels; ++c) elements[c * taps + t] = stored[t * channels + c];
  return elements;
}

Shape outputs_first(const Shape& shape) {
  return Shape{shape[3], shape[1], shape[2], 1};
}

}  // namespace

Result<Quantization> int8_quantization(const Tensor& tensor) {
  const std::string name = "tensor '" + tensor.name + "' ";
  Quantization q;
  q.scales = tensor.scales;
  const std::int64_t offset = tensor.type == TensorType::kUint8 ? 128 : 0;
  for (std::int64_t z : tensor.zero_points) {
    DOTORI_RETURN_IF_ERROR(graph::expect_range("zero point", z, offset - 128, offset + 127).with_context(name));
    q.zero_points.push_back(static_cast<std::int32_t>(z - offset));
  }
  if (tensor.scales.size() < 2) return q;
  const int axis = tensor.quantized_dimension;
  if (axis < 0 || axis >= tensor.shape.rank() || tensor.shape[axis] != static_cast<std::int64_t>(tensor.scales.size()))
    return corrupt_model(name + tensor.shape.to_string() + " has " + std::to_string(tensor.scales.size()) +
                         " scales along axis " + std::to_string(axis));
  q.axis = axis;
  return q;
}

Result<graph::ValueId> Builder::quantize(const std::string& name, graph::ValueId value, DataType type,
                                         Quantization quantization) {
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId out,
                          graph_.add_node(unique_node_name(name), graph::Quantize{type}, {value}));
  graph_.value(out).quantization = std::move(quantization);
  return out;
}

void Builder::take_name(graph::ValueId writer, graph::ValueId other, const std::string& name_of_other) {
  graph_.value(writer).name = std::move(graph_.value(other).name);
  graph_.value(other).name.clear();
  graph_.value(other).name = graph_.unique_value_name(name_of_other);
}

Result<graph::ValueId> Builder::add_constant(const Tensor& tensor) {
  DOTORI_RETURN_IF_ERROR(book(tensor.data.size()));
  const std::string name = graph_.unique_value_name(tensor.name);
  if (tensor.is_quantized()) {
    const std::vector<std::int8_t> elements = int8_elements(tensor);
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId value,
                            graph_.add_constant(name, DataType::kInt8, tensor.shape, elements.data(), elements.size()));
    DOTORI_ASSIGN_OR_RETURN(graph_.value(value).quantization, int8_quantization(tensor));
    return value;
  }
  DataType type = DataType::kFloat32;
  data_type(tensor.type, &type);
  return graph_.add_constant(name, type, tensor.shape, tensor.data.data(), tensor.data.size());
}

Result<graph::ValueId> Builder::real_input(const Operator& op, int i) {
  if (has_input(op, i) && input_tensor(op, i).is_constant() && input_tensor(op, i).is_quantized()) {
    const Tensor& tensor = input_tensor(op, i);
    DOTORI_ASSIGN_OR_RETURN(std::vector<float> elements, constant_as_floats(tensor));
    return constant(tensor.name, tensor.shape, std::move(elements));
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId value, input(op, i));
  if (graph_.value(value).type.type != DataType::kInt8 || graph_.value(value).quantization.empty()) return value;
  return graph_.add_node(unique_node_name(op.name + "/dequantize"), graph::Dequantize{}, {value});
}

std::string Builder::notes() const {
  std::string text;
  if (widened_weights_ > 0) text += std::to_string(widened_weights_) + " 8-bit weights made float32";
  if (narrowed_weights_ > 0) {
    text += (text.empty() ? "" : ", ") + std::to_string(narrowed_weights_) + " weights of -128 made -127";
  }
  return text;
}

Result<graph::ValueId> Builder::weights(const Operator& op, int i, graph::ValueId x, WeightOrder order) {
  return graph_.value(x).type.type == DataType::kInt8 ? int8_weights(op, i, order) : float_weights(op, i, order);
}

Result<graph::ValueId> Builder::int8_weights(const Operator& op, int i, WeightOrder order) {
  const Tensor& tensor = input_tensor(op, i);
  const std::string name = "the weights (tensor '" + tensor.name + "', " + tensor_type_name(tensor.type) + ") ";
  if (!tensor.is_constant() || !tensor.is_quantized() || !tensor.is_8_bit())
    return unsupported(name + "must be an int8 or uint8 constant with scales, as the input is quantised");
  if (tensor.sparse) return unsupported(name + "are stored sparse");
  graph::ValueId& value = weights_[op.inputs[static_cast<std::size_t>(i)]];
  if (value.valid()) return value;
  DOTORI_RETURN_IF_ERROR(book(tensor.data.size()));
  DOTORI_ASSIGN_OR_RETURN(Quantization q, int8_quantization(tensor));
  const bool last = order == WeightOrder::kOutputsLast;
  if (q.scales.size() > 1 && q.axis != (last ? 3 : 0))
    return unsupported(name + "have scales along axis " + std::to_string(q.axis) + ", expected " + (last ? "3" : "0"));
  q.axis = 0;
  std::vector<std::int8_t> elements = int8_elements(tensor);
  const int changed =
      graph::narrow_weights(elements.data(), elements.size(), q.scales.size() == 1 ? q.zero_points.data() : nullptr);
  if (changed < 0)
    return unsupported(name +
                       "use the whole range of 8 bits; kernels take 255 of the 256 numbers: quantise with a "
                       "narrow range");
  narrowed_weights_ += changed;
  const Shape shape = last ? outputs_first(tensor.shape) : tensor.shape;
  if (last) elements = outputs_first(elements, tensor.shape);
  DOTORI_ASSIGN_OR_RETURN(value, graph_.add_constant(graph_.unique_value_name(tensor.name), DataType::kInt8, shape,
                                                     elements.data(), elements.size()));
  graph_.value(value).quantization = std::move(q);
  return value;
}

Result<graph::ValueId> Builder::float_weights(const Operator& op, int i, WeightOrder order) {
  const Tensor& tensor = input_tensor(op, i);
  const bool last = order == WeightOrder::kOutputsLast;
  const bool stored_real = tensor.type == TensorType::kFloat32;
  if (stored_real && !last) return input(op, i);
  if (!tensor.is_constant() || !(stored_real || tensor.is_8_bit()))
    return unsupported("the weights (tensor '" + tensor.name + "', " + tensor_type_name(tensor.type) +
                       ") must be a float32 constant, or an int8 or uint8 one with scales");
  DOTORI_ASSIGN_OR_RETURN(std::vector<float> elements, constant_as_floats(tensor));
  if (!stored_real) widened_weights_ += static_cast<std::int64_t>(elements.size());
  if (!last) return constant(tensor.name, tensor.shape, std::move(elements));
  return constant(tensor.name, outputs_first(tensor.shape), outputs_first(elements, tensor.shape));
}

Result<graph::ValueId> Builder::bias(const Operator& op, int i, graph::ValueId x, graph::ValueId weights) {
  if (graph_.value(x).type.type != DataType::kInt8) return input(op, i);
  const Tensor& tensor = input_tensor(op, i);
  const std::string name = "the bias (tensor '" + tensor.name + "', " + tensor_type_name(tensor.type) + ") ";
  if (!tensor.is_constant() || tensor.type != TensorType::kInt32)
    return unsupported(name + "must be an int32 constant, as the input is quantised");
  if (tensor.sparse) return unsupported(name + "is stored sparse");
  // Its unit follows from the others, whatever the file says.
  const Quantization& of_x = graph_.value(x).quantization;
  const Quantization& of_weights = graph_.value(weights).quantization;
  if (of_x.scales.size() != 1) return corrupt_model("the quantised input must have one scale");
  Quantization q;
  for (std::size_t c = 0; c < of_weights.scales.size(); ++c) {
    q.scales.push_back(of_x.scales[0] * of_weights.scales[c]);
    q.zero_points.push_back(0);
    if (tensor.scales.size() != of_weights.scales.size()) continue;
    if (!(std::fabs(tensor.scales[c] - q.scales[c]) <= 0.02f * q.scales[c]))
      return corrupt_model(name + "has scale " + std::to_string(tensor.scales[c]) +
                           ", expected the input's times the "
                           "weights', " +
                           std::to_string(q.scales[c]));
  }
  DOTORI_RETURN_IF_ERROR(book(tensor.data.size()));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId value,
                          graph_.add_constant(graph_.unique_value_name(tensor.name), DataType::kInt32, tensor.shape,
                                              tensor.data.data(), tensor.data.size()));
  graph_.value(value).quantization = std::move(q);
  return value;
}

Result<std::vector<float>> constant_as_floats(const Tensor& tensor) {
  const std::string name = "constant tensor '" + tensor.name + "' ";
  if (tensor.sparse) return unsupported(name + "is stored sparse; only dense tensors are supported");
  std::vector<float> result;
  if (tensor.type == TensorType::kFloat32) {
    const FlatNumbers<float> numbers(tensor.data);
    for (std::size_t i = 0; i < numbers.size(); ++i) result.push_back(numbers[i]);
    return result;
  }
  if (tensor.type == TensorType::kFloat16) {
    const FlatNumbers<std::uint16_t> numbers(tensor.data);
    for (std::size_t i = 0; i < numbers.size(); ++i) result.push_back(half_to_float(numbers[i]));
    return result;
  }
  if ((tensor.type != TensorType::kInt8 && tensor.type != TensorType::kUint8) || tensor.scales.empty())
    return unsupported(name + "has type " + tensor_type_name(tensor.type) +
                       (tensor.scales.empty() ? " without" : " with") +
                       " scales; float16 and scaled int8 or uint8 constants can become float32");
  // real = scale * (stored - zero point); one scale for all, or one for each index along quantized_dimension.
  std::int64_t inner = 1;
  const bool per_axis = tensor.scales.size() > 1;
  if (per_axis) {
    const int axis = tensor.quantized_dimension;
    if (axis < 0 || axis >= tensor.shape.rank() ||
        tensor.shape[axis] != static_cast<std::int64_t>(tensor.scales.size()))
      return corrupt_model(name + tensor.shape.to_string() + " has " + std::to_string(tensor.scales.size()) +
                           " scales along axis " + std::to_string(axis));
    for (int k = axis + 1; k < tensor.shape.rank(); ++k) inner *= tensor.shape[k];
  }
  const std::int64_t count = static_cast<std::int64_t>(tensor.scales.size());
  for (std::size_t i = 0; i < tensor.data.size(); ++i) {
    const std::size_t s = static_cast<std::size_t>(static_cast<std::int64_t>(i) / inner % count);
    const int stored = tensor.type == TensorType::kInt8 ? static_cast<std::int8_t>(tensor.data[i]) : tensor.data[i];
    result.push_back(tensor.scales[s] * static_cast<float>(stored - tensor.zero_points[s]));
  }
  return result;
}

}  // namespace dotori::convert::tflite
