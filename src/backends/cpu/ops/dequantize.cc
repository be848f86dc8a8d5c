// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/elements_s8.h"
#include "backends/cpu/ops/tiles.h"
#include "kernels/quantize/quantize.h"

namespace dotori::backends::cpu {

Status compile(const graph::Dequantize&, CompileContext& context) {
  const graph::Value& x = context.input_value(0);
  const kernels::QuantizeF32Kernel& kernel = kernels::select_quantize_f32(context.isa());
  context.emit(kernel.dequantize_name, 0,
               [tiles = Tiles::make(static_cast<std::size_t>(x.type.shape.elements()), 1), run = kernel.dequantize,
                scale = tensor_scale(x), zero_point = signed_zero_point(x), flip = flip_of(x), x_ref = context.input(0),
                y_ref = context.output()](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   run(ctx.read<std::uint8_t>(x_ref) + begin, ctx.write<float>(y_ref) + begin, end - begin, scale,
                       zero_point, flip);
                 });
               });
  return {};
}

}  // namespace dotori::backends::cpu
