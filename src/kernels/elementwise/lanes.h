// SPDX-License-Identifier: Apache-2.0
// Eight, and with AVX-512 Sixteen: one vector register's worth of channels as a type, for loops that are written once
// for both. For ISA files only; internal linkage.
#pragma once

#include <stddef.h>

#include "kernels/elementwise/vec8.h"

namespace dotori::kernels {
namespace {

struct Eight {
  using F = F8;
  static constexpr size_t kLanes = 8;
  static F splat(float v) noexcept { return splat8(v); }
  static F load(const float* p) noexcept { return load8(p); }
  // Eights that lie `step` floats apart.
  static F load_eights(const float* p, size_t) noexcept { return load8(p); }
  static void store(float* p, F v) noexcept { store8(p, v); }
  // The first `n` lanes, at least one; the others are zeros and are not stored.
  static F load_part(const float* p, size_t n) noexcept { return load8_part(p, n); }
  static void store_part(float* p, F v, size_t n) noexcept { store8_part(p, v, n); }
  static F add(F a, F b) noexcept { return add8(a, b); }
  static F sub(F a, F b) noexcept { return sub8(a, b); }
  static F fma(F a, F b, F c) noexcept { return fma8(a, b, c); }    // a * b + c
  static F fnma(F a, F b, F c) noexcept { return fnma8(a, b, c); }  // c - a * b
  // NaN stays NaN.
  static F clamp(F v, float low, float high) noexcept { return at_most8(splat8(high), at_least8(splat8(low), v)); }
};

#if defined(__AVX512F__)
struct Sixteen {
  using F = __m512;
  static constexpr size_t kLanes = 16;
  static F splat(float v) noexcept { return _mm512_set1_ps(v); }
  static F load(const float* p) noexcept { return _mm512_loadu_ps(p); }
  static F load_eights(const float* p, size_t step) noexcept {
    return _mm512_insertf32x8(_mm512_castps256_ps512(load8(p)), load8(p + step), 1);
  }
  static void store(float* p, F v) noexcept { _mm512_storeu_ps(p, v); }
  static F load_part(const float* p, size_t n) noexcept { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store_part(float* p, F v, size_t n) noexcept { _mm512_mask_storeu_ps(p, first(n), v); }
  static __mmask16 first(size_t n) noexcept { return static_cast<__mmask16>((1u << n) - 1); }
  static F add(F a, F b) noexcept { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) noexcept { return _mm512_sub_ps(a, b); }
  static F fma(F a, F b, F c) noexcept { return _mm512_fmadd_ps(a, b, c); }
  static F fnma(F a, F b, F c) noexcept { return _mm512_fnmadd_ps(a, b, c); }
  // vmaxps and vminps return their second operand when one is NaN.
  static F clamp(F v, float low, float high) noexcept {
    return _mm512_min_ps(_mm512_set1_ps(high), _mm512_max_ps(_mm512_set1_ps(low), v));
  }
};
using Widest = Sixteen;
#else
using Widest = Eight;
#endif

}  // namespace
}  // namespace dotori::kernels
