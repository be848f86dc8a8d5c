// SPDX-License-Identifier: Apache-2.0
// Reductions over F8. Internal linkage.
#pragma once

#include <math.h>

#include "kernels/elementwise/vec8.h"

namespace dotori::kernels {
namespace {

constexpr size_t kRowBlock = 32;     // vectors of eight
constexpr size_t kColumnBlock = 32;  // elements of a column

struct SumF8 {
  static constexpr float kStart = 0.0f;
  static F8 join(F8 a, F8 b) noexcept { return add8(a, b); }
  static float lanes(F8 v) noexcept { return sum_lanes8(v); }
};
struct ReduceMaxF8 {
  static constexpr float kStart = -INFINITY;
  static F8 join(F8 a, F8 b) noexcept { return max8(a, b); }
  static float lanes(F8 v) noexcept { return max_lanes8(v); }
};
struct ReduceMinF8 {
  static constexpr float kStart = INFINITY;
  static F8 join(F8 a, F8 b) noexcept { return min8(a, b); }
  static float lanes(F8 v) noexcept { return min_lanes8(v); }
};

template <class Join>
float reduce_row8(const float* x, size_t n) noexcept {
  const F8 start = splat8(Join::kStart);
  F8 total = start;
  size_t i = 0;
  while (i + 8 <= n) {
    const size_t end = n - i > kRowBlock * 8 ? i + kRowBlock * 8 : n;
    F8 part = start;
    for (; i + 8 <= end; i += 8) part = Join::join(part, load8(x + i));
    total = Join::join(total, part);
  }
  if (i < n) total = Join::join(total, select8(first_lanes8(n - i), load8_part(x + i, n - i), start));
  return Join::lanes(total);
}

// kVectors * 8 neighbouring columns together, so that a row of them is one or two cache lines.
template <class Join, int kVectors, bool kMean>
void reduce_columns_block8(const float* x, float* y, size_t length, size_t stride, F8 divisor) noexcept {
  F8 total[kVectors];
  for (int v = 0; v < kVectors; ++v) total[v] = splat8(Join::kStart);
  for (size_t a = 0; a < length; a += kColumnBlock) {
    const size_t end = length - a > kColumnBlock ? a + kColumnBlock : length;
    F8 part[kVectors];
    for (int v = 0; v < kVectors; ++v) part[v] = splat8(Join::kStart);
    for (size_t k = a; k < end; ++k)
      for (int v = 0; v < kVectors; ++v)
        part[v] = Join::join(part[v], load8(x + k * stride + static_cast<size_t>(v) * 8));
    for (int v = 0; v < kVectors; ++v) total[v] = Join::join(total[v], part[v]);
  }
  for (int v = 0; v < kVectors; ++v) store8(y + v * 8, kMean ? div8(total[v], divisor) : total[v]);
}

template <class Join, bool kMean>
void reduce_columns_part8(const float* x, float* y, size_t length, size_t stride, size_t lanes, F8 divisor) noexcept {
  F8 total = splat8(Join::kStart);
  for (size_t a = 0; a < length; a += kColumnBlock) {
    const size_t end = length - a > kColumnBlock ? a + kColumnBlock : length;
    F8 part = splat8(Join::kStart);
    for (size_t k = a; k < end; ++k) part = Join::join(part, load8_part(x + k * stride, lanes));
    total = Join::join(total, part);
  }
  store8_part(y, kMean ? div8(total, divisor) : total, lanes);
}

template <class Join, bool kMean>
void reduce_rows8(const float* x, float* y, size_t rows, size_t cols) noexcept {
  for (size_t r = 0; r < rows; ++r) {
    const float total = reduce_row8<Join>(x + r * cols, cols);
    y[r] = kMean ? total / static_cast<float>(cols) : total;
  }
}

template <class Join, bool kMean>
void reduce_columns8(const float* x, float* y, size_t length, size_t stride, size_t cols) noexcept {
  const F8 divisor = splat8(static_cast<float>(length));
  size_t c = 0;
  for (; c + 32 <= cols; c += 32) reduce_columns_block8<Join, 4, kMean>(x + c, y + c, length, stride, divisor);
  for (; c + 8 <= cols; c += 8) reduce_columns_block8<Join, 1, kMean>(x + c, y + c, length, stride, divisor);
  if (c < cols) reduce_columns_part8<Join, kMean>(x + c, y + c, length, stride, cols - c, divisor);
}

}  // namespace
}  // namespace dotori::kernels

#define DOTORI_DEFINE_REDUCE8(isa, word, Join, mean)                                                  \
  void reduce_rows_f32_##word##__##isa(const float* x, float* y, size_t rows, size_t cols) noexcept { \
    reduce_rows8<Join, mean>(x, y, rows, cols);                                                       \
  }                                                                                                   \
  void reduce_columns_f32_##word##__##isa(const float* x, float* y, size_t length, size_t stride,     \
                                          size_t cols) noexcept {                                     \
    reduce_columns8<Join, mean>(x, y, length, stride, cols);                                          \
  }
