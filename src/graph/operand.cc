// SPDX-License-Identifier: Apache-2.0
#include "graph/operand.h"

namespace dotori::graph {

Status expect_arity(Span<const Operand> inputs, Span<TensorType> outputs, int least_inputs, int most_inputs) {
  const int found = static_cast<int>(inputs.size());
  if (found < least_inputs || found > most_inputs) {
    std::string expected = std::to_string(least_inputs);
    if (most_inputs != least_inputs) expected += " to " + std::to_string(most_inputs);
    return invalid_argument("expected " + expected + " inputs, found " + std::to_string(found));
  }
  if (outputs.size() != 1) return invalid_argument("expected 1 output, found " + std::to_string(outputs.size()));
  return {};
}

Status expect_rank(const Operand& operand, const char* what, int rank) {
  if (operand.shape().rank() == rank) return {};
  return invalid_argument(std::string(what) + " must have rank " + std::to_string(rank) + ", found " +
                          operand.shape().to_string());
}

Status expect_type(const Operand& operand, const char* what, DataType type) {
  if (operand.type.type == type) return {};
  return invalid_argument(std::string(what) + " must be " + data_type_name(type) + ", found " +
                          data_type_name(operand.type.type));
}

Status expect_range(const char* what, long long value, long long low, long long high) {
  if (value >= low && value <= high) return {};
  if (low == high) {
    return invalid_argument(std::string(what) + " must be " + std::to_string(low) + ", found " + std::to_string(value));
  }
  return invalid_argument(std::string(what) + " must be in [" + std::to_string(low) + ", " + std::to_string(high) +
                          "], found " + std::to_string(value));
}

}  // namespace dotori::graph
