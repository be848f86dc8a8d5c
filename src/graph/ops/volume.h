// SPDX-License-Identifier: Apache-2.0
// What infer() of the operators on volumes [N,D,H,W,C] share. Their attributes have the same names.
#pragma once

#include "graph/ops/checks.h"

namespace dotori::graph {

// The axes of an operator's window over a volume.
struct VolumeAxes {
  WindowAxis depth, height, width;
};
template <class Op>
VolumeAxes volume_axes(const Op& op, const Shape& x) {
  return {{"depth", x[1], op.kernel_d, op.stride_d, op.dilation_d, op.pad_front, op.pad_back},
          {"height", x[2], op.kernel_h, op.stride_h, op.dilation_h, op.pad_top, op.pad_bottom},
          {"width", x[3], op.kernel_w, op.stride_w, op.dilation_w, op.pad_left, op.pad_right}};
}

// Of conv3d and conv_transpose3d: all but the output's size.
template <class Op>
Status check_volume_convolution(const Op& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 2, 3));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[0], "x", 5));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[1], "weights", 5));
  const Shape& x = inputs[0].shape();
  const Shape& weights = inputs[1].shape();
  DOTORI_RETURN_IF_ERROR(check_weighted(inputs, op.activation, weights[0]));
  return check_filters(x, weights, op.groups, {op.kernel_d, op.kernel_h, op.kernel_w});
}

// infer() of the pools.
template <class Pool>
Status infer_volume_pool(const Pool& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(expect_real(inputs[0], "x"));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[0], "x", 5));
  const Shape& x = inputs[0].shape();
  const VolumeAxes axes = volume_axes(op, x);
  std::int64_t out_d = 0, out_h = 0, out_w = 0;
  DOTORI_ASSIGN_OR_RETURN(out_d, pool_output(axes.depth, op.ceil_mode));
  DOTORI_ASSIGN_OR_RETURN(out_h, pool_output(axes.height, op.ceil_mode));
  DOTORI_ASSIGN_OR_RETURN(out_w, pool_output(axes.width, op.ceil_mode));
  return set_output(outputs, inputs[0].type.type, {x[0], out_d, out_h, out_w, x[4]});
}

}  // namespace dotori::graph
