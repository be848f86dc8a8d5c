// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/gather.h"

#include <cstring>

#include "graph/ops/checks.h"

namespace dotori::graph {
namespace {

// Read with memcpy: the elements may come from a file at any address.
std::int64_t index_at(const Operand& indices, std::int64_t i) {
  const char* bytes = static_cast<const char*>(indices.constant);
  if (indices.type.type == DataType::kInt64) {
    std::int64_t value;
    std::memcpy(&value, bytes + i * 8, sizeof value);
    return value;
  }
  std::int32_t value;
  std::memcpy(&value, bytes + i * 4, sizeof value);
  return value;
}

}  // namespace

Status infer(const Gather& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 2, 2));
  const Shape& x = inputs[0].shape();
  const Operand& indices = inputs[1];
  DOTORI_RETURN_IF_ERROR(check_axis(op.axis, x.rank()));
  if (indices.type.type != DataType::kInt32 && indices.type.type != DataType::kInt64) {
    return invalid_argument(std::string("indices must be int32 or int64, found ") + data_type_name(indices.type.type));
  }
  if (indices.constant == nullptr) return unsupported("indices must be constant");
  const std::int64_t dim = x[op.axis];
  const std::int64_t count = indices.shape().elements();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t index = index_at(indices, i);
    if (index < -dim || index >= dim) {
      return invalid_argument("index " + std::to_string(i) + " must be in [" + std::to_string(-dim) + ", " +
                              std::to_string(dim) + "), found " + std::to_string(index));
    }
  }
  if (x.rank() - 1 + indices.shape().rank() > kMaxRank) {
    return invalid_argument("the output would have rank " + std::to_string(x.rank() - 1 + indices.shape().rank()) +
                            ", at most " + std::to_string(kMaxRank) + " is supported");
  }
  Shape out;
  for (int k = 0; k < op.axis; ++k) out.push_back(x[k]);
  for (std::int64_t d : indices.shape()) out.push_back(d);
  for (int k = op.axis + 1; k < x.rank(); ++k) out.push_back(x[k]);
  return set_output(outputs, inputs[0].type.type, out);
}

}  // namespace dotori::graph
