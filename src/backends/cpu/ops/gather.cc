// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/tiles.h"
#include "kernels/movement/movement.h"

namespace dotori::backends::cpu {

Status compile(const graph::Gather& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const DataType index_type = context.input_value(1).type.type;
  const unsigned char* indices = context.constant_input<unsigned char>(1);
  if (indices == nullptr) return unsupported("indices must be constant");
  const std::size_t count = static_cast<std::size_t>(context.input_shape(1).elements());

  // Counted from the front and as int64, so that the step has nothing to decide.
  std::int64_t* table = static_cast<std::int64_t*>(context.allocate_packed(count * sizeof(std::int64_t)));
  if (table == nullptr) return out_of_memory("no memory for " + std::to_string(count) + " indices");
  for (std::size_t i = 0; i < count; ++i) {
    std::int64_t index = 0;
    if (index_type == DataType::kInt64) {
      std::memcpy(&index, indices + i * sizeof(std::int64_t), sizeof(std::int64_t));
    } else {
      std::int32_t narrow = 0;
      std::memcpy(&narrow, indices + i * sizeof(std::int32_t), sizeof(std::int32_t));
      index = narrow;
    }
    table[i] = index < 0 ? index + x[op.axis] : index;
  }

  std::size_t outer = 1, inner = 1;
  for (int axis = 0; axis < op.axis; ++axis) outer *= static_cast<std::size_t>(x[axis]);
  for (int axis = op.axis + 1; axis < x.rank(); ++axis) inner *= static_cast<std::size_t>(x[axis]);
  const std::size_t element_bytes = data_type_bytes(context.output_value().type.type);
  context.emit("gather_b" + std::to_string(element_bytes) + "__reference", 0,
               [tiles = Tiles::make(outer * count, inner), dim = static_cast<std::size_t>(x[op.axis]),
                picked = static_cast<const std::int64_t*>(table), count, block_bytes = inner * element_bytes,
                src = context.input(0), dst = context.output()](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   kernels::gather_blocks(ctx.read<void>(src), ctx.write<void>(dst), dim, picked, count, block_bytes,
                                          begin, end);
                 });
               });
  return {};
}

}  // namespace dotori::backends::cpu
