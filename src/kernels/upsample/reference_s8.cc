// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "kernels/upsample/upsample_s8.h"

namespace dotori::kernels {

void resize_s8_nearest__reference(const int32_t* columns, int32_t out_w, int32_t channels, const int8_t* src_row,
                                  int8_t* dst_row) noexcept {
  const size_t n = static_cast<size_t>(channels);
  for (int32_t x = 0; x < out_w; ++x, dst_row += n) {
    const int8_t* pixel = src_row + static_cast<size_t>(columns[x]) * n;
    if (n < 16) {
      for (size_t c = 0; c < n; ++c) dst_row[c] = pixel[c];
      continue;
    }
    // Copies of a fixed size become a few moves; the last one may repeat some channels.
    for (size_t c = 0; c + 16 <= n; c += 16) memcpy(dst_row + c, pixel + c, 16);
    memcpy(dst_row + n - 16, pixel + n - 16, 16);
  }
}

void resize_s8_bilinear__reference(const ResizeBilinearS8& resize, const int8_t* top, const int8_t* bottom,
                                   float row_fraction, int8_t* dst_row) noexcept {
  const size_t n = static_cast<size_t>(resize.channels);
  for (int32_t x = 0; x < resize.out_w; ++x, dst_row += n) {
    const ResizeTap tap = resize.columns[x];
    const size_t first = static_cast<size_t>(tap.first) * n, second = static_cast<size_t>(tap.second) * n;
    for (size_t c = 0; c < n; ++c) {
      const float p00 = static_cast<float>(top[first + c] - resize.in_zero_point);
      const float p01 = static_cast<float>(top[second + c] - resize.in_zero_point);
      const float p10 = static_cast<float>(bottom[first + c] - resize.in_zero_point);
      const float p11 = static_cast<float>(bottom[second + c] - resize.in_zero_point);
      const float upper = p00 + (p01 - p00) * tap.fraction;
      const float lower = p10 + (p11 - p10) * tap.fraction;
      dst_row[c] = quantize_real((upper + (lower - upper) * row_fraction) * resize.scale, resize.output);
    }
  }
}

}  // namespace dotori::kernels
