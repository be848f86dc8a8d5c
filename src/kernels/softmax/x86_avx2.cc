// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax.h"
#include "kernels/softmax/vec8_softmax.h"

namespace dotori::kernels {

void softmax_rows_f32__avx2(const float* x, float* y, size_t rows, size_t cols, float beta) noexcept {
  softmax_rows8(x, y, rows, cols, beta);
}

void softmax_columns_f32__avx2(const float* x, float* y, size_t length, size_t stride, size_t cols,
                               float beta) noexcept {
  softmax_columns8(x, y, length, stride, cols, beta);
}

}  // namespace dotori::kernels
