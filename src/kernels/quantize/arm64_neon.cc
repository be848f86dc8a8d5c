// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>
#include <string.h>

#include "kernels/quantize/quantize.h"
#include "kernels/quantize/vec16_quantize.h"

namespace dotori::kernels {
namespace {

// `pairs` (at least one) times two vectors. Four tables of 64 entries in sixteen registers; an index beyond a table
// leaves the result of the one before. Compilers, left to themselves, read the tables anew for every vector.
inline void look_up_pairs(const int8_t* x, int8_t* y, size_t pairs, const int8_t* table) noexcept {
  __asm__ volatile(
      "ld1 {v16.16b-v19.16b}, [%3], #64\n\t"
      "ld1 {v20.16b-v23.16b}, [%3], #64\n\t"
      "ld1 {v24.16b-v27.16b}, [%3], #64\n\t"
      "ld1 {v28.16b-v31.16b}, [%3]\n\t"
      "movi v0.16b, #64\n\t"
      "1:\n\t"
      "ldp q1, q2, [%0], #32\n\t"
      "tbl v5.16b, {v16.16b-v19.16b}, v1.16b\n\t"
      "sub v3.16b, v1.16b, v0.16b\n\t"
      "tbl v6.16b, {v16.16b-v19.16b}, v2.16b\n\t"
      "sub v4.16b, v2.16b, v0.16b\n\t"
      "tbx v5.16b, {v20.16b-v23.16b}, v3.16b\n\t"
      "sub v3.16b, v3.16b, v0.16b\n\t"
      "tbx v6.16b, {v20.16b-v23.16b}, v4.16b\n\t"
      "sub v4.16b, v4.16b, v0.16b\n\t"
      "tbx v5.16b, {v24.16b-v27.16b}, v3.16b\n\t"
      "sub v3.16b, v3.16b, v0.16b\n\t"
      "tbx v6.16b, {v24.16b-v27.16b}, v4.16b\n\t"
      "sub v4.16b, v4.16b, v0.16b\n\t"
      "tbx v5.16b, {v28.16b-v31.16b}, v3.16b\n\t"
      "tbx v6.16b, {v28.16b-v31.16b}, v4.16b\n\t"
      "subs %2, %2, #1\n\t"
      "stp q5, q6, [%1], #32\n\t"
      "b.ne 1b"
      : "+r"(x), "+r"(y), "+r"(pairs), "+r"(table)
      :
      : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
        "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
}

}  // namespace

void lookup_s8__neon(const int8_t* x, size_t x_stride, int8_t* y, size_t y_stride, size_t rows, size_t cols,
                     const int8_t* table) noexcept {
  if (cols < 16) {
    for (size_t r = 0; r < rows; ++r)
      for (size_t c = 0; c < cols; ++c) y[r * y_stride + c] = table[static_cast<uint8_t>(x[r * x_stride + c])];
    return;
  }
  for (size_t r = 0; r < rows; ++r) {
    const int8_t* px = x + r * x_stride;
    int8_t* py = y + r * y_stride;
    if (cols % 32 == 0) {
      look_up_pairs(px, py, cols / 32, table);
      continue;
    }
    // The last 32 elements, or the first 16 and the last: read before anything is written because y may be x.
    const size_t first = cols < 32 ? 0 : cols - 32;
    int8_t ends[32];
    memcpy(ends, px + first, 16);
    memcpy(ends + 16, px + cols - 16, 16);
    look_up_pairs(ends, ends, 1, table);
    if (cols > 32) look_up_pairs(px, py, cols / 32, table);
    memcpy(py + first, ends, 16);
    memcpy(py + cols - 16, ends + 16, 16);
  }
}

void quantize_f32__neon(const float* x, void* y, size_t n, float scale, int32_t zero_point, uint8_t flip) noexcept {
  quantize_loop16(x, y, n, scale, zero_point, flip);
}

void dequantize_f32__neon(const void* x, float* y, size_t n, float scale, int32_t zero_point, uint8_t flip) noexcept {
  dequantize_loop16(x, y, n, scale, zero_point, flip);
}

}  // namespace dotori::kernels
