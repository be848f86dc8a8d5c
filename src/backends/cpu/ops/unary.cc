// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/activation.h"
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/elements_s8.h"
#include "backends/cpu/ops/tiles.h"

namespace dotori::backends::cpu {

Status compile(const graph::Unary& op, CompileContext& context) {
  if (is_quantized(context.input_value(0))) return compile_s8(op, context);
  const kernels::UnaryF32Kernel& kernel =
      kernels::select_unary_f32(static_cast<kernels::UnaryFunction>(op.activation.function), context.isa());
  const Tiles tiles = Tiles::make(static_cast<std::size_t>(context.output_shape().elements()), 1);
  context.emit(kernel.name, 0,
               [tiles, run = kernel.run, alpha = op.activation.alpha, beta = op.activation.beta, x = context.input(0),
                y = context.output()](const RunContext& ctx) noexcept {
                 const float* px = ctx.read<float>(x);
                 float* py = ctx.write<float>(y);
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   run(px + begin, py + begin, end - begin, alpha, beta);
                 });
               });
  return {};
}

}  // namespace dotori::backends::cpu
