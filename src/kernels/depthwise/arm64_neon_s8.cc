// SPDX-License-Identifier: Apache-2.0
// A tile is kTileCols neighbouring output columns of one block of 16 channels. Weights of at most 127 times values of
// at most 128, two of them, fit int16, so smull and smlal do two taps of eight channels in two instructions, and saddw
// and saddw2 widen both sums at once: half the multiplier time of int16 operands, on cores that have one multiplier.
#include <arm_neon.h>
#include <string.h>

#include "kernels/depthwise/depthwise_s8.h"
#include "kernels/quantize/requantize_neon.h"

namespace dotori::kernels {
namespace {

constexpr int kTileCols = 4;
constexpr int kMaxKernel = 5;
constexpr int kMaxInputCols = (kTileCols - 1) * 2 + kMaxKernel;

struct Tile {
  int8_t* dst;            // first output column of the tile, channel 0
  ptrdiff_t in_y, in_x;   // of kernel row and column 0 at the first output column; may be outside
  int32_t cols;           // output columns to store, at most kTileCols
  const int8_t* outside;  // a pixel of zero points
  // Of the fixed kernels: the first pixel of each kernel row and the bytes from pixel to pixel (0: the row is outside);
  // at the edges every pixel instead.
  const int8_t* rows[kMaxKernel];
  ptrdiff_t steps[kMaxKernel];
  const int8_t* pixels[kMaxKernel][kMaxInputCols];
};

// Sums of 16 channels.
struct Sum16 {
  int32x4_t v[4];
};

// 16 channels. kPart: of an image with fewer, in the order of depthwise_s8_channel().
template <bool kPart>
inline int8x16_t load16(const int8_t* p, size_t channels) noexcept {
  if constexpr (kPart) {
    if (channels >= 8) return vcombine_s8(vld1_s8(p), vld1_s8(p + channels - 8));
    uint64_t bytes = 0;
    memcpy(&bytes, p, channels);
    return vcombine_s8(vcreate_s8(bytes), vcreate_s8(0));
  }
  return vld1q_s8(p);
}

template <bool kPart>
inline void store16(int8_t* p, int8x16_t v, size_t channels) noexcept {
  if constexpr (!kPart) {
    vst1q_s8(p, v);
  } else if (channels >= 8) {
    vst1_s8(p, vget_low_s8(v));
    vst1_s8(p + channels - 8, vget_high_s8(v));
  } else {
    const uint64_t bytes = vget_lane_u64(vreinterpret_u64_s8(vget_low_s8(v)), 0);
    memcpy(p, &bytes, channels);
  }
}

inline const int8_t* weights_of(const unsigned char* block) noexcept {
  return reinterpret_cast<const int8_t*>(block + 128);
}

inline Sum16 start_sum(const unsigned char* block) noexcept {
  const int32_t* folded = reinterpret_cast<const int32_t*>(block);
  return {{vld1q_s32(folded), vld1q_s32(folded + 4), vld1q_s32(folded + 8), vld1q_s32(folded + 12)}};
}

inline void widen_into(Sum16& sum, int16x8_t low, int16x8_t high) noexcept {
  sum.v[0] = vaddw_s16(sum.v[0], vget_low_s16(low));
  sum.v[1] = vaddw_high_s16(sum.v[1], low);
  sum.v[2] = vaddw_s16(sum.v[2], vget_low_s16(high));
  sum.v[3] = vaddw_high_s16(sum.v[3], high);
}
inline void add_tap(Sum16& sum, int8x16_t x, int8x16_t w) noexcept {
  widen_into(sum, vmull_s8(vget_low_s8(x), vget_low_s8(w)), vmull_high_s8(x, w));
}
inline void add_taps(Sum16& sum, int8x16_t x0, int8x16_t w0, int8x16_t x1, int8x16_t w1) noexcept {
  const int16x8_t low = vmull_s8(vget_low_s8(x0), vget_low_s8(w0)), high = vmull_high_s8(x0, w0);
  widen_into(sum, vmlal_s8(low, vget_low_s8(x1), vget_low_s8(w1)), vmlal_high_s8(high, x1, w1));
}

struct Requantizer : SaturatedBytes {
  float32x4_t scale[4], slope;
  bool leaky;

