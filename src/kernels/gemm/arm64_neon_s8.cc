// SPDX-License-Identifier: Apache-2.0
// int8 products without the dot product instructions. A step multiplies four pairs of one row by four pairs of weights
// that belong to four columns: SMULL and SMLAL2 add two products in 16 bits (2 * 128 * 127 fits), SADALP adds the two
// of a pair to the 32-bit sum of its column. The next step turns the pairs of the row round (REV), so that after four
// steps each column has met each pair. Sums are whole columns all the time: nothing is left to be added across lanes at
// the end, which is what products of small depth would spend their time on.
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/gemm/gemm_s8.h"
#include "kernels/quantize/requantize_neon.h"

// The sums stay in registers only when the loops over them are unrolled before anything else.
#if defined(__clang__)
#define DOTORI_UNROLL _Pragma("unroll")
#else
#define DOTORI_UNROLL _Pragma("GCC unroll 8")
#endif

namespace dotori::kernels {
namespace {

constexpr int32_t kMr = 4, kNr = 16;
constexpr size_t kScales = kNr * sizeof(int32_t), kWeights = kScales + kNr * sizeof(float);  // places in a panel

// x is in a register here. Volatile statements keep their order: moved about, more is alive at once than there are
// registers, and sums are spilled in the inner loop.
template <class T>
inline void hold(const T& x) noexcept {
  __asm__ volatile("" : : "w"(x));
}

// The first `n` (1..15) bytes of x.
inline void store_part(int8_t* to, int8x16_t x, int32_t n) noexcept {
  if (n & 8) {
    vst1_s8(to, vget_low_s8(x));
    to += 8;
    x = vextq_s8(x, x, 8);
  }
  uint64_t rest = vgetq_lane_u64(vreinterpretq_u64_s8(x), 0);
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

// Lane l of the pairs of either half becomes lane l ^ kStep.
template <int kStep>
inline int8x16_t crossed(int8x16_t x) noexcept {
  const int16x8_t pairs = vreinterpretq_s16_s8(x);
  if (kStep == 1) return vreinterpretq_s8_s16(vrev32q_s16(pairs));
  if (kStep == 2) return vreinterpretq_s8_s32(vrev64q_s32(vreinterpretq_s32_s8(x)));
  if (kStep == 3) return vreinterpretq_s8_s16(vrev64q_s16(pairs));
  return x;
}

// One of the four steps of a block of 16 rows of weights; `b` is that of its first vector. M rows times V vectors of 4
// columns, kPerPanel of them from each panel.
template <int M, int V, int kPerPanel, int kStep>
inline void step16(int32x4_t (&sum)[M][V], const int8x16_t (&a)[M], const int8_t* const (&b)[V / kPerPanel]) noexcept {
  int8x16_t x[M];
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    x[r] = crossed<kStep>(a[r]);
    hold(x[r]);
  }
  DOTORI_UNROLL for (int v = 0; v < V; ++v) {
    const int8x16_t w = vld1q_s8(b[v / kPerPanel] + (kStep * 4 + v % kPerPanel) * 16);
    int16x8_t products[M];
    DOTORI_UNROLL for (int r = 0; r < M;
                       ++r) __asm__ volatile("smull %0.8h, %1.8b, %2.8b" : "=w"(products[r]) : "w"(x[r]), "w"(w));
    DOTORI_UNROLL for (int r = 0; r < M;
                       ++r) __asm__ volatile("smlal2 %0.8h, %1.16b, %2.16b" : "+w"(products[r]) : "w"(x[r]), "w"(w));
    DOTORI_UNROLL for (int r = 0; r < M;
                       ++r) __asm__ volatile("sadalp %0.4s, %1.8h" : "+w"(sum[r][v]) : "w"(products[r]));
  }
  DOTORI_UNROLL for (int r = 0; r < M; ++r) hold(x[r]);
}

// The same for a block of 8.
template <int M, int V, int kPerPanel, int kStep>
inline void step8(int32x4_t (&sum)[M][V], const int8x8_t (&a)[M], const int8_t* const (&b)[V / kPerPanel]) noexcept {
  DOTORI_UNROLL for (int v = 0; v < V; ++v) {
    const int8x8_t w = vld1_s8(b[v / kPerPanel] + (kStep * 4 + v % kPerPanel) * 8);
    DOTORI_UNROLL for (int r = 0; r < M; ++r) sum[r][v] =
        vpadalq_s16(sum[r][v], vmull_s8(vget_low_s8(crossed<kStep>(vcombine_s8(a[r], a[r]))), w));
  }
}

struct Requantizer : SaturatedBytes {
  explicit Requantizer(const QuantizedOutput& out) noexcept
      : SaturatedBytes(out),
        slope(vdupq_n_f32(out.slope)),
        leaky(out.slope != 1),
        clamped(out.low != -128 || out.high != 127) {}

