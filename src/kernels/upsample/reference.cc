// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "kernels/upsample/upsample.h"

namespace dotori::kernels {

void resize_f32_nearest__reference(const int32_t* columns, int32_t out_w, int32_t channels, const float* src_row,
                                   float* dst_row) noexcept {
  const size_t n = static_cast<size_t>(channels);
  for (int32_t x = 0; x < out_w; ++x, dst_row += n) {
    const float* pixel = src_row + static_cast<size_t>(columns[x]) * n;
    if (n < 8) {
      for (size_t c = 0; c < n; ++c) dst_row[c] = pixel[c];
      continue;
    }
    // Copies of a fixed size become a few moves; the last one may repeat some channels.
    for (size_t c = 0; c + 8 <= n; c += 8) memcpy(dst_row + c, pixel + c, 8 * sizeof(float));
    memcpy(dst_row + n - 8, pixel + n - 8, 8 * sizeof(float));
  }
}

void resize_f32_bilinear__reference(const ResizeTap* columns, int32_t out_w, int32_t channels, const float* top,
                                    const float* bottom, float row_fraction, float* dst_row) noexcept {
  const size_t n = static_cast<size_t>(channels);
  for (int32_t x = 0; x < out_w; ++x, dst_row += n) {
    const ResizeTap tap = columns[x];
    const size_t first = static_cast<size_t>(tap.first) * n, second = static_cast<size_t>(tap.second) * n;
    for (size_t c = 0; c < n; ++c) {
      const float left = top[first + c] + row_fraction * (bottom[first + c] - top[first + c]);
      const float right = top[second + c] + row_fraction * (bottom[second + c] - top[second + c]);
      dst_row[c] = left + tap.fraction * (right - left);
    }
  }
}

}  // namespace dotori::kernels