  Requantizer(const QuantizedOutput& out, const unsigned char* block) noexcept : SaturatedBytes(out) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) scale[i] = vld1q_f32(reinterpret_cast<const float*>(block + 64) + 4 * i);
    slope = vdupq_n_f32(out.slope);
    leaky = out.slope != 1.0f;
  }
  // Of two columns, whose chains interleave.
  void operator()(const Sum16 (&sums)[2], int8x16_t (&y)[2]) const noexcept {
    float32x4_t v[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) v[i] = vmulq_f32(vcvtq_f32_s32(sums[i / 4].v[i % 4]), scale[i % 4]);
    if (leaky) {
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) v[i] = vmaxq_f32(v[i], vmulq_f32(v[i], slope));
    }
    int16x8_t word[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) word[i] = words(v[2 * i], v[2 * i + 1]);
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) y[i] = clamp(narrow(word[2 * i], word[2 * i + 1]));
  }
};

// Columns n and n + 1 of the tile.
template <bool kEdge, bool kPart>
inline void store_columns(const DepthwiseS8& conv, const Tile& tile, size_t c, int n, const Sum16 (&sums)[2],
                          const Requantizer& requantizer) noexcept {
  const size_t channels = static_cast<size_t>(conv.channels);
  int8_t* dst = tile.dst + c + static_cast<size_t>(n) * channels;
  if (kEdge && n >= tile.cols) return;
  int8x16_t y[2];
  requantizer(sums, y);
  store16<kPart>(dst, y[0], channels);
  if (!kEdge || n + 1 < tile.cols) store16<kPart>(dst + channels, y[1], channels);
}

template <int kKernel, int kStride, bool kEdge, bool kPart>
struct FixedTile {
  static constexpr int kInputCols = (kTileCols - 1) * kStride + kKernel;
  const Tile& tile;
  size_t c, channels;

  int8x16_t load(int ky, int j) const noexcept {
    if constexpr (kEdge) return load16<kPart>(tile.pixels[ky][j] + c, channels);
    return load16<kPart>(tile.rows[ky] + tile.steps[ky] * j + c, channels);
  }
};

// All nine weights and a window of pixels stay in registers; two columns at a time, whose chains interleave.
template <int kStride, bool kEdge, bool kPart>
inline void tile_3x3(const DepthwiseS8& conv, const Tile& tile, size_t c, const unsigned char* block) noexcept {
  const FixedTile<3, kStride, kEdge, kPart> from{tile, c, static_cast<size_t>(conv.channels)};
  const Requantizer requantizer(conv.output, block);
  int8x16_t w[9];
#pragma GCC unroll 9
  for (int t = 0; t < 9; ++t) w[t] = vld1q_s8(weights_of(block) + 16 * t);
  constexpr int kPairCols = 3 + kStride;
  int8x16_t x[3][kPairCols];
#pragma GCC unroll 2
  for (int n = 0; n < kTileCols; n += 2) {
#pragma GCC unroll 3
    for (int ky = 0; ky < 3; ++ky) {
#pragma GCC unroll 5
      for (int j = 0; j < kPairCols; ++j) {
        const bool kept = n > 0 && j + 2 * kStride < kPairCols;
        x[ky][j] = kept ? x[ky][j + 2 * kStride] : from.load(ky, n * kStride + j);
      }
    }
    Sum16 sums[2] = {start_sum(block), start_sum(block)};
#pragma GCC unroll 4
    for (int t = 0; t < 8; t += 2) {  // taps one below the other
      const int y0 = t % 3, x0 = t / 3, y1 = (t + 1) % 3, x1 = (t + 1) / 3;
      add_taps(sums[0], x[y0][x0], w[3 * y0 + x0], x[y1][x1], w[3 * y1 + x1]);
      add_taps(sums[1], x[y0][x0 + kStride], w[3 * y0 + x0], x[y1][x1 + kStride], w[3 * y1 + x1]);
    }
    add_tap(sums[0], x[2][2], w[8]);
    add_tap(sums[1], x[2][2 + kStride], w[8]);
    store_columns<kEdge, kPart>(conv, tile, c, n, sums, requantizer);
  }
}

