// SPDX-License-Identifier: Apache-2.0
// The pooling row loops over F8 (eight channels). For ISA files only; internal linkage. For 8 channels
// or more: the last block of a pixel ends at the last channel and so may repeat some of the block before.
#pragma once

#include <math.h>

#include "kernels/pool/pool.h"
#if defined(__x86_64__)
#include "kernels/elementwise/vec8_avx2.h"
#else
#include "kernels/elementwise/vec8_neon.h"
#endif

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
  const float* first;  // top left pixel; not to be read when there is no row or no column
  int32_t rows, cols;
  size_t row_step, col_step;  // floats from tap to tap
  float divisor;              // average only
};

// kBlocks blocks of 8 channels: several independent chains.
template <int kBlocks>
inline void window_max(const PoolWindow& window, size_t c, float* dst) noexcept {
  F8 best[kBlocks];
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) best[b] = splat8(-HUGE_VALF);
  const float* row = window.first + c;
  for (int32_t ky = 0; ky < window.rows; ++ky, row += window.row_step) {
    const float* pixel = row;
    for (int32_t kx = 0; kx < window.cols; ++kx, pixel += window.col_step) {
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) best[b] = max8(best[b], load8(pixel + 8 * b));
    }
  }
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) store8(dst + c + 8 * b, best[b]);
}

template <int kBlocks>
inline void window_average(const PoolWindow& window, size_t c, float* dst) noexcept {
  F8 sum[kBlocks];
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) sum[b] = splat8(0.0f);
  const float* row = window.first + c;
  for (int32_t ky = 0; ky < window.rows; ++ky, row += window.row_step) {
    F8 row_sum[kBlocks];
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) row_sum[b] = splat8(0.0f);
    const float* pixel = row;
    for (int32_t kx = 0; kx < window.cols; ++kx, pixel += window.col_step) {
#pragma GCC unroll 4
      for (int b = 0; b < kBlocks; ++b) row_sum[b] = add8(row_sum[b], load8(pixel + 8 * b));
    }
#pragma GCC unroll 4
    for (int b = 0; b < kBlocks; ++b) sum[b] = add8(sum[b], row_sum[b]);
  }
  const F8 divisor = splat8(window.divisor);
#pragma GCC unroll 4
  for (int b = 0; b < kBlocks; ++b) store8(dst + c + 8 * b, div8(sum[b], divisor));
}

template <PoolKind kKind, int kBlocks>
inline void window_blocks(const PoolWindow& window, size_t c, float* dst) noexcept {
  if constexpr (kKind == PoolKind::kMax) {
    window_max<kBlocks>(window, c, dst);
  } else {
    window_average<kBlocks>(window, c, dst);
  }
}

// All `n` >= 8 elements that lie next to each other.
template <PoolKind kKind>
inline void window_elems(const PoolWindow& window, size_t n, float* dst) noexcept {
  size_t c = 0;
  for (; c + 32 <= n; c += 32) window_blocks<kKind, 4>(window, c, dst);
  for (; c + 8 <= n; c += 8) window_blocks<kKind, 1>(window, c, dst);
  if (c < n) window_blocks<kKind, 1>(window, n - 8, dst);
}

// The output row from the `rows` image rows of its windows, which start at `src`, row_step floats apart.
template <PoolKind kKind>
inline void pool_columns(const PoolF32& pool, const float* src, int32_t rows, size_t row_step, int64_t divisor_rows,
                         float* dst_row) noexcept {
  const size_t channels = static_cast<size_t>(pool.channels);
  PoolWindow window;
  window.row_step = row_step;
  window.col_step = static_cast<size_t>(pool.dilation_w) * channels;
  window.rows = rows;
  for (int32_t x = 0; x < pool.out_w; ++x, dst_row += channels) {
    const ptrdiff_t in_x = ptrdiff_t{x} * pool.stride_w - pool.pad_left;
    const TapRange taps = taps_inside(in_x, pool.dilation_w, pool.kernel_w, pool.in_w);
    window.cols = taps.count();
    window.first = src;
    if (window.cols > 0) window.first += static_cast<size_t>(in_x + ptrdiff_t{taps.begin} * pool.dilation_w) * channels;
    int64_t count = window.cols;
    if (pool.count_include_pad) {
      count = taps_inside(in_x + pool.pad_left, pool.dilation_w, pool.kernel_w,
                          ptrdiff_t{pool.in_w} + pool.pad_left + pool.pad_right)
                  .count();
    }
    count *= divisor_rows;
    window.divisor = static_cast<float>(count > 0 ? count : 1);
    window_elems<kKind>(window, channels, dst_row);
  }
}

