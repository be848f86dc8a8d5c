// SPDX-License-Identifier: Apache-2.0
// Element-wise float32 kernels: one input (unary), two inputs (binary), PReLU.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

namespace dotori::kernels {

// Same numbers as graph::Function (asserted where both are known).
enum class UnaryFunction : uint8_t {
  kIdentity = 0, kRelu, kClip, kLeakyRelu, kSigmoid, kTanh, kHardSigmoid, kHardSwish, kSilu, kMish, kSoftplus, kExp, kSqrt,
  kAbs, kNegate, kLog, kReciprocal, kElu, kFloor, kRsqrt, kSquare, kGelu, kCeil, kRound, kSign, kErf, kSin, kCos, kCount
};

// y[i] = f(x[i]) for i < n. y may be x itself; otherwise they must not overlap. Any alignment. NaN in, NaN out, also for ReLU
// and clip. The result of an element does not depend on its position or on n: a tail goes through the same arithmetic.
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

}  // namespace dotori::kernels
