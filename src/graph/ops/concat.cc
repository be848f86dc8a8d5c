// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/concat.h"

#include "graph/ops/checks.h"

namespace dotori::graph {
namespace {

constexpr int kMaxInputs = 1024;

}  // namespace

Status infer(const Concat& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, kMaxInputs));
  const Shape& first = inputs[0].shape();
  DOTORI_RETURN_IF_ERROR(check_axis(op.axis, first.rank()));
  Shape out = first;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const std::string what = "input " + std::to_string(i);
    DOTORI_RETURN_IF_ERROR(expect_type(inputs[i], what.c_str(), inputs[0].type.type));
    DOTORI_RETURN_IF_ERROR(expect_rank(inputs[i], what.c_str(), first.rank()));
    Shape expected = first;
    expected[op.axis] = inputs[i].shape()[op.axis];
    if (inputs[i].shape() != expected) {
      return invalid_argument(what + " is " + inputs[i].shape().to_string() + ", does not join " + first.to_string() +
                              " along axis " + std::to_string(op.axis));
    }
    out[op.axis] += inputs[i].shape()[op.axis];
  }
  return set_output(outputs, inputs[0].type.type, out);
}

}  // namespace dotori::graph
