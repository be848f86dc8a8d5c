// SPDX-License-Identifier: Apache-2.0
#include "graph/verify_quantization.h"

#include <string>

namespace dotori::graph {

bool keeps_quantization(const Op& op) noexcept {
  return std::holds_alternative<Reshape>(op) || std::holds_alternative<Transpose>(op) ||
         std::holds_alternative<Slice>(op) || std::holds_alternative<Pad>(op) || std::holds_alternative<Gather>(op) ||
         std::holds_alternative<DepthToSpace>(op) || std::holds_alternative<SpaceToDepth>(op) ||
         std::holds_alternative<MaxPool2d>(op) || std::holds_alternative<MaxPool3d>(op);
}

namespace {

bool is_8_bit(DataType type) {
  return type == DataType::kInt8 || type == DataType::kUint8;
}

// Only looked for where 8-bit numbers are quantised ones: a plain uint8 tensor may still be moved or cast.
bool moves_elements(const Op& op) {
  return std::holds_alternative<Cast>(op) || std::holds_alternative<Concat>(op) || keeps_quantization(op);
}

Status expect_per_tensor(const Value& value) {
  if (value.quantization.scales.size() == 1) return {};
  return invalid_argument("value '" + value.name + "' is " + data_type_name(value.type.type) +
                          " and must have one scale, found " + std::to_string(value.quantization.scales.size()));
}

Status check_weights(const Value& weights) {
  const std::string what = "weights '" + weights.name + "'";
  const Quantization& q = weights.quantization;
  if (!weights.is_constant()) return unsupported(what + " are int8 and must be constant");
  const std::int64_t channels = weights.type.shape[0];
  if (q.scales.size() != 1 && (q.axis != 0 || static_cast<std::int64_t>(q.scales.size()) != channels)) {
    return invalid_argument(what + " must have one scale or " + std::to_string(channels) + " along axis 0, found " +
                            std::to_string(q.scales.size()) + " along axis " + std::to_string(q.axis));
  }
  for (std::size_t c = 0; q.scales.size() > 1 && c < q.zero_points.size(); ++c) {
    if (q.zero_points[c] != 0) {
      return unsupported(what + ": zero points of a scale for each channel must be 0, found " +
                         std::to_string(q.zero_points[c]) + " in channel " + std::to_string(c));
    }
  }
  const signed char* elements = static_cast<const signed char*>(weights.constant.data);
  const std::int64_t each = weights.type.shape.elements() / channels;
  for (std::int64_t i = 0; i < channels * each; ++i) {
    if (elements[i] == -128) {
      return unsupported(what + " must be in [-127,127], found -128 in channel " + std::to_string(i / each));
    }
  }
  return {};
}

}  // namespace

Status verify_quantization(const Graph& graph, const Node& node) {
  const Value& out = graph.value(node.outputs[0]);
  const bool edge = std::holds_alternative<Quantize>(node.op) || std::holds_alternative<Dequantize>(node.op);
  bool quantized = is_8_bit(out.type.type) && !out.quantization.empty();
  for (ValueId id : node.inputs)
    if (id.valid()) quantized |= is_8_bit(graph.value(id).type.type) && !graph.value(id).quantization.empty();
  if (!quantized && !edge && moves_elements(node.op)) return {};

  const bool weighted = has_filters(node.op) && graph.value(node.inputs[0]).type.type == DataType::kInt8;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!node.inputs[i].valid()) continue;
    const Value& in = graph.value(node.inputs[i]);
    if (weighted && i == 1) {
      DOTORI_RETURN_IF_ERROR(check_weights(in));
    } else if (weighted && i == 2) {
      if (!in.is_constant()) return unsupported("bias '" + in.name + "' is int32 and must be constant");
    } else if (is_8_bit(in.type.type)) {
      DOTORI_RETURN_IF_ERROR(expect_per_tensor(in));
      if (in.type.type == DataType::kUint8 && !edge) {
        return invalid_argument("value '" + in.name + "' is uint8, which only quantize and dequantize read");
      }
    }
  }
  if (!is_8_bit(out.type.type)) return {};
  DOTORI_RETURN_IF_ERROR(expect_per_tensor(out));
  if (keeps_quantization(node.op)) {
    const Quantization& x = graph.value(node.inputs[0]).quantization;
    if (x.scales != out.quantization.scales || x.zero_points != out.quantization.zero_points) {
      return invalid_argument("output '" + out.name + "' must have the scale and zero point of the input, found " +
                              std::to_string(out.quantization.scales[0]) + ", " +
                              std::to_string(out.quantization.zero_points[0]) + " for " + std::to_string(x.scales[0]) +
                              ", " + std::to_string(x.zero_points[0]));
    }
  }
  return {};
}

}  // namespace dotori::graph
