// SPDX-License-Identifier: Apache-2.0
// Converts the element type. float -> integer truncates towards zero and saturates, NaN gives 0; anything -> bool is x
// != 0. Types: float32, int32, int64, uint8, int8, bool.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct Cast {
  DataType to = DataType::kFloat32;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("to", self.to);
  }
};

Status infer(const Cast& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
