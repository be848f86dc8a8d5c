// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/tiles.h"
#include "kernels/reduce/reduce.h"

namespace dotori::backends::cpu {
namespace {

template <class Index>
void emit(const graph::ArgMax& op, CompileContext& context, const char* name) {
  const Shape& shape = context.input_shape(0);
  std::size_t stride = 1;
  for (int axis = op.axis + 1; axis < shape.rank(); ++axis) stride *= static_cast<std::size_t>(shape[axis]);
  const std::size_t length = static_cast<std::size_t>(shape[op.axis]);
  const std::size_t outputs = static_cast<std::size_t>(shape.elements()) / length;
  context.emit(name, 0,
               [tiles = Tiles::make(outputs, length), length, stride, last = op.select_last, x = context.input(0),
                y = context.output()](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   kernels::arg_max_f32__reference(ctx.read<float>(x), length, stride, last, begin, end,
                                                   ctx.write<Index>(y));
                 });
               });
}

}  // namespace

Status compile(const graph::ArgMax& op, CompileContext& context) {
  if (op.output_type == DataType::kInt32) {
    emit<std::int32_t>(op, context, "arg_max_f32_s32__reference");
  } else {
    emit<std::int64_t>(op, context, "arg_max_f32_s64__reference");
  }
  return {};
}

}  // namespace dotori::backends::cpu
