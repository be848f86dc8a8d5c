// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>

#include "kernels/camera/camera.h"
#include "kernels/camera/vec8_pixels.h"

namespace dotori::kernels {
namespace {

// 16 columns.
inline void columns16(const uint8_t* src, ptrdiff_t row_stride, const int16_t* weights, int32_t count,
                      int16_t* dst) noexcept {
  uint32x4_t sum0 = vdupq_n_u32(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (int32_t t = 0; t < count; ++t, src += row_stride) {
    const uint8x16_t bytes = vld1q_u8(src);
    const uint16x8_t low = vmovl_u8(vget_low_u8(bytes)), high = vmovl_u8(vget_high_u8(bytes));
    const uint16_t w = static_cast<uint16_t>(weights[t]);
    sum0 = vmlal_n_u16(sum0, vget_low_u16(low), w);
    sum1 = vmlal_n_u16(sum1, vget_high_u16(low), w);
    sum2 = vmlal_n_u16(sum2, vget_low_u16(high), w);
    sum3 = vmlal_n_u16(sum3, vget_high_u16(high), w);
  }
  const uint16x8_t first = vcombine_u16(vrshrn_n_u32(sum0, kCameraSumBits), vrshrn_n_u32(sum1, kCameraSumBits));
  const uint16x8_t rest = vcombine_u16(vrshrn_n_u32(sum2, kCameraSumBits), vrshrn_n_u32(sum3, kCameraSumBits));
  vst1q_s16(dst, vreinterpretq_s16_u16(first));
  vst1q_s16(dst + 8, vreinterpretq_s16_u16(rest));
}

inline int32x4_t partial_sums(const int16_t* src, const int16_t* weights, int32_t blocks) noexcept {
  int32x4_t sum = vdupq_n_s32(0);
  for (int32_t block = 0; block < blocks; ++block, src += kCameraTapBlock, weights += kCameraTapBlock) {
    const int16x8_t a = vld1q_s16(src), w = vld1q_s16(weights);
    sum = vmlal_s16(sum, vget_low_s16(a), vget_low_s16(w));
    sum = vmlal_high_s16(sum, a, w);
  }
  return sum;
}

}  // namespace

void camera_columns__neon(const uint8_t* src, ptrdiff_t row_stride, const int16_t* weights, int32_t count, int16_t* dst,
                          size_t n) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) columns16(src + i, row_stride, weights, count, dst + i);
  if (i == n) return;
  if (n >= 16) {
    // Once more over some columns of the block before.
    columns16(src + n - 16, row_stride, weights, count, dst + n - 16);
    return;
  }
  for (; i < n; ++i) {
    int32_t sum = 1 << (kCameraSumBits - 1);
    for (int32_t t = 0; t < count; ++t) sum += weights[t] * src[t * row_stride + static_cast<ptrdiff_t>(i)];
    dst[i] = static_cast<int16_t>(sum >> kCameraSumBits);
  }
}

void camera_row__neon(const int16_t* src, const int32_t* first, const int16_t* weights, int32_t blocks, int32_t* dst,
                      size_t n) noexcept {
  const size_t taps = static_cast<size_t>(blocks) * kCameraTapBlock;
  size_t x = 0;
  for (; x + 4 <= n; x += 4, weights += 4 * taps) {
    const int32x4_t a = partial_sums(src + first[x], weights, blocks);
    const int32x4_t b = partial_sums(src + first[x + 1], weights + taps, blocks);
    const int32x4_t c = partial_sums(src + first[x + 2], weights + 2 * taps, blocks);
    const int32x4_t d = partial_sums(src + first[x + 3], weights + 3 * taps, blocks);
    vst1q_s32(dst + x, vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d)));
  }
  for (; x < n; ++x, weights += taps) dst[x] = vaddvq_s32(partial_sums(src + first[x], weights, blocks));
}

void camera_pixels_f32__neon(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how, float* dst,
                             size_t n) noexcept {
  pixels_f32_row(y, u, v, how, dst, n);
}

void camera_pixels_b8__neon(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how, uint8_t* dst,
                            size_t n) noexcept {
  pixels_b8_row(y, u, v, how, dst, n);
}

float camera_largest__neon(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how,
                           size_t n) noexcept {
  return largest_of_row(y, u, v, how, n);
}

}  // namespace dotori::kernels
