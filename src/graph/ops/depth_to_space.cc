// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/depth_to_space.h"

#include "graph/ops/checks.h"

namespace dotori::graph {
namespace {

constexpr int kMaxBlock = 4096;

}  // namespace

Status infer(const DepthToSpace& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[0], "x", 4));
  DOTORI_RETURN_IF_ERROR(expect_range("block", op.block, 1, kMaxBlock));
  const Shape& x = inputs[0].shape();
  const std::int64_t area = static_cast<std::int64_t>(op.block) * op.block;
  if (x[3] % area != 0) {
    return invalid_argument("x must have a multiple of " + std::to_string(area) + " channels, found " +
                            std::to_string(x[3]));
  }
  return set_output(outputs, inputs[0].type.type, {x[0], x[1] * op.block, x[2] * op.block, x[3] / area});
}

}  // namespace dotori::graph
