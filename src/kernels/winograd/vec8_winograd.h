// SPDX-License-Identifier: Apache-2.0
// The transforms over vectors of 8 channels (16 with AVX-512), for the ISA that the including file is compiled for.
#pragma once

#include "kernels/elementwise/lanes.h"
#include "kernels/winograd/winograd.h"

namespace dotori::kernels {
namespace {

// B' d of six numbers.
template <class V>
inline void winograd_input6(const typename V::F (&d)[6], typename V::F (&t)[6]) noexcept {
  const typename V::F four = V::splat(4), five = V::splat(5), two = V::splat(2);
  const typename V::F even4 = V::fnma(four, d[2], d[4]), odd4 = V::fnma(four, d[1], d[3]);
  const typename V::F even1 = V::sub(d[4], d[2]), odd1 = V::sub(d[3], d[1]);
  t[0] = V::fma(four, d[0], V::fnma(five, d[2], d[4]));
  t[1] = V::add(even4, odd4);
  t[2] = V::sub(even4, odd4);
  t[3] = V::fma(two, odd1, even1);
  t[4] = V::fnma(two, odd1, even1);
  t[5] = V::fma(four, d[1], V::fnma(five, d[3], d[5]));
}

// A' m of six numbers.
template <class V>
inline void winograd_output6(const typename V::F (&m)[6], typename V::F (&y)[4]) noexcept {
  const typename V::F s1 = V::add(m[1], m[2]), d1 = V::sub(m[1], m[2]), s2 = V::add(m[3], m[4]),
                      d2 = V::sub(m[3], m[4]);
  y[0] = V::add(V::add(m[0], s1), s2);
  y[1] = V::fma(V::splat(2), d2, d1);
  y[2] = V::fma(V::splat(4), s2, s1);
  y[3] = V::add(V::fma(V::splat(8), d2, d1), m[5]);
}

// One block of channels of one tile, from channel c on.
template <class V>
inline void winograd_input_block(const float* const* pixels, size_t c, float* v, size_t point_stride) noexcept {
  typename V::F columns[6][6];  // [row][column], transformed along the rows' number
  for (int x = 0; x < 6; ++x) {
    typename V::F d[6], t[6];
    for (int y = 0; y < 6; ++y) d[y] = V::load(pixels[y * 6 + x] + c);
    winograd_input6<V>(d, t);
    for (int y = 0; y < 6; ++y) columns[y][x] = t[y];
  }
  for (int y = 0; y < 6; ++y) {
    typename V::F t[6];
    winograd_input6<V>(columns[y], t);
    for (int x = 0; x < 6; ++x) V::store(v + static_cast<size_t>(y * 6 + x) * point_stride + c, t[x]);
  }
}

inline void winograd_input(const WinogradInputF32& w) noexcept {
  for (size_t tile = 0; tile < w.tiles; ++tile) {
    const float* const* pixels = w.pixels + tile * 36;
    float* v = w.v + tile * w.channels;
    size_t c = 0;
#if defined(__AVX512F__)
    for (; c + 16 <= w.channels; c += 16) winograd_input_block<Sixteen>(pixels, c, v, w.point_stride);
#endif
    for (; c < w.channels; c += 8) winograd_input_block<Eight>(pixels, c, v, w.point_stride);
  }
}

template <class V>
inline void winograd_output_block(const WinogradOutputF32& w, const float* m, size_t c, float* const* pixels) noexcept {
  const typename V::F bias = V::load(w.bias + c);
  typename V::F rows[4][6];
  for (int x = 0; x < 6; ++x) {
    typename V::F d[6], y[4];
    for (int k = 0; k < 6; ++k) d[k] = V::load(m + static_cast<size_t>(k * 6 + x) * w.point_stride + c);
    winograd_output6<V>(d, y);
    for (int k = 0; k < 4; ++k) rows[k][x] = y[k];
  }
  for (int k = 0; k < 4; ++k) {
    typename V::F y[4];
    winograd_output6<V>(rows[k], y);
    for (int x = 0; x < 4; ++x) {
      float* to = pixels[k * 4 + x];
      if (to != nullptr) V::store(to + w.offset + c, V::clamp(V::add(y[x], bias), w.low, w.high));
    }
  }
}

inline void winograd_output(const WinogradOutputF32& w) noexcept {
  for (size_t tile = 0; tile < w.tiles; ++tile) {
    const float* m = w.m + tile * w.row_stride;
    size_t c = 0;
#if defined(__AVX512F__)
    for (; c + 16 <= w.columns; c += 16) winograd_output_block<Sixteen>(w, m, c, w.pixels + tile * 16);
#endif
    for (; c < w.columns; c += 8) winograd_output_block<Eight>(w, m, c, w.pixels + tile * 16);
  }
}

}  // namespace
}  // namespace dotori::kernels
