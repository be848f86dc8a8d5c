// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax_s8.h"

namespace dotori::kernels {
namespace {

// `length` elements, `stride` apart.
void softmax_one(const int8_t* x, int8_t* y, size_t length, size_t stride, const SoftmaxS8& how) {
  int largest = x[0];
  for (size_t i = 1; i < length; ++i) largest = x[i * stride] > largest ? x[i * stride] : largest;
  int64_t exact = 0;
  for (size_t i = 0; i < length; ++i) exact += how.table[largest - x[i * stride]];
  const float sum = static_cast<float>(exact);
  for (size_t i = 0; i < length; ++i) {
    const float e = static_cast<float>(how.table[largest - x[i * stride]]);
    y[i * stride] = quantize_real((e / sum) * how.scale, how.out);
  }
}

}  // namespace

void softmax_rows_s8__reference(const int8_t* x, int8_t* y, size_t rows, size_t cols, const SoftmaxS8& how) noexcept {
  for (size_t r = 0; r < rows; ++r) softmax_one(x + r * cols, y + r * cols, cols, 1, how);
}

void softmax_columns_s8__reference(const int8_t* x, int8_t* y, size_t length, size_t stride, size_t cols,
                                   const SoftmaxS8& how) noexcept {
  for (size_t c = 0; c < cols; ++c) softmax_one(x + c, y + c, length, stride, how);
}

}  // namespace dotori::kernels
