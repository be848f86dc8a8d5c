// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/quantize/requantize.h"

namespace dotori::kernels {
namespace {

using Bytes16 = __m128i;
using Words16 = __m256i;
struct Sums16 {
  __m256i a, b;  // elements 0-7, 8-15
};

inline Bytes16 load_bytes16(const int8_t* p) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
inline Bytes16 load_bytes8(const int8_t* p) noexcept {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
}
inline void store_bytes16(int8_t* p, Bytes16 v) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v);
}
inline void store_bytes8(int8_t* p, Bytes16 v) noexcept {
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), v);
}
inline Bytes16 splat_bytes(int8_t v) noexcept {
  return _mm_set1_epi8(v);
}
inline Bytes16 max_bytes(Bytes16 a, Bytes16 b) noexcept {
  return _mm_max_epi8(a, b);
}
inline Words16 zero_words() noexcept {
  return _mm256_setzero_si256();
}
inline Words16 add_bytes(Words16 sum, Bytes16 v) noexcept {
  return _mm256_add_epi16(sum, _mm256_cvtepi8_epi16(v));
}
inline Sums16 splat_sums(int32_t v) noexcept {
  return {_mm256_set1_epi32(v), _mm256_set1_epi32(v)};
}
inline Sums16 add_words(Sums16 sum, Words16 v) noexcept {
  return {_mm256_add_epi32(sum.a, _mm256_cvtepi16_epi32(_mm256_castsi256_si128(v))),
          _mm256_add_epi32(sum.b, _mm256_cvtepi16_epi32(_mm256_extracti128_si256(v, 1)))};
}
inline __m256i rounded8(__m256i acc, float scale, const QuantizedOutput& out) noexcept {
  __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_set1_ps(scale));
  v = _mm256_max_ps(v, _mm256_mul_ps(v, _mm256_set1_ps(out.slope)));
  // What is below all int32 becomes the least int32; the saturating steps behind and `low` take care of it.
  return _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(static_cast<float>(out.high - out.zero_point))));
}
inline Bytes16 requantize16(Sums16 sum, float scale, const QuantizedOutput& out) noexcept {
  const __m256i crossed = _mm256_packs_epi32(rounded8(sum.a, scale, out), rounded8(sum.b, scale, out));
  const __m256i words =
      _mm256_adds_epi16(_mm256_permute4x64_epi64(crossed, 0xD8), _mm256_set1_epi16(static_cast<short>(out.zero_point)));
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  return _mm_max_epi8(bytes, _mm_set1_epi8(static_cast<char>(out.low)));
}

}  // namespace
}  // namespace dotori::kernels

#include "kernels/pool/rows_s8.h"

namespace dotori::kernels {

DOTORI_DEFINE_POOL_S8(avx2)

}  // namespace dotori::kernels
