// SPDX-License-Identifier: Apache-2.0
// y = x * weights^T + bias over the last axis, with a fused activation.
//   inputs: x [...,K], weights [O,K], bias [O] (optional)   output: [...,O]. float32 or int8.
#pragma once

#include "graph/activation.h"
#include "graph/operand.h"

namespace dotori::graph {

struct FullyConnected {
  Activation activation;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("activation", self.activation);
  }
};

Status infer(const FullyConnected& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
