// SPDX-License-Identifier: Apache-2.0
// float32 depthwise convolution, NHWC: every channel has its own kernel_h x kernel_w filter.
//   dst[y][x][c] = min(max(bias[c] + sum over ky, kx of src[iy][ix][c] * w[c][ky][kx], low), high)
//   iy = y * stride_h - pad_top + ky * dilation_h,  ix = x * stride_w - pad_left + kx * dilation_w
// Taps outside the image are left out (not multiplied by zero). The sum starts with the bias and goes through ky, then
// kx, upwards, one (fused, in the vector kernels) multiply-add each, wherever the element lies: results do not depend
// on how rows, columns or channels are cut into tiles. A NaN sum stays NaN.
//
// Packed weights: channels in blocks of 8. Block b holds the channels first(b) .. first(b) + 7, where first(b) = 8 b,
// but the last block of an image with 8 channels or more ends at the last channel (it shares channels with the block
// before, which then computes the same numbers). One block: 8 biases, then for each tap (ky, kx) 8 weights. With fewer
// than 8 channels the missing ones are zero.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

namespace dotori::kernels {

// One convolution; sizes in pixels, all at least 1 (paddings at least 0). Plain data, valid while `packed` is.
struct DepthwiseF32 {
  const float* packed;  // pack_depthwise_f32, aligned to 32 bytes
  int32_t in_h, in_w, channels;
  int32_t out_w;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  float low, high;  // -infinity and infinity: no clamp
};

// Elements of the packed weights.
size_t depthwise_f32_packed_elems(int32_t channels, int32_t kernel_h, int32_t kernel_w) noexcept;
// `weights` is [channels][kernel_h][kernel_w], `bias` [channels] or null (zeros).
void pack_depthwise_f32(const float* weights, const float* bias, int32_t channels, int32_t kernel_h, int32_t kernel_w,
                        float* packed) noexcept;

// Computes output row `out_y`: `src` is the whole image [in_h][in_w][channels], `dst_row` the row [out_w][channels].
// They must not overlap; any alignment.
using DepthwiseF32Fn = void (*)(const DepthwiseF32& conv, const float* src, float* dst_row, int32_t out_y) noexcept;
struct DepthwiseF32Kernel {
  const char* name;  // "dwconv_f32_kw3s1__avx2": kernel_w 3, stride_w 1, any height
  Isa isa;
  int32_t kernel_w;  // the only kernel_w, stride_w (and dilation_w 1) it can do; 0: any
  int32_t stride_w;
  DepthwiseF32Fn run;
};
// Everything compiled in, best first, the reference last; `*count` receives the number.
const DepthwiseF32Kernel* depthwise_f32_kernels(size_t* count) noexcept;
bool depthwise_f32_fits(const DepthwiseF32Kernel& kernel, const DepthwiseF32& conv) noexcept;
// Never fails: the reference kernel fits everything. Looks at the sizes of `conv` only, not at `packed`.
const DepthwiseF32Kernel& select_depthwise_f32(const DepthwiseF32& conv, Isa isa = host_isa()) noexcept;

// The rows of the table.
void dwconv_f32_any__reference(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
#if defined(__x86_64__)
void dwconv_f32_kw3s1__avx2(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_kw3s2__avx2(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_kw5s1__avx2(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_kw5s2__avx2(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_kw3s1__avx512(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_kw3s2__avx512(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_kw5s1__avx512(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_kw5s2__avx512(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_any__avx2(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
#elif defined(__aarch64__)
void dwconv_f32_kw3s1__neon(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_kw3s2__neon(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_kw5s1__neon(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_kw5s2__neon(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
void dwconv_f32_any__neon(const DepthwiseF32&, const float*, float*, int32_t) noexcept;
#endif

}  // namespace dotori::kernels
