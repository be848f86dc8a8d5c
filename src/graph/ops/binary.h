// SPDX-License-Identifier: Apache-2.0
// Element-wise function of two tensors with NumPy broadcasting, and a fused activation (float32 and int8
// only).
//   inputs: a, b of one type (float32; int8 for add, sub, mul, min, max; int32 and int64 also for div)
//   output: the broadcast shape.
// Integer division truncates; an integer divisor of zero yields 0.
#pragma once

#include "graph/activation.h"
#include "graph/operand.h"

namespace dotori::graph {

// The numbers are stored in .dtr files: never change or reuse one.
enum class BinaryFunction : unsigned char {
  kAdd = 0,
  kSub = 1,
  kMul = 2,
  kDiv = 3,
  kPow = 4,
  kMin = 5,
  kMax = 6,
  kSquaredDifference = 7,
  kCount
};

const char* binary_function_name(BinaryFunction f) noexcept;  // "add", …; static storage

struct Binary {
  BinaryFunction function = BinaryFunction::kAdd;
  Activation activation;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("binary_function", self.function);
    f("activation", self.activation);
  }
};

Status infer(const Binary& op, Span<const Operand> inputs, Span<TensorType> outputs);

// The NumPy broadcast of two shapes, or an error that shows both.
Result<Shape> broadcast_shape(const Shape& a, const Shape& b);

}  // namespace dotori::graph
