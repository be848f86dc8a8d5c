// SPDX-License-Identifier: Apache-2.0
// F8: eight floats in one AVX register, and the primitive operations that vec8_math.h and the kernel loops are written
// in. For files compiled with AVX2 and FMA only; everything has internal linkage. vec8_neon.h has the same functions,
// and every one of them is a correctly rounded IEEE operation, so that both give the same bits.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace dotori::kernels {
namespace {

using F8 = __m256;
using M8 = __m256;  // all ones or all zeros in each lane

inline F8 splat8(float v) noexcept {
  return _mm256_set1_ps(v);
}
inline F8 load8(const float* p) noexcept {
  return _mm256_loadu_ps(p);
}
inline void store8(float* p, F8 v) noexcept {
  _mm256_storeu_ps(p, v);
}

alignas(32) constexpr int32_t kPartMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
inline __m256i part_mask8(size_t n) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kPartMask + 8 - n));
}
// The first `n` (1..7) lanes from memory, zeros behind; nothing beyond p[n - 1] is touched.
inline F8 load8_part(const float* p, size_t n) noexcept {
  return _mm256_maskload_ps(p, part_mask8(n));
}
inline void store8_part(float* p, F8 v, size_t n) noexcept {
  _mm256_maskstore_ps(p, part_mask8(n), v);
}

inline F8 add8(F8 a, F8 b) noexcept {
  return _mm256_add_ps(a, b);
}
inline F8 sub8(F8 a, F8 b) noexcept {
  return _mm256_sub_ps(a, b);
}
inline F8 mul8(F8 a, F8 b) noexcept {
  return _mm256_mul_ps(a, b);
}
inline F8 div8(F8 a, F8 b) noexcept {
  return _mm256_div_ps(a, b);
}
// a / b for b >= 1, at most 2 ulp off; 0 where b is infinite.
inline F8 quotient8(F8 a, F8 b) noexcept {
  return _mm256_div_ps(a, b);
}
inline F8 sqrt8(F8 a) noexcept {
  return _mm256_sqrt_ps(a);
}
// a * b + c and c - a * b, rounded once.
inline F8 fma8(F8 a, F8 b, F8 c) noexcept {
  return _mm256_fmadd_ps(a, b, c);
}
inline F8 fnma8(F8 a, F8 b, F8 c) noexcept {
  return _mm256_fnmadd_ps(a, b, c);
}

inline M8 less8(F8 a, F8 b) noexcept {
  return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}
inline F8 select8(M8 m, F8 yes, F8 no) noexcept {
  return _mm256_blendv_ps(no, yes, m);
}
// The lesser / greater of a limit that is not NaN and x; NaN when x is. (vminps returns its second operand for NaN.)
inline F8 at_most8(F8 limit, F8 x) noexcept {
  return _mm256_min_ps(limit, x);
}
inline F8 at_least8(F8 limit, F8 x) noexcept {
  return _mm256_max_ps(limit, x);
}
// NaN when either is.
inline F8 min8(F8 a, F8 b) noexcept {
  return _mm256_blendv_ps(_mm256_min_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
inline F8 max8(F8 a, F8 b) noexcept {
  return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}

// The first `n` (0..8) lanes.
inline M8 first_lanes8(size_t n) noexcept {
  return _mm256_castsi256_ps(part_mask8(n));
}
// ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)) of the lanes.
inline float sum_lanes8(F8 v) noexcept {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
// NaN when any lane is.
inline float max_lanes8(F8 v) noexcept {
  v = max8(v, _mm256_permute2f128_ps(v, v, 1));
  v = max8(v, _mm256_permute_ps(v, 0x4E));
  return _mm256_cvtss_f32(max8(v, _mm256_permute_ps(v, 0xB1)));
}
inline float min_lanes8(F8 v) noexcept {
  v = min8(v, _mm256_permute2f128_ps(v, v, 1));
  v = min8(v, _mm256_permute_ps(v, 0x4E));
  return _mm256_cvtss_f32(min8(v, _mm256_permute_ps(v, 0xB1)));
}

inline F8 negate8(F8 x) noexcept {
  return _mm256_xor_ps(x, _mm256_set1_ps(-0.0f));
}
inline F8 abs8(F8 x) noexcept {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}
// |magnitude| with the sign bit of `sign`; the magnitude must not be negative.
inline F8 with_sign8(F8 magnitude, F8 sign) noexcept {
  return _mm256_or_ps(magnitude, _mm256_and_ps(sign, _mm256_set1_ps(-0.0f)));
}
// To the nearest integer, ties to even.
inline F8 round8(F8 x) noexcept {
  return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
// 2^n for an integral n in [-126, 127].
inline F8 pow2_8(F8 n) noexcept {
  const __m256i i = _mm256_cvtps_epi32(n);
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(i, _mm256_set1_epi32(127)), 23));
}
// x * 2^n for an integral n in [-252, 254], in two steps so that neither factor leaves the normal range.
inline F8 scale_pow2_8(F8 x, F8 n) noexcept {
  const __m256i i = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(i, 1), rest = _mm256_sub_epi32(i, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const F8 first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const F8 second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return _mm256_mul_ps(_mm256_mul_ps(x, first), second);
}

}  // namespace
}  // namespace dotori::kernels
