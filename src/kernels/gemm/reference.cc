// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm.h"

#include "kernels/gemm/tiles.h"

namespace dotori::kernels {

namespace {

void one_tile(const GemmF32Strip& s) noexcept {
  constexpr size_t kMr = kGemmReferenceMr, kNr = kGemmReferenceNr;
  for (size_t r = 0; r < static_cast<size_t>(s.m); ++r) {
    float* c = s.c[r] + s.c_offset;
    for (size_t j = 0; j < static_cast<size_t>(s.n); ++j) {
      const size_t panel = (j / kNr) * s.panel_stride;
      const float* b = s.b + panel + j % kNr;
      float sum = 0;
      for (size_t t = 0; t < s.taps; ++t) {
        const float* a = s.a[t * kMr + r] + s.a_offset;
        for (size_t i = 0; i < s.k; ++i) sum += a[i] * b[(t * s.k + i) * kNr];
      }
      sum += s.bias != nullptr ? s.bias[panel + j % kNr] : c[j];
      // Comparisons with the sum on the left keep a NaN.
      if (sum < s.low) sum = s.low;
      if (sum > s.high) sum = s.high;
      c[j] = sum;
    }
  }
}

}  // namespace

void gemm_f32_any__reference(const GemmF32Strip& s) noexcept {
  gemm_f32_tiles(s, kGemmReferenceMr, kGemmReferenceNr, one_tile);
}

}  // namespace dotori::kernels
