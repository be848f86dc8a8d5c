// SPDX-License-Identifier: Apache-2.0
// [N,H,W,C] -> [N,H/block,W/block,C*block^2]: row offset i, column offset j, channel c become channel (i * block + j) *
// C + c. H and W are multiples of block. Any type.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct SpaceToDepth {
  int block = 2;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("block", self.block);
  }
};

Status infer(const SpaceToDepth& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
