// SPDX-License-Identifier: Apache-2.0
// The transforms over vectors of 8 channels, for the ISA that the including file is compiled for.
#pragma once

#include "kernels/elementwise/vec8.h"
#include "kernels/winograd/winograd.h"

namespace dotori::kernels {
namespace {

// B' d of six numbers.
inline void winograd_input6(const F8 (&d)[6], F8 (&t)[6]) noexcept {
  const F8 four = splat8(4), five = splat8(5), two = splat8(2);
  const F8 even4 = fnma8(four, d[2], d[4]), odd4 = fnma8(four, d[1], d[3]);
  const F8 even1 = sub8(d[4], d[2]), odd1 = sub8(d[3], d[1]);
  t[0] = fma8(four, d[0], fnma8(five, d[2], d[4]));
  t[1] = add8(even4, odd4);
  t[2] = sub8(even4, odd4);
  t[3] = fma8(two, odd1, even1);
  t[4] = fnma8(two, odd1, even1);
  t[5] = fma8(four, d[1], fnma8(five, d[3], d[5]));
}

// A' m of six numbers.
inline void winograd_output6(const F8 (&m)[6], F8 (&y)[4]) noexcept {
  const F8 s1 = add8(m[1], m[2]), d1 = sub8(m[1], m[2]), s2 = add8(m[3], m[4]), d2 = sub8(m[3], m[4]);
  y[0] = add8(add8(m[0], s1), s2);
  y[1] = fma8(splat8(2), d2, d1);
  y[2] = fma8(splat8(4), s2, s1);
  y[3] = add8(fma8(splat8(8), d2, d1), m[5]);
}

inline void winograd_input8(const WinogradInputF32& w) noexcept {
  for (size_t tile = 0; tile < w.tiles; ++tile) {
    const float* const* pixels = w.pixels + tile * 36;
    float* v = w.v + tile * w.channels;
    for (size_t c = 0; c < w.channels; c += 8) {
      F8 columns[6][6];  // [row][column], transformed along the rows' number
      for (int x = 0; x < 6; ++x) {
        F8 d[6], t[6];
        for (int y = 0; y < 6; ++y) d[y] = load8(pixels[y * 6 + x] + c);
        winograd_input6(d, t);
        for (int y = 0; y < 6; ++y) columns[y][x] = t[y];
      }
      for (int y = 0; y < 6; ++y) {
        F8 t[6];
        winograd_input6(columns[y], t);
        for (int x = 0; x < 6; ++x) store8(v + static_cast<size_t>(y * 6 + x) * w.point_stride + c, t[x]);
      }
    }
  }
}

inline void winograd_output8(const WinogradOutputF32& w) noexcept {
  const F8 low = splat8(w.low), high = splat8(w.high);
  for (size_t tile = 0; tile < w.tiles; ++tile) {
    float* const* pixels = w.pixels + tile * 16;
    const float* m = w.m + tile * w.row_stride;
    for (size_t c = 0; c < w.columns; c += 8) {
      const F8 bias = load8(w.bias + c);
      F8 rows[4][6];
      for (int x = 0; x < 6; ++x) {
        F8 d[6], y[4];
        for (int k = 0; k < 6; ++k) d[k] = load8(m + static_cast<size_t>(k * 6 + x) * w.point_stride + c);
        winograd_output6(d, y);
        for (int k = 0; k < 4; ++k) rows[k][x] = y[k];
      }
      for (int k = 0; k < 4; ++k) {
        F8 y[4];
        winograd_output6(rows[k], y);
        for (int x = 0; x < 4; ++x) {
          float* to = pixels[k * 4 + x];
          if (to != nullptr) store8(to + w.offset + c, at_most8(high, at_least8(low, add8(y[x], bias))));
        }
      }
    }
  }
}

}  // namespace
}  // namespace dotori::kernels