  template <bool kLeaky>
  float32x4_t scaled(int32x4_t acc, float32x4_t scale) const noexcept {
    const float32x4_t v = vmulq_f32(vcvtq_f32_s32(acc), scale);
    return kLeaky ? vmaxq_f32(v, vmulq_f32(v, slope)) : v;
  }

  float32x4_t slope;
  bool leaky, clamped;
};

template <int M, int V, int kPerPanel, bool kLeaky>
inline void finish(const GemmS8Strip& s, const Requantizer& out, const int32x4_t (&sum)[M][V], const char* panel,
                   ptrdiff_t c_offset, int32_t n) noexcept {
  DOTORI_UNROLL for (int p = 0; p < V / kPerPanel; ++p) {
    const float* scale = reinterpret_cast<const float*>(panel + static_cast<size_t>(p) * s.panel_stride + kScales);
    float32x4_t scales[kPerPanel];
    DOTORI_UNROLL for (int v = 0; v < kPerPanel; ++v) scales[v] = vld1q_f32(scale + 4 * v);
    int8x16_t bytes[M];
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      float32x4_t y[4];
      DOTORI_UNROLL for (int v = 0; v < 4; ++v) y[v] =
          v < kPerPanel ? out.scaled<kLeaky>(sum[r][p * kPerPanel + v % kPerPanel], scales[v % kPerPanel]) : y[0];
      const int16x8_t first = out.words(y[0], y[1]);
      bytes[r] = out.narrow(first, kPerPanel > 2 ? out.words(y[2], y[3]) : first);
    }
    if (out.clamped) {
      DOTORI_UNROLL for (int r = 0; r < M; ++r) bytes[r] = out.clamp(bytes[r]);
    }
    int8_t* c[M];  // all of them now: a store of bytes might change s.c for all the compiler knows
    DOTORI_UNROLL for (int r = 0; r < M; ++r) c[r] = s.c[r] + c_offset + p * kNr;
    if (n - p * kNr >= kNr) {
      DOTORI_UNROLL for (int r = 0; r < M; ++r) vst1q_s8(c[r], bytes[r]);
    } else {
      DOTORI_UNROLL for (int r = 0; r < M; ++r) store_part(c[r], bytes[r], n - p * kNr);
    }
  }
}

// `n`: columns to store.
template <int M, int V, int kPerPanel>
inline void tile(const GemmS8Strip& s, const Requantizer& out, const char* panel, ptrdiff_t c_offset,
                 int32_t n) noexcept {
  constexpr int kPanels = V / kPerPanel;
  int32x4_t sum[M][V];
  const int8_t* b[kPanels];
  DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) {
    const char* at = panel + static_cast<size_t>(p) * s.panel_stride;
    b[p] = reinterpret_cast<const int8_t*>(at + kWeights);
    DOTORI_UNROLL for (int v = 0; v < kPerPanel; ++v) {
      const int32x4_t bias = vld1q_s32(reinterpret_cast<const int32_t*>(at) + 4 * v);
      DOTORI_UNROLL for (int r = 0; r < M; ++r) sum[r][p * kPerPanel + v] = bias;
    }
  }
  if (s.row_add != nullptr) {
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      const int32x4_t add = vdupq_n_s32(s.row_add[r]);
      DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = vaddq_s32(sum[r][v], add);
    }
  }

  const void* const* rows = s.a;
  for (size_t t = 0; t < s.taps; ++t, rows += kMr) {
    const int8_t* a[M];
    DOTORI_UNROLL for (int r = 0; r < M; ++r) a[r] = static_cast<const int8_t*>(rows[r]) + s.a_offset;
    size_t i = 0;
    for (; i + 16 <= s.k; i += 16) {
      int8x16_t x[M];
      DOTORI_UNROLL for (int r = 0; r < M; ++r) x[r] = vld1q_s8(a[r] + i);
      step16<M, V, kPerPanel, 0>(sum, x, b);
      step16<M, V, kPerPanel, 1>(sum, x, b);
      step16<M, V, kPerPanel, 2>(sum, x, b);
      step16<M, V, kPerPanel, 3>(sum, x, b);
      DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) b[p] += 16 * kNr;
    }
    if (i < s.k) {
      int8x8_t x[M];
      DOTORI_UNROLL for (int r = 0; r < M; ++r) x[r] = vld1_s8(a[r] + i);
      step8<M, V, kPerPanel, 0>(sum, x, b);
      step8<M, V, kPerPanel, 1>(sum, x, b);
      step8<M, V, kPerPanel, 2>(sum, x, b);
      step8<M, V, kPerPanel, 3>(sum, x, b);
      DOTORI_UNROLL for (int p = 0; p < kPanels; ++p) b[p] += 8 * kNr;
    }
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
    tile<M, 4 * kPanels, 4>(s, out, panel, c_offset, n);
    panel += kPanels * s.panel_stride;
    c_offset += kPanels * kNr;
  }
  for (; n > 8; n -= kNr) {
    tile<M, 4, 4>(s, out, panel, c_offset, n);
    panel += s.panel_stride;
    c_offset += kNr;
  }
  if (n > 4) tile<M, 2, 2>(s, out, panel, c_offset, n);
  else if (n > 0) tile<M, 1, 1>(s, out, panel, c_offset, n);
}

