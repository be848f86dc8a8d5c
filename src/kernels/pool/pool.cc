// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/pool.h"

namespace dotori::kernels {
namespace {

constexpr PoolF32Kernel kKernels[] = {
#if defined(__x86_64__)
    {"maxpool_f32_separable__avx2", kIsaAvx2, PoolKind::kMax, 8, true, maxpool_f32_separable__avx2},
    {"maxpool_f32_any__avx2", kIsaAvx2, PoolKind::kMax, 8, false, maxpool_f32_any__avx2},
    {"avgpool_f32_any__avx2", kIsaAvx2, PoolKind::kAverage, 8, false, avgpool_f32_any__avx2},
#elif defined(__aarch64__)
    {"maxpool_f32_separable__neon", kIsaNeon, PoolKind::kMax, 8, true, maxpool_f32_separable__neon},
    {"maxpool_f32_any__neon", kIsaNeon, PoolKind::kMax, 8, false, maxpool_f32_any__neon},
    {"avgpool_f32_any__neon", kIsaNeon, PoolKind::kAverage, 8, false, avgpool_f32_any__neon},
#endif
    {"maxpool_f32_any__reference", kIsaNone, PoolKind::kMax, 1, false, maxpool_f32_any__reference},
    {"avgpool_f32_any__reference", kIsaNone, PoolKind::kAverage, 1, false, avgpool_f32_any__reference},
};
constexpr size_t kCount = sizeof kKernels / sizeof kKernels[0];

// Vector loads and stores for an output element: kernel_h * kernel_w directly; otherwise each of the stride_w new
// columns costs kernel_h loads and a store, and the row kernel_w loads.
bool separable_pays(const PoolF32& pool) noexcept {
  const int64_t direct = int64_t{pool.kernel_h} * pool.kernel_w;
  return direct > (int64_t{pool.kernel_h} + 2) * pool.stride_w + pool.kernel_w;
}

}  // namespace

const PoolF32Kernel* pool_f32_kernels(size_t* count) noexcept {
  *count = kCount;
  return kKernels;
}

size_t pool_f32_scratch_elems(const PoolF32Kernel& kernel, const PoolF32& pool) noexcept {
  return kernel.separable ? static_cast<size_t>(pool.in_w) * static_cast<size_t>(pool.channels) : 0;
}

const PoolF32Kernel& select_pool_f32(PoolKind kind, const PoolF32& pool, Isa isa) noexcept {
  for (const PoolF32Kernel& kernel : kKernels) {
    if (kernel.kind != kind || !isa_covers(isa, kernel.isa) || pool.channels < kernel.least_channels) continue;
    if (!kernel.separable || separable_pays(pool)) return kernel;
  }
  return kKernels[kCount - 1];  // not reached: each kind has a reference kernel
}

}  // namespace dotori::kernels
