// SPDX-License-Identifier: Apache-2.0
// float32 max and average pooling, NHWC. The window of output (y, x) holds the positions
//   iy = y * stride_h - pad_top + ky * dilation_h,  ix = x * stride_w - pad_left + kx * dilation_w
// of which only those inside the image count:
//   max      the greatest; NaN when one of them is NaN; -infinity when there is none
//   average  sum / divisor: the sum of each window row from left to right, then the sum of these from top to bottom.
//   The
//            divisor is the number of positions inside the image, or inside the padded image when count_include_pad; 1
//            when there is none
// All kernels give the same bits (but for the sign of a zero maximum and the payload of a NaN).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

namespace dotori::kernels {

enum class PoolKind : uint8_t { kMax = 0, kAverage = 1 };

// One pooling; sizes in pixels, all at least 1 (paddings at least 0).
struct PoolF32 {
  int32_t in_h, in_w, channels;
  int32_t out_w;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_bottom, pad_left, pad_right;
  bool count_include_pad;  // average only
};

// Computes output row `out_y`: `src` is the whole image [in_h][in_w][channels], `dst_row` the row [out_w][channels].
// `scratch` has pool_f32_scratch_elems() floats, not shared with another call under way; may be null when that is 0.
// None may overlap; any alignment.
using PoolF32Fn = void (*)(const PoolF32& pool, const float* src, float* dst_row, int32_t out_y,
                           float* scratch) noexcept;
struct PoolF32Kernel {
  const char* name;  // "maxpool_f32_separable__avx2"
  Isa isa;
  PoolKind kind;
  int32_t least_channels;
  bool separable;  // the greatest of each column first, then along the row: needs in_w * channels floats of scratch
  PoolF32Fn run;
};
// Everything compiled in, best first for each kind, the references last; `*count` receives the number.
const PoolF32Kernel* pool_f32_kernels(size_t* count) noexcept;
size_t pool_f32_scratch_elems(const PoolF32Kernel& kernel, const PoolF32& pool) noexcept;
// Never fails: the reference kernels fit everything.
const PoolF32Kernel& select_pool_f32(PoolKind kind, const PoolF32& pool, Isa isa = host_isa()) noexcept;

// The rows of the table.
void maxpool_f32_any__reference(const PoolF32&, const float*, float*, int32_t, float*) noexcept;
void avgpool_f32_any__reference(const PoolF32&, const float*, float*, int32_t, float*) noexcept;
#if defined(__x86_64__)
void maxpool_f32_separable__avx2(const PoolF32&, const float*, float*, int32_t, float*) noexcept;
void maxpool_f32_any__avx2(const PoolF32&, const float*, float*, int32_t, float*) noexcept;
void avgpool_f32_any__avx2(const PoolF32&, const float*, float*, int32_t, float*) noexcept;
#elif defined(__aarch64__)
void maxpool_f32_separable__neon(const PoolF32&, const float*, float*, int32_t, float*) noexcept;
void maxpool_f32_any__neon(const PoolF32&, const float*, float*, int32_t, float*) noexcept;
void avgpool_f32_any__neon(const PoolF32&, const float*, float*, int32_t, float*) noexcept;
#endif

}  // namespace dotori::kernels
