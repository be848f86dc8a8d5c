// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/quantized.h"
#include "backends/cpu/ops/tiles.h"
#include "kernels/elementwise/cast.h"
#include "kernels/movement/movement.h"

namespace dotori::backends::cpu {

static_assert(static_cast<int>(graph::PadMode::kCount) == static_cast<int>(kernels::PadMode::kCount));
static_assert(static_cast<int>(graph::PadMode::kSymmetric) == static_cast<int>(kernels::PadMode::kSymmetric));

Status compile(const graph::Pad& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const DataType type = context.output_value().type.type;
  const std::size_t element_bytes = data_type_bytes(type);
  kernels::PadLoops loops = kernels::plan_pad(static_cast<kernels::PadMode>(op.mode), x.begin(), op.before.begin(),
                                              op.after.begin(), x.rank(), element_bytes);
  if (is_quantized(context.output_value())) {
    loops.fill[0] = static_cast<unsigned char>(quantize_constant(op.value, context.output_value()));
  } else {
    kernels::select_cast(kernels::ElementType::kFloat32, static_cast<kernels::ElementType>(type))
        .run(&op.value, loops.fill, 1);
  }
  const std::size_t elems = static_cast<std::size_t>(context.output_shape().elements());
  context.emit("pad_b" + std::to_string(element_bytes) + "__reference", 0,
               [loops, tiles = Tiles::make(loops.rows(), elems / loops.rows()), src = context.input(0),
                dst = context.output()](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   kernels::pad_rows(loops, ctx.read<void>(src), ctx.write<void>(dst), begin, end);
                 });
               });
  return {};
}

}  // namespace dotori::backends::cpu
