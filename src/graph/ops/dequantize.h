// SPDX-License-Identifier: Apache-2.0
// 8 bits to real numbers.   input: x int8 or uint8   output: the same shape, float32.
//   y = (x - zero_point) * scale, with the scale and zero point of x.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct Dequantize {
  template <class Self, class F>
  static void fields(Self&, F&&) {}
};

Status infer(const Dequantize& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
