// SPDX-License-Identifier: Apache-2.0
// Between float32 and 8 bits, and tables over 8 bits. Any alignment. All kernels of a family give the same bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

namespace dotori::kernels {

// y[r * y_stride + c] = table[uint8_t(x[r * x_stride + c])] for r < rows, c < cols. y may be x with the same stride;
// otherwise no overlap. Tables: table_math.h.
using LookupS8Fn = void (*)(const int8_t* x, size_t x_stride, int8_t* y, size_t y_stride, size_t rows, size_t cols,
                            const int8_t table[256]) noexcept;
struct LookupS8Kernel {
  const char* name;  // "lookup_s8__avx2"
  Isa isa;
  LookupS8Fn run;
};
const LookupS8Kernel* lookup_s8_kernels(size_t* count) noexcept;
const LookupS8Kernel& select_lookup_s8(Isa isa = host_isa()) noexcept;

// An 8-bit tensor's bytes: those of an int8 element xor `flip`. int8: flip 0. uint8: flip 0x80, and the zero point is
// that of the uint8 tensor less 128.

// y[i] = flip ^ (rne(min(max(x[i] / scale, -128 - zero_point), 127 - zero_point)) + zero_point) for i < n; NaN gives
// zero_point. zero_point in [-128, 127]; scale positive and finite.
using QuantizeF32Fn = void (*)(const float* x, void* y, size_t n, float scale, int32_t zero_point,
                               uint8_t flip) noexcept;
// y[i] = float(int8_t(x[i] ^ flip) - zero_point) * scale for i < n.
using DequantizeF32Fn = void (*)(const void* x, float* y, size_t n, float scale, int32_t zero_point,
                                 uint8_t flip) noexcept;
struct QuantizeF32Kernel {
  const char* name;             // "quantize_f32__avx2"
  const char* dequantize_name;  // "dequantize_f32__avx2"
  Isa isa;
  QuantizeF32Fn quantize;
  DequantizeF32Fn dequantize;
};
const QuantizeF32Kernel* quantize_f32_kernels(size_t* count) noexcept;
const QuantizeF32Kernel& select_quantize_f32(Isa isa = host_isa()) noexcept;

// y[i] = x[i] ^ 0x80 for i < n: int8 to uint8 of the same scale, zero point + 128, and back. y may be x. Plain C++.
void flip_sign_b1__reference(const void* x, void* y, size_t n) noexcept;

}  // namespace dotori::kernels
