// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <vector>

#include "backends/cpu/ops/elements_s8.h"
#include "backends/cpu/ops/tiles.h"
#include "kernels/quantize/quantize.h"

namespace dotori::backends::cpu {
namespace {

struct Part {
  BufferRef x;
  std::size_t chunk;         // bytes that lie together
  std::size_t at;            // where they start in a row of the output
  const std::int8_t* table;  // null: the bytes as they are
};

}  // namespace

Status compile_s8(const graph::Concat& op, CompileContext& context) {
  const graph::Value& y = context.output_value();
  const Shape& out = context.output_shape();
  std::size_t outer = 1, inner = 1;
  for (int axis = 0; axis < op.axis; ++axis) outer *= static_cast<std::size_t>(out[axis]);
  for (int axis = op.axis + 1; axis < out.rank(); ++axis) inner *= static_cast<std::size_t>(out[axis]);

  std::vector<Part> parts;
  std::size_t row = 0;
  for (int i = 0; i < context.input_count(); ++i) {
    const graph::Value& x = context.input_value(i);
    Part part = {context.input(i), static_cast<std::size_t>(context.input_shape(i)[op.axis]) * inner, row, nullptr};
    if (tensor_scale(x) != tensor_scale(y) || tensor_zero_point(x) != tensor_zero_point(y)) {
      DOTORI_ASSIGN_OR_RETURN(part.table, requantize_table(context, x, y));
    }
    row += part.chunk;
    parts.push_back(part);
  }

  // Blocks of whole rows, or pieces of one row where rows are long.
  const kernels::LookupS8Kernel& kernel = kernels::select_lookup_s8(context.isa());
  const std::size_t piece = row < kTileElems ? row : kTileElems, pieces = (row + piece - 1) / piece;
  const std::size_t block = pieces > 1 ? 1 : kTileElems / row, blocks = (outer + block - 1) / block;
  context.emit(
      std::string("concat_") + kernel.name, 0,
      [parts = std::move(parts), run = kernel.run, outer, row, piece, pieces, block,
       tiles = Tiles::make(blocks * pieces, kTileElems), y_ref = context.output()](const RunContext& ctx) noexcept {
        tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
          for (std::size_t i = begin; i < end; ++i) {
            const std::size_t r = i / pieces * block, rows = outer - r < block ? outer - r : block;
            const std::size_t first = i % pieces * piece, stop = first + piece < row ? first + piece : row;
            for (const Part& part : parts) {
              const std::size_t from = part.at > first ? part.at : first;
              const std::size_t to = part.at + part.chunk < stop ? part.at + part.chunk : stop;
              if (from >= to) continue;
              const std::int8_t* src = ctx.read<std::int8_t>(part.x) + r * part.chunk + (from - part.at);
              std::int8_t* dst = ctx.write<std::int8_t>(y_ref) + r * row + from;
              if (part.table != nullptr) {
                run(src, part.chunk, dst, row, rows, to - from, part.table);
              } else {
                for (std::size_t k = 0; k < rows; ++k) std::memcpy(dst + k * row, src + k * part.chunk, to - from);
              }
            }
          }
        });
      });
  return {};
}

}  // namespace dotori::backends::cpu
