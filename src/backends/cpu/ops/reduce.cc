// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce.h"

#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/elements_s8.h"
#include "backends/cpu/ops/tiles.h"

namespace dotori::backends::cpu {
namespace {

static_assert(static_cast<int>(graph::ReduceFunction::kCount) == static_cast<int>(kernels::ReduceFunction::kCount));
static_assert(static_cast<int>(graph::ReduceFunction::kSum) == static_cast<int>(kernels::ReduceFunction::kSum));

// Columns that a tile handles together: the kernel's widest block.
constexpr std::size_t kColumnBlock = 32;

}  // namespace

Status compile(const graph::Reduce& op, CompileContext& context) {
  if (is_quantized(context.input_value(0))) return compile_s8(op, context);
  const Shape& shape = context.input_shape(0);
  unsigned axes = 0;
  for (std::int64_t axis : op.axes) axes |= 1u << axis;
  const kernels::ReduceLoops loops = kernels::plan_reduce(shape.begin(), shape.rank(), axes);
  const auto function = static_cast<kernels::ReduceFunction>(op.function);
  const kernels::ReduceF32Kernel& kernel = kernels::select_reduce_f32(function, context.isa());
  const BufferRef x = context.input(0), y = context.output();
  const std::size_t length = loops.reduced;

  // One stretch of reduced axes, everything kept lying before it.
  if (loops.reduced_rank == 1 && loops.reduced_strides[0] == 1) {
    context.emit(
        kernel.name, 0,
        [tiles = Tiles::make(loops.kept, length), run = kernel.run_rows, length, x, y](const RunContext& ctx) noexcept {
          tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
            run(ctx.read<float>(x) + begin * length, ctx.write<float>(y) + begin, end - begin, length);
          });
        });
    return {};
  }
  // One stretch in the middle or in front, such as the rows and columns of an image.
  if (loops.reduced_rank == 1) {
    const std::size_t inner = loops.reduced_strides[0], blocks = (inner + kColumnBlock - 1) / kColumnBlock;
    context.emit(kernel.name, 0,
                 [tiles = Tiles::make(loops.kept / inner * blocks, length * kColumnBlock), run = kernel.run_columns,
                  length, inner, blocks, x, y](const RunContext& ctx) noexcept {
                   tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                     for (std::size_t i = begin; i < end; ++i) {
                       const std::size_t col = i % blocks * kColumnBlock, outer = i / blocks;
                       run(ctx.read<float>(x) + outer * length * inner + col, ctx.write<float>(y) + outer * inner + col,
                           length, inner, inner - col < kColumnBlock ? inner - col : kColumnBlock);
                     }
                   });
                 });
    return {};
  }
  context.emit("reduce_f32_any__reference", 0,
               [tiles = Tiles::make(loops.kept, length), loops, function, x, y](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   kernels::reduce_f32_any__reference(function, loops, ctx.read<float>(x), ctx.write<float>(y), begin,
                                                      end);
                 });
               });
  return {};
}

}  // namespace dotori::backends::cpu
