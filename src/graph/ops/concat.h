// SPDX-License-Identifier: Apache-2.0
// Joins 1 to 1024 tensors along an axis.   inputs: equal in type, rank and all other dimensions. Any type.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct Concat {
  int axis = 0;  // in [0, rank)

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("axis", self.axis);
  }
};

Status infer(const Concat& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
