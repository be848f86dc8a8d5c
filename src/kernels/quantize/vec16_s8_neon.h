// SPDX-License-Identifier: Apache-2.0
// Sixteen int8 elements in a NEON register, their 16-bit and float32 values in two and four, and the primitive
// operations of the int8 kernels. For aarch64 kernel files only; everything has internal linkage. vec16_s8_avx2.h has
// the same functions.
#pragma once

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/quantize/requantize.h"

namespace dotori::kernels {
namespace {

struct B16 {
  int8x16_t v;
};
struct W16 {
  int16x8_t lo, hi;
};
struct I16 {
  int32x4_t v[4];
};
struct F16 {
  float32x4_t v[4];
};

// What main loops work on.
using WideBytes = B16;
constexpr size_t kWideBytes = 16;

inline void load(const int8_t* p, B16* x) noexcept {
  x->v = vld1q_s8(p);
}
inline void splat(int8_t value, B16* x) noexcept {
  x->v = vdupq_n_s8(value);
}
inline void store(int8_t* p, B16 x) noexcept {
  vst1q_s8(p, x.v);
}
inline B16 load16(const int8_t* p) noexcept {
  return {vld1q_s8(p)};
}
inline void store16(int8_t* p, B16 x) noexcept {
  vst1q_s8(p, x.v);
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
  return {vdupq_n_s8(x)};
}
inline B16 max16(B16 a, B16 b) noexcept {
  return {vmaxq_s8(a.v, b.v)};
}
inline B16 min16(B16 a, B16 b) noexcept {
  return {vminq_s8(a.v, b.v)};
}
inline B16 xor16(B16 a, B16 b) noexcept {
  return {veorq_s8(a.v, b.v)};
}
inline int8_t max_lanes16(B16 x) noexcept {
  return vmaxvq_s8(x.v);
}
inline int8_t min_lanes16(B16 x) noexcept {
  return vminvq_s8(x.v);
}

// 16-bit arithmetic; the caller keeps the values in range.
inline W16 splat_w16(int32_t x) noexcept {
  const int16x8_t v = vdupq_n_s16(static_cast<int16_t>(x));
  return {v, v};
}
// a - zero; -128 <= zero <= 127.
inline W16 difference_w16(B16 a, int32_t zero) noexcept {
  const int8x16_t z = vdupq_n_s8(static_cast<int8_t>(zero));
  return {vsubl_s8(vget_low_s8(a.v), vget_low_s8(z)), vsubl_high_s8(a.v, z)};
}
// sum + x.
inline W16 accumulate16(W16 sum, B16 x) noexcept {
  return {vaddw_s8(sum.lo, vget_low_s8(x.v)), vaddw_high_s8(sum.hi, x.v)};
}

inline I16 widen_w16(W16 x) noexcept {
  return {{vmovl_s16(vget_low_s16(x.lo)), vmovl_high_s16(x.lo), vmovl_s16(vget_low_s16(x.hi)), vmovl_high_s16(x.hi)}};
}
inline I16 splat_i16(int32_t x) noexcept {
  const int32x4_t v = vdupq_n_s32(x);
  return {{v, v, v, v}};
}
inline I16 add_i16(I16 a, I16 b) noexcept {
  return {{vaddq_s32(a.v[0], b.v[0]), vaddq_s32(a.v[1], b.v[1]), vaddq_s32(a.v[2], b.v[2]), vaddq_s32(a.v[3], b.v[3])}};
}
inline int32_t sum_lanes_i16(I16 x) noexcept {
  return vaddvq_s32(vaddq_s32(vaddq_s32(x.v[0], x.v[1]), vaddq_s32(x.v[2], x.v[3])));
}
inline I16 load_i16(const int32_t* p) noexcept {
  return {{vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12)}};
}
inline F16 float_i16(I16 x) noexcept {
  return {{vcvtq_f32_s32(x.v[0]), vcvtq_f32_s32(x.v[1]), vcvtq_f32_s32(x.v[2]), vcvtq_f32_s32(x.v[3])}};
}
// float(a - zero); -128 <= zero <= 127.
inline F16 float_difference16(B16 a, int32_t zero) noexcept {
  return float_i16(widen_w16(difference_w16(a, zero)));
}
// float(a * b).
inline F16 float_product_split16(W16 a, W16 b) noexcept {
  return float_i16({{vmull_s16(vget_low_s16(a.lo), vget_low_s16(b.lo)), vmull_high_s16(a.lo, b.lo),
                     vmull_s16(vget_low_s16(a.hi), vget_low_s16(b.hi)), vmull_high_s16(a.hi, b.hi)}});
}

inline F16 splat_f16(float x) noexcept {
  const float32x4_t v = vdupq_n_f32(x);
  return {{v, v, v, v}};
}
inline F16 load_f16(const float* p) noexcept {
  return {{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
}
inline F16 load_f16_part(const float* p, size_t n) noexcept {
  float lanes[16] = {};
  memcpy(lanes, p, n * sizeof(float));
  return load_f16(lanes);
}
inline void store_f16(float* p, F16 x) noexcept {
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.v[i]);
}
inline F16 add_f16(F16 a, F16 b) noexcept {
  return {{vaddq_f32(a.v[0], b.v[0]), vaddq_f32(a.v[1], b.v[1]), vaddq_f32(a.v[2], b.v[2]), vaddq_f32(a.v[3], b.v[3])}};
}
inline F16 sub_f16(F16 a, F16 b) noexcept {
  return {{vsubq_f32(a.v[0], b.v[0]), vsubq_f32(a.v[1], b.v[1]), vsubq_f32(a.v[2], b.v[2]), vsubq_f32(a.v[3], b.v[3])}};
}
inline F16 mul_f16(F16 a, F16 b) noexcept {
  return {{vmulq_f32(a.v[0], b.v[0]), vmulq_f32(a.v[1], b.v[1]), vmulq_f32(a.v[2], b.v[2]), vmulq_f32(a.v[3], b.v[3])}};
}
inline F16 div_f16(F16 a, F16 b) noexcept {
  return {{vdivq_f32(a.v[0], b.v[0]), vdivq_f32(a.v[1], b.v[1]), vdivq_f32(a.v[2], b.v[2]), vdivq_f32(a.v[3], b.v[3])}};
}
inline F16 min_f16(F16 a, F16 b) noexcept {
  return {{vminq_f32(a.v[0], b.v[0]), vminq_f32(a.v[1], b.v[1]), vminq_f32(a.v[2], b.v[2]), vminq_f32(a.v[3], b.v[3])}};
}
inline F16 max_f16(F16 a, F16 b) noexcept {
  return {{vmaxq_f32(a.v[0], b.v[0]), vmaxq_f32(a.v[1], b.v[1]), vmaxq_f32(a.v[2], b.v[2]), vmaxq_f32(a.v[3], b.v[3])}};
}
// x: the conversion of a NaN to an integer gives 0 by itself here.
inline F16 zero_nan_f16(F16 x) noexcept {
  return x;
}
inline float32x4_t select_negative4(float32x4_t x, float32x4_t negative, float32x4_t other) noexcept {
  return vbslq_f32(vcltzq_f32(x), negative, other);
}
// x < 0 ? negative : other.
inline F16 select_negative_f16(F16 x, F16 negative, F16 other) noexcept {
  return {{select_negative4(x.v[0], negative.v[0], other.v[0]), select_negative4(x.v[1], negative.v[1], other.v[1]),
           select_negative4(x.v[2], negative.v[2], other.v[2]), select_negative4(x.v[3], negative.v[3], other.v[3])}};
}

inline F16 scale_f16(F16 a, float b) noexcept {
  return {{vmulq_n_f32(a.v[0], b), vmulq_n_f32(a.v[1], b), vmulq_n_f32(a.v[2], b), vmulq_n_f32(a.v[3], b)}};
}

// quantize_real over sixteen elements. The bounds are whole and every step saturates, so clamping last is the same.
// kSmall: every |v| is at most kSmallValue.
constexpr float kSmallValue = 32000.0f;
template <bool kSmall>
struct OutputBytes {
  explicit OutputBytes(const QuantizedOutput& out) noexcept
      : zero_point(vdupq_n_s16(static_cast<int16_t>(out.zero_point))),
        low(vdupq_n_s8(static_cast<int8_t>(out.low))),
        high(vdupq_n_s8(static_cast<int8_t>(out.high))) {}
  static int16x8_t rounded(float32x4_t a, float32x4_t b) noexcept {
    if (!kSmall) return vqmovn_high_s32(vqmovn_s32(vcvtnq_s32_f32(a)), vcvtnq_s32_f32(b));
    // Added to 1.5 * 2^23 a float rounds to a whole number, whose low 16 bits are those of the significand.
    const float32x4_t shift = vdupq_n_f32(12582912.0f);
    return vuzp1q_s16(vreinterpretq_s16_f32(vaddq_f32(a, shift)), vreinterpretq_s16_f32(vaddq_f32(b, shift)));
  }
  int16x8_t words(float32x4_t a, float32x4_t b) const noexcept { return vqaddq_s16(rounded(a, b), zero_point); }
  [[gnu::always_inline]] B16 operator()(F16 x) const noexcept {
    const int8x16_t bytes = vqmovn_high_s16(vqmovn_s16(words(x.v[0], x.v[1])), words(x.v[2], x.v[3]));
    return {vminq_s8(vmaxq_s8(bytes, low), high)};
  }
  B16 from_split(F16 x) const noexcept { return (*this)(x); }
  int16x8_t zero_point;
  int8x16_t low, high;
};
using Output16 = OutputBytes<false>;

}  // namespace
}  // namespace dotori::kernels
