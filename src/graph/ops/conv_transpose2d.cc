// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/conv_transpose2d.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const ConvTranspose2d& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 2, 3));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[0], "x", 4));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[1], "weights", 4));
  const Shape& x = inputs[0].shape();
  const Shape& weights = inputs[1].shape();
  DOTORI_RETURN_IF_ERROR(check_weighted(inputs, op.activation, weights[0]));
  DOTORI_RETURN_IF_ERROR(check_filters(x, weights, op.groups, {op.kernel_h, op.kernel_w}));
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
