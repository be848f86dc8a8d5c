// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

template <class T>
void check(const Shape& shape, int axis, bool keep_dims, bool select_last) {
  SCOPED_TRACE(shape.to_string() + " axis " + std::to_string(axis));
  Random random(5);
  std::vector<float> x;
  // Few different values, so that there are ties.
  for (std::int64_t i = 0; i < shape.elements(); ++i) x.push_back(static_cast<float>(random.integer(-3, 3)));
  Shape kept = shape, out;
  kept[axis] = 1;
  for (int k = 0; k < shape.rank(); ++k)
    if (keep_dims || k != axis) out.push_back(kept[k]);
  std::vector<double> want;
  for_each_index(kept, [&](Shape at) {
    std::int64_t best = 0;
    float largest = -100;
    for (std::int64_t i = 0; i < shape[axis]; ++i) {
      at[axis] = i;
      const float v = x[flat(shape, at)];
      if (v > largest || (select_last && v == largest)) {
        largest = v;
        best = i;
      }
    }
    want.push_back(static_cast<double>(best));
  });
  graph::ArgMax op;
  op.axis = axis;
  op.keep_dims = keep_dims;
  op.select_last = select_last;
  op.output_type = TypeOf<T>::kType;
  OpCase().input(shape, x).template expect<T>(op, out, want);
}

TEST(ArgMaxOp, EveryAxisAndOption) {
  for (int axis = 0; axis < 4; ++axis)
    for (bool keep : {false, true})
      for (bool last : {false, true}) {
        check<std::int32_t>({2, 3, 5, 9}, axis, keep, last);
        check<std::int64_t>({2, 3, 5, 9}, axis, keep, last);
      }
  check<std::int64_t>({1, 60, 40, 21}, 3, false, false);
}

}  // namespace
}  // namespace dotori::testing
