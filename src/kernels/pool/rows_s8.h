// SPDX-License-Identifier: Apache-2.0
// The int8 pooling row loops over bytes, words and requantisation that the ISA file defines before it includes this
// header. For ISA files only; internal linkage. For 8 channels or more: the last block of a pixel ends at the last
// channel and so may repeat some of the block before.
//   Bytes16 load_bytes16(const int8_t*), Bytes16 load_bytes8(const int8_t*), void store_bytes16 / store_bytes8(int8_t*,
//   Bytes16), Bytes16 splat_bytes(int8_t), Bytes16 max_bytes(Bytes16, Bytes16)
//   Words16: 16 int16.  Words16 zero_words(), Words16 add_bytes(Words16, Bytes16)
//   Sums16: 16 int32.   Sums16 splat_sums(int32_t), Sums16 add_words(Sums16, Words16)
//   Bytes16 requantize16(Sums16, float scale, const QuantizedOutput&)
#pragma once

#include "kernels/pool/pool_s8.h"

namespace dotori::kernels {
namespace {

// The taps [begin, end) of a window that fall into [0, size).
struct TapRange {
  int32_t begin, end;
  int32_t count() const noexcept { return end - begin; }
};
inline TapRange taps_inside(ptrdiff_t first, ptrdiff_t dilation, int32_t kernel, ptrdiff_t size) noexcept {
  TapRange taps{0, kernel};
  while (taps.begin < taps.end && first + taps.begin * dilation < 0) ++taps.begin;
  while (taps.end > taps.begin && first + (taps.end - 1) * dilation >= size) --taps.end;
  return taps;
}

// The part of a window that lies in the image.
struct PoolWindow {
  const int8_t* first;  // top left pixel; not to be read when there is no row or no column
  int32_t rows, cols;
  size_t row_step, col_step;  // bytes from tap to tap
  int32_t offset;             // average: -in_zero_point * rows * cols
  float scale;                // average
};

template <bool kHalf>
inline Bytes16 load_bytes(const int8_t* p) noexcept {
  if constexpr (kHalf) return load_bytes8(p);
  return load_bytes16(p);
}
template <bool kHalf>
inline void store_bytes(int8_t* p, Bytes16 v) noexcept {
  if constexpr (kHalf) {
    store_bytes8(p, v);
  } else {
    store_bytes16(p, v);
  }
}

// kBlocks blocks of 16 channels, or (kHalf) one of 8.
template <int kBlocks, bool kHalf>
inline void window_max(const PoolWindow& window, size_t c, int8_t* dst) noexcept {
  Bytes16 best[kBlocks];
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) best[b] = splat_bytes(-128);
  const int8_t* row = window.first + c;
  for (int32_t ky = 0; ky < window.rows; ++ky, row += window.row_step) {
    const int8_t* pixel = row;
    for (int32_t kx = 0; kx < window.cols; ++kx, pixel += window.col_step) {
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) best[b] = max_bytes(best[b], load_bytes<kHalf>(pixel + 16 * b));
    }
  }
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) store_bytes<kHalf>(dst + c + 16 * b, best[b]);
}

// Bytes are added up in int16, which holds 256 of them, and these sums in int32.
template <int kBlocks, bool kHalf>
inline void window_average(const PoolWindow& window, const QuantizedOutput& output, size_t c, int8_t* dst) noexcept {
  constexpr int32_t kMostTaps = 256;
  Sums16 sum[kBlocks];
  Words16 part[kBlocks];
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) {
    sum[b] = splat_sums(window.offset);
    part[b] = zero_words();
  }
  int32_t room = kMostTaps;
  const int8_t* row = window.first + c;
  for (int32_t ky = 0; ky < window.rows; ++ky, row += window.row_step) {
    const int8_t* pixel = row;
    for (int32_t left = window.cols; left > 0;) {
      const int32_t taps = left < room ? left : room;
      for (int32_t kx = 0; kx < taps; ++kx, pixel += window.col_step) {
#pragma GCC unroll 4
        for (int b = 0; b < kBlocks; ++b) part[b] = add_bytes(part[b], load_bytes<kHalf>(pixel + 16 * b));
      }
      left -= taps;
      room -= taps;
      if (room > 0) continue;
      room = kMostTaps;
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) {
        sum[b] = add_words(sum[b], part[b]);
        part[b] = zero_words();
      }
    }
  }
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b)
    store_bytes<kHalf>(dst + c + 16 * b, requantize16(add_words(sum[b], part[b]), window.scale, output));
}

template <PoolKind kKind, int kBlocks, bool kHalf>
inline void window_blocks(const PoolWindow& window, const QuantizedOutput& output, size_t c, int8_t* dst) noexcept {
  if constexpr (kKind == PoolKind::kMax) {
    window_max<kBlocks, kHalf>(window, c, dst);
  } else {
    window_average<kBlocks, kHalf>(window, output, c, dst);
  }
}

// All `n` >= 8 elements that lie next to each other.
template <PoolKind kKind>
inline void window_elems(const PoolWindow& window, const QuantizedOutput& output, size_t n, int8_t* dst) noexcept {
  constexpr int kBlocks = kKind == PoolKind::kMax ? 4 : 2;
  if (n < 16) {
    window_blocks<kKind, 1, true>(window, output, 0, dst);
    if (n > 8) window_blocks<kKind, 1, true>(window, output, n - 8, dst);
    return;
  }
  size_t c = 0;
  for (; c + 16 * kBlocks <= n; c += 16 * kBlocks) window_blocks<kKind, kBlocks, false>(window, output, c, dst);
  for (; c + 16 <= n; c += 16) window_blocks<kKind, 1, false>(window, output, c, dst);
  if (c < n) window_blocks<kKind, 1, false>(window, output, n - 16, dst);
}

