// SPDX-License-Identifier: Apache-2.0
// Sixteen int8 elements in one SSE register, their 16-bit and float32 values in AVX2 registers, and the primitive
// operations of the int8 kernels; for the busiest loops also thirty-two elements. For x86-64 kernel files only;
// everything has internal linkage. vec16_s8_neon.h has the same functions.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/quantize/requantize.h"

namespace dotori::kernels {
namespace {

struct B16 {
  __m128i v;
};
struct W16 {
  __m256i v;  // int16
};
struct I16 {
  __m256i lo, hi;  // int32
};
// Elements 0-7 and 8-15; or, in the "split" order that spares some functions a permutation, 0-3 and 8-11, 4-7 and
// 12-15.
struct F16 {
  __m256 lo, hi;
};

// Thirty-two elements, and their values in the order in which the unpack instructions leave them: in each half of the
// registers 0-3, 4-7, 8-11, 12-15. Packing restores the order.
struct B32 {
  __m256i v;
};
struct W32 {
  __m256i lo, hi;  // int16
};
struct F32 {
  __m256 v[4];
};
// What main loops work on.
using WideBytes = B32;
constexpr size_t kWideBytes = 32;

inline void load(const int8_t* p, B16* x) noexcept {
  x->v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
inline void load(const int8_t* p, B32* x) noexcept {
  x->v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
inline void splat(int8_t value, B16* x) noexcept {
  x->v = _mm_set1_epi8(value);
}
inline void splat(int8_t value, B32* x) noexcept {
  x->v = _mm256_set1_epi8(value);
}
inline void store(int8_t* p, B16 x) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), x.v);
}
inline void store(int8_t* p, B32 x) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.v);
}
inline B16 load16(const int8_t* p) noexcept {
  return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))};
}
inline void store16(int8_t* p, B16 x) noexcept {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), x.v);
}
// The first `n` (1..15) elements from memory, zeros behind; nothing beyond p[n - 1] is touched.
inline B16 load16_part(const int8_t* p, size_t n) noexcept {
  int8_t lanes[16] = {};
  memcpy(lanes, p, n);
  return load16(lanes);
}
inline void store16_part(int8_t* p, B16 x, size_t n) noexcept {
  int8_t lanes[16];
  store16(lanes, x);
  memcpy(p, lanes, n);
}
inline B16 splat16(int8_t x) noexcept {
  return {_mm_set1_epi8(x)};
}
inline B16 max16(B16 a, B16 b) noexcept {
  return {_mm_max_epi8(a.v, b.v)};
}
inline B16 min16(B16 a, B16 b) noexcept {
  return {_mm_min_epi8(a.v, b.v)};
}
inline B16 xor16(B16 a, B16 b) noexcept {
  return {_mm_xor_si128(a.v, b.v)};
}
// The least of sixteen unsigned bytes.
inline int least_byte16(__m128i x) noexcept {
  const __m128i pairs = _mm_min_epu8(x, _mm_srli_epi16(x, 8));
  return _mm_cvtsi128_si32(_mm_minpos_epu16(_mm_and_si128(pairs, _mm_set1_epi16(255)))) & 255;
}
// x ^ 127 counts from 127 down to -128 as 0 up to 255, x ^ -128 the other way.
inline int8_t max_lanes16(B16 x) noexcept {
  return static_cast<int8_t>(least_byte16(_mm_xor_si128(x.v, _mm_set1_epi8(127))) ^ 127);
}
inline int8_t min_lanes16(B16 x) noexcept {
  return static_cast<int8_t>(least_byte16(_mm_xor_si128(x.v, _mm_set1_epi8(-128))) ^ 128);
}

// 16-bit arithmetic; the caller keeps the values in range.
inline W16 splat_w16(int32_t x) noexcept {
  return {_mm256_set1_epi16(static_cast<int16_t>(x))};
}
// a - zero; -128 <= zero <= 127.
inline W16 difference_w16(B16 a, int32_t zero) noexcept {
  return {_mm256_sub_epi16(_mm256_cvtepi8_epi16(a.v), _mm256_set1_epi16(static_cast<int16_t>(zero)))};
}
// sum + x.
inline W16 accumulate16(W16 sum, B16 x) noexcept {
  return {_mm256_add_epi16(sum.v, _mm256_cvtepi8_epi16(x.v))};
}

inline I16 widen_w16(W16 x) noexcept {
  return {_mm256_cvtepi16_epi32(_mm256_castsi256_si128(x.v)), _mm256_cvtepi16_epi32(_mm256_extracti128_si256(x.v, 1))};
}
inline I16 splat_i16(int32_t x) noexcept {
  const __m256i v = _mm256_set1_epi32(x);
  return {v, v};
}
inline I16 add_i16(I16 a, I16 b) noexcept {
  return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}
