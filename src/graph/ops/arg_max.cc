// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/arg_max.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const ArgMax& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(expect_real(inputs[0], "x"));
  const Shape& x = inputs[0].shape();
  DOTORI_RETURN_IF_ERROR(check_axis(op.axis, x.rank()));
  if (op.output_type != DataType::kInt32 && op.output_type != DataType::kInt64) {
    return invalid_argument(std::string("output_type must be int32 or int64, found ") + data_type_name(op.output_type));
  }
  // So that an index fits either output type.
  DOTORI_RETURN_IF_ERROR(expect_range("the axis' dimension", x[op.axis], 1, (std::int64_t{1} << 31) - 1));
  Shape out;
  for (int k = 0; k < x.rank(); ++k) {
    if (k != op.axis) {
      out.push_back(x[k]);
    } else if (op.keep_dims) {
      out.push_back(1);
    }
  }
  return set_output(outputs, op.output_type, out);
}

}  // namespace dotori::graph
