// SPDX-License-Identifier: Apache-2.0
// int8 depthwise convolution by SDOT. Interleaving the kernel rows of one input column puts the taps of a channel that
// lie one above the other side by side, four of them at most; one SDOT then multiplies and adds them for four channels,
// and one interleaved column serves every output column that it belongs to. A kernel of three rows has a zero for the
// fourth weight. The fifth row of a 5 x 5 kernel goes the way of arm64_neon_s8.cc.
// Eight channels at a time: a Cortex-A55 loads 64 bits beside other work, 128 bits stop it for two cycles.
#include <arm_neon.h>

#include "kernels/depthwise/depthwise_s8.h"
#include "kernels/quantize/requantize_neon.h"

namespace dotori::kernels {
namespace {

constexpr int kTileCols = 4;
constexpr int kMaxKernel = 5;
constexpr int kMaxInputCols = (kTileCols - 1) * 2 + kMaxKernel;
constexpr ptrdiff_t kNearBytes = 20480;  // of input and output, which eight channels after eight pass by again

// Statements that are volatile keep their order, so a tile runs as it is written here: on an in-order core every SDOT
// of a column stands beside a load or an interleaving for a column after it.
inline void add_dot(int32x4_t& sum, int8x16_t x, int8x16_t w) noexcept {
  __asm__ volatile("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(x), "w"(w));
}
// vcombine_s8 would spend an instruction on the halves that are not read.
inline int16x8_t zip_bytes(int8x8_t a, int8x8_t b) noexcept {
  int16x8_t pairs;
  __asm__ volatile("zip1 %0.16b, %1.16b, %2.16b" : "=w"(pairs) : "w"(a), "w"(b));
  return pairs;
}
inline int8x16_t zip_low(int16x8_t a, int16x8_t b) noexcept {
  int8x16_t fours;
  __asm__ volatile("zip1 %0.8h, %1.8h, %2.8h" : "=w"(fours) : "w"(a), "w"(b));
  return fours;
}
inline int8x16_t zip_high(int16x8_t a, int16x8_t b) noexcept {
  int8x16_t fours;
  __asm__ volatile("zip2 %0.8h, %1.8h, %2.8h" : "=w"(fours) : "w"(a), "w"(b));
  return fours;
}
// What an assembler statement reads, for the compiler to know.
using EightBytes = const int8_t[8];
inline EightBytes* eight_at(const int8_t* p) noexcept {
  return reinterpret_cast<EightBytes*>(p);
}
inline int8x8_t load_and_step(const int8_t*& from, ptrdiff_t step) noexcept {
  int8x8_t x;
  __asm__ volatile("ld1 {%0.8b}, [%1], %2" : "=w"(x), "+r"(from) : "r"(step), "m"(*eight_at(from)));
  return x;
}
inline const int8_t* read_pointer(const int8_t* const& from) noexcept {
  const int8_t* p;
  __asm__ volatile("ldr %0, %1" : "=r"(p) : "m"(from));
  return p;
}
inline int32x4_t copied(int32x4_t x) noexcept {
  int32x4_t y;
  __asm__ volatile("mov %0.16b, %1.16b" : "=w"(y) : "w"(x));
  return y;
}
inline int8x8_t load_at(const int8_t* from, ptrdiff_t offset) noexcept {
  int8x8_t x;
  __asm__ volatile("ldr %d0, [%1, %2]" : "=w"(x) : "r"(from), "r"(offset), "m"(*eight_at(from + offset)));
  return x;
}

// A tile whose pixels are looked up: at the edge of the image, or the first of several.
struct LookedUp {
  int8_t* to;    // first output column, channel 0
  int32_t cols;  // to store, at most kTileCols
  const int8_t* pixels[kMaxInputCols][kMaxKernel];
};

// Input pixels of a tile.
struct PixelsLookedUp {
  const LookedUp& tile;
  ptrdiff_t channel;
  const int8_t* next[kMaxKernel];
  [[gnu::always_inline]] void find(int j, int ky) noexcept { next[ky] = read_pointer(tile.pixels[j][ky]); }
  [[gnu::always_inline]] int8x8_t load(int ky) const noexcept { return load_at(next[ky], channel); }
};
template <int kKernel>
struct PixelsInRow {
  const int8_t* next[kKernel];
  ptrdiff_t step[kKernel];
  [[gnu::always_inline]] void find(int, int) const noexcept {}
  [[gnu::always_inline]] int8x8_t load(int ky) noexcept { return load_and_step(next[ky], step[ky]); }
};

// Eight channels.
struct Half {
  ptrdiff_t channel;
  const int32_t* folded;
  const float* scale;
  const int8_t* weights;
};

// Four taps of four channels in each.
struct Column {
  int8x16_t low, high;
};

struct Requantizer : SaturatedBytes {
  float32x4_t scale[2];
  float slope;
  int leaky;

  [[gnu::always_inline]] Requantizer(const QuantizedOutput& out, const float* scales) noexcept
      : SaturatedBytes(out),
        scale{vld1q_f32(scales), vld1q_f32(scales + 4)},
        slope(out.slope),
        leaky(out.slope != 1.0f) {
    __asm__("" : "+r"(leaky));  // or the compiler compares again, which takes a vector instruction
  }
  // Of two columns each.
  [[gnu::always_inline]] void operator()(const int32x4_t (&sum)[kTileCols][2],
                                         int8x16_t (&y)[kTileCols / 2]) const noexcept {
    float32x4_t v[kTileCols][2];
#pragma GCC unroll 4
    for (int n = 0; n < kTileCols; ++n) {
      v[n][0] = vmulq_f32(vcvtq_f32_s32(sum[n][0]), scale[0]);
      v[n][1] = vmulq_f32(vcvtq_f32_s32(sum[n][1]), scale[1]);
    }
    if (leaky) {
#pragma GCC unroll 4
      for (int n = 0; n < kTileCols; ++n) {
        v[n][0] = vmaxq_f32(v[n][0], vmulq_n_f32(v[n][0], slope));
        v[n][1] = vmaxq_f32(v[n][1], vmulq_n_f32(v[n][1], slope));
      }
    }
    int16x8_t word[kTileCols];
#pragma GCC unroll 4
    for (int n = 0; n < kTileCols; ++n) word[n] = words(v[n][0], v[n][1]);
#pragma GCC unroll 2
    for (int i = 0; i < kTileCols / 2; ++i) y[i] = clamp(narrow(word[2 * i], word[2 * i + 1]));
  }
};

template <int kKernel, int kStride>
struct Walk {
  static constexpr int kInputCols = (kTileCols - 1) * kStride + kKernel;
  // Columns at a tile's end with which the next one begins.
  static constexpr int kKept = kKernel - kStride > 0 && kKernel == 3 ? kKernel - kStride : 0;

  [[gnu::always_inline]] Walk(const DepthwiseS8& conv, const Half& half) noexcept
      : requantizer(conv.output, half.scale), fifth(half.weights + kKernel * 32) {
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) folded[v] = vld1q_s32(half.folded + 4 * v);
#pragma GCC unroll 5
    for (int k = 0; k < kKernel; ++k) w[k] = {vld1q_s8(half.weights + 32 * k), vld1q_s8(half.weights + 32 * k + 16)};
  }

  // `from` gives input pixels, of each kernel row one column of the tile after the other: find(j, ky) says where the
  // next one is, load(ky) is its eight channels. `store(y)` puts the output columns away. `kFrom`: the first column
  // that is not in `kept` yet.
  template <int kFrom, class Pixels, class Store>
  [[gnu::always_inline]] void tile(Column (&kept)[kKept + 1], Pixels& from, const Store& store) const noexcept {
    constexpr int kRows = kKernel == 3 ? 3 : 4;
    int8x8_t rows[kRows];  // of the next column
    // One of the steps that interleave column j, whose rows are there, and load those of column j + 1.
    constexpr int kSteps = kRows + 2;
    int16x8_t upper, lower;
    Column x[2];
    const auto prepare = [&](int j, int step) __attribute__((always_inline)) {
      if (j < kFrom || j >= kInputCols) return;
      if (step == 0) upper = zip_bytes(rows[0], rows[1]);
      if (step == 1) lower = zip_bytes(rows[2], rows[kRows - 1]);
      if (step == 2) x[j % 2].low = zip_low(upper, lower);
      if (step == 3) x[j % 2].high = zip_high(upper, lower);
      if (step >= 2 && step < kSteps && j + 1 < kInputCols) {
        rows[step - 2] = from.load(step - 2);
        if (j + 2 < kInputCols) from.find(j + 2, step - 2);
      }
    };
    int32x4_t sum[kTileCols][2];
    const auto start = [&](int n) __attribute__((always_inline)) {
      sum[n][0] = copied(folded[0]);
      sum[n][1] = copied(folded[1]);
    };
#pragma GCC unroll 4
    for (int ky = 0; ky < kRows; ++ky) from.find(kFrom, ky);
    start(0);
#pragma GCC unroll 4
    for (int ky = 0; ky < kRows; ++ky) {
      rows[ky] = from.load(ky);
      from.find(kFrom + 1, ky);
    }
    if (kFrom == 0) {
#pragma GCC unroll 8
      for (int step = 0; step < kSteps; ++step) prepare(0, step);
    }
#pragma GCC unroll 16
    for (int j = 0; j < kInputCols; ++j) {
      const Column now = j < kFrom ? kept[j] : x[j % 2];
      if (j > 0 && j % kStride == 0 && j / kStride < kTileCols) start(j / kStride);
      int step = 0;
#pragma GCC unroll 4
      for (int n = 0; n < kTileCols; ++n) {
        const int k = j - n * kStride;
        if (k < 0 || k >= kKernel) continue;
        prepare(j + 1, step++);
        add_dot(sum[n][0], now.low, w[k].low);
        prepare(j + 1, step++);
        add_dot(sum[n][1], now.high, w[k].high);
      }
#pragma GCC unroll 8
      for (; step < kSteps; ++step) prepare(j + 1, step);
      if (j >= kInputCols - kKept) kept[j - (kInputCols - kKept)] = now;
    }
    if constexpr (kKernel == 5) add_fifth_row(sum, from);
    int8x16_t y[kTileCols / 2];  // two columns in each
    requantizer(sum, y);
    store(y);
  }

  // Two products of at most 127 times 128 fit 16 bits.
  template <class Pixels>
  [[gnu::always_inline]] void add_fifth_row(int32x4_t (&sum)[kTileCols][2], Pixels& from) const noexcept {
    int8x8_t x[kInputCols], v[5];
#pragma GCC unroll 5
    for (int k = 0; k < 5; ++k) v[k] = vld1_s8(fifth + 8 * k);
#pragma GCC unroll 16
    for (int j = 0; j < kInputCols; ++j) {
      from.find(j, 4);
      x[j] = from.load(4);
    }
#pragma GCC unroll 4
    for (int n = 0; n < kTileCols; ++n) {
      const int8x8_t* const at = x + n * kStride;
      const int16x8_t a = vmlal_s8(vmull_s8(at[0], v[0]), at[1], v[1]);
      const int16x8_t b = vmlal_s8(vmull_s8(at[2], v[2]), at[3], v[3]);
      const int16x8_t c = vmull_s8(at[4], v[4]);
      sum[n][0] = vaddw_s16(vaddw_s16(vaddw_s16(sum[n][0], vget_low_s16(a)), vget_low_s16(b)), vget_low_s16(c));
      sum[n][1] = vaddw_high_s16(vaddw_high_s16(vaddw_high_s16(sum[n][1], a), b), c);
    }
  }

  Requantizer requantizer;
  int32x4_t folded[2];
  Column w[kKernel];
  const int8_t* fifth;
};

// The tiles of one row.
template <int kKernel, int kStride>
struct RowWalk {
  using Walker = Walk<kKernel, kStride>;
  static constexpr int kInputCols = Walker::kInputCols;