// Kernel row after kernel row: five weights, five pixels and the sums of four columns in registers.
template <int kStride, bool kEdge, bool kPart>
inline void tile_5x5(const DepthwiseS8& conv, const Tile& tile, size_t c, const unsigned char* block) noexcept {
  const FixedTile<5, kStride, kEdge, kPart> from{tile, c, static_cast<size_t>(conv.channels)};
  Sum16 sum[kTileCols];
#pragma GCC unroll 4
  for (int n = 0; n < kTileCols; ++n) sum[n] = start_sum(block);
  const int8_t* weights = weights_of(block);
#pragma GCC unroll 1
  for (int ky = 0; ky < 5; ++ky, weights += 80) {
    int8x16_t w[5], x[5];
#pragma GCC unroll 5
    for (int k = 0; k < 5; ++k) w[k] = vld1q_s8(weights + 16 * k);
#pragma GCC unroll 4
    for (int n = 0; n < kTileCols; ++n) {
#pragma GCC unroll 5
      for (int k = 0; k < 5; ++k) {
        const bool kept = n > 0 && k + kStride < 5;
        x[k] = kept ? x[k + kStride] : from.load(ky, n * kStride + k);
      }
      add_taps(sum[n], x[0], w[0], x[1], w[1]);
      add_taps(sum[n], x[2], w[2], x[3], w[3]);
      add_tap(sum[n], x[4], w[4]);
    }
  }
  const Requantizer requantizer(conv.output, block);
#pragma GCC unroll 2
  for (int n = 0; n < kTileCols; n += 2) {
    const Sum16 sums[2] = {sum[n], sum[n + 1]};
    store_columns<kEdge, kPart>(conv, tile, c, n, sums, requantizer);
  }
}

// An image row, or the pixel of zero points over and over.
struct Row {
  const int8_t* first;
  ptrdiff_t step;  // bytes from pixel to pixel
};
inline Row row_of(const DepthwiseS8& conv, const Tile& tile, const int8_t* src, int32_t ky) noexcept {
  const ptrdiff_t in_y = tile.in_y + ptrdiff_t{ky} * conv.dilation_h;
  if (static_cast<size_t>(in_y) >= static_cast<size_t>(conv.in_h)) return {tile.outside, 0};
  return {src + in_y * conv.in_w * ptrdiff_t{conv.channels}, conv.channels};
}

