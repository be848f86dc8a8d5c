// SPDX-License-Identifier: Apache-2.0
// From the planes of a YUV 4:2:0 picture to rows of a network's input, in three steps a row: weighted sums down the
// columns, weighted sums along the row, colours. Weights have 14 bits behind the point, are not negative and sum to
// 2^14 for each result, so integers hold every sum and all kernels give the same ones. Which samples count and how much
// is in tables of the caller.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

namespace dotori::kernels {

constexpr int kCameraWeightBits = 14;
constexpr int kCameraSumBits = 7;     // behind the point in a column sum: 255 * 2^7 fits int16
constexpr int kCameraTapBlock = 8;    // samples a row sum reads at a time
constexpr int kCameraPixelBits = 21;  // behind the point in a row sum: 14 + 7

// dst[i] = (sum over t < count of weights[t] * src[t * row_stride + i] + 2^6) >> 7          for i < n
// count >= 1; any alignment; nothing beyond the n bytes of each row is read.
using CameraColumnsFn = void (*)(const uint8_t* src, ptrdiff_t row_stride, const int16_t* weights, int32_t count,
                                 int16_t* dst, size_t n) noexcept;

// dst[x] = sum over t < 8 * blocks of weights[8 * blocks * x + t] * src[first[x] + t]          for x < n
// blocks >= 1; any alignment. Weights behind a result's samples are 0; what they meet must be readable.
using CameraRowFn = void (*)(const int16_t* src, const int32_t* first, const int16_t* weights, int32_t blocks,
                             int32_t* dst, size_t n) noexcept;

enum CameraOrder : int32_t { kCameraRgb, kCameraBgr, kCameraGray, kCameraGrayRepeated };

// Colours of row sums. Every operation is an IEEE single one, rounded on its own:
//   Y = float(y) * y_scale - y_bias     U = float(u) * 2^-21 - 128     V = float(v) * 2^-21 - 128
//   R = Y + V * v_to_r     G = Y - (U * u_to_g + V * v_to_g)     B = Y + U * u_to_b     each clamped to 0..255
//   gray = (0.299 R + 0.587 G) + 0.114 B
//   dst[c] = (x[c] * gain - mean[c]) * scale[c]
// with x = R, G, B or B, G, R or gray once or three times. 8-bit results are then
//   rne(clamp(dst[c] / step, low - zero_point, high - zero_point)) + zero_point
struct CameraColors {
  float y_scale, y_bias;
  float v_to_r, u_to_g, v_to_g, u_to_b;
  CameraOrder order;
  float gain;
  float mean[3], scale[3];        // finite
  float step;                     // finite, above 0
  int32_t zero_point, low, high;  // low <= zero_point <= high, both within an int16
};

// `n` pixels of 3 channels (1: kCameraGray), interleaved. The 8-bit form stores the low byte: int8 and uint8 alike.
using CameraPixelsF32Fn = void (*)(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& colors,
                                   float* dst, size_t n) noexcept;
using CameraPixelsB8Fn = void (*)(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& colors,
                                  uint8_t* dst, size_t n) noexcept;
// The largest x of `n` pixels; 0 when n is 0.
using CameraLargestFn = float (*)(const int32_t* y, const int32_t* u, const int32_t* v, const CameraColors& colors,
                                  size_t n) noexcept;

struct CameraKernels {
  const char* name;  // "camera__avx2"
  Isa isa;
  CameraColumnsFn columns;
  CameraRowFn row;
  CameraPixelsF32Fn pixels_f32;
  CameraPixelsB8Fn pixels_b8;
  CameraLargestFn largest;
};
// Everything compiled in, best first, the reference last. All give the same bits.
const CameraKernels* camera_kernels(size_t* count) noexcept;
const CameraKernels& select_camera(Isa isa = host_isa()) noexcept;

}  // namespace dotori::kernels