  RowWalk(const DepthwiseS8& depthwise, const int8_t* src, int8_t* dst, int32_t out_y) noexcept
      : conv(depthwise), dst_row(dst), channels(depthwise.channels) {
    outside = static_cast<const int8_t*>(conv.packed);
    for (int ky = 0; ky < kKernel; ++ky) {
      const ptrdiff_t in_y = ptrdiff_t{out_y} * conv.stride_h - conv.pad_top + ptrdiff_t{ky} * conv.dilation_h;
      const bool inside = static_cast<size_t>(in_y) < static_cast<size_t>(conv.in_h);
      rows[ky] = inside ? src + in_y * conv.in_w * channels : outside;
      steps[ky] = inside ? channels : 0;
    }
  }

  // `run(half)` for every eight channels; those that two blocks share once.
  template <class Run>
  [[gnu::always_inline]] void each_half(const Run& run) const noexcept {
    constexpr DepthwiseS8Layout kLayout = DepthwiseS8Layout::kDot;
    const size_t block_bytes = depthwise_s8_block_bytes(kLayout, kKernel, kKernel);
    const unsigned char* block =
        static_cast<const unsigned char*>(conv.packed) + depthwise_s8_outside_bytes(conv.channels);
    ptrdiff_t done = 0;
    for (int32_t b = 0; b * 16 < conv.channels; ++b, block += block_bytes) {
      for (int h = 0; h < 2; ++h) {
        const ptrdiff_t channel = depthwise_s8_channel(conv.channels, b, 8 * h);
        if (channel + 8 <= done) continue;
        done = channel + 8;
        run(Half{channel, reinterpret_cast<const int32_t*>(block) + 8 * h,
                 reinterpret_cast<const float*>(block + 64) + 8 * h,
                 reinterpret_cast<const int8_t*>(block + 128) + h * static_cast<int>((block_bytes - 128) / 2)});
      }
    }
  }

