// SPDX-License-Identifier: Apache-2.0
// float32 convolution and transposed convolution of images [H,W,C] and volumes [D,H,W,C] in plain C++: the
// specification of what the fast ways compute (those are matrix products, see kernels/gemm), and the kernel where the
// weights are only known at run time. Convolution:  y[oy][ox][o] = clamp(bias[o] + sum over ky, kx, c of
// x[iy][ix][first(o) + c] * w[o][ky][kx][c])
//   iy = oy * stride_h - pad_top + ky * dilation_h,  ix = ox * stride_w - pad_left + kx * dilation_w
// Transposed:   the same sum over the ky, kx for which iy and ix are whole,
//   iy = (oy + pad_top - ky * dilation_h) / stride_h,  ix = (ox + pad_left - kx * dilation_w) / stride_w
// Volumes have kz, iz and oz in front, by the same rule. An image is a volume of one slice.
// first(o) is the first input channel of o's group. Taps outside the image are left out. The sum starts with the bias
// and goes through kz, ky, kx, c upwards in single precision; a NaN sum stays NaN.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace dotori::kernels {

// Sizes in pixels and channels, all at least 1 (paddings at least 0); groups divides both channel counts.
struct ConvF32 {
  int32_t in_d = 1, in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t kernel_d = 1, kernel_h, kernel_w;
  int32_t stride_d = 1, stride_h, stride_w;
  int32_t dilation_d = 1, dilation_h, dilation_w;
  int32_t pad_front = 0, pad_top, pad_left;
  int32_t groups;
  float low, high;  // -infinity and infinity: no clamp
};

// One output row: `src` is the whole volume [in_d][in_h][in_w][in_c], `weights`
// [out_c][kernel_d][kernel_h][kernel_w][in_c / groups], `bias` [out_c] or null (zeros), `dst_row` the row
// [out_w][out_c], which is row `out_row` = oz * out_h + oy. No overlap; any alignment.
using ConvF32Fn = void (*)(const ConvF32& conv, const float* src, const float* weights, const float* bias,
                           float* dst_row, int32_t out_row) noexcept;
void conv_f32_any__reference(const ConvF32& conv, const float* src, const float* weights, const float* bias,
                             float* dst_row, int32_t out_row) noexcept;
void conv_transpose_f32_any__reference(const ConvF32& conv, const float* src, const float* weights, const float* bias,
                                       float* dst_row, int32_t out_row) noexcept;

}  // namespace dotori::kernels
