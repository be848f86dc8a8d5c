// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

namespace dotori::testing {
namespace {

template <class T>
void check(const Shape& shape, const Shape& begin, const Shape& size, const Shape& stride) {
  SCOPED_TRACE(shape.to_string() + begin.to_string() + size.to_string() + stride.to_string());
  const std::vector<T> x = counting<T>(shape);
  std::vector<double> want;
  for_each_index(size, [&](Shape index) {
    for (int axis = 0; axis < index.rank(); ++axis) index[axis] = begin[axis] + index[axis] * stride[axis];
    want.push_back(static_cast<double>(x[flat(shape, index)]));
  });
  graph::Slice op;
  op.begin = begin;
  op.size = size;
  op.stride = stride;
  OpCase().input(shape, x).template expect<T>(op, size, want);
}

TEST(SliceOp, BeginSizeStrideOfEveryKind) {
  check<float>({2, 6, 7, 5}, {0, 1, 2, 0}, {2, 4, 3, 5}, {1, 1, 1, 1});
  check<float>({2, 6, 7, 5}, {0, 0, 0, 2}, {2, 6, 7, 2}, {1, 1, 1, 1});
  check<float>({1, 6, 8, 3}, {0, 0, 1, 0}, {1, 3, 4, 3}, {1, 2, 2, 1});
  check<std::uint8_t>({2, 6, 7, 5}, {1, 5, 6, 4}, {2, 3, 7, 3}, {-1, -2, -1, -2});
  check<std::int64_t>({10}, {9}, {10}, {-1});
  check<float>({4, 5}, {3, 2}, {1, 1}, {std::int64_t{1} << 40, -(std::int64_t{1} << 40)});
  check<float>({2, 3, 2, 3, 2, 3}, {1, 2, 0, 2, 1, 0}, {2, 2, 1, 3, 2, 2}, {-1, -2, 1, -1, -1, 2});
  check<float>({1, 80, 40, 12}, {0, 1, 0, 3}, {1, 39, 40, 8}, {1, 2, 1, 1});
}

}  // namespace
}  // namespace dotori::testing
