// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "op_case.h"

namespace dotori::testing {
namespace {

template <class T>
void check(const Shape& shape, const Shape& perm) {
  SCOPED_TRACE(shape.to_string() + perm.to_string());
  const std::vector<T> x = counting<T>(shape);
  Shape out = shape;
  for (int axis = 0; axis < out.rank(); ++axis) out[axis] = shape[static_cast<int>(perm[axis])];
  std::vector<double> want;
  for_each_index(out, [&](const Shape& index) {
    Shape from = index;
    for (int axis = 0; axis < out.rank(); ++axis) from[static_cast<int>(perm[axis])] = index[axis];
    want.push_back(static_cast<double>(x[flat(shape, from)]));
  });
  graph::Transpose op;
  op.perm = perm;
  OpCase().input(shape, x).template expect<T>(op, out, want);
}

TEST(TransposeOp, EveryPermutationOfFourAxes) {
  std::vector<std::int64_t> perm = {0, 1, 2, 3};
  do {
    check<float>({2, 3, 4, 5}, Shape{perm[0], perm[1], perm[2], perm[3]});
  } while (std::next_permutation(perm.begin(), perm.end()));
}

TEST(TransposeOp, OtherTypesRanksAndManyTiles) {
  check<std::uint8_t>({5, 6, 7}, {2, 0, 1});
  check<std::int64_t>({5, 6, 7}, {1, 2, 0});
  check<float>({2, 3, 2, 3, 2, 3}, {5, 0, 3, 2, 4, 1});
  check<float>({150, 131}, {1, 0});
  check<float>({1, 33, 35, 20}, {0, 3, 1, 2});
  check<float>({3}, {0});
}

}  // namespace
}  // namespace dotori::testing
