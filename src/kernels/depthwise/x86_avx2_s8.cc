// SPDX-License-Identifier: Apache-2.0
// A tile is kTileCols neighbouring output columns of one block of 16 channels. Two input pixels, one above the other,
// are widened to int16 and interleaved; one vpmaddwd then does two taps of eight channels, and each interleaved pair
// serves every output column of the tile that the input column belongs to:
//
//   input columns   j: 0 1 2 3 4 5         kernel 3, stride 1
//   output column 0    w w w
//   output column 1      w w w             8 accumulators; weights come from memory, where they are in the first cache
//   output column 2        w w w           line after line of the block
//   output column 3          w w w
//
// The last row of an odd kernel pairs neighbouring columns instead: w0 w1, w2 w3, w4 0.
#include <immintrin.h>
#include <string.h>

#include "kernels/depthwise/depthwise_s8.h"

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

struct Sums {
  __m256i a[kTileCols], b[kTileCols];  // channels 0-3 and 8-11, channels 4-7 and 12-15
};

// 16 channels as int16. kPart: of an image with fewer, in the order of depthwise_s8_channel().
template <bool kPart>
inline __m256i load16(const int8_t* p, size_t channels) noexcept {
  if constexpr (kPart) {
    if (channels >= 8) {
      return _mm256_cvtepi8_epi16(
          _mm_unpacklo_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)),
                             _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p + channels - 8))));
    }
    uint64_t bytes = 0;
    memcpy(&bytes, p, channels);
    return _mm256_cvtepi8_epi16(_mm_cvtsi64_si128(static_cast<long long>(bytes)));
  }
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

template <bool kPart>
inline void store16(int8_t* p, __m128i v, size_t channels) noexcept {
  if constexpr (!kPart) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v);
  } else if (channels >= 8) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), v);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p + channels - 8), _mm_unpackhi_epi64(v, v));
  } else {
    const long long bytes = _mm_cvtsi128_si64(v);
    memcpy(p, &bytes, channels);
  }
}

inline __m256i load256(const void* p) noexcept {
  return _mm256_load_si256(static_cast<const __m256i*>(p));
}

struct Requantizer {
  __m256 scale_a, scale_b, slope, high;
  __m256i zero_point, low;
  bool leaky;

  Requantizer(const QuantizedOutput& out, const unsigned char* block) noexcept {
    scale_a = _mm256_load_ps(reinterpret_cast<const float*>(block + 64));
    scale_b = _mm256_load_ps(reinterpret_cast<const float*>(block + 96));
    slope = _mm256_set1_ps(out.slope);
    high = _mm256_set1_ps(static_cast<float>(out.high - out.zero_point));
    zero_point = _mm256_set1_epi16(static_cast<short>(out.zero_point));
    low = _mm256_set1_epi8(static_cast<char>(out.low));
    leaky = out.slope != 1.0f;
  }
  // Only the upper bound is needed before the conversion: what is below all int32 becomes the least int32, and the
  // saturating steps behind bring it to -128 and then to `low`.
  __m256i real8(__m256i acc, __m256 scale) const noexcept {
    __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), scale);
    if (leaky) v = _mm256_max_ps(v, _mm256_mul_ps(v, slope));
    return _mm256_cvtps_epi32(_mm256_min_ps(v, high));
  }
  __m256i words16(__m256i a, __m256i b) const noexcept {
    return _mm256_adds_epi16(_mm256_packs_epi32(real8(a, scale_a), real8(b, scale_b)), zero_point);
  }
};

template <bool kEdge, bool kPart>
inline void store_tile(const DepthwiseS8& conv, const Tile& tile, size_t c, const Sums& sum,
                       const unsigned char* block) noexcept {
  const Requantizer requantizer(conv.output, block);
  const size_t channels = static_cast<size_t>(conv.channels);
  int8_t* dst = tile.dst + c;
#pragma GCC unroll 2
  for (int n = 0; n < kTileCols; n += 2) {
    if (kEdge && n >= tile.cols) return;
    const __m256i bytes =
        _mm256_packs_epi16(requantizer.words16(sum.a[n], sum.b[n]), requantizer.words16(sum.a[n + 1], sum.b[n + 1]));
    const __m256i y = _mm256_max_epi8(_mm256_permute4x64_epi64(bytes, 0xD8), requantizer.low);
    store16<kPart>(dst, _mm256_castsi256_si128(y), channels);
    if (kEdge && n + 1 >= tile.cols) return;
    store16<kPart>(dst + channels, _mm256_extracti128_si256(y, 1), channels);
    dst += 2 * channels;
  }
}

