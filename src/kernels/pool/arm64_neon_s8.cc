// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/quantize/requantize.h"

namespace dotori::kernels {
namespace {

using Bytes16 = int8x16_t;
struct Words16 {
  int16x8_t a, b;
};
struct Sums16 {
  int32x4_t v[4];
};

inline Bytes16 load_bytes16(const int8_t* p) noexcept {
  return vld1q_s8(p);
}
inline Bytes16 load_bytes8(const int8_t* p) noexcept {
  return vcombine_s8(vld1_s8(p), vcreate_s8(0));
}
inline void store_bytes16(int8_t* p, Bytes16 v) noexcept {
  vst1q_s8(p, v);
}
inline void store_bytes8(int8_t* p, Bytes16 v) noexcept {
  vst1_s8(p, vget_low_s8(v));
}
inline Bytes16 splat_bytes(int8_t v) noexcept {
  return vdupq_n_s8(v);
}
inline Bytes16 max_bytes(Bytes16 a, Bytes16 b) noexcept {
  return vmaxq_s8(a, b);
}
inline Words16 zero_words() noexcept {
  return {vdupq_n_s16(0), vdupq_n_s16(0)};
}
inline Words16 add_bytes(Words16 sum, Bytes16 v) noexcept {
  return {vaddw_s8(sum.a, vget_low_s8(v)), vaddw_high_s8(sum.b, v)};
}
inline Sums16 splat_sums(int32_t v) noexcept {
  return {{vdupq_n_s32(v), vdupq_n_s32(v), vdupq_n_s32(v), vdupq_n_s32(v)}};
}
inline Sums16 add_words(Sums16 sum, Words16 v) noexcept {
  return {{vaddw_s16(sum.v[0], vget_low_s16(v.a)), vaddw_high_s16(sum.v[1], v.a),
           vaddw_s16(sum.v[2], vget_low_s16(v.b)), vaddw_high_s16(sum.v[3], v.b)}};
}
// fcvtns and the narrowing steps saturate, so clamping can wait for the end.
inline int16x4_t rounded4(int32x4_t acc, float scale, float slope) noexcept {
  const float32x4_t v = vmulq_f32(vcvtq_f32_s32(acc), vdupq_n_f32(scale));
  return vqmovn_s32(vcvtnq_s32_f32(vmaxq_f32(v, vmulq_f32(v, vdupq_n_f32(slope)))));
}
inline Bytes16 requantize16(Sums16 sum, float scale, const QuantizedOutput& out) noexcept {
  const int16x8_t zero_point = vdupq_n_s16(static_cast<int16_t>(out.zero_point));
  const int16x8_t a = vcombine_s16(rounded4(sum.v[0], scale, out.slope), rounded4(sum.v[1], scale, out.slope));
  const int16x8_t b = vcombine_s16(rounded4(sum.v[2], scale, out.slope), rounded4(sum.v[3], scale, out.slope));
  const int8x16_t y = vcombine_s8(vqmovn_s16(vqaddq_s16(a, zero_point)), vqmovn_s16(vqaddq_s16(b, zero_point)));
  return vminq_s8(vmaxq_s8(y, vdupq_n_s8(static_cast<int8_t>(out.low))), vdupq_n_s8(static_cast<int8_t>(out.high)));
}

}  // namespace
}  // namespace dotori::kernels

#include "kernels/pool/rows_s8.h"

namespace dotori::kernels {

DOTORI_DEFINE_POOL_S8(neon)

}  // namespace dotori::kernels
