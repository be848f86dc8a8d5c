// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/strided_copy.h"

namespace dotori::backends::cpu {

Status compile(const graph::SpaceToDepth& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const std::int64_t block = op.block, rows = x[1] / block, columns = x[2] / block, c = x[3];
  const std::int64_t in_row = x[2] * c, out_c = block * block * c;
  // In the output's order: image, row, column, row offset, column offset, channel.
  const std::int64_t dims[] = {x[0], rows, columns, block, block, c};
  const std::int64_t src[] = {x[1] * in_row, block * in_row, block * c, in_row, c, 1};
  const std::int64_t dst[] = {rows * columns * out_c, columns * out_c, out_c, block * c, c, 1};
  emit_strided_copy(context, "space_to_depth_b", dims, src, dst, 6, 0);
  return {};
}

}  // namespace dotori::backends::cpu
