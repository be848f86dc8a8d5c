// SPDX-License-Identifier: Apache-2.0
// The one rule by which every int8 kernel makes its results, as plain C++. A vector kernel does the same IEEE single
// precision operations in the same order with explicit instructions, so the bits are the same everywhere:
//   v = float(acc) * scale;  v = max(v, v * slope);  y = rne(min(max(v, low - zero_point), high - zero_point)) +
//   zero_point
// Each operation rounds to nearest, ties to even; nothing is contracted into an FMA. Clamping before the conversion to
// integers is the same as after it (the bounds are whole) and keeps values that no int32 holds out of the conversion,
// where instruction sets differ.
#pragma once

#include <stdint.h>

namespace dotori::kernels {

// Where results go: real = scale * (y - zero_point). -128 <= low <= high <= 127. A fused ReLU or clip is a narrower
// [low, high]; a fused leaky ReLU is its slope, 0..1; 1: none.
struct QuantizedOutput {
  float slope;
  int32_t zero_point;
  int32_t low, high;
};

// Nearest integer, ties to even, for |v| <= 2^22: the sum pushes all fraction bits out of the significand (in the
// default rounding mode, which run() sees to).
static inline int32_t round_to_even(float v) {
  const float shift = 12582912.0f;  // 1.5 * 2^23
  return static_cast<int32_t>((v + shift) - shift);
}

// `v`: the result in units of the output scale, not NaN.
static inline int8_t quantize_real(float v, const QuantizedOutput& out) {
  const float low = static_cast<float>(out.low - out.zero_point), high = static_cast<float>(out.high - out.zero_point);
  v = v < low ? low : v;
  v = v > high ? high : v;
  return static_cast<int8_t>(round_to_even(v) + out.zero_point);
}

// `scale`: input scales divided by the output scale, finite and positive.
static inline int8_t requantize(int32_t acc, float scale, const QuantizedOutput& out) {
  float v = static_cast<float>(acc) * scale;
  const float sloped = v * out.slope;
  v = v < sloped ? sloped : v;
  return quantize_real(v, out);
}

}  // namespace dotori::kernels
