// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/reduce.h"

#include "graph/ops/checks.h"

namespace dotori::graph {
namespace {

constexpr const char* kNames[] = {"mean", "max", "sum", "min"};
static_assert(sizeof kNames / sizeof kNames[0] == static_cast<std::size_t>(ReduceFunction::kCount));

}  // namespace

const char* reduce_function_name(ReduceFunction f) noexcept {
  return f < ReduceFunction::kCount ? kNames[static_cast<std::size_t>(f)] : "unknown";
}

Status infer(const Reduce& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(check_enum("reduce function", op.function));
  DOTORI_RETURN_IF_ERROR(expect_real(inputs[0], "x"));
  const Shape& x = inputs[0].shape();
  bool reduced[kMaxRank] = {};
  std::int64_t previous = -1;
  for (std::int64_t axis : op.axes) {
    if (axis <= previous || axis >= x.rank()) {
      return invalid_argument("axes must ascend within [0, " + std::to_string(x.rank()) + "), found " +
                              op.axes.to_string());
    }
    reduced[axis] = true;
    previous = axis;
  }
  if (op.axes.empty()) return invalid_argument("axes must name at least one axis, found none");
  Shape out;
  for (int k = 0; k < x.rank(); ++k) {
    if (!reduced[k]) {
      out.push_back(x[k]);
    } else if (op.keep_dims) {
      out.push_back(1);
    }
  }
  return set_output(outputs, inputs[0].type.type, out);
}

}  // namespace dotori::graph
