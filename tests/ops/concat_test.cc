// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

namespace dotori::testing {
namespace {

template <class T>
void check(const Shape& base, int axis, const std::vector<std::int64_t>& sizes, bool second_constant = false) {
  SCOPED_TRACE(base.to_string() + " axis " + std::to_string(axis));
  OpCase c;
  Shape out = base;
  out[axis] = 0;
  std::vector<Shape> shapes;
  std::vector<std::vector<T>> data;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    Shape shape = base;
    shape[axis] = sizes[i];
    out[axis] += sizes[i];
    shapes.push_back(shape);
    data.push_back(counting<T>(shape, 1 + 50 * static_cast<double>(i)));
    if (second_constant && i == 1) {
      c.constant(shape, data.back());
    } else {
      c.input(shape, data.back());
    }
  }
  std::vector<double> want;
  for_each_index(out, [&](Shape index) {
    std::size_t i = 0;
    for (; index[axis] >= sizes[i]; ++i) index[axis] -= sizes[i];
    want.push_back(static_cast<double>(data[i][flat(shapes[i], index)]));
  });
  graph::Concat op;
  op.axis = axis;
  c.expect<T>(op, out, want);
}

TEST(ConcatOp, EveryAxisAndType) {
  for (int axis = 0; axis < 4; ++axis) {
    check<float>({2, 3, 4, 5}, axis, {2, 1, 4});
    check<std::uint8_t>({2, 3, 4, 5}, axis, {3, 2});
    check<std::int64_t>({2, 3, 4, 5}, axis, {1, 1});
  }
  check<std::int8_t>({7}, 0, {3, 4});
}

TEST(ConcatOp, OneInputConstantInputAndManyTiles) {
  check<float>({2, 3, 4}, 1, {3});
  check<float>({2, 3, 4}, 2, {4, 6}, true);
  check<float>({1, 40, 30, 1}, 3, {16, 8, 3});
  std::vector<std::int64_t> many(100, 1);
  check<float>({1, 5, 5, 1}, 3, many);
}

}  // namespace
}  // namespace dotori::testing
