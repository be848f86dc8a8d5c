// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <set>
#include <string>
#include <tuple>

#include <dotori/vision.h>
#include <gtest/gtest.h>

#include "support/random.h"
#include "vision/font.h"

namespace dotori::vision {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
const std::vector<std::string> kLabels = {"cat", "a label that is far longer than any picture here is wide", "도토리",
                                          ""};

Color pixel(const Image& image, int x, int y) {
  const std::uint8_t* p = &image.pixels[static_cast<std::size_t>(3 * (y * image.width + x))];
  return {p[0], p[1], p[2]};
}
bool same(Color a, Color b) {
  return a.r == b.r && a.g == b.g && a.b == b.b;
}

int count(const Image& image, Color color) {
  int n = 0;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) n += same(pixel(image, x, y), color);
  return n;
}

TEST(Draw, AnyBoxOnAnyImageStaysInside) {
  testing::Random random(17);
  const float values[] = {0, -5, 3, 40, 1e9f, -1e9f, kInf, -kInf, kNan, 0.4f, 63.7f};
  for (auto [width, height] : {std::pair{1, 1}, {1, 50}, {50, 1}, {7, 9}, {64, 48}, {400, 300}}) {
    Image image = make_image(width, height);
    const std::size_t bytes = image.pixels.size();
    image.pixels.shrink_to_fit();
    std::vector<Box> boxes;
    std::vector<Region> regions;
    for (int i = 0; i < 60; ++i) {
      const auto any = [&] { return values[random.integer(0, 10)]; };
      boxes.push_back({any(), any(), any(), any(), random.integer(-2, 5), any()});
      Region region;
      region.class_index = random.integer(0, 5);
      region.x0 = static_cast<int>(random.bits());
      region.y1 = static_cast<int>(random.bits());
      regions.push_back(region);
    }
    draw_boxes(image, boxes, kLabels);
    draw_regions(image, regions, kLabels);
    draw_caption(image, kLabels);
    EXPECT_EQ(image.pixels.size(), bytes);
    EXPECT_TRUE(image.valid());
  }
}

TEST(Draw, InvalidImagesAreLeftAlone) {
  Image broken = make_image(8, 8);
  broken.pixels.resize(10);
  const Image before = broken;
  const std::vector<Box> boxes = {{0, 0, 8, 8, 0, 1}};
  draw_boxes(broken, boxes, kLabels);
  draw_caption(broken, kLabels);
  draw_regions(broken, {}, kLabels);
  EXPECT_EQ(broken.pixels, before.pixels);
  Mask mask;
  mask.width = mask.height = 8;
  mask.classes.resize(64);
  EXPECT_EQ(overlay_mask(broken, mask).code(), StatusCode::kInvalidArgument);
}

TEST(Draw, FrameLiesOnTheBox) {
  Image image = make_image(100, 100);
  const std::vector<Box> boxes = {{20, 40, 80, 90, 4, 0.5f}};
  draw_boxes(image, boxes, {});
  const Color color = class_color(4);
  EXPECT_TRUE(same(pixel(image, 50, 40), color));
  EXPECT_TRUE(same(pixel(image, 50, 89), color));
  EXPECT_TRUE(same(pixel(image, 20, 60), color));
  EXPECT_TRUE(same(pixel(image, 79, 60), color));
  EXPECT_TRUE(same(pixel(image, 50, 65), Color()));
  EXPECT_TRUE(same(pixel(image, 50, 90), Color()));
  EXPECT_TRUE(same(pixel(image, 80, 60), Color()));
}

TEST(Draw, TabsStayWhollyInside) {
  // The same text shows the same number of lit dots wherever the box lies.
  const std::vector<std::string> labels = {"cat"};
  int expected = -1;
  for (auto [x, y] : {std::pair{50.0f, 50.0f}, {0.0f, 0.0f}, {95.0f, 0.0f}, {-40.0f, -30.0f}, {130.0f, 130.0f}}) {
    Image image = make_image(120, 100, {77, 78, 79});
    const std::vector<Box> boxes = {{x, y, x + 1, y + 1, 0, 0.99f}};
    draw_boxes(image, boxes, labels);
    const int lit = count(image, {0, 0, 0}) + count(image, {255, 255, 255});
    if (expected < 0) expected = lit;
    EXPECT_GT(lit, 20);
    EXPECT_EQ(lit, expected) << x << "," << y;
  }
}

