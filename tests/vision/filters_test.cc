// SPDX-License-Identifier: Apache-2.0
// Expected numbers: OpenCV 4.6, cv2.GaussianBlur(gray, (0, 0), sigma, BORDER_REFLECT_101) and cv2.createCLAHE(clip,
// (tiles, tiles)).
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

#include <dotori/vision.h>

namespace dotori {
namespace {

using vision::FilterKind;
using vision::Image;
using vision::PhotoFilter;

constexpr int kWidth = 56, kHeight = 40;
constexpr int kPoints[8][2] = {{0, 0}, {0, 55}, {39, 0}, {39, 55}, {7, 8}, {20, 30}, {13, 47}, {31, 5}};  // row, column

// Gray: a slope, a chessboard and noise.
Image picture() {
  Image image = vision::make_image(kWidth, kHeight);
  std::uint32_t state = 7;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      state = state * 1664525u + 1013904223u;
      const int v = 40 + 2 * x + ((x / 8 + y / 8) % 2 != 0 ? 60 : 0) + static_cast<int>((state >> 24) % 20);
      for (int c = 0; c < 3; ++c)
        image.pixels[static_cast<std::size_t>(3 * (y * kWidth + x) + c)] = static_cast<std::uint8_t>(std::min(v, 255));
    }
  return image;
}

void check(const PhotoFilter& filter, const int (&expected)[8], int tolerance) {
  Image image = picture();
  const Status status = vision::apply_filters(image, {&filter, 1});
  ASSERT_TRUE(status.ok()) << status.message();
  for (int i = 0; i < 8; ++i) {
    const std::size_t at = static_cast<std::size_t>(3 * (kPoints[i][0] * kWidth + kPoints[i][1]));
    for (std::size_t c = 0; c < 3; ++c)
      EXPECT_LE(std::abs(image.pixels[at + c] - expected[i]), tolerance)
          << "point " << i << ": " << int{image.pixels[at + c]};
  }
}

PhotoFilter filter(FilterKind kind) {
  PhotoFilter f;
  f.kind = kind;
  return f;
}

TEST(Filters, BlurAsOpenCv) {
  PhotoFilter f = filter(FilterKind::kBlur);
  f.sigma = 1.0f;
  check(f, {50, 158, 52, 158, 98, 165, 161, 104}, 1);
  f.sigma = 2.5f;
  check(f, {54, 157, 54, 157, 96, 149, 170, 94}, 1);
}

TEST(Filters, SharpenAsOpenCv) {
  PhotoFilter f = filter(FilterKind::kSharpen);
  f.sigma = 1.5f;
  f.amount = 0.8f;
  check(f, {32, 154, 59, 176, 139, 161, 135, 126}, 1);
}

TEST(Filters, EqualizeAsOpenCv) {
  PhotoFilter f = filter(FilterKind::kEqualize);
  check(f, {29, 160, 87, 211, 146, 156, 149, 159}, 2);
  f.clip = 4;
  f.tiles = 3;
  check(f, {9, 109, 42, 147, 160, 174, 96, 149}, 2);
}

TEST(Filters, EvenPictureStaysEven) {
  for (FilterKind kind : {FilterKind::kBlur, FilterKind::kSharpen}) {
    Image image = vision::make_image(9, 5, {10, 200, 77});
    const PhotoFilter f = filter(kind);
    ASSERT_TRUE(vision::apply_filters(image, {&f, 1}).ok());
    EXPECT_EQ(image.pixels, vision::make_image(9, 5, {10, 200, 77}).pixels);
  }
}

TEST(Filters, TinyImagesAndManyTiles) {
  for (const auto& size : {std::pair<int, int>{1, 1}, {1, 7}, {3, 2}}) {
    for (FilterKind kind : {FilterKind::kBlur, FilterKind::kSharpen, FilterKind::kEqualize}) {
      Image image = vision::make_image(size.first, size.second, {1, 2, 250});
      PhotoFilter f = filter(kind);
      f.sigma = 20;
      f.tiles = 64;
      EXPECT_TRUE(vision::apply_filters(image, {&f, 1}).ok());
      EXPECT_TRUE(image.valid());
    }
  }
}

TEST(Filters, OneAfterTheOther) {
  const PhotoFilter both[] = {filter(FilterKind::kBlur), filter(FilterKind::kEqualize)};
  Image at_once = picture(), in_turn = picture();
  ASSERT_TRUE(vision::apply_filters(at_once, both).ok());
  ASSERT_TRUE(vision::apply_filters(in_turn, {both, 1}).ok());
  ASSERT_TRUE(vision::apply_filters(in_turn, {both + 1, 1}).ok());
  EXPECT_EQ(at_once.pixels, in_turn.pixels);
  ASSERT_TRUE(vision::apply_filters(in_turn, {}).ok());
  EXPECT_EQ(at_once.pixels, in_turn.pixels);
}

TEST(Filters, Refusals) {
  Image image = picture();
  const Image before = image;
  for (float sigma : {0.0f, -1.0f, 101.0f, std::numeric_limits<float>::quiet_NaN()}) {
    PhotoFilter f = filter(FilterKind::kBlur);
    f.sigma = sigma;
    const Status status = vision::apply_filters(image, {&f, 1});
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("sigma"), std::string::npos);
  }
  PhotoFilter f = filter(FilterKind::kEqualize);
  f.tiles = 0;
  EXPECT_FALSE(vision::apply_filters(image, {&f, 1}).ok());
  f.tiles = 8;
  f.clip = 0.5f;
  EXPECT_FALSE(vision::apply_filters(image, {&f, 1}).ok());
  EXPECT_EQ(image.pixels, before.pixels);
  Image broken;
  EXPECT_FALSE(vision::apply_filters(broken, {}).ok());
}

}  // namespace
}  // namespace dotori
