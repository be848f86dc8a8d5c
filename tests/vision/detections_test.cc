// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include <dotori/vision.h>
#include <gtest/gtest.h>

#include "support/random.h"

namespace dotori::vision {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

struct Output {
  Output(Shape s, float fill = 0) : shape(s), values(static_cast<std::size_t>(s.elements()), fill) {}
  TensorView view() { return {DataType::kFloat32, shape, values.data(), values.size() * sizeof(float)}; }
  // The values of one cell of a map or list whose last dimension is the cell's.
  float* cell(std::int64_t index) { return values.data() + index * shape[shape.rank() - 1]; }
  Shape shape;
  std::vector<float> values;
};

// Input 64 x 32; the photo is twice as wide and four times as high.
PhotoTransform transform() {
  PhotoTransform t;
  t.scale_x = 2;
  t.scale_y = 4;
  t.photo_width = t.photo_height = 128;
  t.input_width = 64;
  t.input_height = 32;
  return t;
}

DetectionInfo info_for(DetectionDecoder decoder, int classes, std::vector<int> strides) {
  DetectionInfo info;
  info.decoder = decoder;
  info.classes = classes;
  for (int stride : strides) {
    DetectionScale scale;
    scale.stride = stride;
    info.scales.push_back(scale);
  }
  return info;
}

float sigmoid(float x) {
  return 1 / (1 + std::exp(-x));
}
float logit(float p) {
  return std::log(p / (1 - p));
}

void expect_box(const Box& box, float x0, float y0, float x1, float y1, int class_index, float score) {
  EXPECT_NEAR(box.x0, x0, 1e-3);
  EXPECT_NEAR(box.y0, y0, 1e-3);
  EXPECT_NEAR(box.x1, x1, 1e-3);
  EXPECT_NEAR(box.y1, y1, 1e-3);
  EXPECT_EQ(box.class_index, class_index);
  EXPECT_NEAR(box.score, score, 1e-5);
}

TEST(Detections, Region) {
  DetectionInfo info = info_for(DetectionDecoder::kRegion, 3, {16});
  info.scales[0].anchors = {8, 4, 20, 6};
  Output out({1, 2, 4, 16}, -20);
  // Cell (row 1, column 2), second anchor: centre (2.5, 1.25) cells, sides 20 * e^0.5 and 6.
  float* o = out.cell(1 * 4 + 2) + 8;
  o[0] = 0, o[1] = logit(0.25f), o[2] = 0.5f, o[3] = 0, o[4] = logit(0.9f);
  o[5] = 1, o[6] = 4, o[7] = 2;
  const std::vector<TensorView> outputs = {out.view()};
  const auto boxes = decode_detections(info, outputs, transform());
  ASSERT_TRUE(boxes.ok()) << boxes.status().message();
  ASSERT_EQ(boxes->size(), 1u);
  const float score = 0.9f / (1 + std::exp(-3.0f) + std::exp(-2.0f));
  const float half = 10 * std::exp(0.5f);
  expect_box((*boxes)[0], (40 - half) * 2, (20 - 3) * 4, (40 + half) * 2, (20 + 3) * 4, 1, score);
}

TEST(Detections, Yolo) {
  DetectionInfo info = info_for(DetectionDecoder::kYolo, 2, {16, 0});
  info.scales[0].anchors = {10, 12};
  info.scales[1].anchors = {30, 8};
  info.scales[1].output = 1;
  Output coarse({1, 2, 4, 7}, -20), fine({1, 4, 8, 7}, -20);
  const float first[] = {0, 0, 0, 0, logit(0.8f), logit(0.5f), logit(0.9f)};
  std::copy(first, first + 7, coarse.cell(0));
  const float second[] = {logit(0.75f), 0, 0, std::log(0.5f), logit(0.6f), logit(0.95f), -20};
  std::copy(second, second + 7, fine.cell(3 * 8 + 7));
  const std::vector<TensorView> outputs = {coarse.view(), fine.view()};
  const auto boxes = decode_detections(info, outputs, transform());
  ASSERT_TRUE(boxes.ok()) << boxes.status().message();
  ASSERT_EQ(boxes->size(), 3u);
  expect_box((*boxes)[0], 3 * 2, 2 * 4, 13 * 2, 14 * 4, 1, 0.72f);
  // Centre (7.75, 3.5) cells of 8 pixels = (62, 28), sides 30 x 4; the right side is clipped at the photo's edge.
  expect_box((*boxes)[1], 47 * 2, 26 * 4, 128, 30 * 4, 0, 0.57f);
  expect_box((*boxes)[2], 3 * 2, 2 * 4, 13 * 2, 14 * 4, 0, 0.4f);
}

TEST(Detections, YoloScaleXy) {
  DetectionInfo info = info_for(DetectionDecoder::kYolo, 1, {16});
  info.scales[0].anchors = {8, 8};
  info.scale_x_y = 1.2f;
  Output out({1, 2, 4, 6}, -20);
  const float values[] = {logit(0.75f), logit(0.25f), 0, 0, 10, 10};
  std::copy(values, values + 6, out.cell(5));
  const std::vector<TensorView> outputs = {out.view()};
  const auto boxes = decode_detections(info, outputs, transform());
  ASSERT_EQ(boxes->size(), 1u);
  const float x = (0.75f * 1.2f - 0.1f + 1) * 16, y = (0.25f * 1.2f - 0.1f + 1) * 16;
  expect_box((*boxes)[0], (x - 4) * 2, (y - 4) * 4, (x + 4) * 2, (y + 4) * 4, 0, sigmoid(10) * sigmoid(10));
}

TEST(Detections, YoloNewCoordinates) {
  DetectionInfo info = info_for(DetectionDecoder::kYolo, 1, {16});
  info.scales[0].anchors = {8, 4};
  info.scale_x_y = 2;
  info.new_coords = true;
  Output out({1, 2, 4, 6});
  const float values[] = {0.5f, 0.75f, 0.6f, 0.5f, 0.9f, 0.8f};
  std::copy(values, values + 6, out.cell(1));
  const std::vector<TensorView> outputs = {out.view()};
  const auto boxes = decode_detections(info, outputs, transform());
  ASSERT_EQ(boxes->size(), 1u);
  // Centre ((0.5*2-0.5+1)*16, (0.75*2-0.5)*16) = (24, 16); sides 1.44*8 and 4.
  expect_box((*boxes)[0], (24 - 5.76f) * 2, (16 - 2) * 4, (24 + 5.76f) * 2, (16 + 2) * 4, 0, 0.72f);
}

TEST(Detections, Yolox) {
  const DetectionInfo info = info_for(DetectionDecoder::kYolox, 2, {8, 16});
  Output out({1, 8 * 4 + 4 * 2, 7});
  const float fine[] = {0.5f, 0.25f, std::log(2.0f), std::log(1.0f), 0.9f, 0.3f, 0.6f};
  std::copy(fine, fine + 7, out.cell(1 * 8 + 3));
  const float coarse[] = {0.5f, 0.5f, std::log(0.5f), std::log(0.25f), 0.5f, 0.8f, 0.1f};
  std::copy(coarse, coarse + 7, out.cell(32 + 1 * 4 + 2));
  const std::vector<TensorView> outputs = {out.view()};
  const auto boxes = decode_detections(info, outputs, transform());
  ASSERT_TRUE(boxes.ok()) << boxes.status().message();
  ASSERT_EQ(boxes->size(), 2u);
  expect_box((*boxes)[0], (28 - 8) * 2, (10 - 4) * 4, (28 + 8) * 2, (10 + 4) * 4, 1, 0.54f);
  expect_box((*boxes)[1], (40 - 4) * 2, (24 - 2) * 4, (40 + 4) * 2, (24 + 2) * 4, 0, 0.4f);
}

TEST(Detections, FastestDet) {
  const DetectionInfo info = info_for(DetectionDecoder::kFastestDet, 2, {0});
  Output out({1, 2, 4, 7});
  const float values[] = {0.8f, std::atanh(0.5f), std::atanh(-0.25f), logit(0.25f), logit(0.5f), kNan, 0.7f};
  std::copy(values, values + 7, out.cell(1 * 4 + 2));
  const std::vector<TensorView> outputs = {out.view()};
  const auto boxes = decode_detections(info, outputs, transform());
  ASSERT_TRUE(boxes.ok()) << boxes.status().message();
  ASSERT_EQ(boxes->size(), 1u);
  // Centre (2.5, 0.75) cells of 16 pixels; sides a quarter of 64 and half of 32.
  expect_box((*boxes)[0], (40 - 8) * 2, (12 - 8) * 4, (40 + 8) * 2, (12 + 8) * 4, 1,
             std::pow(0.8f, 0.6f) * std::pow(0.7f, 0.4f));
}

TEST(Detections, Nanodet) {
  DetectionInfo info = info_for(DetectionDecoder::kNanodet, 2, {8, 16});
  info.scales[0].output = 0;
  info.scales[0].box_output = 2;
  info.scales[1].output = 1;
  info.scales[1].box_output = 3;
  Output fine({1, 32, 2}), coarse({1, 8, 2}), fine_sides({1, 32, 16}, -50), coarse_sides({1, 8, 16}, -50);
  fine.cell(2 * 8 + 4)[1] = 0.75f;
  // Four bins a side: all in bin 1, all in bin 2, halves in 0 and 1, halves in 1 and 2.
  float* sides = fine_sides.cell(2 * 8 + 4);
  sides[1] = 50;
  sides[4 + 2] = 50;
  sides[8 + 0] = sides[8 + 1] = 50;
  sides[12 + 1] = sides[12 + 2] = 50;
  std::vector<TensorView> outputs = {fine.view(), coarse.view(), fine_sides.view(), coarse_sides.view()};
  const auto boxes = decode_detections(info, outputs, transform());
  ASSERT_TRUE(boxes.ok()) << boxes.status().message();
  ASSERT_EQ(boxes->size(), 1u);
  expect_box((*boxes)[0], (36 - 8) * 2, (20 - 16) * 4, (36 + 4) * 2, (20 + 12) * 4, 1, 0.75f);
  // The pair's order mixed up.
  info.scales[0].box_output = 1;
  EXPECT_EQ(decode_detections(info, outputs, transform()).status().code(), StatusCode::kInvalidArgument);
}

TEST(Detections, WrongShapesAreRefusedWithBoth) {
  DetectionInfo info = info_for(DetectionDecoder::kYolo, 2, {16});
  info.scales[0].anchors = {8, 8};
  Output out({1, 2, 4, 8});
  std::vector<TensorView> outputs = {out.view()};
  Status status = decode_detections(info, outputs, transform()).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("[1,2,4,8]"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("7]"), std::string::npos) << status.message();

  Output right({1, 2, 4, 7}), other_grid({1, 4, 8, 7});
  outputs[0] = right.view();
  EXPECT_TRUE(decode_detections(info, outputs, transform()).ok());
  EXPECT_FALSE(decode_detections(info, {}, transform()).ok());
  info.scales[0].output = -1;
  EXPECT_FALSE(decode_detections(info, outputs, transform()).ok());
  info.scales[0].output = 0;
  outputs[0] = other_grid.view();
  EXPECT_FALSE(decode_detections(info, outputs, transform()).ok());
  outputs[0] = right.view();
  outputs[0].size_bytes -= 4;
  EXPECT_FALSE(decode_detections(info, outputs, transform()).ok());
  outputs[0] = right.view();
  outputs[0].type = DataType::kInt32;
  EXPECT_FALSE(decode_detections(info, outputs, transform()).ok());
  outputs[0] = right.view();
  info.scales[0].anchors.pop_back();
  EXPECT_FALSE(decode_detections(info, outputs, transform()).ok());
  info.scales.clear();
  EXPECT_FALSE(decode_detections(info, outputs, transform()).ok());
  EXPECT_FALSE(decode_detections(DetectionInfo(), outputs, transform()).ok());
  EXPECT_FALSE(decode_detections(info, outputs, PhotoTransform()).ok());
}

// Every decoder on tensors of hostile numbers: boxes stay finite and inside.
TEST(Detections, HostileValuesNeverBecomeBoxes) {
  testing::Random random(11);
  const float hostile[] = {kNan, kInf, -kInf, 3e38f, -3e38f, 1e-40f, 100, -100, 0, 1, 0.9f};
  const PhotoTransform t = transform();
  for (int round = 0; round < 300; ++round) {
    for (DetectionDecoder decoder :
         {DetectionDecoder::kRegion, DetectionDecoder::kYolo, DetectionDecoder::kYolox, DetectionDecoder::kFastestDet,
          DetectionDecoder::kNanodet, DetectionDecoder::kSsd}) {
      DetectionInfo info = info_for(decoder, 3, {16});
      info.score_threshold = round % 2 == 0 ? 0.2f : 0.0f;
      info.scales[0].anchors = {8, 8};
      info.scales[0].box_output = 1;
      info.new_coords = round % 3 == 0;
      Shape shape = {1, 2, 4, 8};
      if (decoder == DetectionDecoder::kYolox) shape = {1, 8, 8};
      if (decoder == DetectionDecoder::kSsd) shape = {1, 8, 4};
      if (decoder == DetectionDecoder::kNanodet) shape = {1, 8, 3};
      Output out(shape), sides({1, 8, 16});
      for (float& v : out.values) v = hostile[random.integer(0, 10)];
      for (float& v : sides.values) v = hostile[random.integer(0, 10)];
      Output classes({1, 8}), scores({1, 8}), number({1});
      for (float& v : classes.values) v = hostile[random.integer(0, 10)];
      for (float& v : scores.values) v = hostile[random.integer(0, 10)];
      number.values[0] = hostile[random.integer(0, 10)];
      std::vector<TensorView> outputs = {out.view(), sides.view()};
      if (decoder == DetectionDecoder::kSsd) outputs = {out.view(), classes.view(), scores.view(), number.view()};
      const auto boxes = decode_detections(info, outputs, t);
      ASSERT_TRUE(boxes.ok()) << boxes.status().message();
      for (const Box& b : *boxes) {
        ASSERT_TRUE(b.x0 >= 0 && b.x0 < b.x1 && b.x1 <= 128 && b.y0 >= 0 && b.y0 < b.y1 && b.y1 <= 128);
        ASSERT_TRUE(b.score >= info.score_threshold && b.score <= 1);
      }
    }
  }
}

TEST(Detections, BestCandidatesSurviveTheCap) {
  // 100,000 cells pass; only the last are sure.
  DetectionInfo info = info_for(DetectionDecoder::kYolox, 1, {1});
  info.score_threshold = 0.1f;
  PhotoTransform t;
  t.photo_width = t.input_width = 400;
  t.photo_height = t.input_height = 250;
  Output out({1, 100000, 6});
  for (std::int64_t i = 0; i < 100000; ++i) {
    float* o = out.cell(i);
    o[0] = o[1] = 0.5f;
    o[2] = o[3] = std::log(0.5f);
    o[4] = i >= 99990 ? 0.9f : 0.2f;
    o[5] = 1;
  }
  const std::vector<TensorView> outputs = {out.view()};
  const auto boxes = decode_detections(info, outputs, t);
  ASSERT_TRUE(boxes.ok()) << boxes.status().message();
  ASSERT_EQ(boxes->size(), 1000u);
  EXPECT_NEAR((*boxes)[0].x0, 390.25f, 1e-4);
  EXPECT_NEAR((*boxes)[9].score, 0.9f, 1e-6);
  EXPECT_NEAR((*boxes)[10].score, 0.2f, 1e-6);
  EXPECT_NEAR((*boxes)[10].x0, 0.25f, 1e-4);
}

// Four outputs as the network gives them, of four rows.
struct SsdOutputs {
  Output boxes{{1, 4, 4}}, classes{{1, 4}}, scores{{1, 4}}, count{{1}};
  std::vector<TensorView> views() { return {boxes.view(), classes.view(), scores.view(), count.view()}; }
  void set(std::int64_t row, std::vector<float> sides, float class_index, float score) {
    std::copy(sides.begin(), sides.end(), boxes.cell(row));
    classes.values[static_cast<std::size_t>(row)] = class_index;
    scores.values[static_cast<std::size_t>(row)] = score;
  }
};

TEST(Detections, Ssd) {
  const DetectionInfo info = info_for(DetectionDecoder::kSsd, 90, {0});
  SsdOutputs out;
  out.set(0, {0.25f, 0.125f, 0.5f, 0.375f}, 17, 0.6f);
  out.set(1, {0.25f, 0.125f, 0.5f, 0.375f}, 17, 0.9f);  // over the first one: the network meant both
  out.set(2, {-0.5f, 0, 0.5f, 2}, 89, 0.7f);            // reaches out of the photo
  out.set(3, {0, 0, 1, 1}, 1, 0.95f);                   // beyond the count
  out.count.values[0] = 3;
  const auto boxes = decode_detections(info, out.views(), transform());
  ASSERT_TRUE(boxes.ok()) << boxes.status().message();
  ASSERT_EQ(boxes->size(), 3u);
  // Input 64 x 32; the photo is 2 x 4 times as large.
  expect_box((*boxes)[0], 16, 32, 48, 64, 17, 0.9f);
  expect_box((*boxes)[1], 0, 0, 128, 64, 89, 0.7f);
  expect_box((*boxes)[2], 16, 32, 48, 64, 17, 0.6f);
}

TEST(Detections, SsdPassesOverWhatIsNoBox) {
  DetectionInfo info = info_for(DetectionDecoder::kSsd, 3, {0});
  SsdOutputs out;
  out.set(0, {0, 0, 1, 1}, 3, 0.9f);
  out.set(1, {0, 0, 1, 1}, -1, 0.9f);
  out.set(2, {0, 0, 1, 1}, kNan, 0.9f);
  out.set(3, {0, 0, 1, 1}, 2, 0.1f);
  out.count.values[0] = 4;
  EXPECT_TRUE(decode_detections(info, out.views(), transform())->empty());
  info.score_threshold = 0.05f;
  EXPECT_EQ(decode_detections(info, out.views(), transform())->size(), 1u);
  out.count.values[0] = kNan;
  EXPECT_TRUE(decode_detections(info, out.views(), transform())->empty());
}

TEST(Detections, SsdShapes) {
  DetectionInfo info = info_for(DetectionDecoder::kSsd, 3, {0});
  SsdOutputs out;
  ASSERT_TRUE(decode_detections(info, out.views(), transform()).ok());
  Output three({1, 3}), two({2});
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<TensorView> views = out.views();
    views[i + 1] = i == 2 ? two.view() : three.view();
    EXPECT_EQ(decode_detections(info, views, transform()).status().code(), StatusCode::kInvalidArgument) << i;
  }
  info.scales[0].output = 1;  // the count would be output 4
  EXPECT_FALSE(decode_detections(info, out.views(), transform()).ok());
  info = info_for(DetectionDecoder::kSsd, 3, {0, 0});
  EXPECT_FALSE(decode_detections(info, out.views(), transform()).ok());
}

