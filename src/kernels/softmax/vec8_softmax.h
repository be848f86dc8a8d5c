// SPDX-License-Identifier: Apache-2.0
// Softmax over F8. Internal linkage.
#pragma once

#include <float.h>
#include <math.h>

#include "kernels/elementwise/vec8_math.h"

namespace dotori::kernels {
namespace {

inline void softmax_row8(const float* x, float* y, size_t n, F8 beta) noexcept {
  const F8 lowest = splat8(-INFINITY);
  const size_t full = n & ~size_t{7}, rest = n & 7;
  const M8 in_rest = first_lanes8(rest);
  F8 most = lowest;
  for (size_t i = 0; i < full; i += 8) most = max8(most, mul8(beta, load8(x + i)));
  if (rest != 0) most = max8(most, select8(in_rest, mul8(beta, load8_part(x + full, rest)), lowest));
  const F8 largest = splat8(max_lanes8(most));

  F8 sums = splat8(0.0f);
  for (size_t i = 0; i < full; i += 8) {
    const F8 e = exp8(sub8(mul8(beta, load8(x + i)), largest));
    store8(y + i, e);
    sums = add8(sums, e);
  }
  F8 tail = splat8(0.0f);
  if (rest != 0) {
    tail = select8(in_rest, exp8(sub8(mul8(beta, load8_part(x + full, rest)), largest)), splat8(0.0f));
    sums = add8(sums, tail);
  }

  const F8 sum = splat8(sum_lanes8(sums));
  for (size_t i = 0; i < full; i += 8) store8(y + i, div8(load8(y + i), sum));
  if (rest != 0) store8_part(y + full, div8(tail, sum), rest);
}

inline void softmax_rows8(const float* x, float* y, size_t rows, size_t cols, float beta) noexcept {
  const F8 beta8 = splat8(beta);
  for (size_t r = 0; r < rows; ++r) softmax_row8(x + r * cols, y + r * cols, cols, beta8);
}

// Eight columns; `lanes` of them exist.
inline void softmax_columns_block8(const float* x, float* y, size_t length, size_t stride, size_t lanes,
                                   F8 beta) noexcept {
  const bool whole = lanes == 8;
  F8 largest = splat8(-INFINITY);
  for (size_t a = 0; a < length; ++a) {
    const float* p = x + a * stride;
    largest = max8(largest, mul8(beta, whole ? load8(p) : load8_part(p, lanes)));
  }
  F8 sum = splat8(0.0f);
  for (size_t a = 0; a < length; ++a) {
    const float* p = x + a * stride;
    const F8 e = exp8(sub8(mul8(beta, whole ? load8(p) : load8_part(p, lanes)), largest));
    sum = add8(sum, e);
    if (whole) {
      store8(y + a * stride, e);
    } else {
      store8_part(y + a * stride, e, lanes);
    }
  }
  for (size_t a = 0; a < length; ++a) {
    float* p = y + a * stride;
    if (whole) {
      store8(p, div8(load8(p), sum));
    } else {
      store8_part(p, div8(load8_part(p, lanes), sum), lanes);
    }
  }
}

inline void softmax_columns8(const float* x, float* y, size_t length, size_t stride, size_t cols, float beta) noexcept {
  const F8 beta8 = splat8(beta);
  for (size_t c = 0; c < cols; c += 8)
    softmax_columns_block8(x + c, y + c, length, stride, cols - c < 8 ? cols - c : 8, beta8);
}

}  // namespace
}  // namespace dotori::kernels
