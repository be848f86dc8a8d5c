// SPDX-License-Identifier: Apache-2.0
// F8 of the ISA that the including kernel file is compiled for, with AVX-512 the same functions for __m512 too. Every
// function has internal linkage.
#pragma once

#if defined(__x86_64__)
#include "kernels/elementwise/vec8_avx2.h"
#elif defined(__aarch64__)
#include "kernels/elementwise/vec8_neon.h"
#endif
#if defined(__AVX512F__)
#include "kernels/elementwise/x86_avx512_vec16.h"
#endif

namespace dotori::kernels {
namespace {

// All lanes of a vector type.
template <class F>
inline F splat_as(float v) noexcept {
#if defined(__AVX512F__)
  if constexpr (sizeof(F) == 64) return _mm512_set1_ps(v);
  else return splat8(v);
#else
  return splat8(v);
#endif
}

}  // namespace
}  // namespace dotori::kernels
