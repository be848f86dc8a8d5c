// SPDX-License-Identifier: Apache-2.0
// vpdpbusd multiplies unsigned by signed bytes: rows are read plus 128 (their top bit flipped), and pack_gemm_s8() has
// taken 128 times a column's weights off its bias. The instruction adds modulo 2^32, so the sum is exact in the end.
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/gemm/gemm_s8.h"

// The sums stay in registers only when the loops over them are unrolled before anything else.
#if defined(__clang__)
#define DOTORI_UNROLL _Pragma("unroll")
#else
#define DOTORI_UNROLL _Pragma("GCC unroll 12")
#endif

namespace dotori::kernels {
namespace {

constexpr int32_t kMr = 12, kNr = 32;
constexpr size_t kScales = kNr * sizeof(int32_t), kWeights = kScales + kNr * sizeof(float);  // places in a panel

struct Requantizer {
  explicit Requantizer(const QuantizedOutput& out) noexcept
      : slope(_mm512_set1_ps(out.slope)),
        high(_mm512_set1_ps(static_cast<float>(out.high - out.zero_point))),
        zero_point(_mm512_set1_epi16(static_cast<int16_t>(out.zero_point))),
        low(_mm256_set1_epi8(static_cast<char>(out.low))),
        leaky(out.slope != 1) {}

  // Sixteen whole numbers less zero_point, no greater than the highest; what is too low for an int16 is the lowest.
  __m256i round(__m512i acc, const float* scale) const noexcept {
    __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_loadu_ps(scale));
    if (leaky) v = _mm512_max_ps(v, _mm512_mul_ps(v, slope));
    return _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(_mm512_min_ps(v, high)));
  }
  __m256i bytes(__m256i x0, __m256i x1) const noexcept {
    const __m512i x = _mm512_adds_epi16(_mm512_inserti64x4(_mm512_castsi256_si512(x0), x1, 1), zero_point);
    return _mm256_max_epi8(_mm512_cvtsepi16_epi8(x), low);
  }

  __m512 slope, high;
  __m512i zero_point;
  __m256i low;
  bool leaky;
};

// The first s.m of M rows, times V vectors of 16 columns, kPerPanel of them from each panel; further rows repeat the
// last one and are not stored. `n`: columns to store.
template <int M, int V, int kPerPanel>
[[gnu::noinline]] void tile(const GemmS8Strip& s, const Requantizer& out, const char* panel, ptrdiff_t c_offset,
                            int32_t n) noexcept {
  constexpr int kPanels = V / kPerPanel;
  __m512i sum[M][V];
  const char* b[kPanels];
  DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) {
    const char* at = panel + static_cast<size_t>(p) * s.panel_stride;
    b[p] = at + kWeights;
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      DOTORI_UNROLL for (int v = 0; v < kPerPanel; ++v) sum[r][p * kPerPanel + v] = _mm512_loadu_si512(at + 64 * v);
    }
  }
  if (s.row_add != nullptr) {
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      const __m512i add = _mm512_set1_epi32(s.row_add[r < s.m ? r : s.m - 1]);
      DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = _mm512_add_epi32(sum[r][v], add);
    }
  }

  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  const void* const* rows = s.a;
  for (size_t t = 0; t < s.taps; ++t, rows += kMr) {
    const int8_t* a[M];
    DOTORI_UNROLL for (int r = 0; r < M; ++r) a[r] =
        static_cast<const int8_t*>(rows[r < s.m ? r : s.m - 1]) + s.a_offset;
    for (size_t i = 0; i < s.k; i += 4) {
      __m512i columns[V];
      DOTORI_UNROLL for (int v = 0; v < V; ++v) columns[v] =
          _mm512_loadu_si512(b[v / kPerPanel] + 64 * (v % kPerPanel));
      DOTORI_UNROLL for (int r = 0; r < M; ++r) {
        int32_t four;
        memcpy(&four, a[r] + i, sizeof four);
        const __m512i x = _mm512_xor_si512(_mm512_set1_epi32(four), flip);
        DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = _mm512_dpbusd_epi32(sum[r][v], x, columns[v]);
      }
      DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) b[p] += 4 * kNr;
    }
  }

  constexpr int kSecond = kPerPanel - 1;
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    if (r >= s.m) return;
    DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) {
      const float* scale = reinterpret_cast<const float*>(panel + static_cast<size_t>(p) * s.panel_stride + kScales);
      const __m256i x0 = out.round(sum[r][p * kPerPanel], scale);
      const __m256i x1 = kSecond ? out.round(sum[r][p * kPerPanel + kSecond], scale + 16) : x0;
      const int32_t left = n - p * kNr;
      const __mmask32 mask = left >= kNr ? ~__mmask32{0} : (__mmask32{1} << left) - 1;
      _mm256_mask_storeu_epi8(s.c[r] + c_offset + p * kNr, mask, out.bytes(x0, x1));
    }
  }
}

