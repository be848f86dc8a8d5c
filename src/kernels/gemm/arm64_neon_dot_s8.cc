// SPDX-License-Identifier: Apache-2.0
// int8 products by SDOT: four products of a row, at one lane, and of four columns a step.
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

constexpr int32_t kMr = 8, kNr = 8;
constexpr size_t kScales = kNr * sizeof(int32_t), kWeights = kScales + kNr * sizeof(float);  // places in a panel

// The first `n` (1..7) bytes of x.
inline void store_part(int8_t* to, int8x8_t x, int32_t n) noexcept {
  uint64_t rest = vget_lane_u64(vreinterpret_u64_s8(x), 0);
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

// All bytes before the first store, and one branch: an in-order machine needs the other rows to fill waiting times.
template <int M, int V, int kPerPanel, bool kLeaky>
inline void finish(const GemmS8Strip& s, const Requantizer& out, const int32x4_t (&sum)[M][V], const char* panel,
                   ptrdiff_t c_offset, int32_t n) noexcept {
  DOTORI_UNROLL for (int p = 0; p < V / kPerPanel; ++p) {
    const float* scale = reinterpret_cast<const float*>(panel + static_cast<size_t>(p) * s.panel_stride + kScales);
    float32x4_t scales[kPerPanel];
    float32x4_t y[M][kPerPanel];
    DOTORI_UNROLL for (int v = 0; v < kPerPanel; ++v) scales[v] = vld1q_f32(scale + 4 * v);
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      DOTORI_UNROLL for (int v = 0; v < kPerPanel; ++v) y[r][v] =
          out.scaled<kLeaky>(sum[r][p * kPerPanel + v], scales[v]);
    }
    constexpr int kLast = kPerPanel - 1;
    int8x16_t bytes[(M + 1) / 2];
    int16x8_t words[M];
    DOTORI_UNROLL for (int r = 0; r < M; ++r) words[r] = out.words(y[r][0], y[r][kLast]);
    DOTORI_UNROLL for (int r = 0; r < M; r += 2) {
      bytes[r / 2] = out.narrow(words[r], words[r + 1 < M ? r + 1 : r]);
    }
    if (out.clamped) {
      DOTORI_UNROLL for (int r = 0; r < M; r += 2) bytes[r / 2] = out.clamp(bytes[r / 2]);
    }
    int8_t* c[M];  // all of them now: a store of bytes might change s.c for all the compiler knows
    DOTORI_UNROLL for (int r = 0; r < M; ++r) c[r] = s.c[r] + c_offset + p * kNr;
    if (n - p * kNr >= kNr) {
      DOTORI_UNROLL for (int r = 0; r < M; ++r)
          vst1_s8(c[r], r % 2 == 0 ? vget_low_s8(bytes[r / 2]) : vget_high_s8(bytes[r / 2]));
    } else {
      DOTORI_UNROLL for (int r = 0; r < M; ++r)
          store_part(c[r], r % 2 == 0 ? vget_low_s8(bytes[r / 2]) : vget_high_s8(bytes[r / 2]), n - p * kNr);
    }
  }
}

// Two steps of 4 rows of weights. All weights of a step are loaded before the first is needed: with few rows, an
// in-order machine would spend most of its time waiting.
template <int M, int V, int kPerPanel>
inline void step8(int32x4_t (&sum)[M][V], const int8x8_t (&x)[M], const int8_t* const (&b)[V / kPerPanel]) noexcept {
  int8x16_t w[V];
  DOTORI_UNROLL for (int v = 0; v < V; ++v) w[v] = vld1q_s8(b[v / kPerPanel] + v % kPerPanel * 16);
  DOTORI_UNROLL for (int v = 0; v < V; ++v) __asm__ volatile("" : "+w"(w[v]));
  DOTORI_UNROLL for (int v = 0; v < V; ++v) {
    DOTORI_UNROLL for (int r = 0; r < M; ++r) sum[r][v] = vdotq_lane_s32(sum[r][v], w[v], x[r], 0);
    w[v] = vld1q_s8(b[v / kPerPanel] + 4 * kNr + v % kPerPanel * 16);
  }
  DOTORI_UNROLL for (int v = 0; v < V; ++v) __asm__ volatile("" : "+w"(w[v]));
  DOTORI_UNROLL for (int v = 0; v < V; ++v) {
    DOTORI_UNROLL for (int r = 0; r < M; ++r) sum[r][v] = vdotq_lane_s32(sum[r][v], w[v], x[r], 1);
  }
}

