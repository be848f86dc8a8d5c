// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

namespace dotori::testing {
namespace {

TEST(ReshapeOp, KeepsTheElements) {
  graph::Reshape op;
  op.shape = {4, 6};
  const std::vector<float> x = counting<float>({2, 3, 4});
  const std::vector<double> want(x.begin(), x.end());
  OpCase().input(Shape{2, 3, 4}, x).expect<float>(op, {4, 6}, want);
  OpCase().constant(Shape{2, 3, 4}, x).expect<float>(op, {4, 6}, want);
  const std::vector<std::uint8_t> bytes = counting<std::uint8_t>({24});
  OpCase().input(Shape{24}, bytes).expect<std::uint8_t>(op, {4, 6}, want);
}

}  // namespace
}  // namespace dotori::testing
