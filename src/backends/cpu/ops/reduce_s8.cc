// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce_s8.h"

#include "backends/cpu/ops/elements_s8.h"
#include "backends/cpu/ops/tiles.h"

namespace dotori::backends::cpu {
namespace {

// Columns that a tile handles together: the kernel's widest block. The last tile takes the rest as well, so that the
// kernel never gets fewer than its vectors hold.
constexpr std::size_t kColumnBlock = 64;

}  // namespace

Status compile_s8(const graph::Reduce& op, CompileContext& context) {
  const Shape& shape = context.input_shape(0);
  unsigned axes = 0;
  for (std::int64_t axis : op.axes) axes |= 1u << axis;
  const kernels::ReduceLoops loops = kernels::plan_reduce(shape.begin(), shape.rank(), axes);
  const std::size_t length = loops.reduced;
  if (length > kernels::kMaxReduceS8)
    return unsupported("a reduction of " + std::to_string(length) + " int8 elements to one, at most " +
                       std::to_string(kernels::kMaxReduceS8) + " are possible");

  const graph::Value &x = context.input_value(0), &y = context.output_value();
  const auto function = static_cast<kernels::ReduceFunction>(op.function);
  const double divisor = function == kernels::ReduceFunction::kMean ? static_cast<double>(length) : 1.0;
  kernels::ReduceS8 how = {tensor_zero_point(x), 0, make_quantized_output(y)};
  DOTORI_ASSIGN_OR_RETURN(
      how.scale, scale_factor(static_cast<double>(tensor_scale(x)) / (static_cast<double>(tensor_scale(y)) * divisor)));
  const kernels::ReduceS8Kernel& kernel = kernels::select_reduce_s8(function, context.isa());
  const BufferRef x_ref = context.input(0), y_ref = context.output();

  // One stretch of reduced axes, everything kept lying before it.
  if (loops.reduced_rank == 1 && loops.reduced_strides[0] == 1) {
    context.emit(kernel.name, 0,
                 [tiles = Tiles::make(loops.kept, length), run = kernel.run_rows, length, how, x_ref,
                  y_ref](const RunContext& ctx) noexcept {
                   tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                     run(ctx.read<std::int8_t>(x_ref) + begin * length, ctx.write<std::int8_t>(y_ref) + begin,
                         end - begin, length, how);
                   });
                 });
    return {};
  }
  // One stretch in the middle or in front, such as the rows and columns of an image.
  if (loops.reduced_rank == 1) {
    const std::size_t inner = loops.reduced_strides[0], blocks = inner < kColumnBlock ? 1 : inner / kColumnBlock;
    context.emit(kernel.name, 0,
                 [tiles = Tiles::make(loops.kept / inner * blocks, length * kColumnBlock), run = kernel.run_columns,
                  length, inner, blocks, how, x_ref, y_ref](const RunContext& ctx) noexcept {
                   tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                     for (std::size_t i = begin; i < end; ++i) {
                       const std::size_t block = i % blocks, outer = i / blocks, col = block * kColumnBlock;
                       run(ctx.read<std::int8_t>(x_ref) + outer * length * inner + col,
                           ctx.write<std::int8_t>(y_ref) + outer * inner + col, length, inner,
                           block + 1 == blocks ? inner - col : kColumnBlock, how);
                     }
                   });
                 });
    return {};
  }
  context.emit(
      "reduce_s8_any__reference", 0,
      [tiles = Tiles::make(loops.kept, length), loops, function, how, x_ref, y_ref](const RunContext& ctx) noexcept {
        tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
          kernels::reduce_s8_any__reference(function, loops, ctx.read<std::int8_t>(x_ref),
                                            ctx.write<std::int8_t>(y_ref), begin, end, how);
        });
      });
  return {};
}

}  // namespace dotori::backends::cpu
