// SPDX-License-Identifier: Apache-2.0
// The tiles of a broadcast of two tensors, for binary and prelu.
#pragma once

#include <dotori/tensor.h>

#include "backends/cpu/ops/tiles.h"
#include "kernels/elementwise/broadcast.h"

namespace dotori::backends::cpu {

// Blocks of whole rows, or pieces of one row where rows are long. A plain value, captured by steps.
class BroadcastTiles {
 public:
  BroadcastTiles(const Shape& a, const Shape& b, const Shape& y) noexcept
      : loops_(kernels::plan_broadcast(a.begin(), a.rank(), b.begin(), b.rank(), y.begin(), y.rank())) {
    cols_ = loops_.cols < kTileElems ? loops_.cols : kTileElems;
    rows_ = cols_ < loops_.cols ? 1 : kTileElems / cols_;
    if (rows_ > loops_.rows) rows_ = loops_.rows;
    col_tiles_ = (loops_.cols + cols_ - 1) / cols_;
    row_tiles_ = (loops_.rows + rows_ - 1) / rows_;
    tiles_ = Tiles::make(loops_.outer * row_tiles_ * col_tiles_, rows_ * cols_);
  }

  kernels::BinaryForm form() const noexcept { return loops_.form; }

  // Calls block(a, a_stride, b, b_stride, y, rows, cols) for every block; y is dense in it.
  template <class A, class B, class Y, class Block>
  void run(ThreadPool& pool, const A* a, const B* b, Y* y, const Block& block) const noexcept {
    const bool a_scalar = loops_.form == kernels::BinaryForm::kScalarVector;
    const bool b_scalar = loops_.form == kernels::BinaryForm::kVectorScalar;
    tiles_.run(pool, [&](std::size_t begin, std::size_t end) noexcept {
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t col = i % col_tiles_ * cols_, rest = i / col_tiles_, row = rest % row_tiles_ * rows_;
        const kernels::BroadcastOffsets at = kernels::broadcast_offsets(loops_, rest / row_tiles_);
        const std::size_t rows = loops_.rows - row < rows_ ? loops_.rows - row : rows_;
        const std::size_t cols = loops_.cols - col < cols_ ? loops_.cols - col : cols_;
        block(a + at.a + row * loops_.a_row_stride + (a_scalar ? 0 : col), loops_.a_row_stride,
              b + at.b + row * loops_.b_row_stride + (b_scalar ? 0 : col), loops_.b_row_stride,
              y + at.y + row * loops_.cols + col, rows, cols);
      }
    });
  }

 private:
  kernels::BroadcastLoops loops_;
  std::size_t rows_ = 1, cols_ = 1;  // of a block
  std::size_t row_tiles_ = 1, col_tiles_ = 1;
  Tiles tiles_;
};

}  // namespace dotori::backends::cpu
