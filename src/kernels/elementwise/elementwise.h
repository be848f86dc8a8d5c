// SPDX-License-Identifier: Apache-2.0
// Element-wise float32 kernels: one input (unary), two inputs (binary), PReLU.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

namespace dotori::kernels {

// Same numbers as graph::Function (asserted where both are known).
enum class UnaryFunction : uint8_t {
  kIdentity = 0,
  kRelu,
  kClip,
  kLeakyRelu,
  kSigmoid,
  kTanh,
  kHardSigmoid,
  kHardSwish,
  kSilu,
  kMish,
  kSoftplus,
  kExp,
  kSqrt,
  kAbs,
  kNegate,
  kLog,
  kReciprocal,
  kElu,
  kFloor,
  kRsqrt,
  kSquare,
  kGelu,
  kCeil,
  kRound,
  kSign,
  kErf,
  kSin,
  kCos,
  kCount
};

// y[i] = f(x[i]) for i < n. y may be x itself; otherwise they must not overlap. Any alignment. NaN in, NaN out, also
// for ReLU and clip. The result of an element does not depend on its position or on n: a tail goes through the same
// arithmetic.
using UnaryF32Fn = void (*)(const float* x, float* y, size_t n, float alpha, float beta) noexcept;
struct UnaryF32Kernel {
  const char* name;  // "unary_f32_silu__avx2"
  Isa isa;
  UnaryFunction function;
  UnaryF32Fn run;
};
// Everything compiled in, best first for each function; `*count` receives the number.
const UnaryF32Kernel* unary_f32_kernels(size_t* count) noexcept;
// Never fails: the reference kernel covers every function.
const UnaryF32Kernel& select_unary_f32(UnaryFunction function, Isa isa = host_isa()) noexcept;

// The first eight have the same numbers as graph::BinaryFunction (asserted where both are known).
enum class BinaryFunction : uint8_t {
  kAdd = 0,
  kSub,
  kMul,
  kDiv,
  kPow,
  kMin,
  kMax,
  kSquaredDifference,
  kPrelu,  // a >= 0 ? a : b * a
  kCount
};

// Which operand has one element for each row instead of one for each column.
enum class BinaryForm : uint8_t { kVectorVector = 0, kVectorScalar, kScalarVector, kCount };

// y[r * cols + c] = min(max(f(a[r * a_stride + c], b[r * b_stride + c]), low), high) for r < rows, c < cols; a scalar
// operand is read at [r * stride] instead. A stride of 0 repeats the operand's row. y is dense; it may be a or b where
// that operand is dense with y's shape; otherwise no overlap. Any alignment. min and max give NaN when either operand
// is, and the clamp keeps NaN. Results do not depend on an element's position.
using BinaryF32Fn = void (*)(const float* a, size_t a_stride, const float* b, size_t b_stride, float* y, size_t rows,
                             size_t cols, float low, float high) noexcept;
struct BinaryF32Kernel {
  const char* name;  // "binary_f32_add_vv__avx2"
  Isa isa;
  BinaryFunction function;
  BinaryForm form;
  BinaryF32Fn run;
};
const BinaryF32Kernel* binary_f32_kernels(size_t* count) noexcept;
// Never fails: the reference kernels cover every function and form.
const BinaryF32Kernel& select_binary_f32(BinaryFunction function, BinaryForm form, Isa isa = host_isa()) noexcept;

// The same for integers: no clamp. Sums and products wrap; division truncates, and by 0 gives 0. Null for kPow,
// kSquaredDifference and kPrelu. Plain C++ on every machine.
template <class T>
using BinaryIntFn = void (*)(const T* a, size_t a_stride, const T* b, size_t b_stride, T* y, size_t rows,
                             size_t cols) noexcept;
template <class T>
struct BinaryIntKernel {
  const char* name;  // "binary_s32_add_vv__reference"
  BinaryFunction function;
  BinaryForm form;
  BinaryIntFn<T> run;
};
const BinaryIntKernel<int32_t>* select_binary_s32(BinaryFunction function, BinaryForm form) noexcept;
const BinaryIntKernel<int64_t>* select_binary_s64(BinaryFunction function, BinaryForm form) noexcept;

}  // namespace dotori::kernels
