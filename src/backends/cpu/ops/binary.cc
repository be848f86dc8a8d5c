// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/activation.h"
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/broadcast.h"
#include "backends/cpu/ops/elements_s8.h"

namespace dotori::backends::cpu {
namespace {

static_assert(static_cast<int>(graph::BinaryFunction::kCount) == static_cast<int>(kernels::BinaryFunction::kPrelu));
static_assert(static_cast<int>(graph::BinaryFunction::kSquaredDifference) ==
              static_cast<int>(kernels::BinaryFunction::kSquaredDifference));
static_assert(static_cast<int>(graph::BinaryFunction::kPow) == static_cast<int>(kernels::BinaryFunction::kPow));

template <class T>
Status emit_int(const kernels::BinaryIntKernel<T>* kernel, const BroadcastTiles& tiles, const graph::Binary& op,
                CompileContext& context) {
  if (kernel == nullptr)
    return unsupported(std::string(graph::binary_function_name(op.function)) + " of " +
                       data_type_name(context.output_value().type.type) + ", expected float32");
  context.emit(kernel->name, 0,
               [tiles, run = kernel->run, a = context.input(0), b = context.input(1),
                y = context.output()](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), ctx.read<T>(a), ctx.read<T>(b), ctx.write<T>(y), run);
               });
  return {};
}

}  // namespace

Status compile(const graph::Binary& op, CompileContext& context) {
  if (is_quantized(context.input_value(0))) return compile_s8(op, context);
  const auto function = static_cast<kernels::BinaryFunction>(op.function);
  const BroadcastTiles tiles(context.input_shape(0), context.input_shape(1), context.output_shape());
  switch (context.output_value().type.type) {
    case DataType::kInt32: return emit_int(kernels::select_binary_s32(function, tiles.form()), tiles, op, context);
    case DataType::kInt64: return emit_int(kernels::select_binary_s64(function, tiles.form()), tiles, op, context);
    default: break;
  }
  const kernels::BinaryF32Kernel& kernel = kernels::select_binary_f32(function, tiles.form(), context.isa());
  context.emit(kernel.name, 0,
               [tiles, run = kernel.run, fused = make_fused_activation(op.activation, context.isa()),
                a = context.input(0), b = context.input(1), y = context.output()](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), ctx.read<float>(a), ctx.read<float>(b), ctx.write<float>(y),
                           [&](const float* pa, std::size_t a_stride, const float* pb, std::size_t b_stride, float* py,
                               std::size_t rows, std::size_t cols) noexcept {
                             run(pa, a_stride, pb, b_stride, py, rows, cols, fused.low, fused.high);
                             fused.apply(py, rows * cols);
                           });
               });
  return {};
}

}  // namespace dotori::backends::cpu
