// SPDX-License-Identifier: Apache-2.0
// Reduces the listed axes.   input: x float32 or int8   output: those axes are 1, or left out when !keep_dims.
// Mean over H and W of [N,H,W,C] is global average pooling.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

// The numbers are stored in .dtr files: never change or reuse one.
enum class ReduceFunction : unsigned char { kMean = 0, kMax = 1, kSum = 2, kMin = 3, kCount };

const char* reduce_function_name(ReduceFunction f) noexcept;  // "mean", …; static storage

struct Reduce {
  ReduceFunction function = ReduceFunction::kMean;
  Shape axes;  // distinct, ascending, in [0, rank); at least one
  bool keep_dims = true;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("reduce_function", self.function);
    f("axes", self.axes);
    f("keep_dims", self.keep_dims);
  }
};

Status infer(const Reduce& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
