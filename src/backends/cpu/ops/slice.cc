// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/strided_copy.h"

namespace dotori::backends::cpu {

Status compile(const graph::Slice& op, CompileContext& context) {
  const Shape strides = dense_strides(context.input_shape(0));
  Shape src_strides = strides;
  std::int64_t offset = 0;
  for (int axis = 0; axis < strides.rank(); ++axis) {
    // The stride of a single element says nothing and may be huge.
    src_strides[axis] = op.size[axis] == 1 ? 0 : strides[axis] * op.stride[axis];
    offset += strides[axis] * op.begin[axis];
  }
  const Shape dst_strides = dense_strides(op.size);
  emit_strided_copy(context, "slice_b", op.size.begin(), src_strides.begin(), dst_strides.begin(), strides.rank(),
                    offset);
  return {};
}

}  // namespace dotori::backends::cpu
