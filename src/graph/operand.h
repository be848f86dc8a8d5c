// SPDX-License-Identifier: Apache-2.0
// What shape inference sees of a node's inputs and writes of its outputs.
#pragma once

#include <dotori/span.h>
#include <dotori/status.h>
#include <dotori/tensor.h>

namespace dotori::graph {

struct TensorType {
  DataType type = DataType::kFloat32;
  Shape shape;
  friend bool operator==(const TensorType& a, const TensorType& b) noexcept {
    return a.type == b.type && a.shape == b.shape;
  }
};

struct Operand {
  TensorType type;
  const void* constant = nullptr;  // the elements when the value is a constant, else nullptr

  const Shape& shape() const noexcept { return type.shape; }
};

// Every operator has
//   Status infer(const Op&, Span<const Operand> inputs, Span<TensorType> outputs);
// It is the only validation of the operator: arity, types, ranks, ranges, products. Inputs have verified shapes (every
// dimension >= 1, product <= 2^40). It fills every output's type. Messages say what was expected and what was found;
// the caller adds the node's name and operator.

// Helpers for infer().
Status expect_arity(Span<const Operand> inputs, Span<TensorType> outputs, int least_inputs, int most_inputs);
Status expect_rank(const Operand& operand, const char* what, int rank);
Status expect_type(const Operand& operand, const char* what, DataType type);
// `value` in [low, high], or an error naming `what`.
Status expect_range(const char* what, long long value, long long low, long long high);

}  // namespace dotori::graph
