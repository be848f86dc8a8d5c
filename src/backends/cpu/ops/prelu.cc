// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/broadcast.h"
#include "backends/cpu/ops/elements_s8.h"

namespace dotori::backends::cpu {

Status compile(const graph::Prelu& op, CompileContext& context) {
  if (is_quantized(context.input_value(0))) return compile_s8(op, context);
  const BroadcastTiles tiles(context.input_shape(0), context.input_shape(1), context.output_shape());
  const kernels::BinaryF32Kernel& kernel =
      kernels::select_binary_f32(kernels::BinaryFunction::kPrelu, tiles.form(), context.isa());
  context.emit(kernel.name, 0,
               [tiles, run = kernel.run, x = context.input(0), slope = context.input(1),
                y = context.output()](const RunContext& ctx) noexcept {
                 constexpr float kUnlimited = std::numeric_limits<float>::infinity();
                 tiles.run(ctx.pool(), ctx.read<float>(x), ctx.read<float>(slope), ctx.write<float>(y),
                           [&](const float* px, std::size_t x_stride, const float* ps, std::size_t slope_stride,
                               float* py, std::size_t rows, std::size_t cols) noexcept {
                             run(px, x_stride, ps, slope_stride, py, rows, cols, -kUnlimited, kUnlimited);
                           });
               });
  return {};
}

}  // namespace dotori::backends::cpu
