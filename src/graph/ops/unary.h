// SPDX-License-Identifier: Apache-2.0
// Element-wise function of one tensor.   input: x   output: same shape. float32 or int8.
#pragma once

#include "graph/activation.h"
#include "graph/operand.h"

namespace dotori::graph {

struct Unary {
  Activation activation;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("activation", self.activation);
  }
};

Status infer(const Unary& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
