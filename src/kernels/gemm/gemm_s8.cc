// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm_s8.h"

#include <string.h>

namespace dotori::kernels {
namespace {

constexpr GemmS8Kernel kKernels[] = {
#if defined(__x86_64__)
#if !defined(DOTORI_NO_AVX512)
    {"gemm_s8_12x32__avx512_vnni", kIsaVnni, 12, 32, 4, 1, GemmS8Layout::kColumnsPlus128, gemm_s8_12x32__avx512_vnni},
#endif
    {"gemm_s8_6x16__avx2", kIsaAvx2, 6, 16, 2, 2, GemmS8Layout::kColumns, gemm_s8_6x16__avx2},
#elif defined(__aarch64__)
    {"gemm_s8_8x8__neon_dot", kIsaNeonDot, 8, 8, 4, 1, GemmS8Layout::kColumns, gemm_s8_8x8__neon_dot},
    {"gemm_s8_4x16__neon", kIsaNeon, 4, 16, 8, 1, GemmS8Layout::kCrossed, gemm_s8_4x16__neon},
#endif
    {"gemm_s8_any__reference", kIsaNone, kGemmS8ReferenceMr, kGemmS8ReferenceNr, 1, 1, GemmS8Layout::kColumns,
     gemm_s8_any__reference},
};
constexpr size_t kCount = sizeof kKernels / sizeof kKernels[0];

template <class T>
void gather(const GemmS8Gather& g) noexcept {
  for (int32_t r = 0; r < g.m; ++r) {
    T* row = reinterpret_cast<T*>(static_cast<char*>(g.to) + static_cast<size_t>(r) * g.row_bytes);
    size_t n = 0;
    int32_t sum = 0;
    for (size_t t = 0; t < g.taps; ++t) {
      const int8_t* from = g.a[t * g.a_step + static_cast<size_t>(r)] + g.a_offset;
      for (size_t i = 0; i < g.k; ++i, ++n) {
        row[n] = from[i];
        sum += from[i];
      }
    }
    for (; n < g.row_bytes / sizeof(T); ++n) row[n] = 0;
    if (g.sums != nullptr) g.sums[r] = sum;
  }
}

// The k weights of a column of a tap go to column j of the tap's weights, `to`.
void pack_column(const int8_t* column, size_t k, size_t kr, size_t nr, size_t j, int8_t* to) noexcept {
  to += j * kr;
  for (; k >= kr; k -= kr, column += kr, to += nr * kr) memcpy(to, column, kr);
  if (k != 0) memcpy(to, column, k);
}

void pack_crossed_column(const int8_t* column, size_t k, size_t padded_k, size_t nr, size_t j, int8_t* to) noexcept {
  for (size_t i = 0; i < k; ++i) {
    const size_t block = i / 16 * 16, halves = padded_k - block >= 16 ? 2 : 1;
    const size_t half = (i - block) / 8, step = (i / 2 ^ j) % 4;
    to[block * nr + ((step * (nr / 4) + j / 4) * halves + half) * 8 + j % 4 * 2 + i % 2] = column[i];
  }
}

// Modulo 2^32.
int32_t less_128_times(int32_t bias, const int8_t* column, size_t k) noexcept {
  uint32_t sum = 0;
  for (size_t i = 0; i < k; ++i) sum += static_cast<uint32_t>(static_cast<int32_t>(column[i]));
  return static_cast<int32_t>(static_cast<uint32_t>(bias) - 128 * sum);
}

}  // namespace

const GemmS8Kernel* gemm_s8_kernels(size_t* count) noexcept {
  *count = kCount;
  return kKernels;
}

const GemmS8Kernel& select_gemm_s8(Isa isa) noexcept {
  size_t i = 0;
  while (!isa_covers(isa, kKernels[i].isa)) ++i;  // ends at the reference, which needs nothing
  return kKernels[i];
}

GemmS8GatherFn select_gemm_s8_gather(const GemmS8Kernel& kernel) noexcept {
#if defined(__x86_64__)
  if (kernel.a_bytes == 2 && kernel.isa == kIsaAvx2) return gemm_s8_gather__avx2;
#if !defined(DOTORI_NO_AVX512)
  if (kernel.a_bytes == 1 && kernel.isa == kIsaVnni) return gemm_s8_gather__avx512_vnni;
#endif
#elif defined(__aarch64__)
  if (kernel.a_bytes == 1 && kernel.isa != kIsaNone) return gemm_s8_gather__neon;
#endif
  return kernel.a_bytes == 2 ? gather<int16_t> : gather<int8_t>;
}

void pack_gemm_s8(const int8_t* weights, size_t column_stride, const size_t* tap_offsets, size_t taps, size_t k,
                  size_t padded_k, const int32_t* bias, const float* scale, size_t n, const GemmS8Kernel& kernel,
                  void* packed) noexcept {
  const size_t nr = static_cast<size_t>(kernel.nr), kr = static_cast<size_t>(kernel.kr);
  const size_t panel_bytes = gemm_s8_panel_bytes(kernel.nr, taps * padded_k);
  char* panel = static_cast<char*>(packed);
  for (size_t first = 0; first < n; first += nr, panel += panel_bytes) {
    const size_t columns = n - first < nr ? n - first : nr;
    memset(panel, 0, panel_bytes);
    int32_t* biases = reinterpret_cast<int32_t*>(panel);
    float* scales = reinterpret_cast<float*>(panel + nr * sizeof(int32_t));
    for (size_t j = 0; j < nr; ++j) scales[j] = 1;
    memcpy(biases, bias + first, columns * sizeof(int32_t));
    memcpy(scales, scale + first, columns * sizeof(float));
    int8_t* to = reinterpret_cast<int8_t*>(panel + nr * 8);
    for (size_t t = 0; t < taps; ++t, to += padded_k * nr) {
      for (size_t j = 0; j < columns; ++j) {
        const int8_t* column = weights + (first + j) * column_stride + tap_offsets[t];
        if (kernel.layout == GemmS8Layout::kCrossed) pack_crossed_column(column, k, padded_k, nr, j, to);
        else pack_column(column, k, kr, nr, j, to);
        if (kernel.layout == GemmS8Layout::kColumnsPlus128) biases[j] = less_128_times(biases[j], column, k);
      }
    }
  }
}

}  // namespace dotori::kernels
