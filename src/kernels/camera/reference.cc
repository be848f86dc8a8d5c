// SPDX-License-Identifier: Apache-2.0
#include "kernels/camera/camera.h"
#include "kernels/quantize/requantize.h"

namespace dotori::kernels {
namespace {

float clamp(float v, float low, float high) {
  v = v < low ? low : v;
  return v > high ? high : v;
}

// The channels' numbers before gain, mean and scale; returns how many.
int colors_of(int32_t y, int32_t u, int32_t v, const CameraColors& how, float* x) {
  constexpr float kUnit = 1.0f / (1 << kCameraPixelBits);
  const float luma = static_cast<float>(y) * how.y_scale - how.y_bias;
  const float cu = static_cast<float>(u) * kUnit - 128.0f, cv = static_cast<float>(v) * kUnit - 128.0f;
  const float r = clamp(luma + cv * how.v_to_r, 0, 255);
  const float g = clamp(luma - (cu * how.u_to_g + cv * how.v_to_g), 0, 255);
  const float b = clamp(luma + cu * how.u_to_b, 0, 255);
  switch (how.order) {
    case kCameraRgb: x[0] = r, x[1] = g, x[2] = b; return 3;
    case kCameraBgr: x[0] = b, x[1] = g, x[2] = r; return 3;
    case kCameraGrayRepeated:
    case kCameraGray: break;
  }
  x[0] = x[1] = x[2] = (0.299f * r + 0.587f * g) + 0.114f * b;
  return how.order == kCameraGray ? 1 : 3;
}

}  // namespace

void camera_columns__reference(const uint8_t* src, ptrdiff_t row_stride, const int16_t* weights, int32_t count,
                               int16_t* dst, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    int32_t sum = 1 << (kCameraSumBits - 1);
    const uint8_t* p = src + i;
    for (int32_t t = 0; t < count; ++t) sum += weights[t] * p[t * row_stride];
    dst[i] = static_cast<int16_t>(sum >> kCameraSumBits);
  }
}

void camera_row__reference(const int16_t* src, const int32_t* first, const int16_t* weights, int32_t blocks,
                           int32_t* dst, size_t n) noexcept {
  const int32_t taps = blocks * kCameraTapBlock;
  for (size_t x = 0; x < n; ++x, weights += taps) {
    int32_t sum = 0;
    for (int32_t t = 0; t < taps; ++t) sum += weights[t] * src[first[x] + t];
    dst[x] = sum;
  }
}

void camera_pixels_f32__reference(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how,
                                  float* dst, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) {
    float x[3];
    const int channels = colors_of(y[i], u[i], v[i], how, x);
    for (int c = 0; c < channels; ++c) *dst++ = (x[c] * how.gain - how.mean[c]) * how.scale[c];
  }
}

void camera_pixels_b8__reference(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how,
                                 uint8_t* dst, size_t n) noexcept {
  const float low = static_cast<float>(how.low - how.zero_point), high = static_cast<float>(how.high - how.zero_point);
  for (size_t i = 0; i < n; ++i) {
    float x[3];
    const int channels = colors_of(y[i], u[i], v[i], how, x);
    for (int c = 0; c < channels; ++c) {
      const float q = clamp((x[c] * how.gain - how.mean[c]) * how.scale[c] / how.step, low, high);
      *dst++ = static_cast<uint8_t>(round_to_even(q) + how.zero_point);
    }
  }
}

float camera_largest__reference(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& how,
                                size_t n) noexcept {
  float largest = 0;
  for (size_t i = 0; i < n; ++i) {
    float x[3];
    const int channels = colors_of(y[i], u[i], v[i], how, x);
    for (int c = 0; c < channels; ++c) largest = x[c] > largest ? x[c] : largest;
  }
  return largest;
}

}  // namespace dotori::kernels
