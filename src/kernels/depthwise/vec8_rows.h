// SPDX-License-Identifier: Apache-2.0
// The depthwise row loops over F8 (eight channels), and over two blocks of eight channels at once where AVX-512 is
// there. For ISA files only; internal linkage.
//
// A tile is kTileCols neighbouring output columns of one block of channels, all in registers:
//
//   input columns   j: 0 1 2 3 4 5 6 7 8 9         kernel_w 3, stride 1
//   output column 0    w w w                       each input vector is loaded once and used by up to three outputs;
//   output column 1      w w w                     the kernel row's weights stay in registers for the whole tile
//   …                          …
//   output column 7                  w w w
//
// 8 accumulators + 5 weights + 1 input fit 16 vector registers (32 half-wide ones on NEON), and 8 independent chains
// hide the latency of the multiply-add. The channel blocks of a tile are the inner loop, so memory is walked forwards.
// At the left and right edge the same tile leaves out the input columns that do not exist and stores only the output
// columns that do: the order of the additions into an element is the same in both kinds of tile.
#pragma once

#include "kernels/depthwise/depthwise.h"
#include "kernels/elementwise/lanes.h"

namespace dotori::kernels {
namespace {

constexpr int kTileCols = 8;

// One tile's place. Pointers to the images are not formed for rows or columns outside of them.
struct DepthwiseTile {
  const float* src;          // the image
  float* dst;                // first output column of the tile, channel 0
  ptrdiff_t in_y;            // of kernel row 0; may be outside
  ptrdiff_t in_x;            // of kernel column 0 at the first output column; may be outside
  int32_t ky_begin, ky_end;  // kernel rows inside the image
  int32_t cols;              // output columns to store, at most kTileCols
};

template <class V, bool kPart>
inline typename V::F load_channels(const float* p, size_t part) noexcept {
  if constexpr (kPart) return load8_part(p, part);
  else return V::load(p);
}

inline size_t block_elems(const DepthwiseF32& conv) noexcept {
  return 8 * (1 + static_cast<size_t>(conv.kernel_h) * static_cast<size_t>(conv.kernel_w));
}

template <class V, bool kEdge, bool kPart>
inline void store_tile(const DepthwiseF32& conv, const DepthwiseTile& tile, size_t c,
                       typename V::F (&sum)[kTileCols]) noexcept {
  const size_t channels = static_cast<size_t>(conv.channels);
  float* dst = tile.dst + c;
#pragma GCC unroll 8
  for (int n = 0; n < kTileCols; ++n) {
    if (kEdge && n >= tile.cols) return;
    const typename V::F y = V::clamp(sum[n], conv.low, conv.high);
    if constexpr (kPart) {
      store8_part(dst, y, channels);
    } else {
      V::store(dst, y);
    }
    dst += channels;
  }
}

// kernel_w and stride_w known, dilation_w 1.
template <class V, int kKernelW, int kStrideW, bool kEdge, bool kPart>
inline void fixed_tile(const DepthwiseF32& conv, const DepthwiseTile& tile, size_t c, const float* packed) noexcept {
  constexpr int kInputCols = (kTileCols - 1) * kStrideW + kKernelW;
  const size_t channels = static_cast<size_t>(conv.channels);
  const size_t width = static_cast<size_t>(conv.in_w);
  const size_t step = block_elems(conv);
  typename V::F sum[kTileCols];
  const typename V::F bias = V::load_eights(packed, step);
#pragma GCC unroll 8
  for (int n = 0; n < kTileCols; ++n) sum[n] = bias;
  packed += 8 + 8 * kKernelW * static_cast<size_t>(tile.ky_begin);
  for (int32_t ky = tile.ky_begin; ky < tile.ky_end; ++ky, packed += 8 * kKernelW) {
    typename V::F w[kKernelW];
#pragma GCC unroll 8
    for (int k = 0; k < kKernelW; ++k) w[k] = V::load_eights(packed + 8 * k, step);
    const ptrdiff_t row = (tile.in_y + ptrdiff_t{ky} * conv.dilation_h) * conv.in_w;
    // Only columns of the image are read; at the edge the index may start outside.
    ptrdiff_t at = (row + tile.in_x) * static_cast<ptrdiff_t>(channels) + static_cast<ptrdiff_t>(c);
    typename V::F next = bias;
    if constexpr (!kEdge) next = load_channels<V, kPart>(tile.src + at, channels);
#pragma GCC unroll 32
    for (int j = 0; j < kInputCols; ++j) {
      typename V::F x = next;
      at += static_cast<ptrdiff_t>(channels);
      if constexpr (kEdge) {
        if (static_cast<size_t>(tile.in_x + j) >= width) continue;
        x = load_channels<V, kPart>(tile.src + (at - static_cast<ptrdiff_t>(channels)), channels);
      } else if (j + 1 < kInputCols) {
        // One column ahead, for processors that do not reorder instructions.
        next = load_channels<V, kPart>(tile.src + at, channels);
      }
#pragma GCC unroll 8
      for (int n = 0; n < kTileCols; ++n) {
        const int k = j - n * kStrideW;
        if (k >= 0 && k < kKernelW) sum[n] = V::fma(x, w[k], sum[n]);
      }
    }
  }
  store_tile<V, kEdge, kPart>(conv, tile, c, sum);
}

// Any kernel, stride and dilation: one weight at a time, against all columns of the tile.
template <class V, bool kEdge, bool kPart>
inline void any_tile(const DepthwiseF32& conv, const DepthwiseTile& tile, size_t c, const float* packed) noexcept {
  const size_t channels = static_cast<size_t>(conv.channels);
  const size_t width = static_cast<size_t>(conv.in_w);
  const ptrdiff_t col_step = ptrdiff_t{conv.stride_w} * conv.channels;
  const size_t step = block_elems(conv);
  typename V::F sum[kTileCols];
  const typename V::F bias = V::load_eights(packed, step);
#pragma GCC unroll 8
  for (int n = 0; n < kTileCols; ++n) sum[n] = bias;
  packed += 8 + 8 * static_cast<size_t>(conv.kernel_w) * static_cast<size_t>(tile.ky_begin);
  for (int32_t ky = tile.ky_begin; ky < tile.ky_end; ++ky) {
    const ptrdiff_t row = (tile.in_y + ptrdiff_t{ky} * conv.dilation_h) * conv.in_w;
    ptrdiff_t in_x = tile.in_x;
    for (int32_t kx = 0; kx < conv.kernel_w; ++kx, in_x += conv.dilation_w, packed += 8) {
      const typename V::F w = V::load_eights(packed, step);
      ptrdiff_t at = (row + in_x) * static_cast<ptrdiff_t>(channels) + static_cast<ptrdiff_t>(c);
#pragma GCC unroll 8
      for (int n = 0; n < kTileCols; ++n, at += col_step) {
        if (kEdge && static_cast<size_t>(in_x + ptrdiff_t{n} * conv.stride_w) >= width) continue;
        sum[n] = V::fma(load_channels<V, kPart>(tile.src + at, channels), w, sum[n]);
      }
    }
  }
  store_tile<V, kEdge, kPart>(conv, tile, c, sum);
}

// kKernelW 0: any_tile.
template <class V, int kKernelW, int kStrideW, bool kEdge, bool kPart>
inline void tile_of(const DepthwiseF32& conv, const DepthwiseTile& tile, size_t c, const float* packed) noexcept {
  if constexpr (kKernelW == 0) {
    any_tile<V, kEdge, kPart>(conv, tile, c, packed);
  } else {
    fixed_tile<V, kKernelW, kStrideW, kEdge, kPart>(conv, tile, c, packed);
  }
}

template <int kKernelW, int kStrideW, bool kEdge>
inline void tile_blocks(const DepthwiseF32& conv, const DepthwiseTile& tile) noexcept {
  const size_t channels = static_cast<size_t>(conv.channels);
  const size_t step = block_elems(conv);
  const float* packed = conv.packed;
  size_t c = 0;
#if defined(__AVX512F__)
  for (; c + 16 <= channels; c += 16, packed += 2 * step)
    tile_of<Sixteen, kKernelW, kStrideW, kEdge, false>(conv, tile, c, packed);
#endif
  // The last block is moved back onto the one before where the channels are no multiple.
  for (; c < channels; c += 8, packed += step)
    tile_of<Eight, kKernelW, kStrideW, kEdge, false>(conv, tile, c + 8 <= channels ? c : channels - 8, packed);
}

template <int kKernelW, int kStrideW>
inline void depthwise_row(const DepthwiseF32& conv, const float* src, float* dst_row, int32_t out_y) noexcept {
  DepthwiseTile tile;
  tile.src = src;
  tile.in_y = ptrdiff_t{out_y} * conv.stride_h - conv.pad_top;
  tile.ky_begin = 0;
  tile.ky_end = conv.kernel_h;
  while (tile.ky_begin < tile.ky_end && tile.in_y + ptrdiff_t{tile.ky_begin} * conv.dilation_h < 0) ++tile.ky_begin;
  while (tile.ky_end > tile.ky_begin && tile.in_y + ptrdiff_t{tile.ky_end - 1} * conv.dilation_h >= conv.in_h) {
    --tile.ky_end;
  }
  const ptrdiff_t span = ptrdiff_t{kTileCols - 1} * conv.stride_w + ptrdiff_t{conv.kernel_w - 1} * conv.dilation_w;
  for (int32_t x = 0; x < conv.out_w; x += kTileCols) {
    tile.dst = dst_row + static_cast<size_t>(x) * static_cast<size_t>(conv.channels);
    tile.in_x = ptrdiff_t{x} * conv.stride_w - conv.pad_left;
    tile.cols = conv.out_w - x < kTileCols ? conv.out_w - x : kTileCols;
    if (conv.channels < 8) {
      tile_of<Eight, kKernelW, kStrideW, true, true>(conv, tile, 0, conv.packed);
    } else if (tile.cols == kTileCols && tile.in_x >= 0 && tile.in_x + span < conv.in_w) {
      tile_blocks<kKernelW, kStrideW, false>(conv, tile);
    } else {
      tile_blocks<kKernelW, kStrideW, true>(conv, tile);
    }
  }
}

}  // namespace

#define DOTORI_DEFINE_DEPTHWISE8(isa)                                                                                \
  void dwconv_f32_kw3s1__##isa(const DepthwiseF32& conv, const float* src, float* dst_row, int32_t out_y) noexcept { \
    depthwise_row<3, 1>(conv, src, dst_row, out_y);                                                                  \
  }                                                                                                                  \
  void dwconv_f32_kw3s2__##isa(const DepthwiseF32& conv, const float* src, float* dst_row, int32_t out_y) noexcept { \
    depthwise_row<3, 2>(conv, src, dst_row, out_y);                                                                  \
  }                                                                                                                  \
  void dwconv_f32_kw5s1__##isa(const DepthwiseF32& conv, const float* src, float* dst_row, int32_t out_y) noexcept { \
    depthwise_row<5, 1>(conv, src, dst_row, out_y);                                                                  \
  }                                                                                                                  \
  void dwconv_f32_kw5s2__##isa(const DepthwiseF32& conv, const float* src, float* dst_row, int32_t out_y) noexcept { \
    depthwise_row<5, 2>(conv, src, dst_row, out_y);                                                                  \
  }

#define DOTORI_DEFINE_DEPTHWISE8_ANY(isa)                                                                          \
  void dwconv_f32_any__##isa(const DepthwiseF32& conv, const float* src, float* dst_row, int32_t out_y) noexcept { \
    depthwise_row<0, 0>(conv, src, dst_row, out_y);                                                                \
  }

}  // namespace dotori::kernels
