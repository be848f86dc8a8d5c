// SPDX-License-Identifier: Apache-2.0
#include "kernels/upsample/upsample.h"

namespace dotori::kernels {
namespace {

// Copying is as fast in plain C++ as with intrinsics.
constexpr ResizeNearestF32Kernel kNearest[] = {
    {"resize_f32_nearest__reference", kIsaNone, resize_f32_nearest__reference},
};

constexpr ResizeBilinearF32Kernel kBilinear[] = {
#if defined(__x86_64__)
    {"resize_f32_bilinear__avx2", kIsaAvx2, 8, resize_f32_bilinear__avx2},
#elif defined(__aarch64__)
    {"resize_f32_bilinear__neon", kIsaNeon, 8, resize_f32_bilinear__neon},
#endif
    {"resize_f32_bilinear__reference", kIsaNone, 1, resize_f32_bilinear__reference},
};
constexpr size_t kNearestCount = sizeof kNearest / sizeof kNearest[0];
constexpr size_t kBilinearCount = sizeof kBilinear / sizeof kBilinear[0];

}  // namespace

const ResizeNearestF32Kernel* resize_nearest_f32_kernels(size_t* count) noexcept {
  *count = kNearestCount;
  return kNearest;
}

const ResizeBilinearF32Kernel* resize_bilinear_f32_kernels(size_t* count) noexcept {
  *count = kBilinearCount;
  return kBilinear;
}

const ResizeNearestF32Kernel& select_resize_nearest_f32(Isa isa) noexcept {
  for (const ResizeNearestF32Kernel& kernel : kNearest)
    if (isa_covers(isa, kernel.isa)) return kernel;
  return kNearest[kNearestCount - 1];
}

const ResizeBilinearF32Kernel& select_resize_bilinear_f32(int32_t channels, Isa isa) noexcept {
  for (const ResizeBilinearF32Kernel& kernel : kBilinear)
    if (isa_covers(isa, kernel.isa) && channels >= kernel.least_channels) return kernel;
  return kBilinear[kBilinearCount - 1];
}

}  // namespace dotori::kernels
