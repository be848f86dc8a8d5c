// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/checks.h"

#include <cmath>
#include <string>

namespace dotori::graph {
namespace {

constexpr int kMaxWindow = 4096;

Status window_error(const WindowAxis& axis, const Status& status) {
  return status.with_context(axis.name);
}

}  // namespace

Status check_activation(const Activation& activation) {
  DOTORI_RETURN_IF_ERROR(check_enum("activation function", activation.function));
  const char* name = function_name(activation.function);
  if (activation.function == Function::kClip) {
    // Written so that a NaN fails; infinite bounds mean "no bound".
    if (!(activation.alpha <= activation.beta)) {
      return invalid_argument("clip bounds must be ordered numbers, found " + std::to_string(activation.alpha) +
                              " and " + std::to_string(activation.beta));
    }
    return {};
  }
  if (!std::isfinite(activation.alpha) || !std::isfinite(activation.beta)) {
    return invalid_argument(std::string(name) + " parameters must be finite, found " +
                            std::to_string(activation.alpha) + " and " + std::to_string(activation.beta));
  }
  return {};
}

Status check_axis(int axis, int rank) {
  if (rank == 0) return invalid_argument("a scalar has no axis");
  return expect_range("axis", axis, 0, rank - 1);
}

Status set_output(Span<TensorType> outputs, DataType type, const Shape& shape) {
  const Result<std::int64_t> elements = shape.checked_elements();
  if (!elements.ok()) return elements.status().with_context("output " + shape.to_string());
  outputs[0].type = type;
  outputs[0].shape = shape;
  return {};
}

Status check_fused(const Activation& activation, DataType type) {
  DOTORI_RETURN_IF_ERROR(check_activation(activation));
  if (type == DataType::kFloat32) return {};
  switch (activation.function) {
    case Function::kIdentity:
    case Function::kRelu:
    case Function::kClip: return {};
    case Function::kLeakyRelu:
      if (activation.alpha >= 0 && activation.alpha <= 1) return {};
      return invalid_argument("a leaky_relu fused into an int8 operator takes alpha in [0, 1], found " +
                              std::to_string(activation.alpha));
    default:
      return invalid_argument(std::string("an int8 operator fuses relu, clip or leaky_relu, found ") +
                              function_name(activation.function));
  }
}

Status expect_real(const Operand& operand, const char* what) {
  if (operand.type.type == DataType::kFloat32 || operand.type.type == DataType::kInt8) return {};
  return invalid_argument(std::string(what) + " must be float32 or int8, found " + data_type_name(operand.type.type));
}

Status check_weighted(Span<const Operand> inputs, const Activation& activation, std::int64_t channels) {
  DOTORI_RETURN_IF_ERROR(expect_real(inputs[0], "x"));
  const DataType type = inputs[0].type.type;
  DOTORI_RETURN_IF_ERROR(check_fused(activation, type));
  DOTORI_RETURN_IF_ERROR(expect_type(inputs[1], "weights", type));
  if (inputs.size() < 3) return {};
  DOTORI_RETURN_IF_ERROR(
      expect_type(inputs[2], "bias", type == DataType::kInt8 ? DataType::kInt32 : DataType::kFloat32));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[2], "bias", 1));
  if (inputs[2].shape()[0] != channels) {
    return invalid_argument("bias must have " + std::to_string(channels) + " elements, found " +
                            std::to_string(inputs[2].shape()[0]));
  }
  return {};
}

Status check_window(const WindowAxis& axis) {
  Status status = expect_range("kernel", axis.kernel, 1, kMaxWindow);
  if (status.ok()) status = expect_range("stride", axis.stride, 1, kMaxWindow);
  if (status.ok()) status = expect_range("dilation", axis.dilation, 1, kMaxWindow);
  if (status.ok()) status = expect_range("padding before", axis.pad_before, 0, kMaxWindow);
  if (status.ok()) status = expect_range("padding after", axis.pad_after, 0, kMaxWindow);
  return window_error(axis, status);
}

