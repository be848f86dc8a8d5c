// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include <dotori/vision.h>
#include <gtest/gtest.h>

namespace dotori::vision {
namespace {

TEST(BoxIou, KnownValues) {
  const Box a{0, 0, 10, 10, 0, 1};
  EXPECT_FLOAT_EQ(box_iou(a, a), 1);
  EXPECT_FLOAT_EQ(box_iou(a, {5, 0, 15, 10, 0, 1}), 1.0f / 3);
  EXPECT_FLOAT_EQ(box_iou(a, {10, 0, 20, 10, 0, 1}), 0);
  EXPECT_FLOAT_EQ(box_iou(a, {2, 2, 4, 4, 0, 1}), 0.04f);
  EXPECT_FLOAT_EQ(box_iou(a, {5, 5, 5, 5, 0, 1}), 0);
  EXPECT_FLOAT_EQ(box_iou({-3e38f, -3e38f, 3e38f, 3e38f, 0, 1}, {-3e38f, -3e38f, 3e38f, 3e38f, 0, 1}), 1);
}

TEST(Nms, SuppressesWithinAClassOnly) {
  const auto kept = non_maximum_suppression(
      {{0, 0, 10, 10, 0, 0.5f}, {1, 0, 11, 10, 0, 0.9f}, {0, 0, 10, 10, 1, 0.4f}, {50, 50, 60, 60, 0, 0.6f}}, 0.5f);
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].score, 0.9f);
  EXPECT_EQ(kept[1].score, 0.6f);
  EXPECT_EQ(kept[2].class_index, 1);
}

TEST(Nms, ThresholdIsNotReachedByEquality) {
  const std::vector<Box> boxes = {{0, 0, 10, 10, 0, 0.9f}, {0, 0, 10, 5, 0, 0.8f}};  // IoU exactly 0.5
  EXPECT_EQ(non_maximum_suppression(boxes, 0.5f).size(), 2u);
  EXPECT_EQ(non_maximum_suppression(boxes, 0.49f).size(), 1u);
}

TEST(Nms, ASuppressedBoxSuppressesNothing) {
  // b falls to a; c overlaps b only.
  const auto kept =
      non_maximum_suppression({{0, 0, 10, 10, 0, 0.9f}, {4, 0, 14, 10, 0, 0.8f}, {8, 0, 18, 10, 0, 0.7f}}, 0.4f);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[1].score, 0.7f);
}

TEST(Nms, EqualScoresKeepTheEarlier) {
  const auto kept = non_maximum_suppression({{1, 0, 11, 10, 0, 0.5f}, {0, 0, 10, 10, 0, 0.5f}}, 0.3f);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].x0, 1);
}

TEST(Nms, NonFiniteBoxesVanish) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(
      non_maximum_suppression({{0, 0, 1, 1, 0, nan}, {nan, 0, 1, 1, 0, 1}, {0, 0, inf, 1, 0, 1}}, 0.5f).empty());
}

TEST(Nms, LooksAtTheBestThousandOfAClass) {
  std::vector<Box> boxes;
  for (int i = 0; i < 1500; ++i) {
    const float x = static_cast<float>(i) * 20;
    boxes.push_back({x, 0, x + 10, 10, 3, 0.1f + static_cast<float>(i) * 1e-4f});
  }
  const auto kept = non_maximum_suppression(boxes, 0.5f);
  ASSERT_EQ(kept.size(), 1000u);
  EXPECT_EQ(kept.front().x0, 1499 * 20.0f);
}

}  // namespace
}  // namespace dotori::vision
