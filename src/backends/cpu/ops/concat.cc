// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/elements_s8.h"
#include "backends/cpu/ops/tiles.h"
#include "kernels/movement/movement.h"

namespace dotori::backends::cpu {
namespace {

struct Part {
  BufferRef x;
  kernels::CopyLoops loops;
  std::size_t dst_bytes;  // where its first element goes
};

// Whether some part has another scale or zero point than the output.
bool requantizes(const CompileContext& context) {
  const graph::Value& y = context.output_value();
  if (!is_quantized(y)) return false;
  for (int i = 0; i < context.input_count(); ++i) {
    const graph::Value& x = context.input_value(i);
    if (tensor_scale(x) != tensor_scale(y) || tensor_zero_point(x) != tensor_zero_point(y)) return true;
  }
  return false;
}

}  // namespace

Status compile(const graph::Concat& op, CompileContext& context) {
  if (requantizes(context)) return compile_s8(op, context);
  const Shape& out = context.output_shape();
  const std::size_t element_bytes = data_type_bytes(context.output_value().type.type);
  std::int64_t outer = 1, inner = 1;
  for (int axis = 0; axis < op.axis; ++axis) outer *= out[axis];
  for (int axis = op.axis + 1; axis < out.rank(); ++axis) inner *= out[axis];
  const std::int64_t out_chunk = out[op.axis] * inner;

  std::vector<Part> parts;
  std::int64_t offset = 0;
  for (int i = 0; i < context.input_count(); ++i) {
    const std::int64_t chunk = context.input_shape(i)[op.axis] * inner;
    const std::int64_t dims[] = {outer, chunk}, src[] = {chunk, 1}, dst[] = {out_chunk, 1};
    parts.push_back({context.input(i), kernels::plan_copy(dims, src, dst, 2, element_bytes),
                     static_cast<std::size_t>(offset) * element_bytes});
    offset += chunk;
  }
  // Either every part has `outer` runs, or every part is one run (outer == 1, or a single input).
  const bool by_rows = parts[0].loops.rank > 0;
  const std::size_t elems = static_cast<std::size_t>(out.elements());
  const std::size_t items = by_rows ? parts[0].loops.outer() : parts.size();
  context.emit("concat_b" + std::to_string(element_bytes) + "__reference", 0,
               [parts = std::move(parts), by_rows, tiles = Tiles::make(items, elems / items),
                y = context.output()](const RunContext& ctx) noexcept {
                 unsigned char* dst = ctx.write<unsigned char>(y);
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   const std::size_t first = by_rows ? 0 : begin, stop = by_rows ? parts.size() : end;
                   for (std::size_t i = first; i < stop; ++i)
                     kernels::copy_loops(parts[i].loops, ctx.read<unsigned char>(parts[i].x), dst + parts[i].dst_bytes,
                                         by_rows ? begin : 0, by_rows ? end : 1);
                 });
               });
  return {};
}

}  // namespace dotori::backends::cpu
