// SPDX-License-Identifier: Apache-2.0
// The functions of vec8_avx2.h that vec8_math.h and the loops over one operand need, for sixteen floats and under the
// same names, so that one text serves both. Correctly rounded operations: the bits are those of F8.
#pragma once

#include <immintrin.h>
#include <stddef.h>

namespace dotori::kernels {
namespace {

inline __m512 add8(__m512 a, __m512 b) noexcept {
  return _mm512_add_ps(a, b);
}
inline __m512 sub8(__m512 a, __m512 b) noexcept {
  return _mm512_sub_ps(a, b);
}
inline __m512 mul8(__m512 a, __m512 b) noexcept {
  return _mm512_mul_ps(a, b);
}
inline __m512 div8(__m512 a, __m512 b) noexcept {
  return _mm512_div_ps(a, b);
}
inline __m512 quotient8(__m512 a, __m512 b) noexcept {
  return _mm512_div_ps(a, b);
}
inline __m512 sqrt8(__m512 a) noexcept {
  return _mm512_sqrt_ps(a);
}
inline __m512 fma8(__m512 a, __m512 b, __m512 c) noexcept {
  return _mm512_fmadd_ps(a, b, c);
}
inline __m512 fnma8(__m512 a, __m512 b, __m512 c) noexcept {
  return _mm512_fnmadd_ps(a, b, c);
}
inline __mmask16 less8(__m512 a, __m512 b) noexcept {
  return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
inline __m512 select8(__mmask16 m, __m512 yes, __m512 no) noexcept {
  return _mm512_mask_blend_ps(m, no, yes);
}
inline __m512 at_most8(__m512 limit, __m512 x) noexcept {
  return _mm512_min_ps(limit, x);
}
inline __m512 at_least8(__m512 limit, __m512 x) noexcept {
  return _mm512_max_ps(limit, x);
}
inline __m512 negate8(__m512 x) noexcept {
  return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f));
}
inline __m512 abs8(__m512 x) noexcept {
  return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x);
}
inline __m512 with_sign8(__m512 magnitude, __m512 sign) noexcept {
  return _mm512_or_ps(magnitude, _mm512_and_ps(sign, _mm512_set1_ps(-0.0f)));
}
inline __m512 round8(__m512 x) noexcept {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline __m512 pow2_8(__m512 n) noexcept {
  const __m512i i = _mm512_cvtps_epi32(n);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(i, _mm512_set1_epi32(127)), 23));
}
inline __m512 scale_pow2_8(__m512 x, __m512 n) noexcept {
  const __m512i i = _mm512_cvtps_epi32(n), half = _mm512_srai_epi32(i, 1), rest = _mm512_sub_epi32(i, half);
  const __m512i bias = _mm512_set1_epi32(127);
  const __m512 first = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(half, bias), 23));
  const __m512 second = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(rest, bias), 23));
  return _mm512_mul_ps(_mm512_mul_ps(x, first), second);
}

}  // namespace
}  // namespace dotori::kernels
