// SPDX-License-Identifier: Apache-2.0
#include "kernels/depthwise/depthwise.h"

namespace dotori::kernels {

void dwconv_f32_any__reference(const DepthwiseF32& conv, const float* src, float* dst_row, int32_t out_y) noexcept {
  const size_t channels = static_cast<size_t>(conv.channels);
  const size_t block_elems = 8 * (1 + static_cast<size_t>(conv.kernel_h) * static_cast<size_t>(conv.kernel_w));
  const int64_t first_y = int64_t{out_y} * conv.stride_h - conv.pad_top;
  for (int32_t x = 0; x < conv.out_w; ++x) {
    const int64_t first_x = int64_t{x} * conv.stride_w - conv.pad_left;
    for (size_t c = 0; c < channels; ++c) {
      // Where pack_depthwise_f32 put the channel: the last block may begin before a multiple of 8.
      const size_t start = c / 8 * 8;
      const size_t lane = channels >= 8 && start + 8 > channels ? c - (channels - 8) : c - start;
      const float* packed = conv.packed + c / 8 * block_elems + lane;
      float sum = packed[0];
      for (int32_t ky = 0; ky < conv.kernel_h; ++ky) {
        const int64_t in_y = first_y + int64_t{ky} * conv.dilation_h;
        if (in_y < 0 || in_y >= conv.in_h) continue;
        for (int32_t kx = 0; kx < conv.kernel_w; ++kx) {
          const int64_t in_x = first_x + int64_t{kx} * conv.dilation_w;
          if (in_x < 0 || in_x >= conv.in_w) continue;
          const size_t tap = static_cast<size_t>(ky) * static_cast<size_t>(conv.kernel_w) + static_cast<size_t>(kx);
          sum += src[static_cast<size_t>(in_y * conv.in_w + in_x) * channels + c] * packed[8 * (1 + tap)];
        }
      }
      if (sum < conv.low) sum = conv.low;
      if (sum > conv.high) sum = conv.high;
      dst_row[static_cast<size_t>(x) * channels + c] = sum;
    }
  }
}

}  // namespace dotori::kernels
