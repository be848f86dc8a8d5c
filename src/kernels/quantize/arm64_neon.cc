// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantize/quantize.h"
#include "kernels/quantize/vec16_quantize.h"

namespace dotori::kernels {
namespace {

int8x16x4_t load64(const int8_t* table) noexcept {
  return {{vld1q_s8(table), vld1q_s8(table + 16), vld1q_s8(table + 32), vld1q_s8(table + 48)}};
}

// Four tables of 64 entries, in sixteen registers; an index beyond a table leaves the result of the one before.
struct Tables64 {
  explicit Tables64(const int8_t* table) noexcept
      : a(load64(table)), b(load64(table + 64)), c(load64(table + 128)), d(load64(table + 192)) {}
  [[gnu::always_inline]] int8x16_t operator()(int8x16_t x) const noexcept {
    const uint8x16_t index = vreinterpretq_u8_s8(x);
    int8x16_t y = vqtbl4q_s8(a, index);
    y = vqtbx4q_s8(y, b, vsubq_u8(index, vdupq_n_u8(64)));
    y = vqtbx4q_s8(y, c, vsubq_u8(index, vdupq_n_u8(128)));
    return vqtbx4q_s8(y, d, vsubq_u8(index, vdupq_n_u8(192)));
  }
  int8x16x4_t a, b, c, d;
};

}  // namespace

void lookup_s8__neon(const int8_t* x, size_t x_stride, int8_t* y, size_t y_stride, size_t rows, size_t cols,
                     const int8_t* table) noexcept {
  if (cols < 16) {
    for (size_t r = 0; r < rows; ++r)
      for (size_t c = 0; c < cols; ++c) y[r * y_stride + c] = table[static_cast<uint8_t>(x[r * x_stride + c])];
    return;
  }
  const Tables64 tables(table);
  for (size_t r = 0; r < rows; ++r) {
    const int8_t* px = x + r * x_stride;
    int8_t* py = y + r * y_stride;
    // A ragged end is the row's last vector, read before anything is written because y may be x.
    const int8x16_t last = vld1q_s8(px + cols - 16);
    size_t c = 0;
    // Compilers read the tables anew in each pass of this loop; four vectors make that worth while.
    for (; c + 64 <= cols; c += 64) {
      const int8x16x4_t q = load64(px + c);
      const int8x16_t y0 = tables(q.val[0]), y1 = tables(q.val[1]), y2 = tables(q.val[2]), y3 = tables(q.val[3]);
      vst1q_s8(py + c, y0);
      vst1q_s8(py + c + 16, y1);
      vst1q_s8(py + c + 32, y2);
      vst1q_s8(py + c + 48, y3);
    }
    for (; c + 16 <= cols; c += 16) vst1q_s8(py + c, tables(vld1q_s8(px + c)));
    if (c < cols) vst1q_s8(py + cols - 16, tables(last));
  }
}

void quantize_f32__neon(const float* x, void* y, size_t n, float scale, int32_t zero_point, uint8_t flip) noexcept {
  quantize_loop16(x, y, n, scale, zero_point, flip);
}

void dequantize_f32__neon(const void* x, float* y, size_t n, float scale, int32_t zero_point, uint8_t flip) noexcept {
  dequantize_loop16(x, y, n, scale, zero_point, flip);
}

}  // namespace dotori::kernels
