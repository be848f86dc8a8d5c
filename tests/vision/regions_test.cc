// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include <dotori/vision.h>
#include <gtest/gtest.h>

#include "support/random.h"

namespace dotori::vision {
namespace {

// '.' is class 0, a digit its class.
Mask mask_of(const std::vector<std::string>& rows) {
  Mask mask;
  mask.width = static_cast<int>(rows[0].size());
  mask.height = static_cast<int>(rows.size());
  for (const std::string& row : rows)
    for (char c : row) mask.classes.push_back(c == '.' ? std::uint8_t{0} : static_cast<std::uint8_t>(c - '0'));
  return mask;
}

TEST(Regions, SizesBoxesAndCentres) {
  const auto regions = connected_regions(mask_of({"11...", "11..2", "....2", ".1..2"}));
  ASSERT_EQ(regions.size(), 3u);
  EXPECT_EQ(regions[0].pixels, 4);
  EXPECT_EQ(regions[0].class_index, 1);
  EXPECT_FLOAT_EQ(regions[0].centre_x, 1);
  EXPECT_FLOAT_EQ(regions[0].centre_y, 1);
  EXPECT_NEAR(regions[0].equivalent_diameter, std::sqrt(16 / 3.14159265), 1e-5);
  EXPECT_EQ(regions[1].class_index, 2);
  EXPECT_EQ(regions[1].x0, 4);
  EXPECT_EQ(regions[1].y0, 1);
  EXPECT_EQ(regions[1].x1, 5);
  EXPECT_EQ(regions[1].y1, 4);
  EXPECT_FLOAT_EQ(regions[1].centre_x, 4.5f);
  EXPECT_FLOAT_EQ(regions[1].centre_y, 2.5f);
  EXPECT_EQ(regions[2].pixels, 1);
}

TEST(Regions, DiagonalsConnect) {
  EXPECT_EQ(connected_regions(mask_of({"1.1", ".1.", "1.1"})).size(), 1u);
  EXPECT_EQ(connected_regions(mask_of({".1", "1."})).size(), 1u);
  // Across a diagonal of another class too.
  const auto crossed = connected_regions(mask_of({"12", "21"}));
  ASSERT_EQ(crossed.size(), 2u);
  EXPECT_EQ(crossed[0].pixels, 2);
  EXPECT_EQ(crossed[1].pixels, 2);
}

TEST(Regions, BranchesThatMeetLaterAreOne) {
  EXPECT_EQ(connected_regions(mask_of({"1.1.1", "1.1.1", "11111"})).size(), 1u);
  const auto spiral =
      connected_regions(mask_of({"1111111", "......1", "11111.1", "1...1.1", "1.111.1", "1.....1", "1111111"}));
  ASSERT_EQ(spiral.size(), 1u);
}

TEST(Regions, SmallOnesAreLeftOutAndEqualOnesKeepScanOrder) {
  const auto regions = connected_regions(mask_of({"11.22", ".....", "3.111"}), 2);
  ASSERT_EQ(regions.size(), 3u);
  EXPECT_EQ(regions[0].pixels, 3);
  EXPECT_EQ(regions[1].class_index, 1);
  EXPECT_EQ(regions[2].class_index, 2);
}

TEST(Regions, EmptyAndInvalidMasks) {
  EXPECT_TRUE(connected_regions(mask_of({"...", "..."})).empty());
  EXPECT_TRUE(connected_regions(Mask()).empty());
  Mask broken = mask_of({"111"});
  broken.height = 2;
  EXPECT_TRUE(connected_regions(broken).empty());
}

// Against a flood fill with an explicit stack.
TEST(Regions, MatchFloodFillOnNoise) {
  testing::Random random(21);
  for (int round = 0; round < 60; ++round) {
    Mask mask;
    mask.width = random.integer(1, 40);
    mask.height = random.integer(1, 40);
    const int classes = random.integer(1, 3), empty = random.integer(0, 5);
    for (int i = 0; i < mask.width * mask.height; ++i)
      mask.classes.push_back(static_cast<std::uint8_t>(std::max(0, random.integer(-empty, classes))));
    std::vector<std::int64_t> sizes;
    std::vector<bool> seen(mask.classes.size());
    for (int start = 0; start < mask.width * mask.height; ++start) {
      const std::uint8_t c = mask.classes[static_cast<std::size_t>(start)];
      if (c == 0 || seen[static_cast<std::size_t>(start)]) continue;
      std::vector<int> stack = {start};
      seen[static_cast<std::size_t>(start)] = true;
      std::int64_t size = 0;
      while (!stack.empty()) {
        const int at = stack.back(), x = at % mask.width, y = at / mask.width;
        stack.pop_back();
        ++size;
        for (int dy = -1; dy <= 1; ++dy)
          for (int dx = -1; dx <= 1; ++dx) {
            if (x + dx < 0 || x + dx >= mask.width || y + dy < 0 || y + dy >= mask.height) continue;
            const std::size_t next = static_cast<std::size_t>((y + dy) * mask.width + x + dx);
            if (seen[next] || mask.classes[next] != c) continue;
            seen[next] = true;
            stack.push_back(static_cast<int>(next));
          }
      }
      sizes.push_back(size);
    }
    std::stable_sort(sizes.begin(), sizes.end(), std::greater<>());
    const auto regions = connected_regions(mask);
    ASSERT_EQ(regions.size(), sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_EQ(regions[i].pixels, sizes[i]);
  }
}

vision::Mask disc(double radius, double inner = 0) {
  vision::Mask mask;
  mask.width = mask.height = 2 * static_cast<int>(radius) + 6;
  const double centre = mask.width / 2.0 + 0.3;
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) {
      const double d = std::hypot(x + 0.5 - centre, y + 0.5 - centre);
      mask.classes.push_back(d < radius && d >= inner ? 1 : 0);
    }
  return mask;
}

TEST(Regions, PerimeterAndCircularityOfDiscs) {
  for (double radius : {4.0, 5.5, 8.0, 13.0, 30.0, 100.0}) {
    const auto regions = connected_regions(disc(radius));
    ASSERT_EQ(regions.size(), 1u);
    const double expected = 2 * 3.14159265358979 * radius;
    EXPECT_NEAR(regions[0].perimeter, expected, 0.03 * expected) << radius;
    EXPECT_GT(regions[0].circularity, 0.93f) << radius;
    EXPECT_LE(regions[0].circularity, 1.0f) << radius;
  }
}

TEST(Regions, PerimeterCountsHoles) {
  const auto ring = connected_regions(disc(30, 15));
  ASSERT_EQ(ring.size(), 1u);
  EXPECT_NEAR(ring[0].perimeter, 2 * 3.14159265358979 * 45, 0.03 * 2 * 3.14159265358979 * 45);
  EXPECT_LT(ring[0].circularity, 0.4f);
}

// pi / 8 * (T0 + T90 + (T45 + T135) / sqrt(2)) by hand: a single pixel takes two steps each way; of a bar of 40, 40
// rows of 4 pixels end twice, 4 columns end twice, and along a diagonal only 3 * 39 of 160 pixels have a neighbour.
TEST(Regions, PerimeterByHand) {
  const double pi8 = 3.14159265358979 / 8;
  const auto pixel = connected_regions(mask_of({"...", ".1.", "..."}));
  EXPECT_NEAR(pixel[0].perimeter, pi8 * (4 + 4 / std::sqrt(2.0)), 1e-5);
  EXPECT_EQ(pixel[0].circularity, 1.0f);
  vision::Mask bar;
  bar.width = 4;
  bar.height = 40;
  bar.classes.assign(160, 1);
  const auto found = connected_regions(bar);
  EXPECT_NEAR(found[0].perimeter, pi8 * (80 + 8 + 2 * 2 * (160 - 117) / std::sqrt(2.0)), 1e-3);
  EXPECT_LT(found[0].circularity, 0.36f);
}

// Two areas that touch at a corner are one; the diagonal step between them stays inside.
TEST(Regions, PerimeterAcrossACorner) {
  const auto found = connected_regions(mask_of({"1.", ".1"}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NEAR(found[0].perimeter, 3.14159265358979 / 8 * (4 + 4 + (2 + 4) / std::sqrt(2.0)), 1e-5);
}

}  // namespace
}  // namespace dotori::vision
