// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/tiles.h"
#include "kernels/reduce/reduce.h"
#include "kernels/reduce/reduce_s8.h"

namespace dotori::backends::cpu {
namespace {

template <class Element, class Index>
using ArgMaxFn = void (*)(const Element* x, std::size_t length, std::size_t stride, bool select_last, std::size_t begin,
                          std::size_t end, Index* index) noexcept;

template <class Element, class Index>
void emit(const graph::ArgMax& op, CompileContext& context, const char* name, ArgMaxFn<Element, Index> run) {
  const Shape& shape = context.input_shape(0);
  std::size_t stride = 1;
  for (int axis = op.axis + 1; axis < shape.rank(); ++axis) stride *= static_cast<std::size_t>(shape[axis]);
  const std::size_t length = static_cast<std::size_t>(shape[op.axis]);
  const std::size_t outputs = static_cast<std::size_t>(shape.elements()) / length;
  context.emit(name, 0,
               [tiles = Tiles::make(outputs, length), run, length, stride, last = op.select_last, x = context.input(0),
                y = context.output()](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   run(ctx.read<Element>(x), length, stride, last, begin, end, ctx.write<Index>(y));
                 });
               });
}

}  // namespace

Status compile(const graph::ArgMax& op, CompileContext& context) {
  const bool int8 = context.input_value(0).type.type == DataType::kInt8;
  if (op.output_type == DataType::kInt32) {
    if (int8) {
      emit<std::int8_t, std::int32_t>(op, context, "arg_max_s8_s32__reference", kernels::arg_max_s8__reference);
    } else {
      emit<float, std::int32_t>(op, context, "arg_max_f32_s32__reference", kernels::arg_max_f32__reference);
    }
  } else if (int8) {
    emit<std::int8_t, std::int64_t>(op, context, "arg_max_s8_s64__reference", kernels::arg_max_s8__reference);
  } else {
    emit<float, std::int64_t>(op, context, "arg_max_f32_s64__reference", kernels::arg_max_f32__reference);
  }
  return {};
}

}  // namespace dotori::backends::cpu
