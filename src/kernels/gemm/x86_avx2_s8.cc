// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/gemm/gemm_s8.h"

// The sums stay in registers only when the loops over them are unrolled before anything else.
#if defined(__clang__)
#define DOTORI_UNROLL _Pragma("unroll")
#else
#define DOTORI_UNROLL _Pragma("GCC unroll 8")
#endif

namespace dotori::kernels {
namespace {

constexpr int32_t kMr = 6, kNr = 16;
constexpr size_t kScales = kNr * sizeof(int32_t), kWeights = kScales + kNr * sizeof(float);  // places in a panel

inline __m256i load(const void* p) noexcept {
  return _mm256_load_si256(static_cast<const __m256i*>(p));
}

// The empty statement keeps sums in place and steps in order: moved about, more are alive at once than there are
// registers, and they are spilled in the inner loop.
inline void add_products(__m256i* sum, __m256i x, __m256i w) noexcept {
  *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(x, w));
  __asm__ volatile("" : "+x"(*sum));
}

// The first `n` (1..15) bytes of x.
inline void store_part(int8_t* to, __m128i x, int32_t n) noexcept {
  if (n & 8) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), x);
    to += 8;
    x = _mm_srli_si128(x, 8);
  }
  uint64_t rest = static_cast<uint64_t>(_mm_cvtsi128_si64(x));
  if (n & 4) {
    memcpy(to, &rest, 4);
    to += 4;
    rest >>= 32;
  }
  if (n & 2) {
    memcpy(to, &rest, 2);
    to += 2;
    rest >>= 16;
  }
  if (n & 1) *to = static_cast<int8_t>(rest);
}

struct Requantizer {
  explicit Requantizer(const QuantizedOutput& out) noexcept
      : slope(_mm256_set1_ps(out.slope)),
        high(_mm256_set1_ps(static_cast<float>(out.high - out.zero_point))),
        zero_point(_mm256_set1_epi16(static_cast<int16_t>(out.zero_point))),
        low(_mm256_set1_epi8(static_cast<char>(out.low))),
        leaky(out.slope != 1) {}

  // Whole numbers less zero_point, no greater than the highest. What is too low for an int32 becomes the lowest int32,
  // so that the lower bound can wait until numbers are bytes.
  template <bool kLeaky>
  __m256i round(__m256i acc, __m256 scale) const noexcept {
    __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), scale);
    if (kLeaky) v = _mm256_max_ps(v, _mm256_mul_ps(v, slope));
    return _mm256_cvtps_epi32(_mm256_min_ps(v, high));
  }
  // Bytes of columns 0..7 (x0, y0) and 8..15 (x1, y1) of two rows: x in the lower half, y in the upper one.
  __m256i bytes(__m256i x0, __m256i x1, __m256i y0, __m256i y1) const noexcept {
    const __m256i x = _mm256_adds_epi16(_mm256_packs_epi32(x0, x1), zero_point);
    const __m256i y = _mm256_adds_epi16(_mm256_packs_epi32(y0, y1), zero_point);
    const __m256i mixed = _mm256_max_epi8(_mm256_packs_epi16(x, y), low);
    return _mm256_permutevar8x32_epi32(mixed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }

  __m256 slope, high;
  __m256i zero_point, low;
  bool leaky;
};

inline void store(int8_t* to, __m128i x, int32_t n) noexcept {
  if (n >= kNr) _mm_storeu_si128(reinterpret_cast<__m128i*>(to), x);
  else store_part(to, x, n);
}

template <int M, int V, int kPerPanel, bool kLeaky>
inline void finish(const GemmS8Strip& s, const Requantizer& out, const __m256i (&sum)[M][V], const char* panel,
                   ptrdiff_t c_offset, int32_t n) noexcept {
  DOTORI_UNROLL for (int p = 0; p < V / kPerPanel; ++p) {
    const float* scale = reinterpret_cast<const float*>(panel + static_cast<size_t>(p) * s.panel_stride + kScales);
    const __m256 scale0 = _mm256_load_ps(scale), scale1 = _mm256_load_ps(scale + 8);
    constexpr int kSecond = kPerPanel - 1;
    DOTORI_UNROLL for (int r = 0; r < M; r += 2) {
      const int v = p * kPerPanel, next = r + 1 < M ? r + 1 : r;
      const __m256i x0 = out.round<kLeaky>(sum[r][v], scale0), y0 = out.round<kLeaky>(sum[next][v], scale0);
      const __m256i x1 = kSecond ? out.round<kLeaky>(sum[r][v + kSecond], scale1) : x0;
      const __m256i y1 = kSecond ? out.round<kLeaky>(sum[next][v + kSecond], scale1) : y0;
      const __m256i bytes = out.bytes(x0, x1, y0, y1);
      store(s.c[r] + c_offset + p * kNr, _mm256_castsi256_si128(bytes), n - p * kNr);
      if (next > r) store(s.c[next] + c_offset + p * kNr, _mm256_extracti128_si256(bytes, 1), n - p * kNr);
    }
  }
}

