// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/softmax.h"

#include <cmath>

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const Softmax& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(expect_real(inputs[0], "x"));
  DOTORI_RETURN_IF_ERROR(check_axis(op.axis, inputs[0].shape().rank()));
  if (!std::isfinite(op.beta)) return invalid_argument("beta must be finite, found " + std::to_string(op.beta));
  return set_output(outputs, inputs[0].type.type, inputs[0].shape());
}

}  // namespace dotori::graph
