// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "kernels/softmax/softmax.h"

namespace dotori::kernels {
namespace {

// `length` elements, `stride` apart.
void softmax_one(const float* x, float* y, size_t length, size_t stride, float beta) {
  float largest = beta * x[0];
  for (size_t i = 1; i < length; ++i) {
    const float v = beta * x[i * stride];
    if (v > largest || v != v) largest = v;
  }
  double sum = 0;
  for (size_t i = 0; i < length; ++i) {
    const float e = expf(beta * x[i * stride] - largest);
    y[i * stride] = e;
    sum += e;
  }
  for (size_t i = 0; i < length; ++i) y[i * stride] = static_cast<float>(y[i * stride] / sum);
}

}  // namespace

void softmax_rows_f32__reference(const float* x, float* y, size_t rows, size_t cols, float beta) noexcept {
  for (size_t r = 0; r < rows; ++r) softmax_one(x + r * cols, y + r * cols, cols, 1, beta);
}

void softmax_columns_f32__reference(const float* x, float* y, size_t length, size_t stride, size_t cols,
                                    float beta) noexcept {
  for (size_t c = 0; c < cols; ++c) softmax_one(x + c, y + c, length, stride, beta);
}

}  // namespace dotori::kernels
