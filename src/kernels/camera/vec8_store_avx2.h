// SPDX-License-Identifier: Apache-2.0
// What vec8_pixels.h needs beside F8, for AVX2. For ISA files only; internal linkage.
#pragma once

#include "kernels/elementwise/vec8_avx2.h"

namespace dotori::kernels {
namespace {

inline F8 float_of8(const int32_t* p) noexcept {
  return _mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

// a0 b0 c0 a1 b1 c1 …: each register of the result takes every third lane from each operand.
inline void store_interleaved8(float* dst, F8 a, F8 b, F8 c) noexcept {
  const __m256i order_a = _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5),
                order_b = _mm256_setr_epi32(5, 0, 3, 6, 1, 4, 7, 2),
                order_c = _mm256_setr_epi32(2, 5, 0, 3, 6, 1, 4, 7);
  const F8 pa = _mm256_permutevar8x32_ps(a, order_a);
  const F8 pb = _mm256_permutevar8x32_ps(b, order_b);
  const F8 pc = _mm256_permutevar8x32_ps(c, order_c);
  store8(dst, _mm256_blend_ps(_mm256_blend_ps(pa, pb, 0x92), pc, 0x24));
  store8(dst + 8, _mm256_blend_ps(_mm256_blend_ps(pa, pb, 0x24), pc, 0x49));
  store8(dst + 16, _mm256_blend_ps(_mm256_blend_ps(pa, pb, 0x49), pc, 0x92));
}

// Eight whole numbers + zero point.
inline __m128i words8(F8 v, __m128i zero_point) noexcept {
  const __m256i i = _mm256_cvtps_epi32(v);
  return _mm_add_epi16(_mm_packs_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1)), zero_point);
}

// Eight pixels of 1 or 3 whole numbers; with the zero point added each fits a byte.
inline void store_bytes8(uint8_t* dst, const F8* q, int channels, int32_t zero_point) noexcept {
  const __m128i zero = _mm_set1_epi16(static_cast<short>(zero_point));
  const __m128i low_bytes = _mm_set1_epi16(0xFF);
  const __m128i a = _mm_and_si128(words8(q[0], zero), low_bytes);
  if (channels == 1) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(dst), _mm_packus_epi16(a, a));
    return;
  }
  const __m128i b = _mm_and_si128(words8(q[1], zero), low_bytes), c = _mm_and_si128(words8(q[2], zero), low_bytes);
  const __m128i ab = _mm_packus_epi16(a, b), cc = _mm_packus_epi16(c, c);
  const __m128i first =
      _mm_or_si128(_mm_shuffle_epi8(ab, _mm_setr_epi8(0, 8, -1, 1, 9, -1, 2, 10, -1, 3, 11, -1, 4, 12, -1, 5)),
                   _mm_shuffle_epi8(cc, _mm_setr_epi8(-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1)));
  const __m128i rest =
      _mm_or_si128(_mm_shuffle_epi8(ab, _mm_setr_epi8(13, -1, 6, 14, -1, 7, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
                   _mm_shuffle_epi8(cc, _mm_setr_epi8(-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, -1, -1, -1, -1, -1, -1)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), first);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(dst + 16), rest);
}

}  // namespace
}  // namespace dotori::kernels
