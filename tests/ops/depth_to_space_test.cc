// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

namespace dotori::testing {
namespace {

template <class T>
void check(const Shape& shape, int block, bool column_first) {
  SCOPED_TRACE(shape.to_string() + " block " + std::to_string(block) + (column_first ? " CRD" : " DCR"));
  const std::vector<T> x = counting<T>(shape);
  const std::int64_t b = block, c = shape[3] / (b * b);
  const Shape out = {shape[0], shape[1] * b, shape[2] * b, c};
  std::vector<double> want(x.size());
  // Scattered from the input, as the operator's definition reads.
  for_each_index(shape, [&](const Shape& at) {
    std::int64_t i, j, channel;
    if (column_first) {
      j = at[3] % b;
      i = at[3] / b % b;
      channel = at[3] / (b * b);
    } else {
      channel = at[3] % c;
      j = at[3] / c % b;
      i = at[3] / (c * b);
    }
    want[flat(out, {at[0], at[1] * b + i, at[2] * b + j, channel})] = static_cast<double>(x[flat(shape, at)]);
  });
  graph::DepthToSpace op;
  op.block = block;
  op.column_first = column_first;
  OpCase().input(shape, x).template expect<T>(op, out, want);
}

TEST(DepthToSpaceOp, BothOrdersAndEveryElementSize) {
  for (bool column_first : {false, true}) {
    check<float>({2, 3, 5, 12}, 2, column_first);
    check<float>({1, 3, 2, 9}, 3, column_first);
    check<std::uint8_t>({1, 2, 2, 32}, 4, column_first);
    check<std::int64_t>({1, 2, 3, 4}, 2, column_first);
    check<float>({1, 2, 3, 5}, 1, column_first);
    check<float>({1, 40, 30, 20}, 2, column_first);
  }
}

}  // namespace
}  // namespace dotori::testing
