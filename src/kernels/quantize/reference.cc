// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "kernels/quantize/quantize.h"
#include "kernels/quantize/requantize.h"

namespace dotori::kernels {

void lookup_s8__reference(const int8_t* x, size_t x_stride, int8_t* y, size_t y_stride, size_t rows, size_t cols,
                          const int8_t* table) noexcept {
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c) y[r * y_stride + c] = table[static_cast<uint8_t>(x[r * x_stride + c])];
}

void quantize_f32__reference(const float* x, void* y, size_t n, float scale, int32_t zero_point,
                             uint8_t flip) noexcept {
  const QuantizedOutput out = {1, zero_point, -128, 127};
  uint8_t* bytes = static_cast<uint8_t*>(y);
  for (size_t i = 0; i < n; ++i) {
    const float v = x[i] / scale;
    const int8_t q = v != v ? static_cast<int8_t>(zero_point) : quantize_real(v, out);
    bytes[i] = static_cast<uint8_t>(q) ^ flip;
  }
}

void dequantize_f32__reference(const void* x, float* y, size_t n, float scale, int32_t zero_point,
                               uint8_t flip) noexcept {
  const uint8_t* bytes = static_cast<const uint8_t*>(x);
  for (size_t i = 0; i < n; ++i) y[i] = static_cast<float>(static_cast<int8_t>(bytes[i] ^ flip) - zero_point) * scale;
}

void flip_sign_b1__reference(const void* x, void* y, size_t n) noexcept {
  const uint8_t* from = static_cast<const uint8_t*>(x);
  uint8_t* to = static_cast<uint8_t*>(y);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    uint64_t bytes;
    memcpy(&bytes, from + i, sizeof bytes);
    bytes ^= 0x8080808080808080u;
    memcpy(to + i, &bytes, sizeof bytes);
  }
  for (; i < n; ++i) to[i] = from[i] ^ 0x80;
}

}  // namespace dotori::kernels
