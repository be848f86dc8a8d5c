// SPDX-License-Identifier: Apache-2.0
// Element-wise int8 kernels of two inputs. All kernels of a function and form give the same bytes: every step is one
// IEEE single precision operation, in the order written here (see also requantize.h).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/elementwise/elementwise.h"
#include "kernels/isa.h"
#include "kernels/quantize/requantize.h"

namespace dotori::kernels {

// With da = a - a_zero_point and db alike, v is
//   add  float(da) * a_scale + float(db) * b_scale     min  the lesser of those two products
//   sub  float(da) * a_scale - float(db) * b_scale     max  the greater
//   mul  float(da * db) * a_scale
// then v = max(v, v * out.slope), then quantize_real(v, out).
struct BinaryS8 {
  float a_scale, b_scale;  // input scales divided by the output's (mul: product of both divided by it); 0 .. 2^100
  int32_t a_zero_point, b_zero_point;  // -128 .. 127
  QuantizedOutput out;
};

// y[r * cols + c] from a[r * a_stride + c] and b[r * b_stride + c], r < rows, c < cols; a scalar operand is read at
// [r * stride] instead. A stride of 0 repeats the operand's row. y is dense; it may be a or b where that operand is
// dense with y's shape; otherwise no overlap. Any alignment.
using BinaryS8Fn = void (*)(const int8_t* a, size_t a_stride, const int8_t* b, size_t b_stride, int8_t* y, size_t rows,
                            size_t cols, const BinaryS8& how) noexcept;
struct BinaryS8Kernel {
  const char* name;  // "binary_s8_add_vv__avx2"
  Isa isa;
  BinaryFunction function;  // kAdd, kSub, kMul, kMin or kMax
  BinaryForm form;
  BinaryS8Fn run;
};
const BinaryS8Kernel* binary_s8_kernels(size_t* count) noexcept;
// Null for a function without an int8 kernel.
const BinaryS8Kernel* select_binary_s8(BinaryFunction function, BinaryForm form, Isa isa = host_isa()) noexcept;

// y[r * cols + c] = quantize_real(float(d) * (d < 0 ? negative[r * negative_stride + c] : scale), out) with
// d = x[r * x_stride + c] - x_zero_point. kVectorScalar: one factor a row, read at [r * negative_stride]. Otherwise as
// BinaryS8Fn; y may be x where x is dense. |factors| <= 2^100.
using PreluS8Fn = void (*)(const int8_t* x, size_t x_stride, const float* negative, size_t negative_stride, int8_t* y,
                           size_t rows, size_t cols, float scale, int32_t x_zero_point,
                           const QuantizedOutput& out) noexcept;
struct PreluS8Kernel {
  const char* name;  // "prelu_s8_vv__avx2"
  Isa isa;
  BinaryForm form;  // kVectorVector or kVectorScalar
  PreluS8Fn run;
};
const PreluS8Kernel* prelu_s8_kernels(size_t* count) noexcept;
// kScalarVector counts as kVectorVector: a slope never has more elements than x.
const PreluS8Kernel& select_prelu_s8(BinaryForm form, Isa isa = host_isa()) noexcept;

}  // namespace dotori::kernels
