// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm.h"

namespace dotori::kernels {
namespace {

constexpr GemmF32Kernel kKernels[] = {
#if defined(__x86_64__)
#if !defined(DOTORI_NO_AVX512)
    {"gemm_f32_12x32__avx512", kIsaAvx512, 12, 32, gemm_f32_12x32__avx512},
#endif
    {"gemm_f32_6x16__avx2", kIsaAvx2, 6, 16, gemm_f32_6x16__avx2},
#elif defined(__aarch64__)
    {"gemm_f32_8x8__neon_a55", kIsaNeon | kInOrder, 8, 8, gemm_f32_8x8__neon_a55},
    {"gemm_f32_8x8__neon", kIsaNeon, 8, 8, gemm_f32_8x8__neon},
#endif
#if !defined(DOTORI_NO_EIGEN)
    {"gemm_f32_any__eigen", kIsaPortable, kGemmEigenMr, kGemmEigenNr, gemm_f32_any__eigen},
#endif
    {"gemm_f32_any__reference", kIsaNone, kGemmReferenceMr, kGemmReferenceNr, gemm_f32_any__reference},
};
constexpr size_t kCount = sizeof kKernels / sizeof kKernels[0];

}  // namespace

const GemmF32Kernel* gemm_f32_kernels(size_t* count) noexcept {
  *count = kCount;
  return kKernels;
}

const GemmF32Kernel& select_gemm_f32(Isa isa) noexcept {
  size_t i = 0;
  while (!isa_covers(isa, kKernels[i].isa)) ++i;  // ends at the reference, which needs nothing
  return kKernels[i];
}

void pack_gemm_f32(const float* weights, size_t column_stride, const size_t* tap_offsets, size_t taps, size_t k,
                   const float* bias, size_t n, int32_t nr, float* packed) noexcept {
  const size_t width = static_cast<size_t>(nr);
  for (size_t first = 0; first < n; first += width) {
    const size_t columns = n - first < width ? n - first : width;
    for (size_t j = 0; j < width; ++j) packed[j] = j < columns && bias != nullptr ? bias[first + j] : 0.0f;
    packed += width;
    for (size_t t = 0; t < taps; ++t) {
      const float* column = weights + first * column_stride + tap_offsets[t];
      for (size_t i = 0; i < k; ++i, packed += width)
        for (size_t j = 0; j < width; ++j) packed[j] = j < columns ? column[j * column_stride + i] : 0.0f;
    }
  }
}

}  // namespace dotori::kernels
