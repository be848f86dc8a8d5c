// SPDX-License-Identifier: Apache-2.0
// Axis k of the output is axis perm[k] of the input. Any type.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct Transpose {
  Shape perm;  // a permutation of 0..rank-1

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("perm", self.perm);
  }
};

Status infer(const Transpose& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
