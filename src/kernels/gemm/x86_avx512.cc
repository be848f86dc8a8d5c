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
#define DOTORI_UNROLL _Pragma("GCC unroll 12")
#endif

namespace dotori::kernels {
namespace {

constexpr int32_t kMr = 12, kNr = 32;

inline __mmask16 first_lanes(int32_t n) noexcept {
  return n >= 16  ? static_cast<__mmask16>(0xFFFF)
         : n <= 0 ? static_cast<__mmask16>(0)
                  : static_cast<__mmask16>((1 << n) - 1);
}

// One step of K: M rows times V vectors of 16 columns, kPerPanel of them from each panel.
template <int M, int V, int kPerPanel>
inline void step(__m512 (&sum)[M][V], const float* const (&a)[M], size_t i, const float* (&b)[V / kPerPanel]) noexcept {
  __m512 columns[V];
  DOTORI_UNROLL for (int v = 0; v < V; ++v) {
    const float* at = b[v / kPerPanel] + 16 * (v % kPerPanel);
    columns[v] = _mm512_loadu_ps(at);
    fetch_ahead(at);
  }
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    const __m512 x = _mm512_set1_ps(a[r][i]);
    DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = _mm512_fmadd_ps(x, columns[v], sum[r][v]);
  }
  DOTORI_UNROLL for (int p = 0; p < V / kPerPanel; ++p) b[p] += kNr;
}

// The first s.m of M rows, times V vectors; further rows repeat the last one and are not stored. `n`: columns to store.
template <int M, int V, int kPerPanel>
[[gnu::noinline]] void tile(const GemmF32Strip& s, size_t panel, ptrdiff_t c_offset, int32_t n) noexcept {
  constexpr int kPanels = V / kPerPanel;
  __m512 sum[M][V];
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = _mm512_setzero_ps();
  }

  const float* b[kPanels];
  DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) b[p] = s.b + panel + static_cast<size_t>(p) * s.panel_stride;
  const float* const* rows = s.a;
  for (size_t t = 0; t < s.taps; ++t, rows += kMr) {
    const float* a[M];
    DOTORI_UNROLL for (int r = 0; r < M; ++r) a[r] = rows[r < s.m ? r : s.m - 1] + s.a_offset;
    size_t i = 0;
    for (; i + 2 <= s.k; i += 2) {
      step<M, V, kPerPanel>(sum, a, i, b);
      step<M, V, kPerPanel>(sum, a, i + 1, b);
    }
    if (i < s.k) step<M, V, kPerPanel>(sum, a, i, b);
  }

  // vmaxps and vminps return their second operand when one is NaN.
  const __m512 low = _mm512_set1_ps(s.low), high = _mm512_set1_ps(s.high);
  __mmask16 mask[V];
  __m512 start[V];
  DOTORI_UNROLL for (int v = 0; v < V; ++v) {
    mask[v] = first_lanes(n - 16 * v);
    start[v] = s.bias == nullptr
                   ? _mm512_setzero_ps()
                   : _mm512_loadu_ps(s.bias + panel + static_cast<size_t>(v / kPerPanel) * s.panel_stride +
                                     16 * (v % kPerPanel));
  }
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    if (r >= s.m) return;
    float* c = s.c[r] + c_offset;
    DOTORI_UNROLL for (int v = 0; v < V; ++v) {
      const __m512 before = s.bias == nullptr ? _mm512_maskz_loadu_ps(mask[v], c + 16 * v) : start[v];
      _mm512_mask_storeu_ps(c + 16 * v, mask[v],
                            _mm512_min_ps(high, _mm512_max_ps(low, _mm512_add_ps(before, sum[r][v]))));
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
  for (; n > 16; n -= kNr) {
    tile<M, 2, 2>(s, panel, c_offset, n);
    panel += s.panel_stride;
    c_offset += kNr;
  }
  // Half a panel, with few forms of it: code counts more than the rows that are thrown away.
  if (n > 0) tile<M <= 4 ? 4 : kMr, 1, 1>(s, panel, c_offset, n);
}

}  // namespace

void gemm_f32_12x32__avx512(const GemmF32Strip& all) noexcept {
  gemm_f32_tiles(all, kMr, kNr, [](const GemmF32Strip& s) noexcept {
    switch (s.m) {
      case 1: return strip<1, 4>(s);
      case 2: return strip<2, 2>(s);
      case 3:
      case 4: return strip<4, 1>(s);
      case 5: return strip<5, 1>(s);
      case 6: return strip<6, 1>(s);
      case 7: return strip<7, 1>(s);
      case 8: return strip<8, 1>(s);
      case 9: return strip<9, 1>(s);
      case 10: return strip<10, 1>(s);
      case 11: return strip<11, 1>(s);
      default: return strip<12, 1>(s);
    }
  });
}

}  // namespace dotori::kernels
