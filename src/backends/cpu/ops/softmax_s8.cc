// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax_s8.h"

#include "backends/cpu/ops/elements_s8.h"
#include "backends/cpu/ops/tiles.h"

namespace dotori::backends::cpu {
namespace {

// Columns that a tile handles together.
constexpr std::size_t kColumnBlock = 64;

}  // namespace

Status compile_s8(const graph::Softmax& op, CompileContext& context) {
  if (!(op.beta >= 0)) return unsupported("beta must not be negative for int8, found " + std::to_string(op.beta));
  const Shape& shape = context.output_shape();
  std::size_t outer = 1, inner = 1;
  for (int axis = 0; axis < op.axis; ++axis) outer *= static_cast<std::size_t>(shape[axis]);
  for (int axis = op.axis + 1; axis < shape.rank(); ++axis) inner *= static_cast<std::size_t>(shape[axis]);
  const std::size_t length = static_cast<std::size_t>(shape[op.axis]);

  std::int32_t* table = static_cast<std::int32_t*>(context.allocate_packed(256 * sizeof(std::int32_t)));
  if (table == nullptr) return out_of_memory("no memory for a table of 256 numbers");
  const graph::Value &x = context.input_value(0), &y = context.output_value();
  kernels::make_softmax_table(static_cast<double>(tensor_scale(x)) * static_cast<double>(op.beta), table);
  kernels::SoftmaxS8 how = {table, 0, make_quantized_output(y)};
  DOTORI_ASSIGN_OR_RETURN(how.scale, scale_factor(1 / static_cast<double>(tensor_scale(y))));

  const BufferRef x_ref = context.input(0), y_ref = context.output();
  if (inner == 1) {
    const kernels::SoftmaxS8Kernel& kernel = kernels::select_softmax_s8(context.isa());
    context.emit(kernel.name, 0,
                 [tiles = Tiles::make(outer, length), run = kernel.run_rows, length, how, x_ref,
                  y_ref](const RunContext& ctx) noexcept {
                   tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                     run(ctx.read<std::int8_t>(x_ref) + begin * length, ctx.write<std::int8_t>(y_ref) + begin * length,
                         end - begin, length, how);
                   });
                 });
    return {};
  }
  const std::size_t blocks = (inner + kColumnBlock - 1) / kColumnBlock;
  context.emit("softmax_columns_s8__reference", 0,
               [tiles = Tiles::make(outer * blocks, length * kColumnBlock), length, inner, blocks, how, x_ref,
                y_ref](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   for (std::size_t i = begin; i < end; ++i) {
                     const std::size_t col = i % blocks * kColumnBlock, at = i / blocks * length * inner + col;
                     kernels::softmax_columns_s8__reference(
                         ctx.read<std::int8_t>(x_ref) + at, ctx.write<std::int8_t>(y_ref) + at, length, inner,
                         inner - col < kColumnBlock ? inner - col : kColumnBlock, how);
                   }
                 });
               });
  return {};
}

}  // namespace dotori::backends::cpu
