// SPDX-License-Identifier: Apache-2.0
#include "kernels/depthwise/depthwise_s8.h"

namespace dotori::kernels {

void dwconv_s8_any__reference(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  const size_t channels = static_cast<size_t>(conv.channels);
  const int8_t* outside = static_cast<const int8_t*>(conv.packed);
  const unsigned char* block =
      static_cast<const unsigned char*>(conv.packed) + depthwise_s8_outside_bytes(conv.channels);
  const size_t block_bytes = depthwise_s8_block_bytes(DepthwiseS8Layout::kTap16, conv.kernel_h, conv.kernel_w);
  const int64_t first_y = int64_t{out_y} * conv.stride_h - conv.pad_top;
  for (int32_t b = 0; b * kDepthwiseS8Block < conv.channels; ++b, block += block_bytes) {
    const int32_t* folded = reinterpret_cast<const int32_t*>(block);
    const float* scale = reinterpret_cast<const float*>(block + 64);
    const int16_t* weights = reinterpret_cast<const int16_t*>(block + 128);
    for (int32_t lane = 0; lane < kDepthwiseS8Block; ++lane) {
      const int32_t channel = depthwise_s8_channel(conv.channels, b, lane);
      if (channel < 0) break;
      const size_t c = static_cast<size_t>(channel);
      for (int32_t x = 0; x < conv.out_w; ++x) {
        const int64_t first_x = int64_t{x} * conv.stride_w - conv.pad_left;
        uint32_t acc = static_cast<uint32_t>(folded[lane]);
        const int16_t* w = weights + lane;
        for (int32_t ky = 0; ky < conv.kernel_h; ++ky) {
          const int64_t in_y = first_y + int64_t{ky} * conv.dilation_h;
          for (int32_t kx = 0; kx < conv.kernel_w; ++kx, w += kDepthwiseS8Block) {
            const int64_t in_x = first_x + int64_t{kx} * conv.dilation_w;
            const bool inside = in_y >= 0 && in_y < conv.in_h && in_x >= 0 && in_x < conv.in_w;
            const int32_t value =
                inside ? src[static_cast<size_t>(in_y * conv.in_w + in_x) * channels + c] : outside[c];
            acc += static_cast<uint32_t>(value * *w);
          }
        }
        dst_row[static_cast<size_t>(x) * channels + c] =
            requantize(static_cast<int32_t>(acc), scale[lane], conv.output);
      }
    }
  }
}

}  // namespace dotori::kernels
