// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/space_to_depth.h"

#include "graph/ops/checks.h"

namespace dotori::graph {
namespace {

constexpr int kMaxBlock = 4096;

}  // namespace

Status infer(const SpaceToDepth& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[0], "x", 4));
  DOTORI_RETURN_IF_ERROR(expect_range("block", op.block, 1, kMaxBlock));
  const Shape& x = inputs[0].shape();
  if (x[1] % op.block != 0 || x[2] % op.block != 0) {
    return invalid_argument("height and width must be multiples of " + std::to_string(op.block) + ", found " +
                            x.to_string());
  }
  const std::int64_t area = static_cast<std::int64_t>(op.block) * op.block;
  // The product stays the same, but the channels alone could pass 64 bits in between.
  if (x[3] > (std::int64_t{1} << 40) / area) return invalid_argument("too many channels: " + x.to_string());
  return set_output(outputs, inputs[0].type.type, {x[0], x[1] / op.block, x[2] / op.block, x[3] * area});
}

}  // namespace dotori::graph