// Any kernel, stride and dilation: two taps at a time (kWide: one), each against all columns of the tile.
template <bool kWide, bool kEdge, bool kPart>
inline void any_tile(const DepthwiseS8& conv, const Tile& tile, const int8_t* src, size_t c,
                     const unsigned char* block) noexcept {
  const size_t channels = static_cast<size_t>(conv.channels);
  const ptrdiff_t in_w = conv.in_w;
  const auto load = [&](const Row& row, ptrdiff_t in_x) noexcept {
    const bool inside = !kEdge || static_cast<size_t>(in_x) < static_cast<size_t>(in_w);
    return load16<kPart>((inside ? row.first + row.step * in_x : tile.outside) + c, channels);
  };
  Sum16 sum[kTileCols];
#pragma GCC unroll 4
  for (int n = 0; n < kTileCols; ++n) sum[n] = start_sum(block);
  const int8_t* weights = weights_of(block);
  for (int32_t ky = 0; ky < conv.kernel_h; ++ky) {
    const Row row = row_of(conv, tile, src, ky);
    ptrdiff_t in_x = tile.in_x;
    if constexpr (kWide) {
      for (int32_t kx = 0; kx < conv.kernel_w; ++kx, in_x += conv.dilation_w, weights += 32) {
        const int16x8_t w0 = vreinterpretq_s16_s8(vld1q_s8(weights));
        const int16x8_t w1 = vreinterpretq_s16_s8(vld1q_s8(weights + 16));
#pragma GCC unroll 4
        for (int n = 0; n < kTileCols; ++n) {
          const int8x16_t x = load(row, in_x + ptrdiff_t{n} * conv.stride_w);
          const int16x8_t x0 = vmovl_s8(vget_low_s8(x)), x1 = vmovl_high_s8(x);
          sum[n].v[0] = vmlal_s16(sum[n].v[0], vget_low_s16(x0), vget_low_s16(w0));
          sum[n].v[1] = vmlal_high_s16(sum[n].v[1], x0, w0);
          sum[n].v[2] = vmlal_s16(sum[n].v[2], vget_low_s16(x1), vget_low_s16(w1));
          sum[n].v[3] = vmlal_high_s16(sum[n].v[3], x1, w1);
        }
      }
    } else {
      int32_t kx = 0;
      for (; kx + 1 < conv.kernel_w; kx += 2, in_x += 2 * ptrdiff_t{conv.dilation_w}, weights += 32) {
        const int8x16_t w0 = vld1q_s8(weights), w1 = vld1q_s8(weights + 16);
#pragma GCC unroll 4
        for (int n = 0; n < kTileCols; ++n) {
          const ptrdiff_t first_x = in_x + ptrdiff_t{n} * conv.stride_w;
          add_taps(sum[n], load(row, first_x), w0, load(row, first_x + conv.dilation_w), w1);
        }
      }
      if (kx < conv.kernel_w) {
        const int8x16_t w = vld1q_s8(weights);
        weights += 16;
#pragma GCC unroll 4
        for (int n = 0; n < kTileCols; ++n) add_tap(sum[n], load(row, in_x + ptrdiff_t{n} * conv.stride_w), w);
      }
    }
  }
  const Requantizer requantizer(conv.output, block);
#pragma GCC unroll 2
  for (int n = 0; n < kTileCols; n += 2) {
    const Sum16 sums[2] = {sum[n], sum[n + 1]};
    store_columns<kEdge, kPart>(conv, tile, c, n, sums, requantizer);
  }
}

// kKernel 0: any_tile, for wide weights when kStride is 1.
template <int kKernel, int kStride, bool kEdge, bool kPart>
inline void tile_of(const DepthwiseS8& conv, const Tile& tile, const int8_t* src, size_t c,
                    const unsigned char* block) noexcept {
  if constexpr (kKernel == 0) {
    any_tile<kStride == 1, kEdge, kPart>(conv, tile, src, c, block);
  } else if constexpr (kKernel == 3) {
    tile_3x3<kStride, kEdge, kPart>(conv, tile, c, block);
  } else {
    tile_5x5<kStride, kEdge, kPart>(conv, tile, c, block);
  }
}

template <int kKernel, int kStride, bool kEdge>
inline void tile_blocks(const DepthwiseS8& conv, const Tile& tile, const int8_t* src, const unsigned char* block,
                        size_t block_bytes) noexcept {
  const size_t channels = static_cast<size_t>(conv.channels);
  // The last block is moved back onto the one before where the channels are no multiple.
  for (size_t c = 0; c < channels; c += 16, block += block_bytes)
    tile_of<kKernel, kStride, kEdge, false>(conv, tile, src, c + 16 <= channels ? c : channels - 16, block);
}