  void look_up(int32_t x, LookedUp& tile) const noexcept {
    tile.to = dst_row + x * channels;
    tile.cols = conv.out_w - x < kTileCols ? conv.out_w - x : kTileCols;
    const ptrdiff_t in_x = ptrdiff_t{x} * kStride - conv.pad_left;
    for (int j = 0; j < kInputCols; ++j) {
      const bool inside = static_cast<size_t>(in_x + j) < static_cast<size_t>(conv.in_w);
      for (int ky = 0; ky < kKernel; ++ky) tile.pixels[j][ky] = inside ? rows[ky] + steps[ky] * (in_x + j) : outside;
    }
  }
  // All pixels of the tile are in the image's columns.
  bool inner(int32_t x) const noexcept {
    const ptrdiff_t in_x = ptrdiff_t{x} * kStride - conv.pad_left;
    return in_x >= 0 && in_x + kInputCols <= conv.in_w;
  }

  // The tile at column x, `middle` tiles behind it, which have all of their pixels, and `last`, if not null.
  void run_tiles(int32_t x, int32_t middle, const LookedUp& first, const LookedUp* last) const noexcept {
    const ptrdiff_t in_x = ptrdiff_t{x + kTileCols} * kStride + Walker::kKept - conv.pad_left, step = channels;
    const int8_t* behind[kKernel];  // the first column that the middle loads
    for (int ky = 0; ky < kKernel; ++ky) behind[ky] = rows[ky] + steps[ky] * in_x;
    // What the loads of a tile have gone beyond the start of the next one's.
    constexpr ptrdiff_t kBack = kInputCols - Walker::kKept - kTileCols * kStride;
    each_half([&](const Half& half) __attribute__((always_inline)) {
      const Walker walk(conv, half);
      PixelsInRow<kKernel> in_row;
#pragma GCC unroll 5
      for (int ky = 0; ky < kKernel; ++ky) {
        in_row.next[ky] = behind[ky] + half.channel;
        in_row.step[ky] = steps[ky];
      }
      Column kept[Walker::kKept + 1];
      const LookedUp* tile = &first;
      for (int32_t left = middle;;) {
        int8_t* to = tile->to + half.channel;
        const int32_t cols = tile->cols;
        PixelsLookedUp looked_up{*tile, half.channel, {}};
        const auto store = [&](const int8x16_t(&y)[kTileCols / 2]) __attribute__((always_inline)) {
#pragma GCC unroll 4
          for (int n = 0; n < kTileCols; ++n, to += step)
            vst1_s8(to, n % 2 == 0 ? vget_low_s8(y[n / 2]) : vget_high_s8(y[n / 2]));
        };
        walk.template tile<0>(
            kept, looked_up, [&](const int8x16_t(&y)[kTileCols / 2]) __attribute__((always_inline)) {
              if (cols == kTileCols) return store(y);
              int8_t pixels[kTileCols * 8];
              for (int i = 0; i < kTileCols / 2; ++i) vst1q_s8(pixels + 16 * i, y[i]);
              for (int n = 0; n < cols; ++n) vst1_s8(to + n * step, vld1_s8(pixels + 8 * n));
            });
        for (; left > 0; --left) {
          walk.template tile<Walker::kKept>(kept, in_row, store);
          if (kBack > 0) {
#pragma GCC unroll 5
            for (int ky = 0; ky < kKernel; ++ky) in_row.next[ky] -= in_row.step[ky] * kBack;
          }
        }
        if (last == nullptr || tile == last) break;
        tile = last;
      }
    });
  }

