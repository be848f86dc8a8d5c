// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/max_pool3d.h"

#include "graph/ops/volume.h"

namespace dotori::graph {

Status infer(const MaxPool3d& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  return infer_volume_pool(op, inputs, outputs);
}

}  // namespace dotori::graph
