// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/broadcast.h"

namespace dotori::kernels {
namespace {

struct Axis {
  size_t dim, a_stride, b_stride;
};

// The dimension of axis `axis` of y in an operand whose axes are aligned at the end.
size_t aligned_dim(const int64_t* dims, int rank, int axis, int y_rank) {
  const int own = axis - (y_rank - rank);
  return own < 0 ? 1 : static_cast<size_t>(dims[own]);
}

}  // namespace

BroadcastLoops plan_broadcast(const int64_t* a_dims, int a_rank, const int64_t* b_dims, int b_rank,
                              const int64_t* y_dims, int y_rank) noexcept {
  // Innermost first: an axis is merged into the one inside it when both operands walk on without a gap.
  Axis axes[kMaxBroadcastRank];
  int count = 0;
  size_t a_size = 1, b_size = 1;
  for (int axis = y_rank - 1; axis >= 0; --axis) {
    const size_t dim = static_cast<size_t>(y_dims[axis]);
    const size_t a_dim = aligned_dim(a_dims, a_rank, axis, y_rank), b_dim = aligned_dim(b_dims, b_rank, axis, y_rank);
    const Axis next = {dim, a_dim == 1 ? 0 : a_size, b_dim == 1 ? 0 : b_size};
    a_size *= a_dim;
    b_size *= b_dim;
    if (dim == 1) continue;
    if (count > 0) {
      Axis& inner = axes[count - 1];
      if (next.a_stride == inner.a_stride * inner.dim && next.b_stride == inner.b_stride * inner.dim) {
        inner.dim *= dim;
        continue;
      }
    }
    axes[count++] = next;
  }

  BroadcastLoops loops;
  if (count > 0) {
    loops.cols = axes[0].dim;
    if (axes[0].b_stride == 0) loops.form = BinaryForm::kVectorScalar;
    if (axes[0].a_stride == 0) loops.form = BinaryForm::kScalarVector;
  }
  if (count > 1) {
    loops.rows = axes[1].dim;
    loops.a_row_stride = axes[1].a_stride;
    loops.b_row_stride = axes[1].b_stride;
  }
  for (int i = count - 1; i >= 2; --i) {
    loops.outer_dims[loops.outer_rank] = axes[i].dim;
    loops.a_outer_strides[loops.outer_rank] = axes[i].a_stride;
    loops.b_outer_strides[loops.outer_rank] = axes[i].b_stride;
    loops.outer *= axes[i].dim;
    ++loops.outer_rank;
  }
  return loops;
}

BroadcastOffsets broadcast_offsets(const BroadcastLoops& loops, size_t index) noexcept {
  BroadcastOffsets at;
  at.y = index * loops.rows * loops.cols;
  for (int i = loops.outer_rank - 1; i >= 0; --i) {
    const size_t here = index % loops.outer_dims[i];
    index /= loops.outer_dims[i];
    at.a += here * loops.a_outer_strides[i];
    at.b += here * loops.b_outer_strides[i];
  }
  return at;
}

}  // namespace dotori::kernels