inline int32_t sum_lanes_i16(I16 x) noexcept {
  const __m256i eight = _mm256_add_epi32(x.lo, x.hi);
  __m128i v = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  v = _mm_add_epi32(v, _mm_srli_si128(v, 8));
  return _mm_cvtsi128_si32(_mm_add_epi32(v, _mm_srli_si128(v, 4)));
}
inline I16 load_i16(const int32_t* p) noexcept {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
}
inline F16 float_i16(I16 x) noexcept {
  return {_mm256_cvtepi32_ps(x.lo), _mm256_cvtepi32_ps(x.hi)};
}
// float(a - zero); -128 <= zero <= 127.
inline F16 float_difference16(B16 a, int32_t zero) noexcept {
  const __m256i z = _mm256_set1_epi32(zero);
  return {_mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_cvtepi8_epi32(a.v), z)),
          _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_cvtepi8_epi32(_mm_srli_si128(a.v, 8)), z))};
}
// float(a * b) in the split order.
inline F16 float_product_split16(W16 a, W16 b) noexcept {
  const __m256i low = _mm256_mullo_epi16(a.v, b.v), high = _mm256_mulhi_epi16(a.v, b.v);
  return {_mm256_cvtepi32_ps(_mm256_unpacklo_epi16(low, high)), _mm256_cvtepi32_ps(_mm256_unpackhi_epi16(low, high))};
}

