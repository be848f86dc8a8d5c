// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/binary.h"

#include "graph/ops/checks.h"

namespace dotori::graph {
namespace {

constexpr const char* kNames[] = {"add", "sub", "mul", "div", "pow", "min", "max", "squared_difference"};
static_assert(sizeof kNames / sizeof kNames[0] == static_cast<std::size_t>(BinaryFunction::kCount));

}  // namespace

const char* binary_function_name(BinaryFunction f) noexcept {
  return f < BinaryFunction::kCount ? kNames[static_cast<std::size_t>(f)] : "unknown";
}

Result<Shape> broadcast_shape(const Shape& a, const Shape& b) {
  const int rank = a.rank() > b.rank() ? a.rank() : b.rank();
  Shape out;
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    const std::int64_t da = ia < 0 ? 1 : a[ia];
    const std::int64_t db = ib < 0 ? 1 : b[ib];
    if (da != db && da != 1 && db != 1) {
      return invalid_argument("shapes " + a.to_string() + " and " + b.to_string() + " do not broadcast");
    }
    out.push_back(da == 1 ? db : da);
  }
  return out;
}

Status infer(const Binary& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 2, 2));
  DOTORI_RETURN_IF_ERROR(check_enum("binary function", op.function));
  const DataType type = inputs[0].type.type;
  DOTORI_RETURN_IF_ERROR(expect_type(inputs[1], "b", type));
  if (type == DataType::kFloat32) {
    DOTORI_RETURN_IF_ERROR(check_activation(op.activation));
  } else if (type == DataType::kInt8) {
    DOTORI_RETURN_IF_ERROR(check_fused(op.activation, type));
    if (op.function == BinaryFunction::kDiv || op.function == BinaryFunction::kPow ||
        op.function == BinaryFunction::kSquaredDifference) {
      return invalid_argument(std::string("int8 operands take add, sub, mul, min or max, found ") +
                              binary_function_name(op.function));
    }
  } else {
    DOTORI_RETURN_IF_ERROR(check_activation(op.activation));
    if (type != DataType::kInt32 && type != DataType::kInt64) {
      return invalid_argument(std::string("operands must be float32, int8, int32 or int64, found ") +
                              data_type_name(type));
    }
    if (op.function == BinaryFunction::kPow || op.function == BinaryFunction::kSquaredDifference) {
      return invalid_argument(std::string(binary_function_name(op.function)) + " takes float32, found " +
                              data_type_name(type));
    }
    if (!op.activation.is_identity()) {
      return invalid_argument(std::string("an activation needs float32, found ") + data_type_name(type));
    }
  }
  Shape out;
  DOTORI_ASSIGN_OR_RETURN(out, broadcast_shape(inputs[0].shape(), inputs[1].shape()));
  return set_output(outputs, type, out);
}

}  // namespace dotori::graph
