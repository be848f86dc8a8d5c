// SPDX-License-Identifier: Apache-2.0
// F8: eight floats in two NEON registers (two independent chains hide the latency of the fused multiply-add), and the
// primitive operations that vec8_math.h and the kernel loops are written in. For aarch64 kernel files only; everything
// has internal linkage. vec8_avx2.h has the same functions.
#pragma once

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace dotori::kernels {
namespace {

struct F8 {
  float32x4_t lo, hi;
};
struct M8 {
  uint32x4_t lo, hi;  // all ones or all zeros in each lane
};

inline F8 splat8(float v) noexcept {
  return {vdupq_n_f32(v), vdupq_n_f32(v)};
}
inline F8 load8(const float* p) noexcept {
  return {vld1q_f32(p), vld1q_f32(p + 4)};
}
inline void store8(float* p, F8 v) noexcept {
  vst1q_f32(p, v.lo);
  vst1q_f32(p + 4, v.hi);
}
// The first `n` (1..7) lanes from memory, zeros behind; nothing beyond p[n - 1] is touched.
inline F8 load8_part(const float* p, size_t n) noexcept {
  float lanes[8] = {};
  memcpy(lanes, p, n * sizeof(float));
  return load8(lanes);
}
inline void store8_part(float* p, F8 v, size_t n) noexcept {
  float lanes[8];
  store8(lanes, v);
  memcpy(p, lanes, n * sizeof(float));
}

inline F8 add8(F8 a, F8 b) noexcept {
  return {vaddq_f32(a.lo, b.lo), vaddq_f32(a.hi, b.hi)};
}
inline F8 sub8(F8 a, F8 b) noexcept {
  return {vsubq_f32(a.lo, b.lo), vsubq_f32(a.hi, b.hi)};
}
inline F8 mul8(F8 a, F8 b) noexcept {
  return {vmulq_f32(a.lo, b.lo), vmulq_f32(a.hi, b.hi)};
}
inline F8 div8(F8 a, F8 b) noexcept {
  return {vdivq_f32(a.lo, b.lo), vdivq_f32(a.hi, b.hi)};
}
// a / b for b >= 1, at most 2 ulp off; 0 where b is infinite. Two of Newton's steps from the eight bits of FRECPE: a
// division keeps these processors busy for much longer.
inline float32x4_t reciprocal4(float32x4_t b) noexcept {
  float32x4_t r = vrecpeq_f32(b);
  r = vmulq_f32(r, vrecpsq_f32(b, r));
  return vmulq_f32(r, vrecpsq_f32(b, r));
}
inline F8 quotient8(F8 a, F8 b) noexcept {
  return {vmulq_f32(a.lo, reciprocal4(b.lo)), vmulq_f32(a.hi, reciprocal4(b.hi))};
}
inline F8 sqrt8(F8 a) noexcept {
  return {vsqrtq_f32(a.lo), vsqrtq_f32(a.hi)};
}
// a * b + c and c - a * b, rounded once.
inline F8 fma8(F8 a, F8 b, F8 c) noexcept {
  return {vfmaq_f32(c.lo, a.lo, b.lo), vfmaq_f32(c.hi, a.hi, b.hi)};
}
inline F8 fnma8(F8 a, F8 b, F8 c) noexcept {
  return {vfmsq_f32(c.lo, a.lo, b.lo), vfmsq_f32(c.hi, a.hi, b.hi)};
}

inline M8 less8(F8 a, F8 b) noexcept {
  return {vcltq_f32(a.lo, b.lo), vcltq_f32(a.hi, b.hi)};
}
inline F8 select8(M8 m, F8 yes, F8 no) noexcept {
  return {vbslq_f32(m.lo, yes.lo, no.lo), vbslq_f32(m.hi, yes.hi, no.hi)};
}
// NaN when either is.
inline F8 min8(F8 a, F8 b) noexcept {
  return {vminq_f32(a.lo, b.lo), vminq_f32(a.hi, b.hi)};
}
inline F8 max8(F8 a, F8 b) noexcept {
  return {vmaxq_f32(a.lo, b.lo), vmaxq_f32(a.hi, b.hi)};
}
// The lesser / greater of a limit that is not NaN and x; NaN when x is.
inline F8 at_most8(F8 limit, F8 x) noexcept {
  return min8(limit, x);
}
inline F8 at_least8(F8 limit, F8 x) noexcept {
  return max8(limit, x);
}

alignas(16) constexpr uint32_t kLaneNumbers[8] = {0, 1, 2, 3, 4, 5, 6, 7};
// The first `n` (0..8) lanes.
inline M8 first_lanes8(size_t n) noexcept {
  const uint32x4_t limit = vdupq_n_u32(static_cast<uint32_t>(n));
  return {vcltq_u32(vld1q_u32(kLaneNumbers), limit), vcltq_u32(vld1q_u32(kLaneNumbers + 4), limit)};
}
// ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)) of the lanes.
inline float sum_lanes8(F8 v) noexcept {
  const float32x4_t four = vaddq_f32(v.lo, v.hi);
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(vpadd_f32(two, two), 0);
}
// NaN when any lane is.
inline float max_lanes8(F8 v) noexcept {
  return vmaxvq_f32(vmaxq_f32(v.lo, v.hi));
}
inline float min_lanes8(F8 v) noexcept {
  return vminvq_f32(vminq_f32(v.lo, v.hi));
}

inline F8 negate8(F8 x) noexcept {
  return {vnegq_f32(x.lo), vnegq_f32(x.hi)};
}
inline F8 abs8(F8 x) noexcept {
  return {vabsq_f32(x.lo), vabsq_f32(x.hi)};
}
// |magnitude| with the sign bit of `sign`; the magnitude must not be negative.
inline F8 with_sign8(F8 magnitude, F8 sign) noexcept {
  const uint32x4_t bit = vdupq_n_u32(0x80000000u);
  return {vbslq_f32(bit, sign.lo, magnitude.lo), vbslq_f32(bit, sign.hi, magnitude.hi)};
}
// To the nearest integer, ties to even.
inline F8 round8(F8 x) noexcept {
  return {vrndnq_f32(x.lo), vrndnq_f32(x.hi)};
}

inline float32x4_t pow2_4(int32x4_t n) noexcept {
  return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}
// 2^n for an integral n in [-126, 127].
inline F8 pow2_8(F8 n) noexcept {
  return {pow2_4(vcvtnq_s32_f32(n.lo)), pow2_4(vcvtnq_s32_f32(n.hi))};
}
inline float32x4_t scale_pow2_4(float32x4_t x, float32x4_t n) noexcept {
  const int32x4_t i = vcvtnq_s32_f32(n), half = vshrq_n_s32(i, 1);
  return vmulq_f32(vmulq_f32(x, pow2_4(half)), pow2_4(vsubq_s32(i, half)));
}
// x * 2^n for an integral n in [-252, 254], in two steps so that neither factor leaves the normal range.
inline F8 scale_pow2_8(F8 x, F8 n) noexcept {
  return {scale_pow2_4(x.lo, n.lo), scale_pow2_4(x.hi, n.hi)};
}

}  // namespace
}  // namespace dotori::kernels
