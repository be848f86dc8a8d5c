// SPDX-License-Identifier: Apache-2.0
// exp(x - max) / sum along an axis. float32 or int8.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct Softmax {
  int axis = 0;    // in [0, rank)
  float beta = 1;  // x is multiplied by it first (TFLite)

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("axis", self.axis);
    f("beta", self.beta);
  }
};

Status infer(const Softmax& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
