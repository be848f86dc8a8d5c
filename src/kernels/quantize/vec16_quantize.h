// SPDX-License-Identifier: Apache-2.0
// float32 <-> 8 bits, sixteen elements at a time. Internal linkage.
#pragma once

#include "kernels/quantize/vec16_s8.h"

namespace dotori::kernels {
namespace {

inline void quantize_loop16(const float* x, void* y, size_t n, float scale, int32_t zero_point, uint8_t flip) noexcept {
  const F16 divisor = splat_f16(scale);
  const Output16 out({1, zero_point, -128, 127});
  const B16 flips = splat16(static_cast<int8_t>(flip));
  int8_t* bytes = static_cast<int8_t*>(y);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) store16(bytes + i, xor16(out(zero_nan_f16(div_f16(load_f16(x + i), divisor))), flips));
  if (i < n)
    store16_part(bytes + i, xor16(out(zero_nan_f16(div_f16(load_f16_part(x + i, n - i), divisor))), flips), n - i);
}

inline void dequantize_loop16(const void* x, float* y, size_t n, float scale, int32_t zero_point,
                              uint8_t flip) noexcept {
  const F16 factor = splat_f16(scale);
  const B16 flips = splat16(static_cast<int8_t>(flip));
  const int8_t* bytes = static_cast<const int8_t*>(x);
  size_t i = 0;
  for (; i + 16 <= n; i += 16)
    store_f16(y + i, mul_f16(float_difference16(xor16(load16(bytes + i), flips), zero_point), factor));
  if (i < n) {
    float lanes[16];
    store_f16(lanes, mul_f16(float_difference16(xor16(load16_part(bytes + i, n - i), flips), zero_point), factor));
    memcpy(y + i, lanes, (n - i) * sizeof(float));
  }
}

}  // namespace
}  // namespace dotori::kernels