// With few rows, several panels side by side hide the latency of the sums.
template <int M, int kPanels>
inline void strip(const GemmS8Strip& s) noexcept {
  const Requantizer out(s.output);
  const char* panel = static_cast<const char*>(s.panels);
  ptrdiff_t c_offset = s.c_offset;
  int32_t n = s.n;
  for (; kPanels > 1 && n >= kPanels * kNr; n -= kPanels * kNr) {
    tile<M, 2 * kPanels, 2>(s, out, panel, c_offset, n);
    panel += kPanels * s.panel_stride;
    c_offset += kPanels * kNr;
  }
  for (; n > 16; n -= kNr) {
    tile<M, 2, 2>(s, out, panel, c_offset, n);
    panel += s.panel_stride;
    c_offset += kNr;
  }
  // Half a panel, with few forms of it: code counts more than the rows that are thrown away.
  if (n > 0) tile<M <= 4 ? 4 : kMr, 1, 1>(s, out, panel, c_offset, n);
}

}  // namespace

void gemm_s8_gather__avx512_vnni(const GemmS8Gather& g) noexcept {
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80)), ones = _mm512_set1_epi8(1);
  for (int32_t r = 0; r < g.m; ++r) {
    char* row = static_cast<char*>(g.to) + static_cast<size_t>(r) * g.row_bytes;
    const int8_t* const* a = g.a + r;
    char* to = row;
    for (size_t t = 0; t < g.taps; ++t, a += g.a_step, to += g.k) {
      const int8_t* from = *a + g.a_offset;
      for (size_t i = 0; i < g.k; i += 64) {
        const __mmask64 mask = g.k - i >= 64 ? ~__mmask64{0} : (__mmask64{1} << (g.k - i)) - 1;
        _mm512_mask_storeu_epi8(to + i, mask, _mm512_maskz_loadu_epi8(mask, from + i));
      }
    }
    memset(to, 0, static_cast<size_t>(row + g.row_bytes - to));
    if (g.sums == nullptr) continue;
    __m512i sum = _mm512_setzero_si512();
    for (size_t i = 0; i < g.row_bytes; i += 64)
      sum = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(_mm512_loadu_si512(row + i), flip), ones);
    g.sums[r] = _mm512_reduce_add_epi32(sum) - 128 * static_cast<int32_t>(g.row_bytes);
  }
}

void gemm_s8_12x32__avx512_vnni(const GemmS8Strip& s) noexcept {
  switch ((s.m + 1) / 2) {
    case 1: return s.m == 1 ? strip<1, 4>(s) : strip<2, 2>(s);
    case 2: return strip<4, 1>(s);
    case 3: return strip<6, 1>(s);
    case 4: return strip<8, 1>(s);
    case 5: return strip<10, 1>(s);
    default: return strip<12, 1>(s);
  }
}

}  // namespace dotori::kernels