// The whole tile is scheduled by hand: statements that are volatile keep their order. A Cortex-A55 issues one SDOT a
// cycle and beside it a load of 64 bits or an INS, while a load of 128 bits stops both pipes for two cycles. So weights
// come in halves, one of them through a general register, and every load goes beside an SDOT, several of them before it
// is needed. Registers: 16 sums, 8 rows, 4 vectors of weights.
#define DOTORI_SDOT(sum, w, x, lane) \
  __asm__ volatile("sdot %0.4s, %1.16b, %2.4b[" #lane "]" : "+w"(sum) : "w"(w), "w"(x))
#define DOTORI_LOAD_ROW(x, from) __asm__ volatile("ldr %d0, [%1], #8" : "=w"(x), "+r"(from) : : "memory")
#define DOTORI_LOAD_LOW(w, from, at) __asm__ volatile("ldr %d0, [%1, " #at "]" : "=w"(w) : "r"(from) : "memory")
#define DOTORI_LOAD_HIGH(high, from, at) __asm__ volatile("ldr %0, [%1, " #at "]" : "=r"(high) : "r"(from) : "memory")
#define DOTORI_INSERT_HIGH(w, high) __asm__ volatile("ins %0.d[1], %1" : "+w"(w) : "r"(high))
#define DOTORI_ADVANCE(b) __asm__ volatile("add %0, %0, #64" : "+r"(b))
#define DOTORI_COPY(to, from) __asm__ volatile("mov %0.16b, %1.16b" : "=w"(to) : "w"(from))
#define DOTORI_DECREMENT(left) __asm__ volatile("sub %0, %0, #1" : "+r"(left))

// Blocks of 8 rows of weights, at least one; reads nothing behind the last. `bias`: what the sums of a row start with;
// null: they have started.
[[gnu::always_inline]] inline void blocks_8x2(int32x4_t (&sum)[8][2], const int32x4_t* bias, const int8_t* (&a)[8],
                                              const int8_t*& b_at, size_t blocks) noexcept {
  const int8_t* b = b_at;
  int8x8_t x[8];
  int8x16_t w0 = vld1q_s8(b), w1 = vld1q_s8(b + 16), w2, w3;
  uint64_t high2, high3;
  DOTORI_UNROLL for (int r = 0; r < 8; ++r) {
    // Loads late: the addresses have just been computed.
    if (bias != nullptr) DOTORI_COPY(sum[r][0], bias[0]);
    if (r > 4) DOTORI_LOAD_ROW(x[2 * r - 9], a[2 * r - 9]);
    if (bias != nullptr) DOTORI_COPY(sum[r][1], bias[1]);
    if (r >= 4) DOTORI_LOAD_ROW(x[2 * r - 8], a[2 * r - 8]);
  }
  // The first phase, with the last row and the weights of the second.
  auto first = [&]() __attribute__((always_inline)) {
    DOTORI_SDOT(sum[0][0], w0, x[0], 0);
    DOTORI_LOAD_ROW(x[7], a[7]);
    DOTORI_SDOT(sum[0][1], w1, x[0], 0);
    DOTORI_LOAD_LOW(w2, b, 32);
    DOTORI_SDOT(sum[1][0], w0, x[1], 0);
    DOTORI_LOAD_HIGH(high2, b, 40);
    DOTORI_SDOT(sum[1][1], w1, x[1], 0);
    DOTORI_LOAD_LOW(w3, b, 48);
    DOTORI_SDOT(sum[2][0], w0, x[2], 0);
    DOTORI_LOAD_HIGH(high3, b, 56);
    DOTORI_SDOT(sum[2][1], w1, x[2], 0);
    DOTORI_SDOT(sum[3][0], w0, x[3], 0);
    DOTORI_INSERT_HIGH(w2, high2);
    DOTORI_SDOT(sum[3][1], w1, x[3], 0);
    DOTORI_SDOT(sum[4][0], w0, x[4], 0);
    DOTORI_INSERT_HIGH(w3, high3);
    DOTORI_SDOT(sum[4][1], w1, x[4], 0);
    DOTORI_SDOT(sum[5][0], w0, x[5], 0);
    DOTORI_ADVANCE(b);
    DOTORI_SDOT(sum[5][1], w1, x[5], 0);
    DOTORI_SDOT(sum[6][0], w0, x[6], 0);
    DOTORI_SDOT(sum[6][1], w1, x[6], 0);
    DOTORI_SDOT(sum[7][0], w0, x[7], 0);
    DOTORI_SDOT(sum[7][1], w1, x[7], 0);
  };
  size_t left = blocks - 1;
  while (left != 0) {
    first();
    // The second phase, with rows and weights of the next block.
    DOTORI_SDOT(sum[0][0], w2, x[0], 1);
    DOTORI_LOAD_LOW(w0, b, 0);
    DOTORI_SDOT(sum[0][1], w3, x[0], 1);
    DOTORI_LOAD_ROW(x[0], a[0]);
    DOTORI_SDOT(sum[1][0], w2, x[1], 1);
    DOTORI_LOAD_HIGH(high2, b, 8);
    DOTORI_SDOT(sum[1][1], w3, x[1], 1);
    DOTORI_LOAD_ROW(x[1], a[1]);
    DOTORI_SDOT(sum[2][0], w2, x[2], 1);
    DOTORI_LOAD_LOW(w1, b, 16);
    DOTORI_SDOT(sum[2][1], w3, x[2], 1);
    DOTORI_LOAD_ROW(x[2], a[2]);
    DOTORI_SDOT(sum[3][0], w2, x[3], 1);
    DOTORI_LOAD_HIGH(high3, b, 24);
    DOTORI_SDOT(sum[3][1], w3, x[3], 1);
    DOTORI_LOAD_ROW(x[3], a[3]);
    DOTORI_SDOT(sum[4][0], w2, x[4], 1);
    DOTORI_INSERT_HIGH(w0, high2);
    DOTORI_SDOT(sum[4][1], w3, x[4], 1);
    DOTORI_LOAD_ROW(x[4], a[4]);
    DOTORI_SDOT(sum[5][0], w2, x[5], 1);
    DOTORI_INSERT_HIGH(w1, high3);
    DOTORI_SDOT(sum[5][1], w3, x[5], 1);
    DOTORI_LOAD_ROW(x[5], a[5]);
    DOTORI_SDOT(sum[6][0], w2, x[6], 1);
    DOTORI_DECREMENT(left);
    DOTORI_SDOT(sum[6][1], w3, x[6], 1);
    DOTORI_LOAD_ROW(x[6], a[6]);
    DOTORI_SDOT(sum[7][0], w2, x[7], 1);
    DOTORI_SDOT(sum[7][1], w3, x[7], 1);
  }
  first();
  DOTORI_UNROLL for (int r = 0; r < 8; ++r) {
    DOTORI_SDOT(sum[r][0], w2, x[r], 1);
    DOTORI_SDOT(sum[r][1], w3, x[r], 1);
  }
  b_at = b;
}

#undef DOTORI_SDOT
#undef DOTORI_LOAD_ROW
#undef DOTORI_LOAD_LOW
#undef DOTORI_LOAD_HIGH
#undef DOTORI_INSERT_HIGH
#undef DOTORI_ADVANCE
#undef DOTORI_COPY
#undef DOTORI_DECREMENT

// As many whole blocks of 8 as there are; moves a and b on.
template <int M, int V, int kPerPanel>
struct Blocks {
  static void run(int32x4_t (&sum)[M][V], const int8_t* (&a)[M], const int8_t* (&b)[V / kPerPanel],
                  size_t blocks) noexcept {
    for (; blocks > 0; --blocks) {
      int8x8_t x[M];
      DOTORI_UNROLL for (int r = 0; r < M; ++r) {
        x[r] = vld1_s8(a[r]);
        a[r] += 8;
      }
      step8<M, V, kPerPanel>(sum, x, b);
      DOTORI_UNROLL for (int p = 0; p < V / kPerPanel; ++p) b[p] += 8 * kNr;
    }
  }
};
template <>
struct Blocks<8, 2, 2> {
  static void run(int32x4_t (&sum)[8][2], const int8_t* (&a)[8], const int8_t* (&b)[1], size_t blocks) noexcept {
    if (blocks > 0) blocks_8x2(sum, nullptr, a, b[0], blocks);
  }
};

// The last 4 rows of weights of a tap; moves b on.
template <int M, int V, int kPerPanel>
inline void last_four(int32x4_t (&sum)[M][V], const int8_t* const (&a)[M], const int8_t* (&b)[V / kPerPanel]) noexcept {
  int8x8_t x[M];
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    int32_t four;
    memcpy(&four, a[r], sizeof four);
    x[r] = vreinterpret_s8_s32(vdup_n_s32(four));
  }
  DOTORI_UNROLL for (int v = 0; v < V; ++v) {
    const int8x16_t w = vld1q_s8(b[v / kPerPanel] + v % kPerPanel * 16);
    DOTORI_UNROLL for (int r = 0; r < M; ++r) sum[r][v] = vdotq_lane_s32(sum[r][v], w, x[r], 0);
  }
  DOTORI_UNROLL for (int p = 0; p < V / kPerPanel; ++p) b[p] += 4 * kNr;
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
    Blocks<M, V, kPerPanel>::run(sum, a, b, s.k / 8);
    if (s.k % 8 != 0) last_four<M, V, kPerPanel>(sum, a, b);
  }

  if (out.leaky) finish<M, V, kPerPanel, true>(s, out, sum, panel, c_offset, n);
  else finish<M, V, kPerPanel, false>(s, out, sum, panel, c_offset, n);
}

