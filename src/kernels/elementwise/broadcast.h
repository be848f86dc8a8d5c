// SPDX-License-Identifier: Apache-2.0
// NumPy broadcasting of two dense tensors as calls of a BinaryF32Fn: outer loops around a block of rows and columns.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/elementwise/elementwise.h"

namespace dotori::kernels {

constexpr int kMaxBroadcastRank = 6;

// Strides are in elements. Axes along which both operands continue are merged, so that equal shapes are one row.
struct BroadcastLoops {
  BinaryForm form = BinaryForm::kVectorVector;
  int outer_rank = 0;  // 0..4
  size_t outer_dims[kMaxBroadcastRank - 2] = {};
  size_t a_outer_strides[kMaxBroadcastRank - 2] = {};
  size_t b_outer_strides[kMaxBroadcastRank - 2] = {};
  size_t outer = 1;  // product of outer_dims
  size_t rows = 1, cols = 1;
  size_t a_row_stride = 0, b_row_stride = 0;
};

// Where the block of one outer index starts.
struct BroadcastOffsets {
  size_t a = 0, b = 0, y = 0;
};

// The dimensions are outermost first, all >= 1, and y is the broadcast shape of a and b (y_rank >= a_rank, b_rank; at
// most 6).
BroadcastLoops plan_broadcast(const int64_t* a_dims, int a_rank, const int64_t* b_dims, int b_rank,
                              const int64_t* y_dims, int y_rank) noexcept;
// `index` below loops.outer.
BroadcastOffsets broadcast_offsets(const BroadcastLoops& loops, size_t index) noexcept;

}  // namespace dotori::kernels
