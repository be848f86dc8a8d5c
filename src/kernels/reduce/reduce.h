// SPDX-License-Identifier: Apache-2.0
// Reductions, float32, and arg max.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

namespace dotori::kernels {

// Same numbers as graph::ReduceFunction (asserted where both are known). Mean is the sum divided by the number.
enum class ReduceFunction : uint8_t { kMean = 0, kMax, kSum, kMin, kCount };

struct ReduceF32Kernel {
  const char* name;  // "reduce_f32_mean__avx2"
  Isa isa;
  ReduceFunction function;
  // y[r] = reduction of the row x[r * cols .. + cols), cols >= 1. Sums: blocks of 256 elements, in each of them eight
  // partial sums of equal index modulo 8; blocks are added first to last, then the eight in a fixed tree. The reference
  // sums in double.
  void (*run_rows)(const float* x, float* y, size_t rows, size_t cols) noexcept;
  // y[c] = reduction of x[a * stride + c] over a < length, length >= 1. Sums: blocks of 32 elements first to last, the
  // blocks' sums first to last. A column does not depend on its neighbours, so any split of the columns gives the same
  // bits.
  void (*run_columns)(const float* x, float* y, size_t length, size_t stride, size_t cols) noexcept;
};
// max and min give NaN when an element is. Best first for each function, reference last.
const ReduceF32Kernel* reduce_f32_kernels(size_t* count) noexcept;
const ReduceF32Kernel& select_reduce_f32(ReduceFunction function, Isa isa = host_isa()) noexcept;

constexpr int kMaxReduceRank = 6;

// A reduction over any set of axes as nested loops; strides in elements of x. y is dense over the kept axes.
struct ReduceLoops {
  int kept_rank = 0, reduced_rank = 0;
  size_t kept_dims[kMaxReduceRank] = {}, kept_strides[kMaxReduceRank] = {};
  size_t reduced_dims[kMaxReduceRank] = {}, reduced_strides[kMaxReduceRank] = {};
  size_t kept = 1, reduced = 1;  // products
};
// `reduced_axes`: bit k is set when axis k goes. Axes of the same kind that lie side by side are merged, those of one
// element are left out.
ReduceLoops plan_reduce(const int64_t* dims, int rank, unsigned reduced_axes) noexcept;
// Outputs [begin, end) of any ReduceLoops, in plain C++ with sums in double, first to last.
void reduce_f32_any__reference(ReduceFunction function, const ReduceLoops& loops, const float* x, float* y,
                               size_t begin, size_t end) noexcept;

// index[i] = position of the largest of x[a * stride] over a < length, starting at element i's own place: outer index
// i / stride, inner index i % stride, for i in [begin, end). Of equal ones the first, or the last. NaN counts as
// largest.
void arg_max_f32__reference(const float* x, size_t length, size_t stride, bool select_last, size_t begin, size_t end,
                            int32_t* index) noexcept;
void arg_max_f32__reference(const float* x, size_t length, size_t stride, bool select_last, size_t begin, size_t end,
                            int64_t* index) noexcept;

}  // namespace dotori::kernels
