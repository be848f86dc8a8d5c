// SPDX-License-Identifier: Apache-2.0
// Checks that several operators' infer() share.
#pragma once

#include <initializer_list>

#include "graph/activation.h"
#include "graph/operand.h"

namespace dotori::graph {

// The function is known, its parameters are finite (the bounds of clip may be infinite), and clip's alpha <= beta.
Status check_activation(const Activation& activation);
// For an operator with int8 results: identity, relu, clip or a leaky_relu with alpha in [0, 1], which kernels apply
// while they requantise (another function is a Unary node). Anything goes for float32.
Status check_fused(const Activation& activation, DataType type);
// float32 or int8.
Status expect_real(const Operand& operand, const char* what);
// Error unless the axis is in [0, rank).
Status check_axis(int axis, int rank);
// Fills the operator's only output; an error when the shape is not a valid tensor shape (a dimension below 1, too
// large).
Status set_output(Span<TensorType> outputs, DataType type, const Shape& shape);
// An enumeration as read from a file is known to this build.
template <class E>
Status check_enum(const char* what, E value) {
  return expect_range(what, static_cast<long long>(value), 0, static_cast<long long>(E::kCount) - 1);
}
// Of convolutions and fully_connected: x float32 or int8, weights at inputs[1] of the same type, and the optional bias
// at inputs[2]: [channels] float32, or int32 for int8.
Status check_weighted(Span<const Operand> inputs, const Activation& activation, std::int64_t channels);

// One spatial axis of a sliding window.
struct WindowAxis {
  const char* name;  // "height", "width"
  std::int64_t in;
  int kernel, stride, dilation, pad_before, pad_after;
  // Input positions from the first to the last tap.
  std::int64_t extent() const noexcept { return static_cast<std::int64_t>(dilation) * (kernel - 1) + 1; }
};

// Kernel, stride and dilation in 1..4096, pads in 0..4096.
Status check_window(const WindowAxis& axis);
// Of convolutions: `weights` [O,kernel...,C/groups] fit x [N,...,C], hold a kernel of these sizes, and groups divide
// both channel counts.
Status check_filters(const Shape& x, const Shape& weights, int groups, std::initializer_list<int> kernel);
// Outputs of a transposed convolution; `output_pad` in 0..4096.
Result<std::int64_t> transposed_output(const WindowAxis& axis, int output_pad);
// Windows that fit into the padded input, rounded down. The kernel must fit at least once.
Result<std::int64_t> convolution_output(const WindowAxis& axis);
// The same for pools: rounded up when `ceil_mode`, less a last window that would start behind the input. Every window
// must have a tap inside the input.
Result<std::int64_t> pool_output(const WindowAxis& axis, bool ceil_mode);

// infer() of the pools, whose attributes have the same names.
template <class Pool>
Status infer_pool(const Pool& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(expect_real(inputs[0], "x"));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[0], "x", 4));
  const Shape& x = inputs[0].shape();
  const WindowAxis down = {"height", x[1], op.kernel_h, op.stride_h, op.dilation_h, op.pad_top, op.pad_bottom};
  const WindowAxis across = {"width", x[2], op.kernel_w, op.stride_w, op.dilation_w, op.pad_left, op.pad_right};
  std::int64_t out_h = 0, out_w = 0;
  DOTORI_ASSIGN_OR_RETURN(out_h, pool_output(down, op.ceil_mode));
  DOTORI_ASSIGN_OR_RETURN(out_w, pool_output(across, op.ceil_mode));
  return set_output(outputs, inputs[0].type.type, {x[0], out_h, out_w, x[3]});
}

}  // namespace dotori::graph