inline void start_sums(const unsigned char* block, Sums& sum) noexcept {
  const __m256i a = load256(block), b = load256(block + 32);
#pragma GCC unroll 4
  for (int n = 0; n < kTileCols; ++n) {
    sum.a[n] = a;
    sum.b[n] = b;
  }
}

// Both halves of an interleaved pair of pixels times the weights at `w`.
inline void add_pair(__m256i low, __m256i high, const unsigned char* w, __m256i& a, __m256i& b) noexcept {
  a = _mm256_add_epi32(a, _mm256_madd_epi16(low, load256(w)));
  b = _mm256_add_epi32(b, _mm256_madd_epi16(high, load256(w + 32)));
  // Keeps the order: GCC would first make many products and then sum them up in trees, for which there are no
  // registers.
  asm volatile("" : "+x"(a), "+x"(b));
}

// Weights are read from memory at each use: held in registers, they would drive the sums out of them.
inline void forget(const unsigned char*& w) noexcept {
  asm("" : "+r"(w));
}

template <int kKernel, int kStride, bool kEdge, bool kPart>
inline void fixed_tile(const DepthwiseS8& conv, const Tile& tile, size_t c, const unsigned char* block) noexcept {
  constexpr int kInputCols = (kTileCols - 1) * kStride + kKernel;
  const size_t channels = static_cast<size_t>(conv.channels);
  const auto load = [&tile, c, channels](int ky, int j) noexcept {
    if constexpr (kEdge) return load16<kPart>(tile.pixels[ky][j] + c, channels);
    return load16<kPart>(tile.rows[ky] + tile.steps[ky] * j + c, channels);
  };
  Sums sum;
  start_sums(block, sum);
  const unsigned char* w = block + 128;
#pragma GCC unroll 2
  for (int ky = 0; ky + 1 < kKernel; ky += 2, w += 64 * kKernel) {
#pragma GCC unroll 16
    for (int j = 0; j < kInputCols; ++j) {
      forget(w);
      const __m256i upper = load(ky, j), lower = load(ky + 1, j);
      const __m256i a = _mm256_unpacklo_epi16(upper, lower), b = _mm256_unpackhi_epi16(upper, lower);
#pragma GCC unroll 4
      for (int n = 0; n < kTileCols; ++n) {
        const int k = j - n * kStride;
        if (k >= 0 && k < kKernel) add_pair(a, b, w + 64 * k, sum.a[n], sum.b[n]);
      }
    }
  }
  __m256i left = load(kKernel - 1, 0);
#pragma GCC unroll 16
  for (int j = 0; j < kInputCols; ++j) {
    forget(w);
    const __m256i right = j + 1 < kInputCols ? load(kKernel - 1, j + 1) : left;
    const __m256i a = _mm256_unpacklo_epi16(left, right), b = _mm256_unpackhi_epi16(left, right);
#pragma GCC unroll 4
    for (int n = 0; n < kTileCols; ++n) {
      const int k = j - n * kStride;
      if (k >= 0 && k < kKernel && k % 2 == 0) add_pair(a, b, w + 32 * k, sum.a[n], sum.b[n]);
    }
    left = right;
  }
  store_tile<kEdge, kPart>(conv, tile, c, sum, block);
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

// Any kernel, stride and dilation: pair by pair, each against all columns of the tile.
template <bool kEdge, bool kPart>
inline void any_tile(const DepthwiseS8& conv, const Tile& tile, const int8_t* src, size_t c,
                     const unsigned char* block) noexcept {
  const size_t channels = static_cast<size_t>(conv.channels);
  const ptrdiff_t in_w = conv.in_w;
  const auto load = [&](const Row& row, ptrdiff_t in_x) noexcept {
    const bool inside = !kEdge || static_cast<size_t>(in_x) < static_cast<size_t>(in_w);
    return load16<kPart>((inside ? row.first + row.step * in_x : tile.outside) + c, channels);
  };
  Sums sum;
  start_sums(block, sum);
  const unsigned char* w = block + 128;
  for (int32_t ky = 0; ky < conv.kernel_h; ky += 2) {
    // Pairs of an odd last row are neighbours; the last one's second weight is zero.
    const bool last = ky + 1 == conv.kernel_h;
    const Row upper = row_of(conv, tile, src, ky), lower = last ? upper : row_of(conv, tile, src, ky + 1);
    for (int32_t kx = 0; kx < conv.kernel_w; kx += last ? 2 : 1, w += 64) {
      ptrdiff_t first_x = tile.in_x + ptrdiff_t{kx} * conv.dilation_w;
      const ptrdiff_t to_second = last && kx + 1 < conv.kernel_w ? conv.dilation_w : 0;
#pragma GCC unroll 4
      for (int n = 0; n < kTileCols; ++n, first_x += conv.stride_w) {
        const __m256i x0 = load(upper, first_x), x1 = load(lower, first_x + to_second);
        add_pair(_mm256_unpacklo_epi16(x0, x1), _mm256_unpackhi_epi16(x0, x1), w, sum.a[n], sum.b[n]);
      }
    }
  }
  store_tile<kEdge, kPart>(conv, tile, c, sum, block);
}

// kKernel 0: any_tile.
template <int kKernel, int kStride, bool kEdge, bool kPart>
inline void tile_of(const DepthwiseS8& conv, const Tile& tile, const int8_t* src, size_t c,
                    const unsigned char* block) noexcept {
  if constexpr (kKernel == 0) {
    any_tile<kEdge, kPart>(conv, tile, src, c, block);
  } else {
    fixed_tile<kKernel, kStride, kEdge, kPart>(conv, tile, c, block);
  }
}

template <int kKernel, int kStride, bool kEdge>
inline void tile_blocks(const DepthwiseS8& conv, const Tile& tile, const int8_t* src,
                        const unsigned char* block) noexcept {
  const size_t channels = static_cast<size_t>(conv.channels);
  const size_t block_bytes = depthwise_s8_block_bytes(DepthwiseS8Layout::kPair16, conv.kernel_h, conv.kernel_w);
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

// Eight channels: two neighbouring pixels fill a vector, whose weights lie twice in the block (the order of
// depthwise_s8_channel()). Four such pairs are the columns of a kernel of stride 2. Takes the tiles inside the image
// from output column `x` on; returns the first column behind them.
template <int kKernel>
inline int32_t pixel_pairs(const DepthwiseS8& conv, Tile& tile, const Row* rows, int8_t* dst_row,
                           const unsigned char* block, int32_t x) noexcept {
  constexpr int kPixels = 2 * kTileCols;
  DepthwiseS8 pairs = conv;
  pairs.channels = 16;
  for (;; x += kPixels) {
    const ptrdiff_t in_x = ptrdiff_t{x} - conv.pad_left;
    if (x + kPixels > conv.out_w || in_x < 0 || in_x + kPixels + kKernel - 1 > conv.in_w) return x;
    tile.dst = dst_row + static_cast<size_t>(x) * 8;
    for (int ky = 0; ky < kKernel; ++ky) {
      // Outside the image a vector holds the zero points of two pixels.
      tile.steps[ky] = rows[ky].step;
      tile.rows[ky] = rows[ky].first + rows[ky].step * in_x;
    }
    fixed_tile<kKernel, 2, false, false>(pairs, tile, 0, block);
  }
}

template <int kKernel, int kStride>
inline void depthwise_row(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  Tile tile;
  tile.outside = static_cast<const int8_t*>(conv.packed);
  const unsigned char* blocks =
      static_cast<const unsigned char*>(conv.packed) + depthwise_s8_outside_bytes(conv.channels);
  tile.in_y = ptrdiff_t{out_y} * conv.stride_h - conv.pad_top;
  const ptrdiff_t span = ptrdiff_t{kTileCols - 1} * conv.stride_w + ptrdiff_t{conv.kernel_w - 1} * conv.dilation_w;
  Row rows[kMaxKernel];
  for (int ky = 0; ky < kKernel; ++ky) {
    rows[ky] = row_of(conv, tile, src, ky);
    tile.steps[ky] = rows[ky].step;
  }
  for (int32_t x = 0; x < conv.out_w; x += kTileCols) {
    if constexpr (kKernel != 0 && kStride == 1) {
      if (conv.channels == 8) x = pixel_pairs<kKernel>(conv, tile, rows, dst_row, blocks, x);
      if (x >= conv.out_w) break;
    }
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
      tile_blocks<kKernel, kStride, true>(conv, tile, src, blocks);
    } else {
      tile_blocks<kKernel, kStride, false>(conv, tile, src, blocks);
    }
  }
}

}  // namespace

void dwconv_s8_3x3s1__avx2(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<3, 1>(conv, src, dst_row, out_y);
}
void dwconv_s8_3x3s2__avx2(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<3, 2>(conv, src, dst_row, out_y);
}
void dwconv_s8_5x5s1__avx2(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<5, 1>(conv, src, dst_row, out_y);
}
void dwconv_s8_5x5s2__avx2(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<5, 2>(conv, src, dst_row, out_y);
}
void dwconv_s8_any__avx2(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  depthwise_row<0, 0>(conv, src, dst_row, out_y);
}

}  // namespace dotori::kernels
