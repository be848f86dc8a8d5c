// SPDX-License-Identifier: Apache-2.0
#include "kernels/depthwise/depthwise_s8.h"

#include <string.h>

namespace dotori::kernels {
namespace {

using Layout = DepthwiseS8Layout;

constexpr DepthwiseS8Kernel kKernels[] = {
#if defined(__x86_64__)
    {"dwconv_s8_3x3s1__avx2", kIsaAvx2, 3, 1, 255, 1, Layout::kPair16, dwconv_s8_3x3s1__avx2},
    {"dwconv_s8_3x3s2__avx2", kIsaAvx2, 3, 2, 255, 1, Layout::kPair16, dwconv_s8_3x3s2__avx2},
    {"dwconv_s8_5x5s1__avx2", kIsaAvx2, 5, 1, 255, 1, Layout::kPair16, dwconv_s8_5x5s1__avx2},
    {"dwconv_s8_5x5s2__avx2", kIsaAvx2, 5, 2, 255, 1, Layout::kPair16, dwconv_s8_5x5s2__avx2},
    {"dwconv_s8_any__avx2", kIsaAvx2, 0, 0, 255, 1, Layout::kPair16, dwconv_s8_any__avx2},
#elif defined(__aarch64__)
    {"dwconv_s8_3x3s1__neon_dot", kIsaNeonDot, 3, 1, 127, 8, Layout::kDot, dwconv_s8_3x3s1__neon_dot},
    {"dwconv_s8_3x3s2__neon_dot", kIsaNeonDot, 3, 2, 127, 8, Layout::kDot, dwconv_s8_3x3s2__neon_dot},
    {"dwconv_s8_5x5s1__neon_dot", kIsaNeonDot, 5, 1, 127, 8, Layout::kDot, dwconv_s8_5x5s1__neon_dot},
    {"dwconv_s8_5x5s2__neon_dot", kIsaNeonDot, 5, 2, 127, 8, Layout::kDot, dwconv_s8_5x5s2__neon_dot},
    {"dwconv_s8_3x3s1__neon", kIsaNeon, 3, 1, 127, 1, Layout::kTap8, dwconv_s8_3x3s1__neon},
    {"dwconv_s8_3x3s2__neon", kIsaNeon, 3, 2, 127, 1, Layout::kTap8, dwconv_s8_3x3s2__neon},
    {"dwconv_s8_5x5s1__neon", kIsaNeon, 5, 1, 127, 1, Layout::kTap8, dwconv_s8_5x5s1__neon},
    {"dwconv_s8_5x5s2__neon", kIsaNeon, 5, 2, 127, 1, Layout::kTap8, dwconv_s8_5x5s2__neon},
    {"dwconv_s8_any__neon", kIsaNeon, 0, 0, 127, 1, Layout::kTap8, dwconv_s8_any__neon},
    {"dwconv_s8_any16__neon", kIsaNeon, 0, 0, 255, 1, Layout::kTap16, dwconv_s8_any16__neon},
#endif
    {"dwconv_s8_any__reference", kIsaNone, 0, 0, 255, 1, Layout::kTap16, dwconv_s8_any__reference},
};
constexpr size_t kCount = sizeof kKernels / sizeof kKernels[0];

// Where the layouts hold the channel of lane `lane`.
int32_t lane_slot(Layout layout, int32_t lane) noexcept {
  if (layout != Layout::kPair16) return lane;
  const int32_t group = lane / 4;  // 0 2 1 3
  return (group == 1 ? 2 : group == 2 ? 1 : group) * 4 + lane % 4;
}

// The index of weight (ky, kx) of the channel in `slot`, in elements.
size_t weight_index(Layout layout, int32_t kernel_h, int32_t kernel_w, int32_t ky, int32_t kx, int32_t slot) noexcept {
  const size_t h = static_cast<size_t>(kernel_h), w = static_cast<size_t>(kernel_w);
  const size_t y = static_cast<size_t>(ky), x = static_cast<size_t>(kx), s = static_cast<size_t>(slot);
  switch (layout) {
    case Layout::kTap8:
    case Layout::kTap16: return (y * w + x) * 16 + s;
    case Layout::kDot: {
      const size_t half = s / 8 * w * (h == 5 ? 40 : 32);
      return y < 4 ? half + x * 32 + s % 8 * 4 + y : half + w * 32 + x * 8 + s % 8;
    }
    case Layout::kPair16:
      if (h % 2 == 1 && y == h - 1) return ((h / 2 * w + x / 2) * 16 + s) * 2 + x % 2;
      return ((y / 2 * w + x) * 16 + s) * 2 + y % 2;
  }
  return 0;
}

}  // namespace

const DepthwiseS8Kernel* depthwise_s8_kernels(size_t* count) noexcept {
  *count = kCount;
  return kKernels;
}

bool depthwise_s8_fits(const DepthwiseS8Kernel& kernel, const DepthwiseS8& conv, int32_t max_weight) noexcept {
  if (max_weight > kernel.max_weight || conv.channels < kernel.channels) return false;
  if (kernel.stride_w != 0 && kernel.stride_w != conv.stride_w) return false;
  return kernel.kernel == 0 ||
         (kernel.kernel == conv.kernel_h && kernel.kernel == conv.kernel_w && conv.dilation_w == 1);
}

const DepthwiseS8Kernel& select_depthwise_s8(const DepthwiseS8& conv, int32_t max_weight, Isa isa) noexcept {
  for (const DepthwiseS8Kernel& kernel : kKernels)
    if (isa_covers(isa, kernel.isa) && depthwise_s8_fits(kernel, conv, max_weight)) return kernel;
  return kKernels[kCount - 1];
}

size_t depthwise_s8_packed_bytes(Layout layout, int32_t channels, int32_t kernel_h, int32_t kernel_w) noexcept {
  const size_t blocks = (static_cast<size_t>(channels) + 15) / 16;
  return depthwise_s8_outside_bytes(channels) + blocks * depthwise_s8_block_bytes(layout, kernel_h, kernel_w);
}

void pack_depthwise_s8(const DepthwiseS8Weights& from, Layout layout, int32_t channels, int32_t kernel_h,
                       int32_t kernel_w, void* packed) noexcept {
  unsigned char* block = static_cast<unsigned char*>(packed);
  // All of it: two pixels of eight channels are read as one.
  memset(block, from.in_zero_point, depthwise_s8_outside_bytes(channels));
  block += depthwise_s8_outside_bytes(channels);
  const size_t taps = static_cast<size_t>(kernel_h) * static_cast<size_t>(kernel_w);
  for (int32_t b = 0; b * 16 < channels; ++b, block += depthwise_s8_block_bytes(layout, kernel_h, kernel_w)) {
    int32_t* folded = reinterpret_cast<int32_t*>(block);
    float* scale = reinterpret_cast<float*>(block + 64);
    for (int32_t lane = 0; lane < 16; ++lane) {
      const int32_t c = depthwise_s8_channel(channels, b, lane);
      if (c < 0) break;
      const int32_t slot = lane_slot(layout, lane);
      const int8_t* weights = from.weights + static_cast<size_t>(c) * taps;
      uint32_t sum = 0;
      for (int32_t ky = 0; ky < kernel_h; ++ky) {
        for (int32_t kx = 0; kx < kernel_w; ++kx) {
          const int32_t w = *weights++ - from.weight_zero_point;
          sum += static_cast<uint32_t>(w);
          const size_t index = weight_index(layout, kernel_h, kernel_w, ky, kx, slot);
          if (layout == Layout::kTap8 || layout == Layout::kDot) {
            reinterpret_cast<int8_t*>(block + 128)[index] = static_cast<int8_t>(w);
          } else {
            reinterpret_cast<int16_t*>(block + 128)[index] = static_cast<int16_t>(w);
          }
        }
      }
      const uint32_t bias = from.bias == nullptr ? 0 : static_cast<uint32_t>(from.bias[c]);
      folded[slot] = static_cast<int32_t>(bias - static_cast<uint32_t>(from.in_zero_point) * sum);
      scale[slot] = from.scale[c];
    }
  }
}

}  // namespace dotori::kernels
