// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/strided_copy.h"

namespace dotori::backends::cpu {

Status compile(const graph::DepthToSpace& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const std::int64_t block = op.block, c = x[3], out_c = c / (block * block);
  const std::int64_t out_row = x[2] * block * out_c;  // elements of an output row
  // In the output's order: image, row, row offset, column, column offset, channel.
  const std::int64_t dims[] = {x[0], x[1], block, x[2], block, out_c};
  const std::int64_t row_offset = op.column_first ? block : block * out_c, column_offset = op.column_first ? 1 : out_c;
  const std::int64_t channel = op.column_first ? block * block : 1;
  const std::int64_t src[] = {x[1] * x[2] * c, x[2] * c, row_offset, c, column_offset, channel};
  const std::int64_t dst[] = {x[1] * block * out_row, block * out_row, out_row, block * out_c, out_c, 1};
  emit_strided_copy(context, "depth_to_space_b", dims, src, dst, 6, 0);
  return {};
}

}  // namespace dotori::backends::cpu
