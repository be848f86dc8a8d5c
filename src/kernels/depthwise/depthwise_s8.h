// SPDX-License-Identifier: Apache-2.0
// int8 depthwise convolution, NHWC: every channel has its own kernel_h x kernel_w filter.
//   acc          = bias[c] + sum over ky, kx of (src[iy][ix][c] - in_zero_point) * w[c][ky][kx]        (int32, exact)
//   dst[y][x][c] = requantize(acc, scale[c], output)                              (kernels/quantize/requantize.h)
//   iy = y * stride_h - pad_top + ky * dilation_h,  ix = x * stride_w - pad_left + kx * dilation_w
// Taps outside the image are left out. w is the weight less its zero point, so in [-255, 255].
// The kernels compute  acc = folded[c] + sum src * w  with  folded[c] = bias[c] - in_zero_point * sum w  and read
// pixels outside the image as in_zero_point. All additions are modulo 2^32, so only the true acc must fit an int32, and
// every kernel gives the same bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"
#include "kernels/quantize/requantize.h"

namespace dotori::kernels {

// One convolution; sizes in pixels, all at least 1 (paddings at least 0). Plain data, valid while `packed` is.
struct DepthwiseS8 {
  const void* packed;  // pack_depthwise_s8, aligned to 64 bytes
  int32_t in_h, in_w, channels;
  int32_t out_w;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  QuantizedOutput output;
};

// Packed weights start with a pixel of zero points: depthwise_s8_outside_bytes(), at least `channels`. Then come blocks
// of 16 channels; depthwise_s8_channel() tells which channels a block holds. One block: int32 folded[16], float
// scale[16], then the weights:
//   kTap8    int8 [tap][16], taps in the order ky, kx
//   kTap16   int16 [tap][16]
//   kDot     int8 [half][kx][8][4]: of each eight channels and kernel column, the weights of the first four kernel rows
//            (of three and a zero) side by side; behind those of a half, of a kernel of five rows, int8 [kx][8]. For
//            kernels of 3 x 3 and 5 x 5.
//   kPair16  int16 [pair][16][2]: for every two kernel rows, kernel_w pairs one above the other; for the last row of an
//            odd kernel_h, pairs side by side, a zero behind the last of an odd kernel_w. Within each 16 of folded,
//            scale and pairs, the channels are 0-3, 8-11, 4-7, 12-15: what two interleaves in 128-bit halves make.
enum class DepthwiseS8Layout : uint8_t { kTap8, kTap16, kDot, kPair16 };

// Computes output row `out_y`: `src` is the whole image [in_h][in_w][channels], `dst_row` the row [out_w][channels].
// They must not overlap; any alignment.
using DepthwiseS8Fn = void (*)(const DepthwiseS8& conv, const int8_t* src, int8_t* dst_row, int32_t out_y) noexcept;
struct DepthwiseS8Kernel {
  const char* name;  // "dwconv_s8_3x3s1__avx2"
  Isa isa;
  int32_t kernel;      // the only kernel_h and kernel_w (and dilation_w 1) it can do; 0: any
  int32_t stride_w;    // the only one it can do; 0: any
  int32_t max_weight;  // the greatest |w| it can do: 127 or 255
  int32_t channels;    // the least it can do
  DepthwiseS8Layout layout;
  DepthwiseS8Fn run;
};
// Everything compiled in, best first, the reference last; `*count` receives the number.
const DepthwiseS8Kernel* depthwise_s8_kernels(size_t* count) noexcept;
// `max_weight`: the greatest |w| there is. Looks at the sizes of `conv` only, not at `packed`.
bool depthwise_s8_fits(const DepthwiseS8Kernel& kernel, const DepthwiseS8& conv, int32_t max_weight) noexcept;
// Never fails: the reference kernel fits everything.
const DepthwiseS8Kernel& select_depthwise_s8(const DepthwiseS8& conv, int32_t max_weight,
                                             Isa isa = host_isa()) noexcept;

// What is packed: `weights` is [channels][kernel_h][kernel_w], `bias` [channels] or null (zeros), `scale` [channels].
struct DepthwiseS8Weights {
  const int8_t* weights;
  const int32_t* bias;
  const float* scale;
  int32_t weight_zero_point;
  int32_t in_zero_point;
};
size_t depthwise_s8_packed_bytes(DepthwiseS8Layout layout, int32_t channels, int32_t kernel_h,
                                 int32_t kernel_w) noexcept;
// `packed` is zeroed and aligned to 64 bytes.
void pack_depthwise_s8(const DepthwiseS8Weights& from, DepthwiseS8Layout layout, int32_t channels, int32_t kernel_h,
                       int32_t kernel_w, void* packed) noexcept;

constexpr int32_t kDepthwiseS8Block = 16;
static inline size_t depthwise_s8_outside_bytes(int32_t channels) noexcept {
  return (static_cast<size_t>(channels) + 63) / 64 * 64;
}
// The channel in lane `lane` of block `block`; -1: none. The last block of 16 channels or more ends at the last channel
// and shares channels with the block before, which computes the same numbers. 8 to 15 channels: the first eight, then
// the last eight.
static inline int32_t depthwise_s8_channel(int32_t channels, int32_t block, int32_t lane) noexcept {
  if (channels >= 16) {
    const int32_t first = block * 16;
    return (first + 16 > channels ? channels - 16 : first) + lane;
  }
  if (channels >= 8) return lane < 8 ? lane : channels - 16 + lane;
  return lane < channels ? lane : -1;
}
// Bytes of one block.
static inline size_t depthwise_s8_block_bytes(DepthwiseS8Layout layout, int32_t kernel_h, int32_t kernel_w) noexcept {
  const size_t h = static_cast<size_t>(kernel_h), w = static_cast<size_t>(kernel_w);
  switch (layout) {
    case DepthwiseS8Layout::kTap8: return 128 + h * w * 16;
    case DepthwiseS8Layout::kTap16: return 128 + h * w * 32;
    case DepthwiseS8Layout::kDot: return 128 + w * (h == 5 ? 80 : 64);
    case DepthwiseS8Layout::kPair16: return 128 + (h / 2 * w + h % 2 * ((w + 1) / 2)) * 64;
  }
  return 0;
}

// The rows of the table.
void dwconv_s8_any__reference(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
#if defined(__x86_64__)
void dwconv_s8_3x3s1__avx2(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_3x3s2__avx2(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_5x5s1__avx2(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_5x5s2__avx2(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_any__avx2(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
#elif defined(__aarch64__)
void dwconv_s8_3x3s1__neon_dot(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_3x3s2__neon_dot(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_5x5s1__neon_dot(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_5x5s2__neon_dot(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_3x3s1__neon(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_3x3s2__neon(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_5x5s1__neon(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_5x5s2__neon(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_any__neon(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
void dwconv_s8_any16__neon(const DepthwiseS8&, const int8_t*, int8_t*, int32_t) noexcept;
#endif

}  // namespace dotori::kernels