// Copies n elements; where whole vectors do not fit, the last one overlaps the one before.
inline void copy(const int8_t* from, int8_t* to, size_t n) noexcept {
  if (n >= 16) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) vst1q_s8(to + i, vld1q_s8(from + i));
    if (i < n) vst1q_s8(to + n - 16, vld1q_s8(from + n - 16));
  } else if (n >= 8) {
    vst1_s8(to, vld1_s8(from));
    vst1_s8(to + n - 8, vld1_s8(from + n - 8));
  } else if (n >= 4) {
    memcpy(to, from, 4);
    memcpy(to + n - 4, from + n - 4, 4);
  } else {
    for (size_t i = 0; i < n; ++i) to[i] = from[i];
  }
}

inline int32_t sum_of(const int8_t* row, size_t n) noexcept {
  int32x4_t sum = vdupq_n_s32(0);
  for (size_t i = 0; i < n; i += 16) sum = vpadalq_s16(sum, vpaddlq_s8(vld1q_s8(row + i)));
  return vaddvq_s32(sum);
}

}  // namespace

void gemm_s8_gather__neon(const GemmS8Gather& g) noexcept {
  for (int32_t r = 0; r < g.m; ++r) {
    int8_t* row = static_cast<int8_t*>(g.to) + static_cast<size_t>(r) * g.row_bytes;
    // The zeros first: they end in whole vectors, whose beginnings the taps then write over.
    for (size_t i = g.taps * g.k / 16 * 16; i < g.row_bytes; i += 16) vst1q_s8(row + i, vdupq_n_s8(0));
    const int8_t* const* a = g.a + r;
    int8_t* to = row;
    for (size_t t = 0; t < g.taps; ++t, a += g.a_step, to += g.k) copy(*a + g.a_offset, to, g.k);
    if (g.sums != nullptr) g.sums[r] = sum_of(row, g.row_bytes);
  }
}

void gemm_s8_4x16__neon(const GemmS8Strip& s) noexcept {
  switch (s.m) {
    case 1: return strip<1, 2>(s);
    case 2: return strip<2, 1>(s);
    case 3: return strip<3, 1>(s);
    default: return strip<4, 1>(s);
  }
}

}  // namespace dotori::kernels