// The same tile of 8 rows and columns for one tap of at least 8 rows of weights, which most layers are: nothing is
// asked before the sums have begun.
[[gnu::always_inline]] inline void tile_of_one_tap(const GemmS8Strip& s, const Requantizer& out, const char* panel,
                                                   ptrdiff_t c_offset, int32_t n) noexcept {
  int32x4_t sum[8][2];
  const int32_t* folded = reinterpret_cast<const int32_t*>(panel);
  const int32x4_t bias[2] = {vld1q_s32(folded), vld1q_s32(folded + 4)};
  const int8_t* b[1] = {reinterpret_cast<const int8_t*>(panel + kWeights)};
  const int8_t* a[8];
  DOTORI_UNROLL for (int r = 0; r < 8; ++r) a[r] = static_cast<const int8_t*>(s.a[r]) + s.a_offset;
  blocks_8x2(sum, bias, a, b[0], s.k / 8);
  if (s.k % 8 != 0) last_four<8, 2, 2>(sum, a, b);
  if (out.leaky) finish<8, 2, 2, true>(s, out, sum, panel, c_offset, n);
  else finish<8, 2, 2, false>(s, out, sum, panel, c_offset, n);
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
  const bool one_tap = M == 8 && s.taps == 1 && s.k >= 8 && s.row_add == nullptr;
  for (; n > 4; n -= kNr) {
    if (one_tap) tile_of_one_tap(s, out, panel, c_offset, n);
    else tile<M, 2, 2>(s, out, panel, c_offset, n);
    panel += s.panel_stride;
    c_offset += kNr;
  }
  if (n > 0) tile<M, 1, 1>(s, out, panel, c_offset, n);
}