inline F16 splat_f16(float x) noexcept {
  const __m256 v = _mm256_set1_ps(x);
  return {v, v};
}
inline F16 load_f16(const float* p) noexcept {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
inline F16 load_f16_part(const float* p, size_t n) noexcept {
  float lanes[16] = {};
  memcpy(lanes, p, n * sizeof(float));
  return load_f16(lanes);
}
inline void store_f16(float* p, F16 x) noexcept {
  _mm256_storeu_ps(p, x.lo);
  _mm256_storeu_ps(p + 8, x.hi);
}
inline F16 add_f16(F16 a, F16 b) noexcept {
  return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
inline F16 sub_f16(F16 a, F16 b) noexcept {
  return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
inline F16 mul_f16(F16 a, F16 b) noexcept {
  return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
inline F16 div_f16(F16 a, F16 b) noexcept {
  return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}
inline F16 min_f16(F16 a, F16 b) noexcept {
  return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)};
}
inline F16 max_f16(F16 a, F16 b) noexcept {
  return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}
// x with 0 in the place of NaN.
inline F16 zero_nan_f16(F16 x) noexcept {
  return {_mm256_and_ps(x.lo, _mm256_cmp_ps(x.lo, x.lo, _CMP_ORD_Q)),
          _mm256_and_ps(x.hi, _mm256_cmp_ps(x.hi, x.hi, _CMP_ORD_Q))};
}
// x < 0 ? negative : other.
inline F16 select_negative_f16(F16 x, F16 negative, F16 other) noexcept {
  return {_mm256_blendv_ps(other.lo, negative.lo, x.lo), _mm256_blendv_ps(other.hi, negative.hi, x.hi)};
}

inline W32 difference_w16(B32 a, int32_t zero) noexcept {
  const __m256i u = _mm256_xor_si256(a.v, _mm256_set1_epi8(-128)), none = _mm256_setzero_si256();
  const __m256i shift = _mm256_set1_epi16(static_cast<int16_t>(128 + zero));
  return {_mm256_sub_epi16(_mm256_unpacklo_epi8(u, none), shift),
          _mm256_sub_epi16(_mm256_unpackhi_epi8(u, none), shift)};
}
inline F32 float_product_split16(W32 a, W32 b) noexcept {
  const F16 lo = float_product_split16(W16{a.lo}, W16{b.lo}), hi = float_product_split16(W16{a.hi}, W16{b.hi});
  return {{lo.lo, lo.hi, hi.lo, hi.hi}};
}
inline F32 float_difference16(B32 a, int32_t zero) noexcept {
  // With 0x4B00 above it, the 16-bit number u is the float 2^23 + u: no conversion is needed, only exact differences.
  const __m256i u = _mm256_xor_si256(a.v, _mm256_set1_epi8(-128)), none = _mm256_setzero_si256();
  const __m256i lo = _mm256_unpacklo_epi8(u, none), hi = _mm256_unpackhi_epi8(u, none);
  const __m256i top = _mm256_set1_epi16(0x4B00);
  const __m256 shift = _mm256_set1_ps(static_cast<float>(8388608 + 128 + zero));
  return {{_mm256_sub_ps(_mm256_castsi256_ps(_mm256_unpacklo_epi16(lo, top)), shift),
           _mm256_sub_ps(_mm256_castsi256_ps(_mm256_unpackhi_epi16(lo, top)), shift),
           _mm256_sub_ps(_mm256_castsi256_ps(_mm256_unpacklo_epi16(hi, top)), shift),
           _mm256_sub_ps(_mm256_castsi256_ps(_mm256_unpackhi_epi16(hi, top)), shift)}};
}
inline F16 scale_f16(F16 a, float b) noexcept {
  return mul_f16(a, splat_f16(b));
}
inline F32 scale_f16(F32 a, float b) noexcept {
  const __m256 v = _mm256_set1_ps(b);
  return {{_mm256_mul_ps(a.v[0], v), _mm256_mul_ps(a.v[1], v), _mm256_mul_ps(a.v[2], v), _mm256_mul_ps(a.v[3], v)}};
}
inline F32 add_f16(F32 a, F32 b) noexcept {
  return {{_mm256_add_ps(a.v[0], b.v[0]), _mm256_add_ps(a.v[1], b.v[1]), _mm256_add_ps(a.v[2], b.v[2]),
           _mm256_add_ps(a.v[3], b.v[3])}};
}
inline F32 sub_f16(F32 a, F32 b) noexcept {
  return {{_mm256_sub_ps(a.v[0], b.v[0]), _mm256_sub_ps(a.v[1], b.v[1]), _mm256_sub_ps(a.v[2], b.v[2]),
           _mm256_sub_ps(a.v[3], b.v[3])}};
}
inline F32 min_f16(F32 a, F32 b) noexcept {
  return {{_mm256_min_ps(a.v[0], b.v[0]), _mm256_min_ps(a.v[1], b.v[1]), _mm256_min_ps(a.v[2], b.v[2]),
           _mm256_min_ps(a.v[3], b.v[3])}};
}
inline F32 max_f16(F32 a, F32 b) noexcept {
  return {{_mm256_max_ps(a.v[0], b.v[0]), _mm256_max_ps(a.v[1], b.v[1]), _mm256_max_ps(a.v[2], b.v[2]),
           _mm256_max_ps(a.v[3], b.v[3])}};
}

// quantize_real over sixteen or thirty-two elements. kSmall: every |v| is at most kSmallValue.
constexpr float kSmallValue = 32000.0f;
template <bool kSmall>
struct OutputBytes {
  explicit OutputBytes(const QuantizedOutput& out) noexcept
      : most(_mm256_set1_ps(static_cast<float>(out.high - out.zero_point))),
        zero_point(_mm256_set1_epi16(static_cast<int16_t>(out.zero_point))),
        low(_mm256_set1_epi8(static_cast<int8_t>(out.low))),
        high(_mm256_set1_epi8(static_cast<int8_t>(out.high))) {}
  // Large values must be cut before the conversion; too low ones become the least int32, which saturates downwards on
  // the way to 8 bits.
  __m256i rounded(__m256 x) const noexcept { return _mm256_cvtps_epi32(kSmall ? x : _mm256_min_ps(x, most)); }
  __m128i bytes(__m256i words) const noexcept {
    const __m256i sum = _mm256_adds_epi16(words, zero_point);
    const __m128i packed = _mm_packs_epi16(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    return _mm_min_epi8(_mm_max_epi8(packed, _mm256_castsi256_si128(low)), _mm256_castsi256_si128(high));
  }
  [[gnu::always_inline]] B16 operator()(F16 x) const noexcept {
    return {bytes(_mm256_permute4x64_epi64(_mm256_packs_epi32(rounded(x.lo), rounded(x.hi)), 0xD8))};
  }
  // `x` in the split order.
  B16 from_split(F16 x) const noexcept { return {bytes(_mm256_packs_epi32(rounded(x.lo), rounded(x.hi)))}; }
  [[gnu::always_inline]] B32 operator()(F32 x) const noexcept {
    const __m256i lo = _mm256_adds_epi16(_mm256_packs_epi32(rounded(x.v[0]), rounded(x.v[1])), zero_point);
    const __m256i hi = _mm256_adds_epi16(_mm256_packs_epi32(rounded(x.v[2]), rounded(x.v[3])), zero_point);
    return {_mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(lo, hi), low), high)};
  }
  B32 from_split(F32 x) const noexcept { return (*this)(x); }
  __m256 most;
  __m256i zero_point, low, high;
};
using Output16 = OutputBytes<false>;

}  // namespace
}  // namespace dotori::kernels
