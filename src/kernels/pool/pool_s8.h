// SPDX-License-Identifier: Apache-2.0
// int8 max and average pooling, NHWC. The window of output (y, x) holds the positions
//   iy = y * stride_h - pad_top + ky * dilation_h,  ix = x * stride_w - pad_left + kx * dilation_w
// of which only those inside the image count:
//   max      the greatest byte; -128 when there is none
//   average  acc = sum of (src - in_zero_point)                                                      (int32, exact)
//            requantize(acc, float(in_scale / (out_scale * count)), output)      (kernels/quantize/requantize.h)
//            The scale is computed in double precision. `count` is the number of positions inside the image, or inside
//            the padded image when count_include_pad; 1 when there is none.
// All kernels give the same bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"
#include "kernels/pool/pool.h"
#include "kernels/quantize/requantize.h"

namespace dotori::kernels {

// One pooling; sizes in pixels, all at least 1 (paddings at least 0).
struct PoolS8 {
  int32_t in_h, in_w, channels;
  int32_t out_w;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_bottom, pad_left, pad_right;
  // Average only. At most kPoolS8MostTaps positions in a window, so that no sum leaves int32.
  bool count_include_pad;
  int32_t in_zero_point;
  double in_scale, out_scale;
  QuantizedOutput output;
};
constexpr int64_t kPoolS8MostTaps = 2147483647 / 255;

// Computes output row `out_y`: `src` is the whole image [in_h][in_w][channels], `dst_row` the row [out_w][channels].
// `scratch` has pool_s8_scratch_bytes(), not shared with another call under way; may be null when that is 0. None may
// overlap; any alignment.
using PoolS8Fn = void (*)(const PoolS8& pool, const int8_t* src, int8_t* dst_row, int32_t out_y,
                          int8_t* scratch) noexcept;
struct PoolS8Kernel {
  const char* name;  // "maxpool_s8_separable__avx2"
  Isa isa;
  PoolKind kind;
  int32_t least_channels;
  bool separable;  // the greatest of each column first, then along the row: needs in_w * channels bytes of scratch
  PoolS8Fn run;
};
// Everything compiled in, best first for each kind, the references last; `*count` receives the number.
const PoolS8Kernel* pool_s8_kernels(size_t* count) noexcept;
size_t pool_s8_scratch_bytes(const PoolS8Kernel& kernel, const PoolS8& pool) noexcept;
// Never fails: the reference kernels fit everything.
const PoolS8Kernel& select_pool_s8(PoolKind kind, const PoolS8& pool, Isa isa = host_isa()) noexcept;

// The rows of the table.
void maxpool_s8_any__reference(const PoolS8&, const int8_t*, int8_t*, int32_t, int8_t*) noexcept;
void avgpool_s8_any__reference(const PoolS8&, const int8_t*, int8_t*, int32_t, int8_t*) noexcept;
#if defined(__x86_64__)
void maxpool_s8_separable__avx2(const PoolS8&, const int8_t*, int8_t*, int32_t, int8_t*) noexcept;
void maxpool_s8_any__avx2(const PoolS8&, const int8_t*, int8_t*, int32_t, int8_t*) noexcept;
void avgpool_s8_any__avx2(const PoolS8&, const int8_t*, int8_t*, int32_t, int8_t*) noexcept;
#elif defined(__aarch64__)
void maxpool_s8_separable__neon(const PoolS8&, const int8_t*, int8_t*, int32_t, int8_t*) noexcept;
void maxpool_s8_any__neon(const PoolS8&, const int8_t*, int8_t*, int32_t, int8_t*) noexcept;
void avgpool_s8_any__neon(const PoolS8&, const int8_t*, int8_t*, int32_t, int8_t*) noexcept;
#endif

}  // namespace dotori::kernels
