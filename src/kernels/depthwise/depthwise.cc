// SPDX-License-Identifier: Apache-2.0
#include "kernels/depthwise/depthwise.h"

namespace dotori::kernels {
namespace {

constexpr int32_t kBlock = 8;

constexpr DepthwiseF32Kernel kKernels[] = {
#if defined(__x86_64__)
#if !defined(DOTORI_NO_AVX512)
    {"dwconv_f32_kw3s1__avx512", kIsaAvx512, 3, 1, dwconv_f32_kw3s1__avx512},
    {"dwconv_f32_kw3s2__avx512", kIsaAvx512, 3, 2, dwconv_f32_kw3s2__avx512},
    {"dwconv_f32_kw5s1__avx512", kIsaAvx512, 5, 1, dwconv_f32_kw5s1__avx512},
    {"dwconv_f32_kw5s2__avx512", kIsaAvx512, 5, 2, dwconv_f32_kw5s2__avx512},
#endif
    {"dwconv_f32_kw3s1__avx2", kIsaAvx2, 3, 1, dwconv_f32_kw3s1__avx2},
    {"dwconv_f32_kw3s2__avx2", kIsaAvx2, 3, 2, dwconv_f32_kw3s2__avx2},
    {"dwconv_f32_kw5s1__avx2", kIsaAvx2, 5, 1, dwconv_f32_kw5s1__avx2},
    {"dwconv_f32_kw5s2__avx2", kIsaAvx2, 5, 2, dwconv_f32_kw5s2__avx2},
    {"dwconv_f32_any__avx2", kIsaAvx2, 0, 0, dwconv_f32_any__avx2},
#elif defined(__aarch64__)
    {"dwconv_f32_kw3s1__neon", kIsaNeon, 3, 1, dwconv_f32_kw3s1__neon},
    {"dwconv_f32_kw3s2__neon", kIsaNeon, 3, 2, dwconv_f32_kw3s2__neon},
    {"dwconv_f32_kw5s1__neon", kIsaNeon, 5, 1, dwconv_f32_kw5s1__neon},
    {"dwconv_f32_kw5s2__neon", kIsaNeon, 5, 2, dwconv_f32_kw5s2__neon},
    {"dwconv_f32_any__neon", kIsaNeon, 0, 0, dwconv_f32_any__neon},
#endif
    {"dwconv_f32_any__reference", kIsaNone, 0, 0, dwconv_f32_any__reference},
};
constexpr size_t kCount = sizeof kKernels / sizeof kKernels[0];

}  // namespace

size_t depthwise_f32_packed_elems(int32_t channels, int32_t kernel_h, int32_t kernel_w) noexcept {
  const size_t blocks = (static_cast<size_t>(channels) + kBlock - 1) / kBlock;
  return blocks * kBlock * (1 + static_cast<size_t>(kernel_h) * static_cast<size_t>(kernel_w));
}

void pack_depthwise_f32(const float* weights, const float* bias, int32_t channels, int32_t kernel_h, int32_t kernel_w,
                        float* packed) noexcept {
  const size_t taps = static_cast<size_t>(kernel_h) * static_cast<size_t>(kernel_w);
  for (int32_t start = 0; start < channels; start += kBlock) {
    const int32_t first = channels >= kBlock && start + kBlock > channels ? channels - kBlock : start;
    for (int32_t lane = 0; lane < kBlock; ++lane) {
      const int32_t c = first + lane;
      *packed++ = c < channels && bias != nullptr ? bias[c] : 0.0f;
    }
    for (size_t tap = 0; tap < taps; ++tap) {
      for (int32_t lane = 0; lane < kBlock; ++lane) {
        const int32_t c = first + lane;
        *packed++ = c < channels ? weights[static_cast<size_t>(c) * taps + tap] : 0.0f;
      }
    }
  }
}

const DepthwiseF32Kernel* depthwise_f32_kernels(size_t* count) noexcept {
  *count = kCount;
  return kKernels;
}

bool depthwise_f32_fits(const DepthwiseF32Kernel& kernel, const DepthwiseF32& conv) noexcept {
  if (kernel.kernel_w == 0) return true;
  return kernel.kernel_w == conv.kernel_w && kernel.stride_w == conv.stride_w && conv.dilation_w == 1;
}

const DepthwiseF32Kernel& select_depthwise_f32(const DepthwiseF32& conv, Isa isa) noexcept {
  for (const DepthwiseF32Kernel& kernel : kKernels)
    if (isa_covers(isa, kernel.isa) && depthwise_f32_fits(kernel, conv)) return kernel;
  return kKernels[kCount - 1];
}

}  // namespace dotori::kernels
