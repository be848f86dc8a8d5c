// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/transpose.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const Transpose& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  const Shape& x = inputs[0].shape();
  bool seen[kMaxRank] = {};
  bool valid = op.perm.rank() == x.rank();
  Shape out;
  for (int k = 0; valid && k < x.rank(); ++k) {
    const std::int64_t axis = op.perm[k];
    valid = axis >= 0 && axis < x.rank() && !seen[axis];
    if (!valid) break;
    seen[axis] = true;
    out.push_back(x[static_cast<int>(axis)]);
  }
  if (!valid) {
    return invalid_argument("perm must be a permutation of " + std::to_string(x.rank()) + " axes, found " +
                            op.perm.to_string());
  }
  return set_output(outputs, inputs[0].type.type, out);
}

}  // namespace dotori::graph
