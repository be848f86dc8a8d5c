// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "op_case.h"

namespace dotori::testing {
namespace {

graph::Cast cast_to(DataType type) {
  graph::Cast op;
  op.to = type;
  return op;
}

TEST(CastOp, FloatToEveryType) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const Shape shape = {2, 4};
  const std::vector<float> x = {0, -1.75f, 2.5f, 300, -3e9f, inf, nan, -0.25f};
  OpCase().input(shape, x).expect<std::int8_t>(cast_to(DataType::kInt8), shape, {0, -1, 2, 127, -128, 127, 0, 0});
  OpCase().input(shape, x).expect<std::uint8_t>(cast_to(DataType::kUint8), shape, {0, 0, 2, 255, 0, 255, 0, 0});
  OpCase().input(shape, x).expect<std::int32_t>(cast_to(DataType::kInt32), shape,
                                                {0, -1, 2, 300, -2147483648.0, 2147483647.0, 0, 0});
  OpCase().input(shape, x).expect<std::int64_t>(cast_to(DataType::kInt64), shape,
                                                {0, -1, 2, 300, -3e9, 9223372036854775807.0, 0, 0});
  OpCase().input(shape, x).expect<Bool8>(cast_to(DataType::kBool), shape, {0, 1, 1, 1, 1, 1, 1, 1});
  OpCase().input(shape, x).expect<float>(cast_to(DataType::kFloat32), shape,
                                         {0, -1.75, 2.5, 300, -3e9f, inf, nan, -0.25});
}

TEST(CastOp, IntegersAndManyTiles) {
  const Shape shape = {20001};
  const std::vector<std::uint8_t> x = counting<std::uint8_t>(shape);
  std::vector<double> want(x.begin(), x.end());
  OpCase().input(shape, x).expect<float>(cast_to(DataType::kFloat32), shape, want);
  OpCase().input(shape, x).expect<std::int64_t>(cast_to(DataType::kInt64), shape, want);
  OpCase()
      .input(Shape{3}, std::vector<Bool8>{{0}, {1}, {1}})
      .expect<std::int32_t>(cast_to(DataType::kInt32), {3}, {0, 1, 1});
}

}  // namespace
}  // namespace dotori::testing
