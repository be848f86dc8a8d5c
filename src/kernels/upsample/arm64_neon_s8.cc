// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include "kernels/upsample/upsample_s8.h"

namespace dotori::kernels {
namespace {

struct Float8 {
  float32x4_t a, b;
};

inline Float8 to_float(int16x8_t v) noexcept {
  return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(v))), vcvtq_f32_s32(vmovl_high_s16(v))};
}
// a + d * fraction, rounded twice.
inline float32x4_t step4(float32x4_t a, float32x4_t d, float32x4_t fraction) noexcept {
  return vaddq_f32(a, vmulq_f32(d, fraction));
}
// The differences are whole and small: exact whether taken before or after the conversion, with or without zero point.
inline Float8 between8(const int8_t* first, const int8_t* second, int8x8_t zero_point, float32x4_t fraction) noexcept {
  const int8x8_t a = vld1_s8(first), b = vld1_s8(second);
  const Float8 start = to_float(vsubl_s8(a, zero_point)), step = to_float(vsubl_s8(b, a));
  return {step4(start.a, step.a, fraction), step4(start.b, step.b, fraction)};
}

}  // namespace

// Eight channels at a time; the last block of a pixel ends at the last channel and may repeat some of the one before.
void resize_s8_bilinear__neon(const ResizeBilinearS8& resize, const int8_t* top, const int8_t* bottom,
                              float row_fraction, int8_t* dst_row) noexcept {
  const size_t n = static_cast<size_t>(resize.channels);
  const QuantizedOutput& out = resize.output;
  const int8x8_t in_zero_point = vdup_n_s8(static_cast<int8_t>(resize.in_zero_point));
  const float32x4_t fy = vdupq_n_f32(row_fraction), scale = vdupq_n_f32(resize.scale);
  const int16x8_t zero_point = vdupq_n_s16(static_cast<int16_t>(out.zero_point));
  const int8x8_t low = vdup_n_s8(static_cast<int8_t>(out.low)), high = vdup_n_s8(static_cast<int8_t>(out.high));
  const size_t last = n - 8;
  for (int32_t x = 0; x < resize.out_w; ++x, dst_row += n) {
    const ResizeTap tap = resize.columns[x];
    const size_t first = static_cast<size_t>(tap.first) * n, second = static_cast<size_t>(tap.second) * n;
    const float32x4_t fx = vdupq_n_f32(tap.fraction);
    for (size_t c = 0;; c = c + 8 < last ? c + 8 : last) {
      const Float8 upper = between8(top + first + c, top + second + c, in_zero_point, fx);
      const Float8 lower = between8(bottom + first + c, bottom + second + c, in_zero_point, fx);
      const float32x4_t a = step4(upper.a, vsubq_f32(lower.a, upper.a), fy);
      const float32x4_t b = step4(upper.b, vsubq_f32(lower.b, upper.b), fy);
      // fcvtns and the narrowing steps saturate, so clamping can wait for the end.
      const int16x8_t words = vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(vmulq_f32(a, scale))),
                                           vqmovn_s32(vcvtnq_s32_f32(vmulq_f32(b, scale))));
      vst1_s8(dst_row + c, vmin_s8(vmax_s8(vqmovn_s16(vqaddq_s16(words, zero_point)), low), high));
      if (c == last) break;
    }
  }
}

}  // namespace dotori::kernels