// 5 to 7 rows as 8 of which the last ones are the same: the tile of 8 is scheduled by hand, and what is stored twice is
// equal.
constexpr size_t kMostTapsFilledUp = 32;
void strip_filled_up(const GemmS8Strip& s) noexcept {
  const void* a[kMostTapsFilledUp * kMr];
  int8_t* c[kMr];
  int32_t row_add[kMr] = {};
  GemmS8Strip all = s;
  for (int32_t r = 0; r < kMr; ++r) {
    const int32_t from = r < s.m ? r : s.m - 1;
    for (size_t t = 0; t < s.taps; ++t) a[t * kMr + static_cast<size_t>(r)] = s.a[t * kMr + static_cast<size_t>(from)];
    c[r] = s.c[from];
    if (s.row_add != nullptr) row_add[r] = s.row_add[from];
  }
  all.a = a;
  all.c = c;
  if (s.row_add != nullptr) all.row_add = row_add;
  all.m = kMr;
  strip<kMr, 1>(all);
}

}  // namespace

void gemm_s8_8x8__neon_dot(const GemmS8Strip& s) noexcept {
  switch (s.m) {
    case 1: return strip<1, 4>(s);
    case 2: return strip<2, 4>(s);
    case 3: return strip<3, 2>(s);
    case 4: return strip<4, 2>(s);
    case 8: return strip<8, 1>(s);
    default: break;
  }
  if (s.taps <= kMostTapsFilledUp) return strip_filled_up(s);
  GemmS8Strip part = s;
  part.m = 4;
  gemm_s8_8x8__neon_dot(part);
  part.a += 4;
  part.c += 4;
  if (part.row_add != nullptr) part.row_add += 4;
  part.m = s.m - 4;
  gemm_s8_8x8__neon_dot(part);
}

}  // namespace dotori::kernels
