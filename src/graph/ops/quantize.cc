// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/quantize.h"

#include "graph/ops/checks.h"

namespace dotori::graph {

Status infer(const Quantize& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  if (op.type != DataType::kInt8 && op.type != DataType::kUint8) {
    return invalid_argument(std::string("type must be int8 or uint8, found ") + data_type_name(op.type));
  }
  if (inputs[0].type.type != DataType::kUint8) DOTORI_RETURN_IF_ERROR(expect_real(inputs[0], "x"));
  return set_output(outputs, op.type, inputs[0].shape());
}

}  // namespace dotori::graph
