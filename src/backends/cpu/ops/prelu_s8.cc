// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/broadcast.h"
#include "backends/cpu/ops/elements_s8.h"
#include "kernels/elementwise/binary_s8.h"

namespace dotori::backends::cpu {

Status compile_s8(const graph::Prelu&, CompileContext& context) {
  const graph::Value &x = context.input_value(0), &slope = context.input_value(1), &y = context.output_value();
  const std::int8_t* slopes = context.constant_input<std::int8_t>(1);
  if (slopes == nullptr) return unsupported("slope '" + slope.name + "' is int8 and must be constant");
  const double x_scale = static_cast<double>(tensor_scale(x)), y_scale = static_cast<double>(tensor_scale(y));
  float scale = 0;
  DOTORI_ASSIGN_OR_RETURN(scale, scale_factor(x_scale / y_scale));
  // No slope is further from its zero point than 255.
  const double slope_factor = x_scale * static_cast<double>(tensor_scale(slope)) / y_scale;
  DOTORI_RETURN_IF_ERROR(scale_factor(slope_factor * 255).status());

  const std::size_t count = static_cast<std::size_t>(context.input_shape(1).elements());
  float* negative = static_cast<float*>(context.allocate_packed(count * sizeof(float)));
  if (negative == nullptr) return out_of_memory("no memory for " + std::to_string(count) + " slopes");
  for (std::size_t i = 0; i < count; ++i)
    negative[i] = static_cast<float>(x_scale * static_cast<double>(tensor_scale(slope)) *
                                     (slopes[i] - tensor_zero_point(slope)) / y_scale);

  const BroadcastTiles tiles(context.input_shape(0), context.input_shape(1), context.output_shape());
  const kernels::PreluS8Kernel& kernel = kernels::select_prelu_s8(tiles.form(), context.isa());
  context.emit(kernel.name, 0,
               [tiles, run = kernel.run, scale, x_zero_point = tensor_zero_point(x), out = make_quantized_output(y),
                factors = static_cast<const float*>(negative), x_ref = context.input(0),
                y_ref = context.output()](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), ctx.read<std::int8_t>(x_ref), factors, ctx.write<std::int8_t>(y_ref),
                           [&](const std::int8_t* px, std::size_t x_stride, const float* pf, std::size_t f_stride,
                               std::int8_t* py, std::size_t rows, std::size_t cols) noexcept {
                             run(px, x_stride, pf, f_stride, py, rows, cols, scale, x_zero_point, out);
                           });
               });
  return {};
}

}  // namespace dotori::backends::cpu
