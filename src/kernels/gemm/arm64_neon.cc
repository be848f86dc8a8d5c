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

// Count<N>::type is Numbers<0, 1, …, N - 1>.
template <size_t... kNumber>
struct Numbers {};
template <size_t N, size_t... kNumber>
struct Count : Count<N - 1, N - 1, kNumber...> {};
template <size_t... kNumber>
struct Count<0, kNumber...> {
  using type = Numbers<kNumber...>;
};

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

// The inner loop for cores that execute in order, Cortex-A55 above all: it issues a multiply-add together with a 64-bit
// load or an INS, but nothing beside a 128-bit load, and stalls on what has not arrived. Two steps of K a turn, every
// load in the slot behind a multiply-add and long before its use; a vector of weights comes as two halves. The compiler
// keeps volatile statements in their order.
//
//   first half    a[r].s[0] with b[0], b[1]; meanwhile b[2], b[3] of this turn are loaded
//   second half   a[r].s[1] with b[2], b[3]; meanwhile a, b[0], b[1] of the next turn
//
// The order of the additions into an element is that of step().
template <int M>
struct InOrder {
  float32x4_t (&sum)[M][2];
  const float* a[M];
  const float* w;
  float32x2_t x[M];
  float32x4_t b[4];
  uint64_t upper[2];

  template <int kRow, int kVector, int kLane>
  [[gnu::always_inline]] void multiply_add() noexcept {
    __asm__ volatile("fmla %0.4s, %1.4s, %2.s[%3]"
                     : "+w"(sum[kRow][kVector])
                     : "w"(b[2 * kLane + kVector]), "w"(x[kRow]), "i"(kLane));
  }
  template <int kRow>
  [[gnu::always_inline]] void load_row() noexcept {
    __asm__ volatile("ldr %d0, [%1], #8" : "=w"(x[kRow]), "+r"(a[kRow]) : : "memory");
  }
  // Vector kVector of the weights, at `w` or behind it.
  template <int kVector>
  [[gnu::always_inline]] void load_lower() noexcept {
    __asm__ volatile("ldr %d0, [%1, %2]" : "=w"(b[kVector]) : "r"(w), "i"(16 * kVector) : "memory");
  }
  template <int kVector>
  [[gnu::always_inline]] void load_upper() noexcept {
    __asm__ volatile("ldr %0, [%1, %2]" : "=r"(upper[kVector % 2]) : "r"(w), "i"(16 * kVector + 8) : "memory");
  }
  template <int kVector>
  [[gnu::always_inline]] void join() noexcept {
    __asm__ volatile("ins %0.d[1], %1" : "+w"(b[kVector]) : "r"(upper[kVector % 2]));
  }

  // Rows whose loads wait for the first half of the next turn: in the second half there is no slot behind their use.
  static constexpr int kEarlyRows = M >= 7 ? 7 : M == 6 ? 5 : M == 5 ? 3 : 2;

  // What stands behind multiply-add kSlot of the first half; kRows: rows of this turn are still to be loaded.
  template <int kSlot, bool kRows>
  [[gnu::always_inline]] void first_slot() noexcept {
    constexpr int kLate = kRows ? M - kEarlyRows : 0;
    if constexpr (kSlot < kLate) load_row<kEarlyRows + (kSlot < kLate ? kSlot : 0)>();
    constexpr int kAt = kSlot - (M - kEarlyRows);
    if constexpr (kAt == 0) load_lower<2>();
    if constexpr (kAt == 1) load_upper<2>();
    if constexpr (kAt == 2) load_lower<3>();
    if constexpr (kAt == 3) load_upper<3>();
    if constexpr (kAt == 4) join<2>();
    if constexpr (kAt == 5) join<3>();
  }
  template <int kSlot>
  [[gnu::always_inline]] void second_slot() noexcept {
    if constexpr (kSlot == 0) load_lower<0>();
    if constexpr (kSlot == 1) load_upper<0>();
    if constexpr (kSlot == 2) load_lower<1>();
    if constexpr (kSlot == 3) load_upper<1>();
    if constexpr (kSlot == 4) load_row<0>();
    if constexpr (kSlot == 5) join<0>();
    if constexpr (kSlot == 6) load_row<1>();
    if constexpr (kSlot == 7) join<1>();
    // Row r is free behind slot 2 r + 1.
    if constexpr (kSlot == 8 && kEarlyRows > 2) load_row<2>();
    if constexpr (kSlot == 9 && kEarlyRows > 3) load_row<3>();
    if constexpr (kSlot == 10 && kEarlyRows > 4) load_row<4>();
    if constexpr (kSlot == 11 && kEarlyRows > 5) load_row<5>();
    if constexpr (kSlot == 13 && kEarlyRows > 6) load_row<6>();
  }

  template <bool kRows, size_t... kAt>
  [[gnu::always_inline]] void first_half(Numbers<kAt...>) noexcept {
    ((multiply_add<kAt / 2, kAt % 2, 0>(), first_slot<kAt, kRows>()), ...);
  }
  template <bool kNext, size_t... kAt>
  [[gnu::always_inline]] void second_half(Numbers<kAt...>) noexcept {
    ((multiply_add<kAt / 2, kAt % 2, 1>(), kNext ? second_slot<kAt>() : void()), ...);
  }