// The fixed kernels' pixels of the tile at the edge.
template <int kKernel, int kStride>
inline void find_pixels(const DepthwiseS8& conv, Tile& tile) noexcept {
  constexpr int kInputCols = (kTileCols - 1) * kStride + kKernel;
  for (int j = 0; j < kInputCols; ++j) {
    const bool inside = static_cast<size_t>(tile.in_x + j) < static_cast<size_t>(conv.in_w);
    for (int ky = 0; ky < kKernel; ++ky)
      tile.pixels[ky][j] = inside ? tile.rows[ky] + tile.steps[ky] * (tile.in_x + j) : tile.outside;
  }
}

template <int kKernel, int kStride>
inline void depthwise_row(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y,
                          DepthwiseS8Layout layout) noexcept {
  Tile tile;
  tile.outside = static_cast<const int8_t*>(conv.packed);
  const unsigned char* blocks =
      static_cast<const unsigned char*>(conv.packed) + depthwise_s8_outside_bytes(conv.channels);
  const size_t block_bytes = depthwise_s8_block_bytes(layout, conv.kernel_h, conv.kernel_w);
  tile.in_y = ptrdiff_t{out_y} * conv.stride_h - conv.pad_top;
  const ptrdiff_t span = ptrdiff_t{kTileCols - 1} * conv.stride_w + ptrdiff_t{conv.kernel_w - 1} * conv.dilation_w;
  Row rows[kMaxKernel];
  for (int ky = 0; ky < kKernel; ++ky) {
    rows[ky] = row_of(conv, tile, src, ky);
    tile.steps[ky] = rows[ky].step;
  }
  for (int32_t x = 0; x < conv.out_w; x += kTileCols) {
    // The last tile is moved back onto the one before and computes some columns again.
    if (x + kTileCols > conv.out_w && conv.out_w >= kTileCols) x = conv.out_w - kTileCols;
    tile.cols = conv.out_w < kTileCols ? conv.out_w : kTileCols;
    tile.dst = dst_row + static_cast<size_t>(x) * static_cast<size_t>(conv.channels);
    tile.in_x = ptrdiff_t{x} * conv.stride_w - conv.pad_left;
    const bool edge = tile.in_x < 0 || tile.in_x + span >= conv.in_w;
    if constexpr (kKernel != 0) {
      for (int ky = 0; ky < kKernel; ++ky) tile.rows[ky] = rows[ky].first;
      if (edge || conv.channels < 16) {
        find_pixels<kKernel, kStride>(conv, tile);
      } else {
        for (int ky = 0; ky < kKernel; ++ky) tile.rows[ky] += tile.steps[ky] * tile.in_x;
      }
    }
    if (conv.channels < 16) {
      tile_of<kKernel, kStride, true, true>(conv, tile, src, 0, blocks);
    } else if (edge) {
      tile_blocks<kKernel, kStride, true>(conv, tile, src, blocks, block_bytes);
    } else {
      tile_blocks<kKernel, kStride, false>(conv, tile, src, blocks, block_bytes);
    }
  }
}

}  // namespace

void dwconv_s8_3x3s1__neon(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<3, 1>(conv, src, dst_row, out_y, DepthwiseS8Layout::kTap8);
}
void dwconv_s8_3x3s2__neon(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<3, 2>(conv, src, dst_row, out_y, DepthwiseS8Layout::kTap8);
}
void dwconv_s8_5x5s1__neon(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<5, 1>(conv, src, dst_row, out_y, DepthwiseS8Layout::kTap8);
}
void dwconv_s8_5x5s2__neon(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<5, 2>(conv, src, dst_row, out_y, DepthwiseS8Layout::kTap8);
}
void dwconv_s8_any__neon(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<0, 0>(conv, src, dst_row, out_y, DepthwiseS8Layout::kTap8);
}
void dwconv_s8_any16__neon(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<0, 1>(conv, src, dst_row, out_y, DepthwiseS8Layout::kTap16);
}

}  // namespace dotori::kernels
