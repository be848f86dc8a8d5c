// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/average_pool2d.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const AveragePool2d& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(expect_type(inputs[0], "x", DataType::kFloat32));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[0], "x", 4));
  const Shape& x = inputs[0].shape();
  std::int64_t out_h = 0, out_w = 0;
  DOTORI_ASSIGN_OR_RETURN(
      out_h,
      pool_output({"height", x[1], op.kernel_h, op.stride_h, op.dilation_h, op.pad_top, op.pad_bottom}, op.ceil_mode));
  DOTORI_ASSIGN_OR_RETURN(
      out_w,
      pool_output({"width", x[2], op.kernel_w, op.stride_w, op.dilation_w, op.pad_left, op.pad_right}, op.ceil_mode));
  return set_output(outputs, DataType::kFloat32, {x[0], out_h, out_w, x[3]});
}

}  // namespace dotori::graph
