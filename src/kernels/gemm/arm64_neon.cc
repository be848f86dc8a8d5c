// SPDX-License-Identifier: Apache-2.0
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/tiles.h"

// The sums stay in registers only when the loops over them are unrolled before anything else.
#if defined(__clang__)
#define DOTORI_UNROLL _Pragma("unroll")
#else
#define DOTORI_UNROLL _Pragma("GCC unroll 8")
#endif

namespace dotori::kernels {
namespace {

constexpr int32_t kMr = 8, kNr = 8;

// The first `n` (1..3) floats, zeros behind.
inline float32x4_t load_part(const float* p, int32_t n) noexcept {
  float x[4] = {0, 0, 0, 0};
  memcpy(x, p, static_cast<size_t>(n) * sizeof(float));
  return vld1q_f32(x);
}

inline void store_part(float* p, float32x4_t v, int32_t n) noexcept {
  float x[4];
  vst1q_f32(x, v);
  memcpy(p, x, static_cast<size_t>(n) * sizeof(float));
}

// One step of K, lane kLane of x: M rows times V vectors of 4 columns, kPerPanel of them from each panel.
template <int M, int V, int kPerPanel, int kLane>
inline void step(float32x4_t (&sum)[M][V], const float32x4_t (&x)[M], const float* (&b)[V / kPerPanel]) noexcept {
  float32x4_t columns[V];
  DOTORI_UNROLL for (int v = 0; v < V; ++v) columns[v] = vld1q_f32(b[v / kPerPanel] + 4 * (v % kPerPanel));
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = vfmaq_laneq_f32(sum[r][v], columns[v], x[r], kLane);
  }
  DOTORI_UNROLL for (int p = 0; p < V / kPerPanel; ++p) b[p] += kNr;
}

// M rows times V vectors. `n`: columns to store.
template <int M, int V, int kPerPanel>
inline void tile(const GemmF32Strip& s, size_t panel, ptrdiff_t c_offset, int32_t n) noexcept {
  constexpr int kPanels = V / kPerPanel;
  float32x4_t sum[M][V];
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = vdupq_n_f32(0);
  }

  const float* b[kPanels];
  DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) b[p] = s.b + panel + static_cast<size_t>(p) * s.panel_stride;
  const float* const* rows = s.a;
  for (size_t t = 0; t < s.taps; ++t, rows += kMr) {
    const float* a[M];
    DOTORI_UNROLL for (int r = 0; r < M; ++r) a[r] = rows[r] + s.a_offset;
    size_t i = 0;
    for (; i + 4 <= s.k; i += 4) {
      float32x4_t x[M];
      DOTORI_UNROLL for (int r = 0; r < M; ++r) x[r] = vld1q_f32(a[r] + i);
      step<M, V, kPerPanel, 0>(sum, x, b);
      step<M, V, kPerPanel, 1>(sum, x, b);
      step<M, V, kPerPanel, 2>(sum, x, b);
      step<M, V, kPerPanel, 3>(sum, x, b);
    }
    for (; i < s.k; ++i) {
      float32x4_t x[M];
      DOTORI_UNROLL for (int r = 0; r < M; ++r) x[r] = vld1q_dup_f32(a[r] + i);
      step<M, V, kPerPanel, 0>(sum, x, b);
    }
  }

  // FMAX and FMIN return NaN when an operand is.
  const float32x4_t low = vdupq_n_f32(s.low), high = vdupq_n_f32(s.high);
  DOTORI_UNROLL for (int v = 0; v < V; ++v) {
    const int32_t lanes = n - 4 * v;
    const size_t at = panel + static_cast<size_t>(v / kPerPanel) * s.panel_stride;
    float32x4_t start = s.bias != nullptr ? vld1q_f32(s.bias + at + 4 * (v % kPerPanel)) : vdupq_n_f32(0);
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      float* c = s.c[r] + c_offset + 4 * v;
      if (s.bias == nullptr && lanes > 0) start = lanes >= 4 ? vld1q_f32(c) : load_part(c, lanes);
      const float32x4_t y = vminq_f32(vmaxq_f32(vaddq_f32(start, sum[r][v]), low), high);
      if (lanes >= 4) vst1q_f32(c, y);
      else if (lanes > 0) store_part(c, y, lanes);
    }
  }
}

// With few rows, several panels side by side hide the latency of the multiply-adds.
template <int M, int kPanels>
inline void strip(const GemmF32Strip& s) noexcept {
  size_t panel = 0;
  ptrdiff_t c_offset = s.c_offset;
  int32_t n = s.n;
  for (; kPanels > 1 && n >= kPanels * kNr; n -= kPanels * kNr) {
    tile<M, 2 * kPanels, 2>(s, panel, c_offset, n);
    panel += kPanels * s.panel_stride;
    c_offset += kPanels * kNr;
  }
  for (; n > 4; n -= kNr) {
    tile<M, 2, 2>(s, panel, c_offset, n);
    panel += s.panel_stride;
    c_offset += kNr;
  }
  if (n > 0) tile<M, 1, 1>(s, panel, c_offset, n);
}

}  // namespace

void gemm_f32_8x8__neon(const GemmF32Strip& all) noexcept {
  gemm_f32_tiles(all, kMr, kNr, [](const GemmF32Strip& s) noexcept {
    switch (s.m) {
      case 1: return strip<1, 4>(s);
      case 2: return strip<2, 4>(s);
      case 3: return strip<3, 2>(s);
      case 4: return strip<4, 2>(s);
      case 5: return strip<5, 1>(s);
      case 6: return strip<6, 1>(s);
      case 7: return strip<7, 1>(s);
      default: return strip<8, 1>(s);
    }
  });
}

}  // namespace dotori::kernels
