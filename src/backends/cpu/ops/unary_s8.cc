// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/elements_s8.h"
#include "backends/cpu/ops/tiles.h"
#include "kernels/quantize/quantize.h"

namespace dotori::backends::cpu {
namespace {

Result<std::int8_t*> allocate_table(CompileContext& context) {
  std::int8_t* table = static_cast<std::int8_t*>(context.allocate_packed(256));
  if (table == nullptr) return out_of_memory("no memory for a table of 256 bytes");
  return table;
}

}  // namespace

Result<float> scale_factor(double factor) {
  constexpr double kMost = 0x1p100;
  if (!(factor <= kMost))
    return unsupported("the quotient of the scales is " + std::to_string(factor) + ", at most 2^100 is possible");
  return static_cast<float>(factor);
}

Result<const std::int8_t*> requantize_table(CompileContext& context, const graph::Value& from, const graph::Value& to) {
  float factor = 0;
  DOTORI_ASSIGN_OR_RETURN(
      factor, scale_factor(static_cast<double>(tensor_scale(from)) / static_cast<double>(tensor_scale(to))));
  std::int8_t* table = nullptr;
  DOTORI_ASSIGN_OR_RETURN(table, allocate_table(context));
  kernels::make_requantize_table_s8(tensor_zero_point(from), factor, make_quantized_output(to), table);
  return static_cast<const std::int8_t*>(table);
}

void emit_lookup(CompileContext& context, const std::int8_t* table) {
  const kernels::LookupS8Kernel& kernel = kernels::select_lookup_s8(context.isa());
  const Tiles tiles = Tiles::make(static_cast<std::size_t>(context.output_shape().elements()), 1);
  context.emit(
      kernel.name, 0,
      [tiles, run = kernel.run, table, x = context.input(0), y = context.output()](const RunContext& ctx) noexcept {
        const std::int8_t* px = ctx.read<std::int8_t>(x);
        std::int8_t* py = ctx.write<std::int8_t>(y);
        tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
          run(px + begin, 0, py + begin, 0, 1, end - begin, table);
        });
      });
}

Status compile_s8(const graph::Unary& op, CompileContext& context) {
  std::int8_t* table = nullptr;
  DOTORI_ASSIGN_OR_RETURN(table, allocate_table(context));
  const graph::Value &x = context.input_value(0), &y = context.output_value();
  kernels::make_unary_table_s8(static_cast<kernels::UnaryFunction>(op.activation.function), op.activation.alpha,
                               op.activation.beta, tensor_scale(x), tensor_zero_point(x), tensor_scale(y),
                               make_quantized_output(y), table);
  emit_lookup(context, table);
  return {};
}

}  // namespace dotori::backends::cpu
