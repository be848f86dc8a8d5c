// SPDX-License-Identifier: Apache-2.0
// Softmax, float32: y = exp(beta * x - m) / sum(exp(beta * x - m)) with m the largest beta * x.
#pragma once

#include <stddef.h>

#include "kernels/isa.h"

namespace dotori::kernels {

struct SoftmaxF32Kernel {
  const char* name;  // "softmax_f32__avx2"
  Isa isa;
  // Each of `rows` dense rows of `cols` >= 1 elements by itself. y may be x.
  // Order of the sum: eight partial sums, of the elements with the same index modulo 8, then the eight in a fixed tree;
  // the reference sums in double from first to last.
  void (*run_rows)(const float* x, float* y, size_t rows, size_t cols, float beta) noexcept;
  // Each of `cols` columns x[a * stride + c] over a < length by itself, summed from first to last. y has x's strides
  // and may be x. Columns do not depend on each other, so any split of them gives the same bits.
  void (*run_columns)(const float* x, float* y, size_t length, size_t stride, size_t cols, float beta) noexcept;
};
// A NaN anywhere in a row or column, +inf, or nothing but -inf, makes all its results NaN. Best first, reference last.
const SoftmaxF32Kernel* softmax_f32_kernels(size_t* count) noexcept;
const SoftmaxF32Kernel& select_softmax_f32(Isa isa = host_isa()) noexcept;

}  // namespace dotori::kernels
