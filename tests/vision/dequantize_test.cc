// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include <dotori/tensor.h>
#include <gtest/gtest.h>

namespace dotori {
namespace {

template <class T>
TensorView view_of(std::vector<T>& values, DataType type, float scale, std::int32_t zero_point) {
  TensorView view;
  view.type = type;
  view.shape = {1, static_cast<std::int64_t>(values.size())};
  view.data = values.data();
  view.size_bytes = values.size() * sizeof(T);
  view.scale = scale;
  view.zero_point = zero_point;
  return view;
}

TEST(Dequantize, OneRoundingOfTheDifferenceTimesTheScale) {
  const float scale = 0.1f;
  std::vector<std::int8_t> s8 = {-128, -1, 0, 5, 127};
  EXPECT_EQ(*dequantize(view_of(s8, DataType::kInt8, scale, 5)),
            (std::vector<float>{-133 * scale, -6 * scale, -5 * scale, 0, 122 * scale}));
  std::vector<std::uint8_t> u8 = {0, 128, 255};
  EXPECT_EQ(*dequantize(view_of(u8, DataType::kUint8, scale, 128)), (std::vector<float>{-128 * scale, 0, 127 * scale}));
}

TEST(Dequantize, AnyZeroPointIsExact) {
  std::vector<std::int8_t> s8 = {127};
  EXPECT_EQ(dequantize(view_of(s8, DataType::kInt8, 1, std::numeric_limits<std::int32_t>::min()))->at(0),
            2147483648.0f + 127);
}

TEST(Dequantize, FloatsAreCopied) {
  std::vector<float> values = {1, -2.5f};
  EXPECT_EQ(*dequantize(view_of(values, DataType::kFloat32, 0, 0)), values);
}

TEST(Dequantize, RefusesWhatHasNoRealValues) {
  std::vector<std::int8_t> s8 = {1, 2};
  for (float scale : {0.0f, -1.0f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    const Status status = dequantize(view_of(s8, DataType::kInt8, scale, 0)).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("scale"), std::string::npos) << status.message();
  }
  std::vector<std::int32_t> whole = {1, 2};
  EXPECT_FALSE(dequantize(view_of(whole, DataType::kInt32, 1, 0)).ok());
  TensorView small = view_of(s8, DataType::kInt8, 1, 0);
  small.size_bytes = 1;
  EXPECT_FALSE(dequantize(small).ok());
  EXPECT_FALSE(dequantize(TensorView()).ok());
}

}  // namespace
}  // namespace dotori
