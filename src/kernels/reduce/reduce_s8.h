// SPDX-License-Identifier: Apache-2.0
// Reductions of int8 tensors. All kernels of a function give the same bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"
#include "kernels/quantize/requantize.h"
#include "kernels/reduce/reduce.h"

namespace dotori::kernels {

// y = requantize(acc, scale, out) with acc over n elements q:
//   sum, mean   sum of (q - zero_point); scale = x scale / y scale, for the mean also divided by n
//   max, min    largest or least q - zero_point; scale = x scale / y scale
struct ReduceS8 {
  int32_t zero_point;  // of x, -128 .. 127
  float scale;         // positive and finite
  QuantizedOutput out;
};

// Most elements that one result may come from: 255 times as much fits int32.
constexpr size_t kMaxReduceS8 = size_t{1} << 23;

struct ReduceS8Kernel {
  const char* name;  // "reduce_s8_sum__avx2"
  Isa isa;
  ReduceFunction function;  // kSum (the mean too), kMax or kMin
  // y[r] from the row x[r * cols .. + cols), 1 <= cols <= kMaxReduceS8.
  void (*run_rows)(const int8_t* x, int8_t* y, size_t rows, size_t cols, const ReduceS8& how) noexcept;
  // y[c] from x[a * stride + c] over a < length, 1 <= length <= kMaxReduceS8.
  void (*run_columns)(const int8_t* x, int8_t* y, size_t length, size_t stride, size_t cols,
                      const ReduceS8& how) noexcept;
};
// Best first for each function, reference last.
const ReduceS8Kernel* reduce_s8_kernels(size_t* count) noexcept;
const ReduceS8Kernel& select_reduce_s8(ReduceFunction function, Isa isa = host_isa()) noexcept;

// Outputs [begin, end) of any ReduceLoops, in plain C++; loops.reduced <= kMaxReduceS8.
void reduce_s8_any__reference(ReduceFunction function, const ReduceLoops& loops, const int8_t* x, int8_t* y,
                              size_t begin, size_t end, const ReduceS8& how) noexcept;

// As arg_max_f32__reference.
void arg_max_s8__reference(const int8_t* x, size_t length, size_t stride, bool select_last, size_t begin, size_t end,
                           int32_t* index) noexcept;
void arg_max_s8__reference(const int8_t* x, size_t length, size_t stride, bool select_last, size_t begin, size_t end,
                           int64_t* index) noexcept;

}  // namespace dotori::kernels
