// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/unary.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const Unary& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(check_activation(op.activation));
  DOTORI_RETURN_IF_ERROR(expect_real(inputs[0], "x"));
  return set_output(outputs, inputs[0].type.type, inputs[0].shape());
}

}  // namespace dotori::graph
