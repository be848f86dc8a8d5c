// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "kernels/upsample/upsample_s8.h"

namespace dotori::kernels {
namespace {

inline __m256i load8(const int8_t* p) noexcept {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}

// The differences are whole and small: exact whether taken before or after the conversion, with or without zero point.
inline __m256 between8(const int8_t* first, const int8_t* second, __m256i zero_point, __m256 fraction) noexcept {
  const __m256i a = load8(first), b = load8(second);
  const __m256 step = _mm256_cvtepi32_ps(_mm256_sub_epi32(b, a));
  return _mm256_add_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(a, zero_point)), _mm256_mul_ps(step, fraction));
}

}  // namespace

// Eight channels at a time; the last block of a pixel ends at the last channel and may repeat some of the one before.
void resize_s8_bilinear__avx2(const ResizeBilinearS8& resize, const int8_t* top, const int8_t* bottom,
                              float row_fraction, int8_t* dst_row) noexcept {
  const size_t n = static_cast<size_t>(resize.channels);
  const QuantizedOutput& out = resize.output;
  const __m256i in_zero_point = _mm256_set1_epi32(resize.in_zero_point);
  const __m256 fy = _mm256_set1_ps(row_fraction), scale = _mm256_set1_ps(resize.scale);
  const __m256 high = _mm256_set1_ps(static_cast<float>(out.high - out.zero_point));
  const __m128i zero_point = _mm_set1_epi16(static_cast<short>(out.zero_point));
  const __m128i low = _mm_set1_epi8(static_cast<char>(out.low));
  const size_t last = n - 8;
  for (int32_t x = 0; x < resize.out_w; ++x, dst_row += n) {
    const ResizeTap tap = resize.columns[x];
    const size_t first = static_cast<size_t>(tap.first) * n, second = static_cast<size_t>(tap.second) * n;
    const __m256 fx = _mm256_set1_ps(tap.fraction);
    for (size_t c = 0;; c = c + 8 < last ? c + 8 : last) {
      const __m256 upper = between8(top + first + c, top + second + c, in_zero_point, fx);
      const __m256 lower = between8(bottom + first + c, bottom + second + c, in_zero_point, fx);
      const __m256 v = _mm256_add_ps(upper, _mm256_mul_ps(_mm256_sub_ps(lower, upper), fy));
      // What is below all int32 becomes the least int32; the saturating steps behind and `low` take care of it.
      const __m256i y = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_mul_ps(v, scale), high));
      const __m128i words =
          _mm_adds_epi16(_mm_packs_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1)), zero_point);
      _mm_storel_epi64(reinterpret_cast<__m128i*>(dst_row + c), _mm_max_epi8(_mm_packs_epi16(words, words), low));
      if (c == last) break;
    }
  }
}

}  // namespace dotori::kernels
