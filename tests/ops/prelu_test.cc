// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

TEST(PreluOp, ScalarChannelFullAndOtherSlopes) {
  Random random(1);
  const Shape shape = {2, 3, 5, 9};
  const std::vector<float> x = random.floats(270, -2, 2);
  for (const Shape& slope_shape :
       {Shape{}, Shape{1}, Shape{9}, Shape{1, 1, 1, 9}, Shape{2, 3, 5, 9}, Shape{3, 1, 1}, Shape{2, 1, 1, 9}}) {
    SCOPED_TRACE(slope_shape.to_string());
    const std::vector<float> slope = random.floats(static_cast<std::size_t>(slope_shape.elements()), -1, 1);
    std::vector<double> want;
    for_each_index(shape, [&](const Shape& index) {
      Shape own = slope_shape;
      for (int axis = 0; axis < own.rank(); ++axis)
        own[axis] = slope_shape[axis] == 1 ? 0 : index[axis + 4 - own.rank()];
      const double v = x[flat(shape, index)];
      want.push_back(v >= 0 ? v : v * slope[flat(slope_shape, own)]);
    });
    OpCase().input(shape, x).constant(slope_shape, slope).expect<float>(graph::Prelu{}, shape, want, 1e-7);
    OpCase().input(shape, x).input(slope_shape, slope).expect<float>(graph::Prelu{}, shape, want, 1e-7);
  }
}

}  // namespace
}  // namespace dotori::testing
