// SPDX-License-Identifier: Apache-2.0
#include "evaluate/anchors.h"

#include <gtest/gtest.h>

#include "support/random.h"

namespace dotori {
namespace {

using evaluate::BoxSize;
using evaluate::find_anchors;

TEST(Anchors, IouOfSizes) {
  EXPECT_DOUBLE_EQ(evaluate::size_iou({2, 4}, {2, 4}), 1);
  EXPECT_DOUBLE_EQ(evaluate::size_iou({2, 4}, {4, 2}), 4.0 / 12);
  EXPECT_DOUBLE_EQ(evaluate::size_iou({1, 1}, {10, 10}), 0.01);
}

// Three heaps far from each other are found whatever the seed.
TEST(Anchors, FindsHeaps) {
  const BoxSize middles[] = {{10, 12}, {40, 30}, {120, 150}};
  testing::Random random(5);
  std::vector<BoxSize> boxes;
  const std::vector<float> shake = random.floats(600, -0.05f, 0.05f);
  for (std::size_t i = 0; i < 300; ++i) {
    const BoxSize& m = middles[i % 3];
    boxes.push_back(
        {m.width * (1 + static_cast<double>(shake[2 * i])), m.height * (1 + static_cast<double>(shake[2 * i + 1]))});
  }
  for (std::uint32_t seed : {1u, 2u, 77u}) {
    const auto set = find_anchors(boxes, 3, seed);
    ASSERT_TRUE(set.ok()) << set.status().message();
    ASSERT_EQ(set->anchors.size(), 3u);
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_EQ(set->anchors[k].boxes, 100u);
      EXPECT_NEAR(set->anchors[k].size.width, middles[k].width, 0.02 * middles[k].width);
      EXPECT_NEAR(set->anchors[k].size.height, middles[k].height, 0.02 * middles[k].height);
    }
    EXPECT_GT(set->mean_iou, 0.9);
    EXPECT_NEAR(set->recall_50, 1, 1e-12);
  }
}

TEST(Anchors, OneForEachBoxIsPerfect) {
  const std::vector<BoxSize> boxes = {{3, 3}, {10, 4}, {4, 10}, {50, 50}};
  const auto set = find_anchors(boxes, 4, 1);
  ASSERT_TRUE(set.ok());
  EXPECT_DOUBLE_EQ(set->mean_iou, 1);
  EXPECT_DOUBLE_EQ(set->anchors[0].size.width, 3);
  EXPECT_DOUBLE_EQ(set->anchors[3].size.width, 50);
}

TEST(Anchors, SameSeedSameAnchors) {
  testing::Random random(9);
  std::vector<BoxSize> boxes;
  for (float v : random.floats(400, 1, 200)) boxes.push_back({static_cast<double>(v), static_cast<double>(v) * 0.7});
  const auto a = find_anchors(boxes, 9, 3), b = find_anchors(boxes, 9, 3);
  ASSERT_TRUE(a.ok() && b.ok());
  for (std::size_t k = 0; k < 9; ++k) EXPECT_EQ(a->anchors[k].size.width, b->anchors[k].size.width);
}

TEST(Anchors, Refusals) {
  const std::vector<BoxSize> two = {{3, 3}, {3, 3}, {4, 4}};
  const auto few = find_anchors(two, 3, 1);
  ASSERT_FALSE(few.ok());
  EXPECT_NE(few.status().message().find("at least 3 boxes of different sizes"), std::string::npos);
  EXPECT_FALSE(find_anchors(two, 0, 1).ok());
  const std::vector<BoxSize> flat = {{3, 0}, {4, 4}};
  EXPECT_FALSE(find_anchors(flat, 1, 1).ok());
}

}  // namespace
}  // namespace dotori