TEST(Detections, QuantisedOutputs) {
  // The same numbers, which 8 bits with this scale hold exactly, as float32, int8 and uint8.
  DetectionInfo info = info_for(DetectionDecoder::kYolox, 2, {16});
  const float scale = 0.25f;
  Output out({1, 8, 7}, -1);
  const float cell[] = {0.5f, 0.25f, 0.5f, -0.5f, 0.75f, 0.25f, 1};
  std::copy(cell, cell + 7, out.cell(3));
  std::vector<std::int8_t> s8;
  std::vector<std::uint8_t> u8;
  for (float v : out.values) {
    s8.push_back(static_cast<std::int8_t>(v / scale - 100));
    u8.push_back(static_cast<std::uint8_t>(v / scale + 30));
  }
  const auto expected = decode_detections(info, std::vector<TensorView>{out.view()}, transform());
  ASSERT_TRUE(expected.ok());
  ASSERT_EQ(expected->size(), 1u);
  TensorView views[2] = {out.view(), out.view()};
  views[0].type = DataType::kInt8;
  views[0].data = s8.data();
  views[0].zero_point = -100;
  views[1].type = DataType::kUint8;
  views[1].data = u8.data();
  views[1].zero_point = 30;
  for (TensorView& view : views) {
    view.size_bytes = s8.size();
    EXPECT_FALSE(decode_detections(info, std::vector<TensorView>{view}, transform()).ok());
    view.scale = scale;
    const auto boxes = decode_detections(info, std::vector<TensorView>{view}, transform());
    ASSERT_TRUE(boxes.ok()) << boxes.status().message();
    ASSERT_EQ(boxes->size(), 1u);
    const Box& b = (*boxes)[0];
    const Box& e = (*expected)[0];
    EXPECT_TRUE(b.x0 == e.x0 && b.y0 == e.y0 && b.x1 == e.x1 && b.y1 == e.y1 && b.score == e.score);
  }
}

}  // namespace
}  // namespace dotori::vision
