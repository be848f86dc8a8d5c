// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/pool_s8.h"

namespace dotori::kernels {
namespace {

constexpr PoolS8Kernel kKernels[] = {
#if defined(__x86_64__)
    {"maxpool_s8_separable__avx2", kIsaAvx2, PoolKind::kMax, 8, true, maxpool_s8_separable__avx2},
    {"maxpool_s8_any__avx2", kIsaAvx2, PoolKind::kMax, 8, false, maxpool_s8_any__avx2},
    {"avgpool_s8_any__avx2", kIsaAvx2, PoolKind::kAverage, 8, false, avgpool_s8_any__avx2},
#elif defined(__aarch64__)
    {"maxpool_s8_separable__neon", kIsaNeon, PoolKind::kMax, 8, true, maxpool_s8_separable__neon},
    {"maxpool_s8_any__neon", kIsaNeon, PoolKind::kMax, 8, false, maxpool_s8_any__neon},
    {"avgpool_s8_any__neon", kIsaNeon, PoolKind::kAverage, 8, false, avgpool_s8_any__neon},
#endif
    {"maxpool_s8_any__reference", kIsaNone, PoolKind::kMax, 1, false, maxpool_s8_any__reference},
    {"avgpool_s8_any__reference", kIsaNone, PoolKind::kAverage, 1, false, avgpool_s8_any__reference},
};
constexpr size_t kCount = sizeof kKernels / sizeof kKernels[0];

// Vector loads and stores for an output element, as in pool.cc.
bool separable_pays(const PoolS8& pool) noexcept {
  const int64_t direct = int64_t{pool.kernel_h} * pool.kernel_w;
  return direct > (int64_t{pool.kernel_h} + 2) * pool.stride_w + pool.kernel_w;
}

}  // namespace

const PoolS8Kernel* pool_s8_kernels(size_t* count) noexcept {
  *count = kCount;
  return kKernels;
}

size_t pool_s8_scratch_bytes(const PoolS8Kernel& kernel, const PoolS8& pool) noexcept {
  return kernel.separable ? static_cast<size_t>(pool.in_w) * static_cast<size_t>(pool.channels) : 0;
}

const PoolS8Kernel& select_pool_s8(PoolKind kind, const PoolS8& pool, Isa isa) noexcept {
  for (const PoolS8Kernel& kernel : kKernels) {
    if (kernel.kind != kind || !isa_covers(isa, kernel.isa) || pool.channels < kernel.least_channels) continue;
    if (!kernel.separable || separable_pays(pool)) return kernel;
  }
  return kKernels[kCount - 1];  // not reached: each kind has a reference kernel
}

}  // namespace dotori::kernels