Status check_filters(const Shape& x, const Shape& weights, int groups, std::initializer_list<int> kernel) {
  const std::int64_t in = x[x.rank() - 1], out = weights[0], filter_in = weights[weights.rank() - 1];
  if (groups < 1 || in % groups != 0 || out % groups != 0) {
    return invalid_argument("groups must divide the " + std::to_string(in) + " input and " + std::to_string(out) +
                            " output channels, found " + std::to_string(groups));
  }
  if (filter_in != in / groups) {
    return invalid_argument("weights have " + std::to_string(filter_in) + " channels in, expected " +
                            std::to_string(in / groups));
  }
  std::string found, expected;
  int axis = 1;
  bool same = true;
  for (int size : kernel) {
    same = same && weights[axis] == size;
    found += (axis > 1 ? "x" : "") + std::to_string(weights[axis]);
    expected += (axis > 1 ? "x" : "") + std::to_string(size);
    ++axis;
  }
  if (same) return {};
  return invalid_argument("weights hold a " + found + " kernel, expected " + expected);
}

Result<std::int64_t> transposed_output(const WindowAxis& axis, int output_pad) {
  constexpr int kMaxOutputPad = 4096;
  DOTORI_RETURN_IF_ERROR(check_window(axis));
  DOTORI_RETURN_IF_ERROR(expect_range("output padding", output_pad, 0, kMaxOutputPad).with_context(axis.name));
  const std::int64_t out = (axis.in - 1) * axis.stride + axis.extent() + output_pad - axis.pad_before - axis.pad_after;
  if (out < 1) {
    return invalid_argument(std::string(axis.name) + ": padding " + std::to_string(axis.pad_before) + " and " +
                            std::to_string(axis.pad_after) + " leaves no output (" + std::to_string(out) + ")");
  }
  return out;
}

Result<std::int64_t> convolution_output(const WindowAxis& axis) {
  DOTORI_RETURN_IF_ERROR(check_window(axis));
  const std::int64_t padded = axis.in + axis.pad_before + axis.pad_after;
  if (axis.extent() > padded) {
    return invalid_argument(std::string(axis.name) + ": the kernel spans " + std::to_string(axis.extent()) +
                            " positions, the padded input has " + std::to_string(padded));
  }
  return (padded - axis.extent()) / axis.stride + 1;
}

Result<std::int64_t> pool_output(const WindowAxis& axis, bool ceil_mode) {
  std::int64_t out = 0;
  DOTORI_ASSIGN_OR_RETURN(out, convolution_output(axis));
  const std::int64_t extent = axis.extent();
  if (axis.pad_before >= extent || axis.pad_after >= extent) {
    return invalid_argument(std::string(axis.name) + ": padding " + std::to_string(axis.pad_before) + " and " +
                            std::to_string(axis.pad_after) + " must be below the kernel's span of " +
                            std::to_string(extent));
  }
  const std::int64_t padded = axis.in + axis.pad_before + axis.pad_after;
  if (ceil_mode && (padded - extent) % axis.stride != 0) {
    // `out` windows fit; one more hangs over the end and is kept when it starts inside the input.
    if (out * axis.stride < axis.in + axis.pad_before) ++out;
  }
  // A window that starts in the leading padding could step over a short input when the taps are far apart.
  if (axis.dilation > axis.in) {
    for (std::int64_t o = 0; o < out; ++o) {
      const std::int64_t start = o * axis.stride - axis.pad_before;
      if (start >= 0) break;
      const std::int64_t first_inside = start + (-start + axis.dilation - 1) / axis.dilation * axis.dilation;
      if (first_inside >= axis.in) {
        return invalid_argument(std::string(axis.name) + ": window " + std::to_string(o) +
                                " lies in the padding alone");
      }
    }
  }
  return out;
}

}  // namespace dotori::graph
