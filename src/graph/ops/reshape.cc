// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/reshape.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const Reshape& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  std::int64_t elements = 0;
  DOTORI_ASSIGN_OR_RETURN(elements, op.shape.checked_elements());
  if (elements != inputs[0].shape().elements()) {
    return invalid_argument("shape " + op.shape.to_string() + " has " + std::to_string(elements) + " elements, x has " +
                            std::to_string(inputs[0].shape().elements()));
  }
  return set_output(outputs, inputs[0].type.type, op.shape);
}

}  // namespace dotori::graph
