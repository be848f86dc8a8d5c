// SPDX-License-Identifier: Apache-2.0
// What vec8_pixels.h needs beside F8, for NEON. For ISA files only; internal linkage.
#pragma once

#include "kernels/elementwise/vec8_neon.h"

namespace dotori::kernels {
namespace {

inline F8 float_of8(const int32_t* p) noexcept {
  return {vcvtq_f32_s32(vld1q_s32(p)), vcvtq_f32_s32(vld1q_s32(p + 4))};
}

inline void store_interleaved8(float* dst, F8 a, F8 b, F8 c) noexcept {
  vst3q_f32(dst, (float32x4x3_t{{a.lo, b.lo, c.lo}}));
  vst3q_f32(dst + 12, (float32x4x3_t{{a.hi, b.hi, c.hi}}));
}

// Eight whole numbers + zero point, which fit a byte.
inline uint8x8_t bytes8(F8 v, int16x8_t zero_point) noexcept {
  const int16x8_t words = vcombine_s16(vmovn_s32(vcvtnq_s32_f32(v.lo)), vmovn_s32(vcvtnq_s32_f32(v.hi)));
  return vreinterpret_u8_s8(vmovn_s16(vaddq_s16(words, zero_point)));
}

inline void store_bytes8(uint8_t* dst, const F8* q, int channels, int32_t zero_point) noexcept {
  const int16x8_t zero = vdupq_n_s16(static_cast<int16_t>(zero_point));
  if (channels == 1) vst1_u8(dst, bytes8(q[0], zero));
  else vst3_u8(dst, (uint8x8x3_t{{bytes8(q[0], zero), bytes8(q[1], zero), bytes8(q[2], zero)}}));
}

}  // namespace
}  // namespace dotori::kernels
