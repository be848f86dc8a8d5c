// SPDX-License-Identifier: Apache-2.0
// float32 Winograd convolution F(4x4, 3x3): the transforms around the 36 matrix products.
//   y = A' [(G g G') * (B' d B)] A     for a tile d of 6 x 6 input pixels, a 3 x 3 kernel g and 4 x 4 output pixels y
// with the points 0, 1, -1, 2, -2 and infinity. Source: Lavin and Gray, Fast Algorithms for Convolutional Neural
// Networks, 2015. A multiplication less costs precision: the difference from a direct convolution is of the order of
// 1e-6 of the largest sum of products, which tests/kernels/winograd_test.cc bounds. A NaN or an infinity of the input
// reaches all pixels of the tiles that read it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

namespace dotori::kernels {

constexpr int32_t kWinogradTile = 4, kWinogradWindow = 6, kWinogradPoints = 36;

// B' d B of `tiles` tiles: number p of tile t and channel c goes to v[p * point_stride + t * channels + c].
struct WinogradInputF32 {
  const float* const* pixels;  // [tiles][36], row by row: the `channels` floats of a pixel; any alignment
  size_t tiles, channels;      // channels: a multiple of 8
  float* v;
  size_t point_stride;
};

// A' m A, the bias and a clamp: m[p * point_stride + t * row_stride + j], j < columns, to 16 pixels.
struct WinogradOutputF32 {
  const float* m;
  size_t point_stride, row_stride, tiles;
  size_t columns;        // a multiple of 8
  const float* bias;     // [columns]
  float* const* pixels;  // [tiles][16], row by row; null: outside the image, not written
  ptrdiff_t offset;      // floats, added to every pixel
  float low, high;       // not NaN; -infinity and infinity: no clamp
};

struct WinogradF32Kernel {
  const char* name;  // "winograd_f32_4x4__avx2"
  Isa isa;
  void (*input)(const WinogradInputF32&) noexcept;
  void (*output)(const WinogradOutputF32&) noexcept;
};
// The best within `isa`; null: none is written for it.
const WinogradF32Kernel* select_winograd_f32(Isa isa = host_isa()) noexcept;

// G g G' of weights [outputs][3][3][channels]: point p as [outputs][channels] at u + p * outputs * channels. Computed
// in double.
void winograd_weights_f32(const float* weights, size_t outputs, size_t channels, float* u) noexcept;

#if defined(__x86_64__)
void winograd_input_f32__avx2(const WinogradInputF32&) noexcept;
void winograd_output_f32__avx2(const WinogradOutputF32&) noexcept;
void winograd_input_f32__avx512(const WinogradInputF32&) noexcept;
void winograd_output_f32__avx512(const WinogradOutputF32&) noexcept;
#elif defined(__aarch64__)
void winograd_input_f32__neon(const WinogradInputF32&) noexcept;
void winograd_output_f32__neon(const WinogradOutputF32&) noexcept;
#endif

}  // namespace dotori::kernels
