// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantize/quantize.h"
#include "kernels/quantize/vec16_quantize.h"

namespace dotori::kernels {
namespace {

// A shuffle looks up 16 entries by the low four bits of an index, and gives 0 where its top bit is set. So, with the
// index counted down by 16 from table to table, every table up to the wanted one takes part; stored as differences
// (exclusive or) to the table before, they leave the wanted entry. Once for indices 0..127, once for 128..255, whose
// top bit is turned round; the saturating subtraction keeps the other half's indices negative.
struct ShuffleTables {
  __m256i block[16];
};

ShuffleTables make_shuffle_tables(const int8_t* table) noexcept {
  ShuffleTables tables;
  __m256i before = _mm256_setzero_si256();
  for (int i = 0; i < 16; ++i) {
    if (i == 8) before = _mm256_setzero_si256();
    const __m256i here = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table + i * 16)));
    tables.block[i] = _mm256_xor_si256(here, before);
    before = here;
  }
  return tables;
}

[[gnu::always_inline]] inline __m256i lookup32(const ShuffleTables& tables, __m256i x) noexcept {
  const __m256i step = _mm256_set1_epi8(16);
  __m256i y = _mm256_setzero_si256(), low = x, high = _mm256_xor_si256(x, _mm256_set1_epi8(-128));
  for (int i = 0; i < 8; ++i) {
    y = _mm256_xor_si256(y, _mm256_shuffle_epi8(tables.block[i], low));
    y = _mm256_xor_si256(y, _mm256_shuffle_epi8(tables.block[i + 8], high));
    low = _mm256_subs_epi8(low, step);
    high = _mm256_subs_epi8(high, step);
  }
  return y;
}

__m256i load32(const int8_t* p) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
void store32(int8_t* p, __m256i v) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
}

}  // namespace

void lookup_s8__avx2(const int8_t* x, size_t x_stride, int8_t* y, size_t y_stride, size_t rows, size_t cols,
                     const int8_t* table) noexcept {
  // Below this the tables' preparation costs more than it saves.
  if (cols < 32 || rows * cols < 96) {
    for (size_t r = 0; r < rows; ++r)
      for (size_t c = 0; c < cols; ++c) y[r * y_stride + c] = table[static_cast<uint8_t>(x[r * x_stride + c])];
    return;
  }
  const ShuffleTables tables = make_shuffle_tables(table);
  for (size_t r = 0; r < rows; ++r) {
    const int8_t* px = x + r * x_stride;
    int8_t* py = y + r * y_stride;
    // A ragged end is the row's last vector, read before anything is written because y may be x.
    const __m256i last = load32(px + cols - 32);
    size_t c = 0;
    for (; c + 32 <= cols; c += 32) store32(py + c, lookup32(tables, load32(px + c)));
    if (c < cols) store32(py + cols - 32, lookup32(tables, last));
  }
}

void quantize_f32__avx2(const float* x, void* y, size_t n, float scale, int32_t zero_point, uint8_t flip) noexcept {
  quantize_loop16(x, y, n, scale, zero_point, flip);
}

void dequantize_f32__avx2(const void* x, float* y, size_t n, float scale, int32_t zero_point, uint8_t flip) noexcept {
  dequantize_loop16(x, y, n, scale, zero_point, flip);
}

}  // namespace dotori::kernels
