// SPDX-License-Identifier: Apache-2.0
// The functions behind 8-bit tables, in double precision made of + - * / and sqrt only: every machine and C library
// gives the same bits, so the tables, built when a model is compiled, are the same everywhere.
#pragma once

#include <stdint.h>

#include "kernels/elementwise/elementwise.h"
#include "kernels/quantize/requantize.h"

namespace dotori::kernels {

// Within 1e-13 of the true value, relatively (absolutely for sin and cos); limits and NaN as in C. sin and cos are
// reduced for |x| <= 2^20; beyond they count as sin 0 and cos 0.
double table_exp(double x) noexcept;
double table_log(double x) noexcept;
double table_tanh(double x) noexcept;
double table_erf(double x) noexcept;
double table_erfc(double x) noexcept;
double table_sin(double x) noexcept;
double table_cos(double x) noexcept;

// f(x) for every function, as exact (gelu: 1e-12 in its negative tail); the parameters are those of UnaryF32Fn. Where a
// function has no value the result is NaN.
double table_function(UnaryFunction function, double x, float alpha, float beta) noexcept;

// A table holds the result for the element q at [uint8_t(q)]. All scales are positive and finite.

// y = f(x_scale * (q - x_zero_point)) / y_scale, rounded to float32, then by quantize_real; NaN gives out.zero_point.
void make_unary_table_s8(UnaryFunction function, float alpha, float beta, float x_scale, int32_t x_zero_point,
                         float y_scale, const QuantizedOutput& out, int8_t table[256]) noexcept;
// quantize_real(float(q - x_zero_point) * scale) with scale = float(double(x_scale) / double(y_scale)), below 2^100.
void make_requantize_table_s8(int32_t x_zero_point, float scale, const QuantizedOutput& out,
                              int8_t table[256]) noexcept;
// table[d] = exp(-step * d) * 2^23 to the nearest integer, ties to even; step >= 0 and finite.
void make_softmax_table(double step, int32_t table[256]) noexcept;

}  // namespace dotori::kernels
