// SPDX-License-Identifier: Apache-2.0
#include "kernels/upsample/upsample_s8.h"

namespace dotori::kernels {
namespace {

// Copying is as fast in plain C++ as with intrinsics.
constexpr ResizeNearestS8Kernel kNearest[] = {
    {"resize_s8_nearest__reference", kIsaNone, resize_s8_nearest__reference},
};

constexpr ResizeBilinearS8Kernel kBilinear[] = {
#if defined(__x86_64__)
    {"resize_s8_bilinear__avx2", kIsaAvx2, 8, resize_s8_bilinear__avx2},
#elif defined(__aarch64__)
    {"resize_s8_bilinear__neon", kIsaNeon, 8, resize_s8_bilinear__neon},
#endif
    {"resize_s8_bilinear__reference", kIsaNone, 1, resize_s8_bilinear__reference},
};
constexpr size_t kNearestCount = sizeof kNearest / sizeof kNearest[0];
constexpr size_t kBilinearCount = sizeof kBilinear / sizeof kBilinear[0];

}  // namespace

const ResizeNearestS8Kernel* resize_nearest_s8_kernels(size_t* count) noexcept {
  *count = kNearestCount;
  return kNearest;
}

const ResizeBilinearS8Kernel* resize_bilinear_s8_kernels(size_t* count) noexcept {
  *count = kBilinearCount;
  return kBilinear;
}

const ResizeNearestS8Kernel& select_resize_nearest_s8(Isa isa) noexcept {
  for (const ResizeNearestS8Kernel& kernel : kNearest)
    if (isa_covers(isa, kernel.isa)) return kernel;
  return kNearest[kNearestCount - 1];
}

const ResizeBilinearS8Kernel& select_resize_bilinear_s8(int32_t channels, Isa isa) noexcept {
  for (const ResizeBilinearS8Kernel& kernel : kBilinear)
    if (isa_covers(isa, kernel.isa) && channels >= kernel.least_channels) return kernel;
  return kBilinear[kBilinearCount - 1];
}

}  // namespace dotori::kernels
