// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

namespace dotori::testing {
namespace {

template <class T>
void check(const Shape& shape, int block) {
  SCOPED_TRACE(shape.to_string() + " block " + std::to_string(block));
  const std::vector<T> x = counting<T>(shape);
  const std::int64_t b = block, c = shape[3];
  const Shape out = {shape[0], shape[1] / b, shape[2] / b, c * b * b};
  std::vector<double> want(x.size());
  for_each_index(shape, [&](const Shape& at) {
    const std::int64_t channel = (at[1] % b * b + at[2] % b) * c + at[3];
    want[flat(out, {at[0], at[1] / b, at[2] / b, channel})] = static_cast<double>(x[flat(shape, at)]);
  });
  graph::SpaceToDepth op;
  op.block = block;
  OpCase().input(shape, x).template expect<T>(op, out, want);
}

TEST(SpaceToDepthOp, BlocksAndElementSizes) {
  check<float>({2, 4, 6, 3}, 2);
  check<float>({1, 6, 9, 2}, 3);
  check<std::uint8_t>({1, 8, 4, 3}, 4);
  check<std::int64_t>({1, 4, 2, 1}, 2);
  check<float>({1, 2, 3, 5}, 1);
  check<float>({1, 60, 80, 6}, 2);
}

}  // namespace
}  // namespace dotori::testing
