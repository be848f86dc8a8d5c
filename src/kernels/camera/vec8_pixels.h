// SPDX-License-Identifier: Apache-2.0
// Colours of eight pixels at a time over F8. For ISA files only; internal linkage.
#pragma once

#include <string.h>

#include "kernels/camera/camera.h"
#if defined(__x86_64__)
#include "kernels/camera/vec8_store_avx2.h"
#else
#include "kernels/camera/vec8_store_neon.h"
#endif

namespace dotori::kernels {
namespace {

struct Camera8 {
  F8 x[3];  // before gain, mean and scale; only the first for kCameraGray
};

inline F8 clamp8(F8 v, float low, float high) noexcept {
  return at_most8(splat8(high), at_least8(splat8(low), v));
}

inline Camera8 colors8(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how) noexcept {
  const F8 unit = splat8(1.0f / (1 << kCameraPixelBits)), middle = splat8(128.0f);
  const F8 luma = sub8(mul8(float_of8(y), splat8(how.y_scale)), splat8(how.y_bias));
  const F8 cu = sub8(mul8(float_of8(u), unit), middle), cv = sub8(mul8(float_of8(v), unit), middle);
  const F8 r = clamp8(add8(luma, mul8(cv, splat8(how.v_to_r))), 0, 255);
  const F8 g = clamp8(sub8(luma, add8(mul8(cu, splat8(how.u_to_g)), mul8(cv, splat8(how.v_to_g)))), 0, 255);
  const F8 b = clamp8(add8(luma, mul8(cu, splat8(how.u_to_b))), 0, 255);
  if (how.order == kCameraRgb) return {{r, g, b}};
  if (how.order == kCameraBgr) return {{b, g, r}};
  const F8 gray = add8(add8(mul8(splat8(0.299f), r), mul8(splat8(0.587f), g)), mul8(splat8(0.114f), b));
  return {{gray, gray, gray}};
}

inline F8 normalised8(F8 x, const CameraColors& how, int c) noexcept {
  return mul8(sub8(mul8(x, splat8(how.gain)), splat8(how.mean[c])), splat8(how.scale[c]));
}

inline void pixels_f32_block8(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how,
                              float* dst) noexcept {
  const Camera8 p = colors8(y, u, v, how);
  const F8 first = normalised8(p.x[0], how, 0);
  if (how.order == kCameraGray) store8(dst, first);
  else store_interleaved8(dst, first, normalised8(p.x[1], how, 1), normalised8(p.x[2], how, 2));
}

inline void pixels_b8_block8(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how,
                             uint8_t* dst) noexcept {
  const Camera8 p = colors8(y, u, v, how);
  const float low = static_cast<float>(how.low - how.zero_point), high = static_cast<float>(how.high - how.zero_point);
  F8 q[3];
  const int channels = how.order == kCameraGray ? 1 : 3;
  for (int c = 0; c < channels; ++c) q[c] = clamp8(div8(normalised8(p.x[c], how, c), splat8(how.step)), low, high);
  store_bytes8(dst, q, channels, how.zero_point);
}

// The last pixels, fewer than eight, go through the same arithmetic from and to memory of this function's own.
struct Tail8 {
  int32_t y[8], u[8], v[8];
  Tail8(const int32_t* from_y, const int32_t* from_u, const int32_t* from_v, size_t n) noexcept : y{}, u{}, v{} {
    memcpy(y, from_y, n * sizeof *y);
    memcpy(u, from_u, n * sizeof *u);
    memcpy(v, from_v, n * sizeof *v);
  }
};

inline void pixels_f32_row(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how, float* dst,
                           size_t n) noexcept {
  const size_t channels = how.order == kCameraGray ? 1 : 3;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) pixels_f32_block8(y + i, u + i, v + i, how, dst + channels * i);
  if (i == n) return;
  const Tail8 tail(y + i, u + i, v + i, n - i);
  float out[24];
  pixels_f32_block8(tail.y, tail.u, tail.v, how, out);
  memcpy(dst + channels * i, out, (n - i) * channels * sizeof *out);
}

inline void pixels_b8_row(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how, uint8_t* dst,
                          size_t n) noexcept {
  const size_t channels = how.order == kCameraGray ? 1 : 3;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) pixels_b8_block8(y + i, u + i, v + i, how, dst + channels * i);
  if (i == n) return;
  const Tail8 tail(y + i, u + i, v + i, n - i);
  uint8_t out[24];
  pixels_b8_block8(tail.y, tail.u, tail.v, how, out);
  memcpy(dst + channels * i, out, (n - i) * channels);
}

inline float largest_of_row(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how,
                            size_t n) noexcept {
  F8 largest = splat8(0);
  const int channels = how.order == kCameraRgb || how.order == kCameraBgr ? 3 : 1;
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const Camera8 p = colors8(y + i, u + i, v + i, how);
    for (int c = 0; c < channels; ++c) largest = max8(largest, p.x[c]);
  }
  if (i < n) {
    const Tail8 tail(y + i, u + i, v + i, n - i);
    const Camera8 p = colors8(tail.y, tail.u, tail.v, how);
    const M8 real = first_lanes8(n - i);
    for (int c = 0; c < channels; ++c) largest = max8(largest, select8(real, p.x[c], splat8(0)));
  }
  return max_lanes8(largest);
}

}  // namespace
}  // namespace dotori::kernels
