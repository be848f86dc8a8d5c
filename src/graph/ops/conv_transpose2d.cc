// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/conv_transpose2d.h"

#include "graph/ops/checks.h"

namespace dotori::graph {
namespace {

constexpr int kMaxOutputPad = 4096;

Result<std::int64_t> transposed_output(const WindowAxis& axis, int output_pad) {
  DOTORI_RETURN_IF_ERROR(check_window(axis));
  DOTORI_RETURN_IF_ERROR(expect_range("output padding", output_pad, 0, kMaxOutputPad).with_context(axis.name));
  const std::int64_t out = (axis.in - 1) * axis.stride + axis.extent() + output_pad - axis.pad_before - axis.pad_after;
  if (out < 1) {
    return invalid_argument(std::string(axis.name) + ": padding " + std::to_string(axis.pad_before) + " and " +
                            std::to_string(axis.pad_after) + " leaves no output (" + std::to_string(out) + ")");
  }
  return out;
}

}  // namespace

Status infer(const ConvTranspose2d& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 2, 3));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[0], "x", 4));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[1], "weights", 4));
  const Shape& x = inputs[0].shape();
  const Shape& weights = inputs[1].shape();
  DOTORI_RETURN_IF_ERROR(check_weighted(inputs, op.activation, weights[0]));
  if (op.groups < 1 || x[3] % op.groups != 0 || weights[0] % op.groups != 0) {
    return invalid_argument("groups must divide the " + std::to_string(x[3]) + " input and " +
                            std::to_string(weights[0]) + " output channels, found " + std::to_string(op.groups));
  }
  if (weights[3] != x[3] / op.groups) {
    return invalid_argument("weights have " + std::to_string(weights[3]) + " channels in, expected " +
                            std::to_string(x[3] / op.groups));
  }
  if (weights[1] != op.kernel_h || weights[2] != op.kernel_w) {
    return invalid_argument("weights hold a " + std::to_string(weights[1]) + "x" + std::to_string(weights[2]) +
                            " kernel, expected " + std::to_string(op.kernel_h) + "x" + std::to_string(op.kernel_w));
  }
  std::int64_t out_h = 0, out_w = 0;
  DOTORI_ASSIGN_OR_RETURN(
      out_h, transposed_output({"height", x[1], op.kernel_h, op.stride_h, op.dilation_h, op.pad_top, op.pad_bottom},
                               op.output_pad_h));
  DOTORI_ASSIGN_OR_RETURN(
      out_w, transposed_output({"width", x[2], op.kernel_w, op.stride_w, op.dilation_w, op.pad_left, op.pad_right},
                               op.output_pad_w));
  return set_output(outputs, inputs[0].type.type, {x[0], out_h, out_w, weights[0]});
}

}  // namespace dotori::graph
