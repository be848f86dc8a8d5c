// SPDX-License-Identifier: Apache-2.0
// Picks slices along an axis.   inputs: x (any type), indices (constant int32 or int64, in [-dim, dim))
// output: x's shape with the axis replaced by the indices' shape.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct Gather {
  int axis = 0;  // in [0, rank)

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("axis", self.axis);
  }
};

Status infer(const Gather& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
