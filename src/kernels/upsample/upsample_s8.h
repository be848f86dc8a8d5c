// SPDX-License-Identifier: Apache-2.0
// int8 resampling of images, NHWC, one output row at a time; tables as in upsample.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"
#include "kernels/quantize/requantize.h"
#include "kernels/upsample/upsample.h"

namespace dotori::kernels {

// dst_row[x][c] = src_row[columns[x]][c]
// for x < out_w, c < channels; src_row and dst_row must not overlap, any alignment.
using ResizeNearestS8Fn = void (*)(const int32_t* columns, int32_t out_w, int32_t channels, const int8_t* src_row,
                                   int8_t* dst_row) noexcept;
struct ResizeNearestS8Kernel {
  const char* name;  // "resize_s8_nearest__reference"
  Isa isa;
  ResizeNearestS8Fn run;
};

struct ResizeBilinearS8 {
  const ResizeTap* columns;  // [out_w]
  int32_t out_w, channels;
  int32_t in_zero_point;
  float scale;  // input scale / output scale, finite
  QuantizedOutput output;
};
// First between the columns, then between the rows, every operation an IEEE single one rounded on its own; with
// columns[x] = {first, second, fraction} and p(row, i) = float(row[i][c] - in_zero_point):
//   upper = p(top, first) + (p(top, second) - p(top, first)) * fraction;  lower alike from `bottom`
//   dst_row[x][c] = quantize_real((upper + (lower - upper) * row_fraction) * scale, output)
// `output.slope` is not used. `top` and `bottom` may be the same row; dst_row must not overlap them; any alignment. All
// kernels give the same bytes.
using ResizeBilinearS8Fn = void (*)(const ResizeBilinearS8& resize, const int8_t* top, const int8_t* bottom,
                                    float row_fraction, int8_t* dst_row) noexcept;
struct ResizeBilinearS8Kernel {
  const char* name;  // "resize_s8_bilinear__avx2"
  Isa isa;
  int32_t least_channels;
  ResizeBilinearS8Fn run;
};

// Everything compiled in, best first, the reference last; `*count` receives the number.
const ResizeNearestS8Kernel* resize_nearest_s8_kernels(size_t* count) noexcept;
const ResizeBilinearS8Kernel* resize_bilinear_s8_kernels(size_t* count) noexcept;
// Never fail: the reference kernels fit everything.
const ResizeNearestS8Kernel& select_resize_nearest_s8(Isa isa = host_isa()) noexcept;
const ResizeBilinearS8Kernel& select_resize_bilinear_s8(int32_t channels, Isa isa = host_isa()) noexcept;

// The rows of the tables.
void resize_s8_nearest__reference(const int32_t*, int32_t, int32_t, const int8_t*, int8_t*) noexcept;
void resize_s8_bilinear__reference(const ResizeBilinearS8&, const int8_t*, const int8_t*, float, int8_t*) noexcept;
#if defined(__x86_64__)
void resize_s8_bilinear__avx2(const ResizeBilinearS8&, const int8_t*, const int8_t*, float, int8_t*) noexcept;
#elif defined(__aarch64__)
void resize_s8_bilinear__neon(const ResizeBilinearS8&, const int8_t*, const int8_t*, float, int8_t*) noexcept;
#endif

}  // namespace dotori::kernels
