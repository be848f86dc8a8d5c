// SPDX-License-Identifier: Apache-2.0
// The end of requantize() in NEON: FCVTNS and the narrowing steps saturate, so clamping can wait for the bytes, where
// it takes least. For ISA files only; internal linkage.
#pragma once

#include <arm_neon.h>

#include "kernels/quantize/requantize.h"

namespace dotori::kernels {
namespace {

struct SaturatedBytes {
  [[gnu::always_inline]] explicit SaturatedBytes(const QuantizedOutput& out) noexcept
      : zero_point(vdupq_n_s16(static_cast<int16_t>(out.zero_point))),
        low(vdupq_n_s8(static_cast<int8_t>(out.low))),
        high(vdupq_n_s8(static_cast<int8_t>(out.high))) {}

  // `a` and `b`: results in units of the output scale.
  [[gnu::always_inline]] int16x8_t words(float32x4_t a, float32x4_t b) const noexcept {
    return vqaddq_s16(vqmovn_high_s32(vqmovn_s32(vcvtnq_s32_f32(a)), vcvtnq_s32_f32(b)), zero_point);
  }
  [[gnu::always_inline]] static int8x16_t narrow(int16x8_t a, int16x8_t b) noexcept {
    return vqmovn_high_s16(vqmovn_s16(a), b);
  }
  [[gnu::always_inline]] int8x16_t clamp(int8x16_t bytes) const noexcept {
    return vminq_s8(vmaxq_s8(bytes, low), high);
  }

  int16x8_t zero_point;
  int8x16_t low, high;
};

}  // namespace
}  // namespace dotori::kernels
