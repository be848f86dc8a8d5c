// SPDX-License-Identifier: Apache-2.0
// The same elements under another shape. Any type. No copy: output and input share memory.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct Reshape {
  Shape shape;  // all dimensions stated, same number of elements

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("shape", self.shape);
  }
};

Status infer(const Reshape& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