struct PoolRows {
  const float* first;
  int32_t count;
  size_t step;  // floats
};
inline PoolRows rows_inside(const PoolF32& pool, const float* src, int32_t out_y) noexcept {
  const size_t row_elems = static_cast<size_t>(pool.in_w) * static_cast<size_t>(pool.channels);
  const ptrdiff_t in_y = ptrdiff_t{out_y} * pool.stride_h - pool.pad_top;
  const TapRange taps = taps_inside(in_y, pool.dilation_h, pool.kernel_h, pool.in_h);
  if (taps.count() > 0) src += static_cast<size_t>(in_y + ptrdiff_t{taps.begin} * pool.dilation_h) * row_elems;
  return {src, taps.count(), static_cast<size_t>(pool.dilation_h) * row_elems};
}

inline void max_pool_row(const PoolF32& pool, const float* src, float* dst_row, int32_t out_y) noexcept {
  const PoolRows rows = rows_inside(pool, src, out_y);
  pool_columns<PoolKind::kMax>(pool, rows.first, rows.count, rows.step, 1, dst_row);
}

inline void max_pool_separable_row(const PoolF32& pool, const float* src, float* dst_row, int32_t out_y,
                                   float* scratch) noexcept {
  const PoolRows rows = rows_inside(pool, src, out_y);
  const PoolWindow column{rows.first, rows.count, 1, rows.step, 0, 1.0f};
  window_elems<PoolKind::kMax>(column, static_cast<size_t>(pool.in_w) * static_cast<size_t>(pool.channels), scratch);
  pool_columns<PoolKind::kMax>(pool, scratch, 1, 0, 1, dst_row);
}

inline void average_pool_row(const PoolF32& pool, const float* src, float* dst_row, int32_t out_y) noexcept {
  const PoolRows rows = rows_inside(pool, src, out_y);
  int64_t divisor_rows = rows.count;
  if (pool.count_include_pad) {
    divisor_rows = taps_inside(ptrdiff_t{out_y} * pool.stride_h, pool.dilation_h, pool.kernel_h,
                               ptrdiff_t{pool.in_h} + pool.pad_top + pool.pad_bottom)
                       .count();
  }
  pool_columns<PoolKind::kAverage>(pool, rows.first, rows.count, rows.step, divisor_rows, dst_row);
}

}  // namespace

#define DOTORI_DEFINE_POOL8(isa)                                                                                       \
  void maxpool_f32_separable__##isa(const PoolF32& pool, const float* src, float* dst_row, int32_t out_y,              \
                                    float* scratch) noexcept {                                                         \
    max_pool_separable_row(pool, src, dst_row, out_y, scratch);                                                        \
  }                                                                                                                    \
  void maxpool_f32_any__##isa(const PoolF32& pool, const float* src, float* dst_row, int32_t out_y, float*) noexcept { \
    max_pool_row(pool, src, dst_row, out_y);                                                                           \
  }                                                                                                                    \
  void avgpool_f32_any__##isa(const PoolF32& pool, const float* src, float* dst_row, int32_t out_y, float*) noexcept { \
    average_pool_row(pool, src, dst_row, out_y);                                                                       \
  }

}  // namespace dotori::kernels
