// SPDX-License-Identifier: Apache-2.0
// y = x >= 0 ? x : slope * x.   inputs: x, slope (broadcast to x's shape)   output: x's shape. float32
// or int8.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct Prelu {
  template <class Self, class F>
  static void fields(Self&, F&&) {}
};

Status infer(const Prelu& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
