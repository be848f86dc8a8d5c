// SPDX-License-Identifier: Apache-2.0
// Index of the largest element along an axis; of equal ones the first, or the last when select_last. NaN counts as
// largest.
//   input: x float32 or int8   output: int32 or int64; the axis is 1, or left out when !keep_dims.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct ArgMax {
  int axis = 0;  // in [0, rank)
  bool keep_dims = true;
  bool select_last = false;
  DataType output_type = DataType::kInt64;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("axis", self.axis);
    f("keep_dims", self.keep_dims);
    f("select_last", self.select_last);
    f("output_type", self.output_type);
  }
};

Status infer(const ArgMax& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
