// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/strided_copy.h"
#include "backends/cpu/ops/tiles.h"

namespace dotori::backends::cpu {

Shape dense_strides(const Shape& shape) noexcept {
  Shape strides = shape;
  std::int64_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

void emit_strided_copy(CompileContext& context, const char* name, const std::int64_t* dims,
                       const std::int64_t* src_strides, const std::int64_t* dst_strides, int rank,
                       std::int64_t src_offset) {
  const std::size_t element_bytes = data_type_bytes(context.output_value().type.type);
  const kernels::CopyLoops loops = kernels::plan_copy(dims, src_strides, dst_strides, rank, element_bytes);
  const std::size_t elems = static_cast<std::size_t>(context.output_shape().elements());
  context.emit(name + std::to_string(element_bytes) + "__reference", 0,
               [loops, tiles = Tiles::make(loops.outer(), elems / loops.outer()),
                src_bytes = static_cast<std::size_t>(src_offset) * element_bytes, x = context.input(0),
                y = context.output()](const RunContext& ctx) noexcept {
                 const unsigned char* src = ctx.read<unsigned char>(x) + src_bytes;
                 unsigned char* dst = ctx.write<unsigned char>(y);
                 tiles.run(ctx.pool(), [&](std::size_t begin, std::size_t end) noexcept {
                   kernels::copy_loops(loops, src, dst, begin, end);
                 });
               });
}

Status compile(const graph::Transpose& op, CompileContext& context) {
  const Shape& dims = context.output_shape();
  const Shape strides = dense_strides(context.input_shape(0));
  Shape src_strides = dims;
  for (int axis = 0; axis < dims.rank(); ++axis) src_strides[axis] = strides[static_cast<int>(op.perm[axis])];
  const Shape dst_strides = dense_strides(dims);
  emit_strided_copy(context, "transpose_b", dims.begin(), src_strides.begin(), dst_strides.begin(), dims.rank(), 0);
  return {};
}

}  // namespace dotori::backends::cpu
