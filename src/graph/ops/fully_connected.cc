// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/fully_connected.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const FullyConnected& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 2, 3));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[1], "weights", 2));
  const Shape& x = inputs[0].shape();
  const Shape& weights = inputs[1].shape();
  if (x.empty()) return invalid_argument("x must have rank 1 or more, found a scalar");
  const std::int64_t features = x[x.rank() - 1];
  if (weights[1] != features) {
    return invalid_argument("weights take " + std::to_string(weights[1]) + " features, x has " +
                            std::to_string(features));
  }
  DOTORI_RETURN_IF_ERROR(check_weighted(inputs, op.activation, weights[0]));
  Shape out = x;
  out[out.rank() - 1] = weights[0];
  return set_output(outputs, inputs[0].type.type, out);
}

}  // namespace dotori::graph
