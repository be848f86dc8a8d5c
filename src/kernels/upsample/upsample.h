// SPDX-License-Identifier: Apache-2.0
// float32 resampling of images, NHWC, one output row at a time. Which input columns an output column reads is in tables
// of the caller; the kernels know no coordinate rule.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

namespace dotori::kernels {

// dst_row[x][c] = src_row[columns[x]][c]
// for x < out_w, c < channels; src_row and dst_row must not overlap, any alignment.
using ResizeNearestF32Fn = void (*)(const int32_t* columns, int32_t out_w, int32_t channels, const float* src_row,
                                    float* dst_row) noexcept;
struct ResizeNearestF32Kernel {
  const char* name;  // "resize_f32_nearest__reference"
  Isa isa;
  ResizeNearestF32Fn run;
};

// What an output row or column lies between: `first` + fraction * (second - first), fraction in [0, 1).
struct ResizeTap {
  int32_t first, second;  // input row or column
  float fraction;
};

// First between the rows, then between the columns, every operation rounded on its own:
//   v(i) = top[i][c] + row_fraction * (bottom[i][c] - top[i][c])
//   dst_row[x][c] = v(first) + fraction * (v(second) - v(first))        with columns[x] = {first, second, fraction}
// Equal neighbours give their own value exactly; infinite ones give NaN. All kernels give the same bits.
// `top` and `bottom` may be the same row; dst_row must not overlap them; any alignment.
using ResizeBilinearF32Fn = void (*)(const ResizeTap* columns, int32_t out_w, int32_t channels, const float* top,
                                     const float* bottom, float row_fraction, float* dst_row) noexcept;
struct ResizeBilinearF32Kernel {
  const char* name;  // "resize_f32_bilinear__avx2"
  Isa isa;
  int32_t least_channels;
  ResizeBilinearF32Fn run;
};

// Everything compiled in, best first, the reference last; `*count` receives the number.
const ResizeNearestF32Kernel* resize_nearest_f32_kernels(size_t* count) noexcept;
const ResizeBilinearF32Kernel* resize_bilinear_f32_kernels(size_t* count) noexcept;
// Never fail: the reference kernels fit everything.
const ResizeNearestF32Kernel& select_resize_nearest_f32(Isa isa = host_isa()) noexcept;
const ResizeBilinearF32Kernel& select_resize_bilinear_f32(int32_t channels, Isa isa = host_isa()) noexcept;

// The rows of the tables.
void resize_f32_nearest__reference(const int32_t*, int32_t, int32_t, const float*, float*) noexcept;
void resize_f32_bilinear__reference(const ResizeTap*, int32_t, int32_t, const float*, const float*, float,
                                    float*) noexcept;
#if defined(__x86_64__)
void resize_f32_bilinear__avx2(const ResizeTap*, int32_t, int32_t, const float*, const float*, float, float*) noexcept;
#elif defined(__aarch64__)
void resize_f32_bilinear__neon(const ResizeTap*, int32_t, int32_t, const float*, const float*, float, float*) noexcept;
#endif

}  // namespace dotori::kernels