// The output row from the `rows` image rows of its windows, which start at `src`, row_step bytes apart.
template <PoolKind kKind>
inline void pool_columns(const PoolS8& pool, const int8_t* src, int32_t rows, size_t row_step, int64_t count_rows,
                         int8_t* dst_row) noexcept {
  const size_t channels = static_cast<size_t>(pool.channels);
  PoolWindow window;
  window.row_step = row_step;
  window.col_step = static_cast<size_t>(pool.dilation_w) * channels;
  window.rows = rows;
  window.offset = 0;
  window.scale = 1;
  int64_t scale_count = 0;  // what window.scale was made for
  for (int32_t x = 0; x < pool.out_w; ++x, dst_row += channels) {
    const ptrdiff_t in_x = ptrdiff_t{x} * pool.stride_w - pool.pad_left;
    const TapRange taps = taps_inside(in_x, pool.dilation_w, pool.kernel_w, pool.in_w);
    window.cols = taps.count();
    window.first = src;
    if (window.cols > 0) window.first += static_cast<size_t>(in_x + ptrdiff_t{taps.begin} * pool.dilation_w) * channels;
    if constexpr (kKind == PoolKind::kAverage) {
      window.offset = -pool.in_zero_point * window.rows * window.cols;
      int64_t count = window.cols;
      if (pool.count_include_pad) {
        count = taps_inside(in_x + pool.pad_left, pool.dilation_w, pool.kernel_w,
                            ptrdiff_t{pool.in_w} + pool.pad_left + pool.pad_right)
                    .count();
      }
      count *= count_rows;
      if (count < 1) count = 1;
      if (count != scale_count) {
        window.scale = static_cast<float>(pool.in_scale / (pool.out_scale * static_cast<double>(count)));
        scale_count = count;
      }
    }
    window_elems<kKind>(window, pool.output, channels, dst_row);
  }
}

struct PoolRows {
  const int8_t* first;
  int32_t count;
  size_t step;  // bytes
};
inline PoolRows rows_inside(const PoolS8& pool, const int8_t* src, int32_t out_y) noexcept {
  const size_t row_elems = static_cast<size_t>(pool.in_w) * static_cast<size_t>(pool.channels);
  const ptrdiff_t in_y = ptrdiff_t{out_y} * pool.stride_h - pool.pad_top;
  const TapRange taps = taps_inside(in_y, pool.dilation_h, pool.kernel_h, pool.in_h);
  if (taps.count() > 0) src += static_cast<size_t>(in_y + ptrdiff_t{taps.begin} * pool.dilation_h) * row_elems;
  return {src, taps.count(), static_cast<size_t>(pool.dilation_h) * row_elems};
}

inline void max_pool_row(const PoolS8& pool, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  const PoolRows rows = rows_inside(pool, src, out_y);
  pool_columns<PoolKind::kMax>(pool, rows.first, rows.count, rows.step, 1, dst_row);
}

inline void max_pool_separable_row(const PoolS8& pool, const int8_t* src, int8_t* dst_row, int32_t out_y,
                                   int8_t* scratch) noexcept {
  const PoolRows rows = rows_inside(pool, src, out_y);
  const PoolWindow column{rows.first, rows.count, 1, rows.step, 0, 0, 1.0f};
  window_elems<PoolKind::kMax>(column, pool.output, static_cast<size_t>(pool.in_w) * static_cast<size_t>(pool.channels),
                               scratch);
  pool_columns<PoolKind::kMax>(pool, scratch, 1, 0, 1, dst_row);
}

inline void average_pool_row(const PoolS8& pool, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  const PoolRows rows = rows_inside(pool, src, out_y);
  int64_t count_rows = rows.count;
  if (pool.count_include_pad) {
    count_rows = taps_inside(ptrdiff_t{out_y} * pool.stride_h, pool.dilation_h, pool.kernel_h,
                             ptrdiff_t{pool.in_h} + pool.pad_top + pool.pad_bottom)
                     .count();
  }
  pool_columns<PoolKind::kAverage>(pool, rows.first, rows.count, rows.step, count_rows, dst_row);
}

}  // namespace

#define DOTORI_DEFINE_POOL_S8(isa)                                                                        \
  void maxpool_s8_separable__##isa(const PoolS8& pool, const int8_t* src, int8_t* dst_row, int32_t out_y, \
                                   int8_t* scratch) noexcept {                                            \
    max_pool_separable_row(pool, src, dst_row, out_y, scratch);                                           \
  }                                                                                                       \
  void maxpool_s8_any__##isa(const PoolS8& pool, const int8_t* src, int8_t* dst_row, int32_t out_y,       \
                             int8_t*) noexcept {                                                          \
    max_pool_row(pool, src, dst_row, out_y);                                                              \
  }                                                                                                       \
  void avgpool_s8_any__##isa(const PoolS8& pool, const int8_t* src, int8_t* dst_row, int32_t out_y,       \
                             int8_t*) noexcept {                                                          \
    average_pool_row(pool, src, dst_row, out_y);                                                          \
  }

}  // namespace dotori::kernels
