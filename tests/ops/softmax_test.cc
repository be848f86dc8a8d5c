// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

void check(const Shape& shape, int axis, float beta) {
  SCOPED_TRACE(shape.to_string() + " axis " + std::to_string(axis));
  Random random(static_cast<std::uint64_t>(shape.elements()));
  const std::vector<float> x = random.floats(static_cast<std::size_t>(shape.elements()), -6, 6);
  std::vector<double> want(x.size());
  for_each_index(shape, [&](const Shape& index) {
    double sum = 0;
    Shape at = index;
    for (at[axis] = 0; at[axis] < shape[axis]; ++at[axis])
      sum += std::exp(static_cast<double>(beta) * x[flat(shape, at)]);
    want[flat(shape, index)] = std::exp(static_cast<double>(beta) * x[flat(shape, index)]) / sum;
  });
  graph::Softmax op;
  op.axis = axis;
  op.beta = beta;
  OpCase().input(shape, x).expect<float>(op, shape, want, 3e-6);
}

TEST(SoftmaxOp, EveryAxis) {
  for (int axis = 0; axis < 4; ++axis) {
    check({2, 3, 5, 9}, axis, 1);
    check({2, 3, 5, 9}, axis, 0.5f);
  }
  check({7}, 0, 1);
  check({1, 1, 1, 200}, 3, 1);
}

TEST(SoftmaxOp, ManyTiles) {
  check({1, 40, 30, 21}, 3, 1);
  check({1, 9, 61, 43}, 1, 1);
}

}  // namespace
}  // namespace dotori::testing