// One step of K: two rows of weights. M rows times V vectors of 8 columns, kPerPanel of them from each panel.
template <int M, int V, int kPerPanel>
inline void step(__m256i (&sum)[M][V], const int16_t* const (&a)[M], size_t i,
                 const int8_t* const (&b)[V / kPerPanel]) noexcept {
  __m256i columns[V];
  DOTORI_UNROLL for (int v = 0; v < V; ++v) columns[v] = _mm256_cvtepi8_epi16(_mm_load_si128(
      reinterpret_cast<const __m128i*>(b[v / kPerPanel] + i * kNr + static_cast<size_t>(16 * (v % kPerPanel)))));
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    int32_t pair;
    memcpy(&pair, a[r] + i, sizeof pair);
    const __m256i x = _mm256_set1_epi32(pair);
    DOTORI_UNROLL for (int v = 0; v < V; ++v) add_products(&sum[r][v], x, columns[v]);
  }
}

// `n`: columns to store.
template <int M, int V, int kPerPanel>
inline void tile(const GemmS8Strip& s, const Requantizer& out, const char* panel, ptrdiff_t c_offset,
                 int32_t n) noexcept {
  constexpr int kPanels = V / kPerPanel;
  __m256i sum[M][V];
  const int8_t* b[kPanels];
  DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) {
    const char* at = panel + static_cast<size_t>(p) * s.panel_stride;
    b[p] = reinterpret_cast<const int8_t*>(at + kWeights);
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      DOTORI_UNROLL for (int v = 0; v < kPerPanel; ++v) sum[r][p * kPerPanel + v] = load(at + 32 * v);
    }
  }
  if (s.row_add != nullptr) {
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      const __m256i add = _mm256_set1_epi32(s.row_add[r]);
      DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = _mm256_add_epi32(sum[r][v], add);
    }
  }

  const void* const* rows = s.a;
  for (size_t t = 0; t < s.taps; ++t, rows += kMr) {
    const int16_t* a[M];
    DOTORI_UNROLL for (int r = 0; r < M; ++r) a[r] = static_cast<const int16_t*>(rows[r]) + s.a_offset;
    size_t i = 0;
    for (; i + 4 <= s.k; i += 4) {
      step<M, V, kPerPanel>(sum, a, i, b);
      step<M, V, kPerPanel>(sum, a, i + 2, b);
    }
    if (i < s.k) step<M, V, kPerPanel>(sum, a, i, b);
    DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) b[p] += s.k * kNr;
  }

  if (out.leaky) finish<M, V, kPerPanel, true>(s, out, sum, panel, c_offset, n);
  else finish<M, V, kPerPanel, false>(s, out, sum, panel, c_offset, n);
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
  for (; n > 8; n -= kNr) {
    tile<M, 2, 2>(s, out, panel, c_offset, n);
    panel += s.panel_stride;
    c_offset += kNr;
  }
  if (n > 0) tile<M, 1, 1>(s, out, panel, c_offset, n);
}

// Copies n elements; where whole vectors do not fit, the last one overlaps the one before.
inline void widen(const int8_t* from, int16_t* to, size_t n) noexcept {
  const auto sixteen = [&](size_t i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i),
                        _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
  };
  const auto eight = [&](size_t i) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i),
                     _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + i))));
  };
  const auto four = [&](size_t i) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to + i), _mm_cvtepi8_epi16(_mm_loadu_si32(from + i)));
  };
  if (n >= 16) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) sixteen(i);
    if (i < n) sixteen(n - 16);
  } else if (n >= 8) {
    eight(0);
    eight(n - 8);
  } else if (n >= 4) {
    four(0);
    four(n - 4);
  } else {
    for (size_t i = 0; i < n; ++i) to[i] = from[i];
  }
}

inline int32_t sum_of(const int16_t* row, size_t n) noexcept {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sum = _mm256_setzero_si256();
  for (size_t i = 0; i < n; i += 16)
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(row + i)), ones));
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1)));
}

}  // namespace

void gemm_s8_gather__avx2(const GemmS8Gather& g) noexcept {
  const size_t elems = g.row_bytes / sizeof(int16_t);
  for (int32_t r = 0; r < g.m; ++r) {
    int16_t* row = reinterpret_cast<int16_t*>(static_cast<char*>(g.to) + static_cast<size_t>(r) * g.row_bytes);
    // The zeros first: they end in whole vectors, whose beginnings the taps then write over.
    for (size_t i = g.taps * g.k / 16 * 16; i < elems; i += 16)
      _mm256_store_si256(reinterpret_cast<__m256i*>(row + i), _mm256_setzero_si256());
    const int8_t* const* a = g.a + r;
    int16_t* to = row;
    for (size_t t = 0; t < g.taps; ++t, a += g.a_step, to += g.k) widen(*a + g.a_offset, to, g.k);
  }
  if (g.sums == nullptr) return;
  // Not before all rows are there: a wide load right behind narrower stores to the same place waits for them.
  for (int32_t r = 0; r < g.m; ++r) {
    const char* row = static_cast<const char*>(g.to) + static_cast<size_t>(r) * g.row_bytes;
    g.sums[r] = sum_of(reinterpret_cast<const int16_t*>(row), elems);
  }
}

void gemm_s8_6x16__avx2(const GemmS8Strip& s) noexcept {
  switch (s.m) {
    case 1: return strip<1, 4>(s);
    case 2: return strip<2, 2>(s);
    case 3: return strip<3, 1>(s);
    case 4: return strip<4, 1>(s);
    case 5: return strip<5, 1>(s);
    default: return strip<6, 1>(s);
  }
}

}  // namespace dotori::kernels
