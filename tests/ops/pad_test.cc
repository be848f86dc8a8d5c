// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

namespace dotori::testing {
namespace {

using graph::PadMode;

// Where a padded index comes from, by walking: a step over the border turns round (reflect, symmetric) or stays (edge).
std::int64_t source(PadMode mode, std::int64_t dim, std::int64_t i) {
  if (mode == PadMode::kEdge) return i < 0 ? 0 : i >= dim ? dim - 1 : i;
  if (i >= 0 && i < dim) return i;
  const std::int64_t border = mode == PadMode::kReflect ? 0 : 1;
  return i < 0 ? -i - border : 2 * dim - 2 - i + border;
}

template <class T>
void check(PadMode mode, const Shape& shape, const Shape& before, const Shape& after, float value) {
  SCOPED_TRACE(shape.to_string() + before.to_string() + after.to_string());
  const std::vector<T> x = counting<T>(shape);
  Shape out = shape;
  for (int axis = 0; axis < out.rank(); ++axis) out[axis] += before[axis] + after[axis];
  std::vector<double> want;
  for_each_index(out, [&](Shape index) {
    bool outside = false;
    for (int axis = 0; axis < index.rank(); ++axis) {
      index[axis] -= before[axis];
      outside = outside || index[axis] < 0 || index[axis] >= shape[axis];
      if (mode != PadMode::kConstant) index[axis] = source(mode, shape[axis], index[axis]);
    }
    want.push_back(outside && mode == PadMode::kConstant ? static_cast<double>(value)
                                                         : static_cast<double>(x[flat(shape, index)]));
  });
  graph::Pad op;
  op.mode = mode;
  op.before = before;
  op.after = after;
  op.value = value;
  OpCase().input(shape, x).template expect<T>(op, out, want);
}

TEST(PadOp, EveryModeAxisAndType) {
  for (PadMode mode : {PadMode::kConstant, PadMode::kReflect, PadMode::kEdge, PadMode::kSymmetric}) {
    check<float>(mode, {1, 4, 5, 3}, {0, 2, 3, 0}, {0, 1, 4, 0}, -1.5f);
    check<float>(mode, {2, 3, 4, 3}, {1, 0, 2, 1}, {0, 2, 0, 2}, 7);
    check<std::int8_t>(mode, {4, 5}, {2, 3}, {1, 0}, -128);
    check<std::uint8_t>(mode, {4, 5}, {0, 3}, {1, 0}, 255);
    check<std::int32_t>(mode, {4, 5}, {2, 3}, {1, 0}, -3);
    check<std::int64_t>(mode, {4, 5}, {2, 0}, {1, 0}, 12);
    check<float>(mode, {3, 4}, {0, 0}, {0, 0}, 1);
    check<float>(mode, {1, 50, 40, 8}, {0, 1, 1, 0}, {0, 1, 1, 0}, 0);
  }
}

}  // namespace
}  // namespace dotori::testing
