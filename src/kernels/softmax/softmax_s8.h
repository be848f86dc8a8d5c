// SPDX-License-Identifier: Apache-2.0
// Softmax of int8 tensors by a table of exponentials. All kernels give the same bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"
#include "kernels/quantize/requantize.h"

namespace dotori::kernels {

// With d = largest - x (0..255), e = table[d] and the exact sum of all e:
//   y = quantize_real((float(e) / float(sum)) * scale, out)
struct SoftmaxS8 {
  const int32_t* table;  // 256 entries in [0, 2^23], the first 2^23 (make_softmax_table)
  float scale;           // 1 / y scale; positive, at most 2^100
  QuantizedOutput out;
};

struct SoftmaxS8Kernel {
  const char* name;  // "softmax_s8__avx2"
  Isa isa;
  // Each of `rows` dense rows of `cols` >= 1 elements by itself. y may be x.
  void (*run_rows)(const int8_t* x, int8_t* y, size_t rows, size_t cols, const SoftmaxS8& how) noexcept;
};
const SoftmaxS8Kernel* softmax_s8_kernels(size_t* count) noexcept;
const SoftmaxS8Kernel& select_softmax_s8(Isa isa = host_isa()) noexcept;

// Each of `cols` columns x[a * stride + c] over a < length by itself; y has x's strides and may be x. Plain C++.
void softmax_columns_s8__reference(const int8_t* x, int8_t* y, size_t length, size_t stride, size_t cols,
                                   const SoftmaxS8& how) noexcept;

}  // namespace dotori::kernels
