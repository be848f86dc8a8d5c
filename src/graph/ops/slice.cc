// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/slice.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const Slice& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  const Shape& x = inputs[0].shape();
  if (op.begin.rank() != x.rank() || op.size.rank() != x.rank() || op.stride.rank() != x.rank()) {
    return invalid_argument("begin, size and stride must have x's rank " + std::to_string(x.rank()) + ", found " +
                            op.begin.to_string() + ", " + op.size.to_string() + ", " + op.stride.to_string());
  }
  for (int k = 0; k < x.rank(); ++k) {
    const std::string where = "axis " + std::to_string(k);
    DOTORI_RETURN_IF_ERROR(expect_range("begin", op.begin[k], 0, x[k] - 1).with_context(where));
    DOTORI_RETURN_IF_ERROR(expect_range("size", op.size[k], 1, x[k]).with_context(where));
    constexpr std::int64_t kMaxStride = std::int64_t{1} << 40;
    DOTORI_RETURN_IF_ERROR(expect_range("stride", op.stride[k], -kMaxStride, kMaxStride).with_context(where));
    if (op.stride[k] == 0) return invalid_argument(where + ": stride must not be 0");
    // By division: begin + (size - 1) * stride could overflow.
    const std::int64_t room = op.stride[k] > 0 ? x[k] - 1 - op.begin[k] : op.begin[k];
    const std::int64_t step = op.stride[k] > 0 ? op.stride[k] : -op.stride[k];
    if (op.size[k] - 1 > room / step) {
      return invalid_argument(where + ": " + std::to_string(op.size[k]) + " elements from " +
                              std::to_string(op.begin[k]) + " by " + std::to_string(op.stride[k]) +
                              " leave the dimension of " + std::to_string(x[k]));
    }
  }
  return set_output(outputs, inputs[0].type.type, op.size);
}

}  // namespace dotori::graph
