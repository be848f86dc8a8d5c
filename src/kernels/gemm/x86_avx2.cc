// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/gemm/fetch_ahead.h"
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

constexpr int32_t kMr = 6, kNr = 16;

alignas(32) constexpr int32_t kPartMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

inline __m256i part_mask(int32_t n) noexcept {
  const int32_t lanes = n < 0 ? 0 : n > 8 ? 8 : n;
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kPartMask + 8 - lanes));
}

// One step of K: M rows times V vectors of 8 columns, kPerPanel of them from each panel.
template <int M, int V, int kPerPanel>
inline void step(__m256 (&sum)[M][V], const float* const (&a)[M], size_t i, const float* (&b)[V / kPerPanel]) noexcept {
  __m256 columns[V];
  DOTORI_UNROLL for (int v = 0; v < V; ++v) {
    const float* at = b[v / kPerPanel] + 8 * (v % kPerPanel);
    columns[v] = _mm256_load_ps(at);
    if (v % 2 == 0) fetch_ahead(at);
  }
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    const __m256 x = _mm256_broadcast_ss(a[r] + i);
    DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = _mm256_fmadd_ps(x, columns[v], sum[r][v]);
  }
  DOTORI_UNROLL for (int p = 0; p < V / kPerPanel; ++p) b[p] += kNr;
}

// M rows times V vectors. `n`: columns to store.
template <int M, int V, int kPerPanel>
inline void tile(const GemmF32Strip& s, size_t panel, ptrdiff_t c_offset, int32_t n) noexcept {
  constexpr int kPanels = V / kPerPanel;
  __m256 sum[M][V];
  const bool whole = n >= 8 * V;
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = _mm256_setzero_ps();
  }

  const float* b[kPanels];
  DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) b[p] = s.b + panel + static_cast<size_t>(p) * s.panel_stride;
  const float* const* rows = s.a;
  for (size_t t = 0; t < s.taps; ++t, rows += kMr) {
    const float* a[M];
    DOTORI_UNROLL for (int r = 0; r < M; ++r) a[r] = rows[r] + s.a_offset;
    // Few turns of the loop: the processor can foresee its end.
    size_t i = 0;
    for (; i + 8 <= s.k; i += 8) {
      DOTORI_UNROLL for (size_t u = 0; u < 8; ++u) step<M, V, kPerPanel>(sum, a, i + u, b);
    }
    for (; i < s.k; ++i) step<M, V, kPerPanel>(sum, a, i, b);
  }

  // vmaxps and vminps return their second operand when one is NaN.
  const __m256 low = _mm256_set1_ps(s.low), high = _mm256_set1_ps(s.high);
  if (whole && s.bias != nullptr) {
    __m256 start[V];
    DOTORI_UNROLL for (int v = 0; v < V; ++v) start[v] =
        _mm256_loadu_ps(s.bias + panel + static_cast<size_t>(v / kPerPanel) * s.panel_stride + 8 * (v % kPerPanel));
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      float* c = s.c[r] + c_offset;
      DOTORI_UNROLL for (int v = 0; v < V; ++v)
          _mm256_storeu_ps(c + 8 * v, _mm256_min_ps(high, _mm256_max_ps(low, _mm256_add_ps(start[v], sum[r][v]))));
    }
    return;
  }
  DOTORI_UNROLL for (int v = 0; v < V; ++v) {
    const __m256i mask = part_mask(n - 8 * v);
    const size_t at = panel + static_cast<size_t>(v / kPerPanel) * s.panel_stride;
    __m256 start = s.bias != nullptr ? _mm256_loadu_ps(s.bias + at + 8 * (v % kPerPanel)) : _mm256_setzero_ps();
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      float* c = s.c[r] + c_offset + 8 * v;
      if (s.bias == nullptr) start = _mm256_maskload_ps(c, mask);
      const __m256 y = _mm256_min_ps(high, _mm256_max_ps(low, _mm256_add_ps(start, sum[r][v])));
      if (whole) _mm256_storeu_ps(c, y);
      else _mm256_maskstore_ps(c, mask, y);
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
  for (; n > 8; n -= kNr) {
    tile<M, 2, 2>(s, panel, c_offset, n);
    panel += s.panel_stride;
    c_offset += kNr;
  }
  if (n > 0) tile<M, 1, 1>(s, panel, c_offset, n);
}

}  // namespace

void gemm_f32_6x16__avx2(const GemmF32Strip& all) noexcept {
  gemm_f32_tiles(all, kMr, kNr, [](const GemmF32Strip& s) noexcept {
    switch (s.m) {
      case 1: return strip<1, 4>(s);
      case 2: return strip<2, 2>(s);
      case 3: return strip<3, 1>(s);
      case 4: return strip<4, 1>(s);
      case 5: return strip<5, 1>(s);
      default: return strip<6, 1>(s);
    }
  });
}

}  // namespace dotori::kernels
