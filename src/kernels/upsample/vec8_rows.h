// SPDX-License-Identifier: Apache-2.0
// The bilinear row loop over F8 (eight channels). For ISA files only; internal linkage. For 8 channels
// or more: the last block of a pixel ends at the last channel and so may repeat some of the block before.
#pragma once

#include "kernels/upsample/upsample.h"
#if defined(__x86_64__)
#include "kernels/elementwise/vec8_avx2.h"
#else
#include "kernels/elementwise/vec8_neon.h"
#endif

namespace dotori::kernels {
namespace {

// Product and sum rounded separately: the reference's bits.
inline F8 between8(F8 a, F8 b, F8 fraction) noexcept {
  return add8(a, mul8(fraction, sub8(b, a)));
}

inline void bilinear_row(const ResizeTap* columns, int32_t out_w, int32_t channels, const float* top,
                         const float* bottom, float row_fraction, float* dst_row) noexcept {
  const size_t n = static_cast<size_t>(channels);
  const F8 fy = splat8(row_fraction);
  for (int32_t x = 0; x < out_w; ++x, dst_row += n) {
    const ResizeTap tap = columns[x];
    const size_t first = static_cast<size_t>(tap.first) * n, second = static_cast<size_t>(tap.second) * n;
    const float *top_left = top + first, *top_right = top + second;
    const float *bottom_left = bottom + first, *bottom_right = bottom + second;
    const F8 fx = splat8(tap.fraction);
    const size_t last = n - 8;
    for (size_t c = 0;; c = c + 8 < last ? c + 8 : last) {
      const F8 left = between8(load8(top_left + c), load8(bottom_left + c), fy);
      const F8 right = between8(load8(top_right + c), load8(bottom_right + c), fy);
      store8(dst_row + c, between8(left, right, fx));
      if (c == last) break;
    }
  }
}

}  // namespace
}  // namespace dotori::kernels
