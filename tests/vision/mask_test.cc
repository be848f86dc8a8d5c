// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include <dotori/vision.h>
#include <gtest/gtest.h>

namespace dotori::vision {
namespace {

TensorView view_of(std::vector<float>& values, Shape shape) {
  return {DataType::kFloat32, shape, values.data(), values.size() * sizeof(float)};
}

PhotoTransform stretch(int photo_width, int photo_height, int input_width, int input_height) {
  PhotoTransform t;
  t.scale_x = static_cast<float>(photo_width) / static_cast<float>(input_width);
  t.scale_y = static_cast<float>(photo_height) / static_cast<float>(input_height);
  t.photo_width = photo_width;
  t.photo_height = photo_height;
  t.input_width = input_width;
  t.input_height = input_height;
  return t;
}

SegmentationInfo info_for(MaskDecoder decoder) {
  SegmentationInfo info;
  info.decoder = decoder;
  return info;
}

using Row = std::vector<std::uint8_t>;

TEST(Mask, ThresholdInterpolatesFirst) {
  // Two cells under four pixels, whose values are 0, .25, .75 and 1.
  std::vector<float> map = {0, 1};
  SegmentationInfo info = info_for(MaskDecoder::kThreshold);
  info.threshold = 0.2f;
  for (const Shape& shape : {Shape{1, 1, 2, 1}, Shape{1, 1, 2}, Shape{1, 2}}) {
    const auto mask = decode_mask(info, view_of(map, shape), stretch(4, 1, 8, 8));
    ASSERT_TRUE(mask.ok()) << mask.status().message();
    EXPECT_TRUE(mask->valid());
    EXPECT_EQ(mask->classes, (Row{0, 1, 1, 1}));
  }
  info.threshold = 0.5f;
  EXPECT_EQ(decode_mask(info, view_of(map, {1, 2}), stretch(4, 1, 8, 8))->classes, (Row{0, 0, 1, 1}));
  info.threshold = 1;  // reached by equality
  EXPECT_EQ(decode_mask(info, view_of(map, {1, 2}), stretch(4, 1, 8, 8))->classes, (Row{0, 0, 0, 1}));
}

TEST(Mask, MinMaxNorm) {
  std::vector<float> map = {-3, -1, -2.5f, -1.5f};
  SegmentationInfo info = info_for(MaskDecoder::kThreshold);
  info.min_max_norm = true;
  EXPECT_EQ(decode_mask(info, view_of(map, {1, 2, 2, 1}), stretch(2, 2, 4, 4))->classes, (Row{0, 1, 0, 1}));
  std::vector<float> flat = {5, 5, 5, 5};
  EXPECT_EQ(decode_mask(info, view_of(flat, {1, 2, 2, 1}), stretch(2, 2, 4, 4))->classes, (Row{0, 0, 0, 0}));
}

TEST(Mask, ArgMaxInterpolatesScores) {
  // Class 2 is strong on the left, class 1 weak on the right: the border moves right of the middle.
  std::vector<float> map = {0, 0, 9, 0, 3, 0};
  const auto mask = decode_mask(info_for(MaskDecoder::kArgMax), view_of(map, {1, 1, 2, 3}), stretch(8, 2, 16, 16));
  ASSERT_TRUE(mask.ok()) << mask.status().message();
  // Part of the right cell: 0, 0, .125, .375, .625, .875, 1, 1; class 1 wins above 0.75.
  EXPECT_EQ(mask->classes, (Row{2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 1, 1, 1}));
}

TEST(Mask, ArgMaxOverManyClassesTakesTheNearestCell) {
  std::vector<float> map(2 * 40);
  map[39] = 9;
  map[40 + 17] = 1;
  const auto mask = decode_mask(info_for(MaskDecoder::kArgMax), view_of(map, {1, 1, 2, 40}), stretch(4, 1, 2, 2));
  ASSERT_TRUE(mask.ok()) << mask.status().message();
  EXPECT_EQ(mask->classes, (Row{39, 39, 17, 17}));
}

TEST(Mask, NonFiniteValuesCountAsTheLowest) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  std::vector<float> map = {nan, 1, inf, 0.2f};
  EXPECT_EQ(decode_mask(info_for(MaskDecoder::kThreshold), view_of(map, {1, 4}), stretch(4, 1, 4, 1))->classes,
            (Row{0, 1, 0, 0}));
  std::vector<float> nothing = {nan, nan, nan, nan};
  EXPECT_EQ(decode_mask(info_for(MaskDecoder::kArgMax), view_of(nothing, {1, 1, 2, 2}), stretch(2, 1, 2, 1))->classes,
            (Row{0, 0}));
}

TEST(Mask, ClassMapOfEveryIntegerType) {
  const SegmentationInfo info = info_for(MaskDecoder::kClassMap);
  const PhotoTransform t = stretch(4, 2, 2, 1);
  const Row expected = {3, 3, 20, 20, 3, 3, 20, 20};
  std::vector<float> f = {3, 20};
  EXPECT_EQ(decode_mask(info, view_of(f, {1, 1, 2}), t)->classes, expected);
  std::vector<std::int32_t> i = {3, 20};
  EXPECT_EQ(decode_mask(info, {DataType::kInt32, {1, 1, 2, 1}, i.data(), 8}, t)->classes, expected);
  std::vector<std::int64_t> l = {3, 20};
  EXPECT_EQ(decode_mask(info, {DataType::kInt64, {1, 2}, l.data(), 16}, t)->classes, expected);
  Row u = {3, 20};
  EXPECT_EQ(decode_mask(info, {DataType::kUint8, {1, 2}, u.data(), 2}, t)->classes, expected);
  i[1] = 256;
  EXPECT_EQ(decode_mask(info, {DataType::kInt32, {1, 1, 2, 1}, i.data(), 8}, t).status().code(),
            StatusCode::kInvalidArgument);
  i[1] = -1;
  EXPECT_EQ(decode_mask(info, {DataType::kInt32, {1, 1, 2, 1}, i.data(), 8}, t).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(Mask, PixelsOutsideTheCropAreBackground) {
  std::vector<float> map(16, 1);
  PhotoTransform t = stretch(8, 4, 4, 4);
  t.scale_x = t.scale_y = 1;  // the middle 4 x 4 of 8 x 4
  t.offset_x = 2;
  const auto mask = decode_mask(info_for(MaskDecoder::kThreshold), view_of(map, {4, 4}), t);
  ASSERT_TRUE(mask.ok());
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 8; ++x) EXPECT_EQ(mask->classes[8 * y + x], x >= 2 && x < 6);
}

TEST(Mask, RefusesWhatDoesNotFit) {
  std::vector<float> map(16);
  const PhotoTransform t = stretch(8, 8, 4, 4);
  const auto code = [&](MaskDecoder decoder, const TensorView& view) {
    return decode_mask(info_for(decoder), view, t).status().code();
  };
  EXPECT_EQ(code(MaskDecoder::kNone, view_of(map, {4, 4})), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(MaskDecoder::kThreshold, view_of(map, {1, 2, 4, 2})), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(MaskDecoder::kThreshold, view_of(map, {2, 2, 4, 1})), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(MaskDecoder::kThreshold, view_of(map, {16})), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(MaskDecoder::kThreshold, view_of(map, {5, 4})), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(MaskDecoder::kThreshold, {}), StatusCode::kInvalidArgument);
  EXPECT_EQ(decode_mask(info_for(MaskDecoder::kThreshold), view_of(map, {4, 4}), {}).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(Mask, QuantisedMapsAreDequantisedFirst) {
  // -0.5, 0.5, 1.5, 0: interpolated and compared as real numbers.
  std::vector<std::int8_t> stored = {-7, -3, 1, -5};
  std::vector<float> real = {-0.5f, 0.5f, 1.5f, 0};
  TensorView view{DataType::kInt8, {1, 2, 2, 1}, stored.data(), stored.size()};
  SegmentationInfo info = info_for(MaskDecoder::kThreshold);
  info.threshold = 0.25f;
  EXPECT_FALSE(decode_mask(info, view, stretch(6, 6, 4, 4)).ok());
  view.scale = 0.25f;
  view.zero_point = -5;
  const auto mask = decode_mask(info, view, stretch(6, 6, 4, 4));
  ASSERT_TRUE(mask.ok()) << mask.status().message();
  EXPECT_EQ(mask->classes, decode_mask(info, view_of(real, {1, 2, 2, 1}), stretch(6, 6, 4, 4))->classes);

  std::vector<std::uint8_t> scores = {10, 20, 200, 100};
  view = {DataType::kUint8, {1, 1, 2, 2}, scores.data(), scores.size(), 0.1f, 128};
  EXPECT_EQ(decode_mask(info_for(MaskDecoder::kArgMax), view, stretch(2, 1, 2, 1))->classes, (Row{1, 0}));
}

TEST(Mask, QuantisedClassMap) {
  // Without a scale the bytes are the classes; with one, the nearest whole real number.
  std::vector<std::uint8_t> stored = {0, 30, 70};
  TensorView view{DataType::kUint8, {1, 3}, stored.data(), stored.size()};
  const SegmentationInfo info = info_for(MaskDecoder::kClassMap);
  EXPECT_EQ(decode_mask(info, view, stretch(3, 1, 3, 1))->classes, (Row{0, 30, 70}));
  view.scale = 0.1f;
  EXPECT_EQ(decode_mask(info, view, stretch(3, 1, 3, 1))->classes, (Row{0, 3, 7}));
  view.zero_point = 30;
  EXPECT_FALSE(decode_mask(info, view, stretch(3, 1, 3, 1)).ok());  // class -3
}

}  // namespace
}  // namespace dotori::vision