  // k / 2 turns, k >= 2.
  [[gnu::always_inline]] void run(size_t k) noexcept {
    using Slots = typename Count<2 * M>::type;
    load_first(typename Count<M>::type());
    first_half<false>(Slots());
    for (size_t i = 2; i + 2 <= k; i += 2) {
      w += 2 * kNr;
      second_half<true>(Slots());
      first_half<true>(Slots());
    }
    second_half<false>(Slots());
    w += 2 * kNr;
  }
  template <size_t... kRow>
  [[gnu::always_inline]] void load_first(Numbers<kRow...>) noexcept {
    (load_row<kRow>(), ...);
    load_lower<0>();
    load_upper<0>();
    load_lower<1>();
    load_upper<1>();
    join<0>();
    join<1>();
  }
};

// M rows times V vectors. `n`: columns to store.
template <int M, int V, int kPerPanel, bool kInOrder>
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
    if constexpr (kInOrder && V == 2 && kPerPanel == 2 && M >= 4) {
      if (s.k >= 2) {
        InOrder<M> loop{sum, {}, b[0], {}, {}, {}};
        DOTORI_UNROLL for (int r = 0; r < M; ++r) loop.a[r] = a[r];
        loop.run(s.k);
        b[0] = loop.w;
        i = s.k & ~size_t{1};
      }
    }
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

  // Columns that are not all wanted go through a tile of their own.
  const bool whole = n >= 4 * V;
  const size_t part_bytes = static_cast<size_t>(whole ? 0 : n) * sizeof(float);
  float part[M][4 * V];
  float* c[M];
  DOTORI_UNROLL for (int r = 0; r < M; ++r) c[r] = whole ? s.c[r] + c_offset : part[r];
  if (!whole && s.bias == nullptr) {
    for (int r = 0; r < M; ++r) memcpy(part[r], s.c[r] + c_offset, part_bytes);
  }
  // All steps of a kind together: each waits for the one before.
  if (s.bias != nullptr) {
    DOTORI_UNROLL for (int v = 0; v < V; ++v) {
      const size_t at = panel + static_cast<size_t>(v / kPerPanel) * s.panel_stride;
      const float32x4_t start = vld1q_f32(s.bias + at + 4 * (v % kPerPanel));
      DOTORI_UNROLL for (int r = 0; r < M; ++r) sum[r][v] = vaddq_f32(start, sum[r][v]);
    }
  } else {
    DOTORI_UNROLL for (int r = 0; r < M; ++r) {
      DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = vaddq_f32(vld1q_f32(c[r] + 4 * v), sum[r][v]);
    }
  }
  // FMAX and FMIN return NaN when an operand is.
  const float32x4_t low = vdupq_n_f32(s.low), high = vdupq_n_f32(s.high);
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = vmaxq_f32(sum[r][v], low);
  }
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    DOTORI_UNROLL for (int v = 0; v < V; ++v) sum[r][v] = vminq_f32(sum[r][v], high);
  }
  DOTORI_UNROLL for (int r = 0; r < M; ++r) {
    DOTORI_UNROLL for (int v = 0; v < V; ++v) vst1q_f32(c[r] + 4 * v, sum[r][v]);
  }
  if (whole) return;
  for (int r = 0; r < M; ++r) memcpy(s.c[r] + c_offset, part[r], part_bytes);
}

// With few rows, several panels side by side hide the latency of the multiply-adds.
template <int M, int kPanels, bool kInOrder>
inline void strip(const GemmF32Strip& s) noexcept {
  size_t panel = 0;
  ptrdiff_t c_offset = s.c_offset;
  int32_t n = s.n;
  for (; kPanels > 1 && n >= kPanels * kNr; n -= kPanels * kNr) {
    tile<M, 2 * kPanels, 2, kInOrder>(s, panel, c_offset, n);
    panel += kPanels * s.panel_stride;
    c_offset += kPanels * kNr;
  }
  for (; n > 4; n -= kNr) {
    tile<M, 2, 2, kInOrder>(s, panel, c_offset, n);
    panel += s.panel_stride;
    c_offset += kNr;
  }
  if (n > 0) tile<M, 1, 1, kInOrder>(s, panel, c_offset, n);
}

template <bool kInOrder>
inline void all_strips(const GemmF32Strip& all) noexcept {
  gemm_f32_tiles(all, kMr, kNr, [](const GemmF32Strip& s) noexcept {
    switch (s.m) {
      case 1: return strip<1, 4, false>(s);
      case 2: return strip<2, 4, false>(s);
      case 3: return strip<3, 2, false>(s);
      case 4: return strip < 4, kInOrder ? 1 : 2, kInOrder > (s);
      case 5: return strip<5, 1, kInOrder>(s);
      case 6: return strip<6, 1, kInOrder>(s);
      case 7: return strip<7, 1, kInOrder>(s);
      default: return strip<8, 1, kInOrder>(s);
    }
  });
}

}  // namespace

void gemm_f32_8x8__neon(const GemmF32Strip& all) noexcept {
  all_strips<false>(all);
}

void gemm_f32_8x8__neon_a55(const GemmF32Strip& all) noexcept {
  all_strips<true>(all);
}

}  // namespace dotori::kernels
