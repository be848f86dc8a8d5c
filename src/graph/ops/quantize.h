// SPDX-License-Identifier: Apache-2.0
// Real or quantised numbers to 8 bits.   input: x float32, int8 or uint8   output: the same shape, `type`.
//   y = clamp(round(real(x) / scale) + zero_point), ties to even; NaN becomes zero_point.
// Scale and zero point are those of the output value; an int8 or uint8 x is read with those of its own.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct Quantize {
  DataType type = DataType::kInt8;  // or kUint8

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("type", self.type);
  }
};

Status infer(const Quantize& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
