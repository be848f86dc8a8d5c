// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "op_case.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

using graph::ReduceFunction;

void check(const Shape& shape, const Shape& axes, bool keep_dims) {
  Random random(static_cast<std::uint64_t>(shape.elements()));
  const std::vector<float> x = random.floats(static_cast<std::size_t>(shape.elements()), -3, 3);
  Shape kept = shape, out;
  for (std::int64_t axis : axes) kept[static_cast<int>(axis)] = 1;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (keep_dims || std::find(axes.begin(), axes.end(), axis) == axes.end()) out.push_back(kept[axis]);
  for (int f = 0; f < static_cast<int>(ReduceFunction::kCount); ++f) {
    SCOPED_TRACE(shape.to_string() + axes.to_string() + graph::reduce_function_name(static_cast<ReduceFunction>(f)));
    std::vector<std::vector<double>> groups(static_cast<std::size_t>(kept.elements()));
    for_each_index(shape, [&](const Shape& index) {
      Shape group = index;
      for (std::int64_t axis : axes) group[static_cast<int>(axis)] = 0;
      groups[flat(kept, group)].push_back(x[flat(shape, index)]);
    });
    std::vector<double> want;
    for (const std::vector<double>& group : groups) {
      double sum = 0;
      for (double v : group) sum += v;
      switch (static_cast<ReduceFunction>(f)) {
        case ReduceFunction::kMean: want.push_back(sum / static_cast<double>(group.size())); break;
        case ReduceFunction::kSum: want.push_back(sum); break;
        case ReduceFunction::kMax: want.push_back(*std::max_element(group.begin(), group.end())); break;
        default: want.push_back(*std::min_element(group.begin(), group.end()));
      }
    }
    graph::Reduce op;
    op.function = static_cast<ReduceFunction>(f);
    op.axes = axes;
    op.keep_dims = keep_dims;
    OpCase().input(shape, x).expect<float>(op, out, want, 2e-6, 2e-7 * static_cast<double>(groups[0].size()));
  }
}

TEST(ReduceOp, EverySetOfAxesOfFour) {
  for (int set = 1; set < 16; ++set) {
    Shape axes;
    for (int axis = 0; axis < 4; ++axis)
      if ((set >> axis) & 1) axes.push_back(axis);
    check({2, 3, 5, 9}, axes, set % 2 == 0);
  }
}

TEST(ReduceOp, GlobalPoolingAndOtherShapes) {
  check({1, 7, 7, 100}, {1, 2}, true);
  check({2, 7, 7, 33}, {1, 2}, false);
  check({1, 1, 1, 5}, {1, 2}, true);
  check({40003}, {0}, false);
  check({1, 50, 40, 12}, {3}, true);
  check({2, 3, 2, 3, 2, 3}, {1, 3, 5}, true);
}

}  // namespace
}  // namespace dotori::testing
