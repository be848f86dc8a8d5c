// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/pool_s8.h"

namespace dotori::kernels {

void maxpool_s8_any__reference(const PoolS8& pool, const int8_t* src, int8_t* dst_row, int32_t out_y,
                               int8_t*) noexcept {
  const size_t channels = static_cast<size_t>(pool.channels);
  const int64_t first_y = int64_t{out_y} * pool.stride_h - pool.pad_top;
  for (int32_t x = 0; x < pool.out_w; ++x, dst_row += channels) {
    const int64_t first_x = int64_t{x} * pool.stride_w - pool.pad_left;
    for (size_t c = 0; c < channels; ++c) dst_row[c] = -128;
    for (int32_t ky = 0; ky < pool.kernel_h; ++ky) {
      const int64_t in_y = first_y + int64_t{ky} * pool.dilation_h;
      if (in_y < 0 || in_y >= pool.in_h) continue;
      for (int32_t kx = 0; kx < pool.kernel_w; ++kx) {
        const int64_t in_x = first_x + int64_t{kx} * pool.dilation_w;
        if (in_x < 0 || in_x >= pool.in_w) continue;
        const int8_t* pixel = src + static_cast<size_t>(in_y * pool.in_w + in_x) * channels;
        for (size_t c = 0; c < channels; ++c)
          if (pixel[c] > dst_row[c]) dst_row[c] = pixel[c];
      }
    }
  }
}

void avgpool_s8_any__reference(const PoolS8& pool, const int8_t* src, int8_t* dst_row, int32_t out_y,
                               int8_t*) noexcept {
  const size_t channels = static_cast<size_t>(pool.channels);
  const int64_t first_y = int64_t{out_y} * pool.stride_h - pool.pad_top;
  for (int32_t x = 0; x < pool.out_w; ++x, dst_row += channels) {
    const int64_t first_x = int64_t{x} * pool.stride_w - pool.pad_left;
    for (size_t c = 0; c < channels; ++c) {
      int32_t acc = 0;
      int64_t count = 0;
      for (int32_t ky = 0; ky < pool.kernel_h; ++ky) {
        const int64_t in_y = first_y + int64_t{ky} * pool.dilation_h;
        const bool row_padded = in_y >= -pool.pad_top && in_y < int64_t{pool.in_h} + pool.pad_bottom;
        const bool row_inside = in_y >= 0 && in_y < pool.in_h;
        for (int32_t kx = 0; kx < pool.kernel_w; ++kx) {
          const int64_t in_x = first_x + int64_t{kx} * pool.dilation_w;
          const bool padded = row_padded && in_x >= -pool.pad_left && in_x < int64_t{pool.in_w} + pool.pad_right;
          const bool inside = row_inside && in_x >= 0 && in_x < pool.in_w;
          if (pool.count_include_pad ? padded : inside) ++count;
          if (inside) acc += src[static_cast<size_t>(in_y * pool.in_w + in_x) * channels + c] - pool.in_zero_point;
        }
      }
      const double divisor = pool.out_scale * static_cast<double>(count > 0 ? count : 1);
      dst_row[c] = requantize(acc, static_cast<float>(pool.in_scale / divisor), pool.output);
    }
  }
}

}  // namespace dotori::kernels