TEST(Draw, CaptionShowsItsLines) {
  const std::vector<std::string> two = {"first 90.0%", "second 5.0%"}, one = {"first 90.0%"};
  Image with_two = make_image(200, 100), with_one = with_two;
  draw_caption(with_two, two);
  draw_caption(with_one, one);
  const int lit_one = count(with_one, {255, 255, 255});
  EXPECT_GT(lit_one, 50);
  EXPECT_GT(count(with_two, {255, 255, 255}), lit_one + 50);

  Image classes = make_image(200, 100);
  const std::vector<ClassScore> best = {{1, 0.9f}, {7, 0.05f}};
  const std::vector<std::string> labels = {"zero", "first"};
  draw_classes(classes, best, labels);
  Image lines = make_image(200, 100);
  const std::vector<std::string> expected = {"first 90.0%", "class 7 5.0%"};
  draw_caption(lines, expected);
  EXPECT_EQ(classes.pixels, lines.pixels);
}

TEST(Draw, TextGrowsWithTheImage) {
  const std::vector<std::string> line = {"M"};
  Image small = make_image(150, 150), large = make_image(1500, 1500);
  draw_caption(small, line);
  draw_caption(large, line);
  EXPECT_EQ(count(large, {255, 255, 255}), 36 * count(small, {255, 255, 255}));
}

TEST(Draw, OverlayMixes) {
  Image image = make_image(2, 1, {100, 100, 100});
  Mask mask;
  mask.width = 2;
  mask.height = 1;
  mask.classes = {0, 3};
  const Color color = class_color(3);
  ASSERT_TRUE(overlay_mask(image, mask, 0.5f).ok());
  EXPECT_TRUE(same(pixel(image, 0, 0), {100, 100, 100}));
  EXPECT_NEAR(pixel(image, 1, 0).r, (100 + color.r) / 2, 1);
  EXPECT_NEAR(pixel(image, 1, 0).g, (100 + color.g) / 2, 1);
  ASSERT_TRUE(overlay_mask(image, mask, 1).ok());
  EXPECT_TRUE(same(pixel(image, 1, 0), color));
  EXPECT_FALSE(overlay_mask(image, mask, kNan).ok());
  mask.width = 1;
  mask.classes = {1};
  EXPECT_FALSE(overlay_mask(image, mask).ok());
}

TEST(Draw, ClassColorsDiffer) {
  std::set<std::tuple<int, int, int>> seen;
  for (int c = 0; c < 91; ++c) {
    const Color color = class_color(c), next = class_color(c + 1);
    seen.insert({color.r, color.g, color.b});
    const int distance = std::abs(color.r - next.r) + std::abs(color.g - next.g) + std::abs(color.b - next.b);
    EXPECT_GT(distance, 150) << c;
  }
  EXPECT_EQ(seen.size(), 91u);
  (void)class_color(std::numeric_limits<int>::min());
}

TEST(Font, EveryCharacterHasItsOwnShape) {
  std::set<std::string> shapes;
  for (char c = kFirstGlyph; c < kLastGlyph; ++c)
    shapes.insert(std::string(reinterpret_cast<const char*>(glyph_rows(c)), kGlyphRows));
  EXPECT_EQ(shapes.size(), static_cast<std::size_t>(kLastGlyph - kFirstGlyph));
  EXPECT_EQ(glyph_rows('\n'), glyph_rows('?'));
  EXPECT_EQ(glyph_rows(static_cast<char>(0xE9)), glyph_rows('?'));
  EXPECT_EQ(glyph_rows(static_cast<char>(0x7F)), glyph_rows('?'));
  for (char c = kFirstGlyph; c < kLastGlyph; ++c)
    for (int row = 0; row < kGlyphRows; ++row) EXPECT_LT(glyph_rows(c)[row], 1 << kGlyphColumns);
}

}  // namespace
}  // namespace dotori::vision
