// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm/gemm_s8.h"

namespace dotori::kernels {

void gemm_s8_any__reference(const GemmS8Strip& s) noexcept {
  constexpr int32_t kMr = kGemmS8ReferenceMr, kNr = kGemmS8ReferenceNr;
  const char* panel = static_cast<const char*>(s.panels);
  for (int32_t first = 0; first < s.n; first += kNr, panel += s.panel_stride) {
    const int32_t* bias = reinterpret_cast<const int32_t*>(panel);
    const float* scale = reinterpret_cast<const float*>(panel + kNr * sizeof(int32_t));
    const int32_t columns = s.n - first < kNr ? s.n - first : kNr;
    for (int32_t r = 0; r < s.m; ++r) {
      int32_t acc[kNr];
      for (int32_t j = 0; j < kNr; ++j) acc[j] = bias[j] + (s.row_add != nullptr ? s.row_add[r] : 0);
      const int8_t* b = reinterpret_cast<const int8_t*>(panel + kNr * 8);
      for (size_t t = 0; t < s.taps; ++t) {
        const int8_t* a = static_cast<const int8_t*>(s.a[t * kMr + static_cast<size_t>(r)]) + s.a_offset;
        for (size_t i = 0; i < s.k; ++i, b += kNr)
          for (int32_t j = 0; j < kNr; ++j) acc[j] += a[i] * b[j];
      }
      int8_t* c = s.c[r] + s.c_offset + first;
      for (int32_t j = 0; j < columns; ++j) c[j] = requantize(acc[j], scale[j], s.output);
    }
  }
}

}  // namespace dotori::kernels
