// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/prelu.h"

#include "graph/ops/binary.h"
#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const Prelu&, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 2, 2));
  DOTORI_RETURN_IF_ERROR(expect_real(inputs[0], "x"));
  DOTORI_RETURN_IF_ERROR(expect_type(inputs[1], "slope", inputs[0].type.type));
  const Result<Shape> out = broadcast_shape(inputs[0].shape(), inputs[1].shape());
  if (!out.ok() || *out != inputs[0].shape()) {
    return invalid_argument("slope " + inputs[1].shape().to_string() + " does not broadcast to x " +
                            inputs[0].shape().to_string());
  }
  return set_output(outputs, inputs[0].type.type, inputs[0].shape());
}

}  // namespace dotori::graph
