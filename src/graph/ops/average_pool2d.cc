// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/average_pool2d.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const AveragePool2d& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  return infer_pool(op, inputs, outputs);
}

}  // namespace dotori::graph
