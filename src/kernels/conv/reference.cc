// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv/conv.h"

namespace dotori::kernels {
namespace {

// The input position that tap `tap` of output position `out` reads, or -1 for none. 64 bits: products of hostile
// attributes.
int64_t conv_position(int32_t out, int32_t tap, int32_t stride, int32_t dilation, int32_t pad, int32_t size) noexcept {
  const int64_t in = int64_t{out} * stride - pad + int64_t{tap} * dilation;
  return in >= 0 && in < size ? in : -1;
}

int64_t transposed_position(int32_t out, int32_t tap, int32_t stride, int32_t dilation, int32_t pad,
                            int32_t size) noexcept {
  const int64_t scaled = int64_t{out} + pad - int64_t{tap} * dilation;
  return scaled >= 0 && scaled % stride == 0 && scaled / stride < size ? scaled / stride : -1;
}

using Position = int64_t (*)(int32_t, int32_t, int32_t, int32_t, int32_t, int32_t) noexcept;

template <Position kPosition>
void row(const ConvF32& conv, const float* src, const float* weights, const float* bias, float* dst,
         int32_t out_row) noexcept {
  const size_t group_in = static_cast<size_t>(conv.in_c / conv.groups);
  const size_t group_out = static_cast<size_t>(conv.out_c / conv.groups);
  const int32_t out_z = out_row / conv.out_h, out_y = out_row % conv.out_h;
  for (int32_t out_x = 0; out_x < conv.out_w; ++out_x) {
    const float* w = weights;
    for (size_t o = 0; o < static_cast<size_t>(conv.out_c); ++o) {
      const size_t first = o / group_out * group_in;
      float sum = bias != nullptr ? bias[o] : 0.0f;
      for (int32_t kz = 0; kz < conv.kernel_d; ++kz) {
        const int64_t z = kPosition(out_z, kz, conv.stride_d, conv.dilation_d, conv.pad_front, conv.in_d);
        for (int32_t ky = 0; ky < conv.kernel_h; ++ky) {
          const int64_t y = kPosition(out_y, ky, conv.stride_h, conv.dilation_h, conv.pad_top, conv.in_h);
          for (int32_t kx = 0; kx < conv.kernel_w; ++kx, w += group_in) {
            const int64_t x = kPosition(out_x, kx, conv.stride_w, conv.dilation_w, conv.pad_left, conv.in_w);
            if (z < 0 || y < 0 || x < 0) continue;
            const size_t index = static_cast<size_t>((z * conv.in_h + y) * conv.in_w + x);
            const float* pixel = src + index * static_cast<size_t>(conv.in_c) + first;
            for (size_t c = 0; c < group_in; ++c) sum += pixel[c] * w[c];
          }
        }
      }
      // Comparisons with the sum on the left keep a NaN.
      if (sum < conv.low) sum = conv.low;
      if (sum > conv.high) sum = conv.high;
      *dst++ = sum;
    }
  }
}

}  // namespace

void conv_f32_any__reference(const ConvF32& conv, const float* src, const float* weights, const float* bias,
                             float* dst_row, int32_t out_row) noexcept {
  row<conv_position>(conv, src, weights, bias, dst_row, out_row);
}

void conv_transpose_f32_any__reference(const ConvF32& conv, const float* src, const float* weights, const float* bias,
                                       float* dst_row, int32_t out_row) noexcept {
  row<transposed_position>(conv, src, weights, bias, dst_row, out_row);
}

}  // namespace dotori::kernels
