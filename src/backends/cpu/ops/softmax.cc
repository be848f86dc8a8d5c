// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax.h"

#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/elements_s8.h"
#include "backends/cpu/ops/tiles.h"

namespace dotori::backends::cpu {
namespace {

// Columns that a tile handles together: two cache lines of each row.
constexpr std::size_t kColumnBlock = 32;

}  // namespace

Status compile(const graph::Softmax& op, CompileContext& context) {
  if (is_quantized(context.input_value(0))) return compile_s8(op, context);
  const Shape& shape = context.output_shape();
  std::size_t outer = 1, inner = 1;
  for (int axis = 0; axis < op.axis; ++axis) outer *= static_cast<std::size_t>(shape[axis]);
  for (int axis = op.axis + 1; axis < shape.rank(); ++axis) inner *= static_cast<std::size_t>(shape[axis]);
  const std::size_t length = static_cast<std::size_t>(shape[op.axis]);
  const kernels::SoftmaxF32Kernel& kernel = kernels::select_softmax_f32(context.isa());
  const BufferRef x = context.input(0), y = context.output();

  if (inner == 1) {
    context.emit(kernel.name, 0,
                 [tiles = Tiles::make(outer, length), run = kernel.run_rows, length, beta = op.beta, x,
                  y](const RunContext& ctx) noexcept {
                   tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                     run(ctx.read<float>(x) + begin * length, ctx.write<float>(y) + begin * length, end - begin, length,
                         beta);
                   });
                 });
    return {};
  }
  const std::size_t blocks = (inner + kColumnBlock - 1) / kColumnBlock;
  context.emit(kernel.name, 0,
               [tiles = Tiles::make(outer * blocks, length * kColumnBlock), run = kernel.run_columns, length, inner,
                blocks, beta = op.beta, x, y](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   for (std::size_t i = begin; i < end; ++i) {
                     const std::size_t col = i % blocks * kColumnBlock, at = i / blocks * length * inner + col;
                     run(ctx.read<float>(x) + at, ctx.write<float>(y) + at, length, inner,
                         inner - col < kColumnBlock ? inner - col : kColumnBlock, beta);
                   }
                 });
               });
  return {};
}

}  // namespace dotori::backends::cpu
