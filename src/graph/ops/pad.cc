// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/pad.h"

#include <cmath>

#include "graph/ops/checks.h"

namespace dotori::graph {
namespace {

constexpr const char* kNames[] = {"constant", "reflect", "edge", "symmetric"};
static_assert(sizeof kNames / sizeof kNames[0] == static_cast<std::size_t>(PadMode::kCount));

struct IntegerRange {
  float low, high;  // exact in float32
};

// A fill value must convert exactly, so an integer tensor takes whole numbers of at most 24 bits.
IntegerRange fill_range(DataType type) {
  switch (type) {
    case DataType::kUint8: return {0, 255};
    case DataType::kBool: return {0, 1};
    default: return {-16777216, 16777216};
  }
}

Status check_fill(float value, DataType type) {
  if (std::isnan(value)) return invalid_argument("value must be a number, found NaN");
  if (type == DataType::kFloat32 || type == DataType::kInt8) return {};
  const IntegerRange range = fill_range(type);
  if (value >= range.low && value <= range.high && std::floor(value) == value) return {};
  return invalid_argument("value " + std::to_string(value) + " is no " + data_type_name(type));
}

}  // namespace

const char* pad_mode_name(PadMode mode) noexcept {
  return mode < PadMode::kCount ? kNames[static_cast<std::size_t>(mode)] : "unknown";
}

Status infer(const Pad& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(check_enum("pad mode", op.mode));
  DOTORI_RETURN_IF_ERROR(check_fill(op.value, inputs[0].type.type));
  const Shape& x = inputs[0].shape();
  if (op.before.rank() != x.rank() || op.after.rank() != x.rank()) {
    return invalid_argument("before and after must have x's rank " + std::to_string(x.rank()) + ", found " +
                            op.before.to_string() + " and " + op.after.to_string());
  }
  Shape out = x;
  for (int k = 0; k < x.rank(); ++k) {
    std::int64_t most = std::int64_t{1} << 31;
    if (op.mode == PadMode::kReflect) most = x[k] - 1;
    if (op.mode == PadMode::kSymmetric) most = x[k];
    const std::string where = "axis " + std::to_string(k);
    DOTORI_RETURN_IF_ERROR(expect_range("before", op.before[k], 0, most).with_context(where));
    DOTORI_RETURN_IF_ERROR(expect_range("after", op.after[k], 0, most).with_context(where));
    out[k] += op.before[k] + op.after[k];
  }
  return set_output(outputs, inputs[0].type.type, out);
}

}  // namespace dotori::graph
