// SPDX-License-Identifier: Apache-2.0
// Strided slice: y[i] = x[begin + i * stride] per axis.   Any type. begin, size and stride have x's rank.
// size[k] >= 1 elements; stride may be negative, never 0; every index read must lie inside x.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct Slice {
  Shape begin, size, stride;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("begin", self.begin);
    f("size", self.size);
    f("stride", self.stride);
  }
};

Status infer(const Slice& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
