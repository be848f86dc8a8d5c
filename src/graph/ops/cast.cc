// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/cast.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const Cast& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(check_enum("to", op.to));
  return set_output(outputs, op.to, inputs[0].shape());
}

}  // namespace dotori::graph
