// SPDX-License-Identifier: Apache-2.0
// Softmax of int8: table entries one by one, the arithmetic on sixteen of them. Internal linkage.
#pragma once

#include "kernels/quantize/vec16_s8.h"
#include "kernels/softmax/softmax_s8.h"

namespace dotori::kernels {
namespace {

// Rows up to this length keep their entries.
constexpr size_t kEntryBlock = 256;

inline int largest_of(const int8_t* x, size_t n) noexcept {
  if (n < 16) {
    int largest = x[0];
    for (size_t i = 1; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    return largest;
  }
  B16 most = load16(x + n - 16);
  for (size_t i = 0; i + 16 <= n; i += 16) most = max16(most, load16(x + i));
  return max_lanes16(most);
}

// At most kEntryBlock of them: their sum, up to 2^31, fits uint32.
inline int64_t look_up_entries(const int8_t* x, int32_t* entries, size_t n, int largest,
                               const int32_t* table) noexcept {
  uint32_t sum = 0;
  for (size_t i = 0; i < n; ++i) {
    entries[i] = table[largest - x[i]];
    sum += static_cast<uint32_t>(entries[i]);
  }
  return static_cast<int64_t>(sum);
}

// n (1..kEntryBlock) results of entries; entries[n..] up to a multiple of sixteen are read as well.
inline void normalize_entries(const int32_t* entries, int8_t* y, size_t n, float sum, const SoftmaxS8& how,
                              const Output16& out) noexcept {
  const F16 divisor = splat_f16(sum), scale = splat_f16(how.scale);
  for (size_t k = 0; k < n; k += 16) {
    const B16 result = out(mul_f16(div_f16(float_i16(load_i16(entries + k)), divisor), scale));
    if (n - k >= 16) {
      store16(y + k, result);
    } else {
      store16_part(y + k, result, n - k);
    }
  }
}

// A row with more elements than there are results: each result is made once.
inline void softmax_long_row(const int8_t* x, int8_t* y, size_t n, int largest, const SoftmaxS8& how,
                             const Output16& out) noexcept {
  int64_t exact = 0;
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const int32_t a = how.table[largest - x[i]] + how.table[largest - x[i + 1]];
    const int32_t b = how.table[largest - x[i + 2]] + how.table[largest - x[i + 3]];
    exact += a + b;
  }
  for (; i < n; ++i) exact += how.table[largest - x[i]];
  int8_t results[256];
  normalize_entries(how.table, results, 256, static_cast<float>(exact), how, out);
  for (i = 0; i < n; ++i) y[i] = results[largest - x[i]];
}

inline void softmax_rows16(const int8_t* x, int8_t* y, size_t rows, size_t cols, const SoftmaxS8& how) noexcept {
  const Output16 out(how.out);
  // Behind the last entry of a row lie zeros; their results are not stored.
  int32_t entries[kEntryBlock] = {};
  for (size_t r = 0; r < rows; ++r) {
    const int8_t* px = x + r * cols;
    int8_t* py = y + r * cols;
    const int largest = largest_of(px, cols);
    if (cols > kEntryBlock) {
      softmax_long_row(px, py, cols, largest, how, out);
    } else {
      const int64_t sum = look_up_entries(px, entries, cols, largest, how.table);
      normalize_entries(entries, py, cols, static_cast<float>(sum), how, out);
    }
  }
}

}  // namespace
}  // namespace dotori::kernels