  void run() const noexcept {
    const int32_t out_w = conv.out_w, per_tile = kTileCols * (kKernel * kStride + 1) * conv.channels;
    const int32_t most = kNearBytes / per_tile > 2 ? static_cast<int32_t>(kNearBytes / per_tile) : 2;
    LookedUp first, last;
    for (int32_t x = 0; x < out_w;) {
      const int32_t begin = x;
      look_up(x, first);
      int32_t middle = 0;
      for (x += kTileCols; middle < most && x + kTileCols <= out_w && inner(x); x += kTileCols) ++middle;
      const bool ends = x < out_w && (x + kTileCols > out_w || !inner(x));
      if (ends) {
        // Moved back onto the one before where it is not whole.
        if (x + kTileCols > out_w) x = out_w - kTileCols;
        look_up(x, last);
        x += kTileCols;
      }
      run_tiles(begin, middle, first, ends ? &last : nullptr);
    }
  }

  const DepthwiseS8& conv;
  int8_t* dst_row;
  ptrdiff_t channels;
  const int8_t* outside;  // a pixel of zero points
  const int8_t* rows[kKernel];
  ptrdiff_t steps[kKernel];  // bytes from pixel to pixel; 0: the row is outside, and every pixel the same
};

}  // namespace

void dwconv_s8_3x3s1__neon_dot(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  RowWalk<3, 1>(conv, src, dst_row, out_y).run();
}
void dwconv_s8_3x3s2__neon_dot(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  RowWalk<3, 2>(conv, src, dst_row, out_y).run();
}
void dwconv_s8_5x5s1__neon_dot(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  RowWalk<5, 1>(conv, src, dst_row, out_y).run();
}
void dwconv_s8_5x5s2__neon_dot(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept {
  RowWalk<5, 2>(conv, src, dst_row, out_y).run();
}

}  // namespace dotori::kernels
