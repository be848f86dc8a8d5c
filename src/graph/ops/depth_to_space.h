// SPDX-License-Identifier: Apache-2.0
// [N,H,W,C] -> [N,H*block,W*block,C/block^2].   Any type.
// depth first (ONNX DCR, TFLite): channel ((i * block) + j) * C/block^2 + c goes to row offset i, column offset j,
// channel c. column first (ONNX CRD): channel (c * block + i) * block + j does.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct DepthToSpace {
  int block = 2;
  bool column_first = false;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("block", self.block);
    f("column_first", self.column_first);
  }
};

Status infer(const DepthToSpace& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
