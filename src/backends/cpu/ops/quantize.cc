// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantize/quantize.h"

#include "backends/cpu/ops/elements_s8.h"
#include "backends/cpu/ops/tiles.h"

namespace dotori::backends::cpu {
namespace {

Status requantize_bytes(CompileContext& context) {
  const graph::Value &x = context.input_value(0), &y = context.output_value();
  if (tensor_scale(x) == tensor_scale(y) && signed_zero_point(x) == signed_zero_point(y) && flip_of(x) != flip_of(y)) {
    context.emit("flip_sign_b1__reference", 0,
                 [tiles = Tiles::make(static_cast<std::size_t>(y.type.shape.elements()), 1), x_ref = context.input(0),
                  y_ref = context.output()](const RunContext& ctx) noexcept {
                   tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                     kernels::flip_sign_b1__reference(ctx.read<std::uint8_t>(x_ref) + begin,
                                                      ctx.write<std::uint8_t>(y_ref) + begin, end - begin);
                   });
                 });
    return {};
  }
  float factor = 0;
  DOTORI_ASSIGN_OR_RETURN(factor,
                          scale_factor(static_cast<double>(tensor_scale(x)) / static_cast<double>(tensor_scale(y))));
  std::int8_t by_element[256];
  kernels::make_requantize_table_s8(signed_zero_point(x), factor, {1, signed_zero_point(y), -128, 127}, by_element);
  std::int8_t* table = static_cast<std::int8_t*>(context.allocate_packed(256));
  if (table == nullptr) return out_of_memory("no memory for a table of 256 bytes");
  for (int byte = 0; byte < 256; ++byte)
    table[byte] = static_cast<std::int8_t>(static_cast<std::uint8_t>(by_element[byte ^ flip_of(x)]) ^ flip_of(y));
  emit_lookup(context, table);
  return {};
}

}  // namespace

Status compile(const graph::Quantize&, CompileContext& context) {
  const graph::Value &x = context.input_value(0), &y = context.output_value();
  if (x.type.type != DataType::kFloat32) return requantize_bytes(context);
  const kernels::QuantizeF32Kernel& kernel = kernels::select_quantize_f32(context.isa());
  context.emit(kernel.name, 0,
               [tiles = Tiles::make(static_cast<std::size_t>(y.type.shape.elements()), 1), run = kernel.quantize,
                scale = tensor_scale(y), zero_point = signed_zero_point(y), flip = flip_of(y), x_ref = context.input(0),
                y_ref = context.output()](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   run(ctx.read<float>(x_ref) + begin, ctx.write<std::uint8_t>(y_ref) + begin, end - begin, scale,
                       zero_point, flip);
                 });
               });
  return {};
}

}  // namespace dotori::backends::cpu
