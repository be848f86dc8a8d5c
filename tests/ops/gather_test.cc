// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"

namespace dotori::testing {
namespace {

template <class T, class Index>
void check(const Shape& shape, int axis, const Shape& index_shape, const std::vector<Index>& indices) {
  SCOPED_TRACE(shape.to_string() + " axis " + std::to_string(axis) + " indices " + index_shape.to_string());
  const std::vector<T> x = counting<T>(shape);
  Shape out;
  for (int k = 0; k < axis; ++k) out.push_back(shape[k]);
  for (std::int64_t d : index_shape) out.push_back(d);
  for (int k = axis + 1; k < shape.rank(); ++k) out.push_back(shape[k]);
  std::vector<double> want;
  for_each_index(out, [&](const Shape& at) {
    Shape which, from;
    for (int k = 0; k < index_shape.rank(); ++k) which.push_back(at[axis + k]);
    std::int64_t picked = static_cast<std::int64_t>(indices[flat(index_shape, which)]);
    if (picked < 0) picked += shape[axis];
    for (int k = 0; k < axis; ++k) from.push_back(at[k]);
    from.push_back(picked);
    for (int k = axis + 1; k < shape.rank(); ++k) from.push_back(at[k + index_shape.rank() - 1]);
    want.push_back(static_cast<double>(x[flat(shape, from)]));
  });
  graph::Gather op;
  op.axis = axis;
  OpCase().input(shape, x).constant(index_shape, indices).template expect<T>(op, out, want);
}

TEST(GatherOp, AxesIndexShapesAndTypes) {
  const std::vector<std::int64_t> wide = {2, 0, -1, 1, 2, -3};
  const std::vector<std::int32_t> narrow(wide.begin(), wide.end());
  for (int axis = 0; axis < 3; ++axis) {
    check<float>({3, 4, 5}, axis, {6}, wide);
    check<std::int64_t>({3, 4, 5}, axis, {2, 3}, narrow);
    check<std::uint8_t>({3, 4, 5}, axis, {}, std::vector<std::int32_t>{-1});
  }
  std::vector<std::int64_t> many;
  for (std::int64_t i = 0; i < 3000; ++i) many.push_back((i * 7) % 11 - 5);
  check<float>({11, 9}, 0, {3000}, many);
}

}  // namespace
}  // namespace dotori::testing
