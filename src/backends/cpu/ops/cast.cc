// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/cast.h"

#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/tiles.h"

namespace dotori::backends::cpu {

static_assert(static_cast<int>(DataType::kCount) == static_cast<int>(kernels::ElementType::kCount));
static_assert(static_cast<int>(DataType::kBool) == static_cast<int>(kernels::ElementType::kBool));
static_assert(static_cast<int>(DataType::kUint8) == static_cast<int>(kernels::ElementType::kUint8));

Status compile(const graph::Cast& op, CompileContext& context) {
  const DataType from = context.input_value(0).type.type;
  const kernels::CastKernel& kernel =
      kernels::select_cast(static_cast<kernels::ElementType>(from), static_cast<kernels::ElementType>(op.to));
  const Tiles tiles = Tiles::make(static_cast<std::size_t>(context.output_shape().elements()), 1);
  context.emit(kernel.name, 0,
               [tiles, run = kernel.run, from_bytes = data_type_bytes(from), to_bytes = data_type_bytes(op.to),
                x = context.input(0), y = context.output()](const RunContext& ctx) noexcept {
                 const unsigned char* src = ctx.read<unsigned char>(x);
                 unsigned char* dst = ctx.write<unsigned char>(y);
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   run(src + begin * from_bytes, dst + begin * to_bytes, end - begin);
                 });
               });
  return {};
}

}  // namespace dotori::backends::cpu
