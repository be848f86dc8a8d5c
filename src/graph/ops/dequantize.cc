// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/dequantize.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const Dequantize&, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  if (inputs[0].type.type != DataType::kUint8) DOTORI_RETURN_IF_ERROR(expect_type(inputs[0], "x", DataType::kInt8));
  return set_output(outputs, DataType::kFloat32, inputs[0].shape());
}

}  // namespace dotori::graph
