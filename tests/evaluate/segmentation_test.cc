// SPDX-License-Identifier: Apache-2.0
#include "evaluate/segmentation.h"

#include "evaluate/temporary_folder.h"

namespace dotori::evaluate {
namespace {

vision::Mask mask_of(int width, std::vector<std::uint8_t> classes) {
  vision::Mask mask;
  mask.width = width;
  mask.height = static_cast<int>(classes.size()) / width;
  mask.classes = std::move(classes);
  return mask;
}

TEST(Confusion, BinaryMask) {
  // True 1: pixels 0 to 3; predicted 1: pixels 2 to 4; of 10.
  Confusion confusion;
  ASSERT_TRUE(
      confusion.add(mask_of(5, {0, 0, 1, 1, 1, 0, 0, 0, 0, 0}), mask_of(5, {1, 1, 1, 1, 0, 0, 0, 0, 0, 0})).ok());
  const SegmentationFigures f = confusion.figures();
  EXPECT_NEAR(f.foreground_iou, 40, 1e-9);         // 2 of 5
  EXPECT_NEAR(f.iou, (40 + 500.0 / 8) / 2, 1e-9);  // background: 5 of 8
  EXPECT_NEAR(f.dice, 400.0 / 7, 1e-9);            // 2 * 2 / (4 + 3)
  EXPECT_NEAR(f.pixel_accuracy, 70, 1e-9);         // all but 0, 1 and 4
}

TEST(Confusion, SeveralClassesOverSeveralPhotos) {
  // Counted together: class 0 IoU 1/3, class 2 IoU 2/4, class 3 only predicted: 0. Void is not looked at.
  Confusion confusion;
  ASSERT_TRUE(confusion.add(mask_of(2, {0, 2, 3, 2}), mask_of(2, {0, 2, 0, 0})).ok());
  ASSERT_TRUE(confusion.add(mask_of(3, {2, 3, 1}), mask_of(3, {2, 2, kVoid})).ok());
  const SegmentationFigures f = confusion.figures();
  EXPECT_NEAR(f.iou, 100 * (1.0 / 3 + 0.5 + 0) / 3, 1e-9);
  EXPECT_NEAR(f.dice, 100 * (2 * 2 / 6.0 + 0) / 2, 1e-9);
  EXPECT_NEAR(f.pixel_accuracy, 50, 1e-9);
  EXPECT_NEAR(f.foreground_iou, 100 * 3 / 5.0, 1e-9);
}

TEST(Confusion, Borders) {
  Confusion confusion;
  EXPECT_EQ(confusion.figures().iou, 0);
  EXPECT_EQ(confusion.add(mask_of(2, {0, 0}), mask_of(1, {0, 0})).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(confusion.add(mask_of(2, {0, 0}), mask_of(2, {0, 0})).ok());
  EXPECT_EQ(confusion.figures().iou, 100);
  EXPECT_EQ(confusion.figures().dice, 100);
  EXPECT_EQ(confusion.figures().foreground_iou, 100);
}

TEST(CompareMasks, SamePixelsAndMeanIou) {
  const auto result = compare_masks(mask_of(4, {0, 0, 1, 1}), mask_of(4, {0, 1, 1, 2}));
  ASSERT_TRUE(result.ok());
  EXPECT_NEAR(result->same, 50, 1e-9);
  EXPECT_NEAR(result->iou, 100 * (1.0 / 2 + 1.0 / 3 + 0) / 3, 1e-9);
  EXPECT_FALSE(compare_masks(mask_of(4, {0, 0, 1, 1}), mask_of(2, {0, 0, 1, 1})).ok());
}

TEST(ScaleMask, NearestPixelAndTheSameProportions) {
  const auto half = scale_mask(mask_of(4, {1, 2, 3, 4, 5, 6, 7, 8}), 2, 1);
  ASSERT_TRUE(half.ok());
  EXPECT_EQ(half->classes, (std::vector<std::uint8_t>{6, 8}));
  const auto twice = scale_mask(mask_of(2, {1, 2}), 4, 2);
  ASSERT_TRUE(twice.ok());
  EXPECT_EQ(twice->classes, (std::vector<std::uint8_t>{1, 1, 2, 2, 1, 1, 2, 2}));
  EXPECT_EQ(scale_mask(mask_of(2, {1, 2}), 2, 2).status().code(), StatusCode::kInvalidArgument);
}

class TruthMask : public InFolder {
 protected:
  // A picture of one row.
  Result<vision::Mask> read(std::vector<vision::Color> pixels, MaskKind kind) {
    vision::Image image = vision::make_image(static_cast<int>(pixels.size()), 1);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      image.pixels[3 * i] = pixels[i].r;
      image.pixels[3 * i + 1] = pixels[i].g;
      image.pixels[3 * i + 2] = pixels[i].b;
    }
    const Status saved = vision::save_png(image, path("mask.png"));
    return saved.ok() ? read_truth_mask(path("mask.png"), kind) : saved;
  }
};

using Row = std::vector<std::uint8_t>;

TEST_F(TruthMask, BinaryPictures) {
  EXPECT_EQ(read({{0, 0, 0}, {255, 255, 255}, {127, 127, 127}, {128, 128, 128}}, MaskKind::kBinary)->classes,
            (Row{0, 1, 0, 1}));
  EXPECT_EQ(read({{0, 0, 0}, {1, 1, 1}}, MaskKind::kBinary)->classes, (Row{0, 1}));
  EXPECT_FALSE(read({{128, 0, 0}}, MaskKind::kBinary).ok());
}

TEST_F(TruthMask, IndicesAndTheColoursOfPascalVoc) {
  EXPECT_EQ(read({{0, 0, 0}, {7, 7, 7}, {255, 255, 255}}, MaskKind::kIndices)->classes, (Row{0, 7, kVoid}));
  // Background, aeroplane 1, bicycle 2, bird 3, bottle 5, person 15, tv 20, void.
  EXPECT_EQ(read({{0, 0, 0},
                  {128, 0, 0},
                  {0, 128, 0},
                  {128, 128, 0},
                  {128, 0, 128},
                  {192, 128, 128},
                  {0, 64, 128},
                  {224, 224, 192}},
                 MaskKind::kIndices)
                ->classes,
            (Row{0, 1, 2, 3, 5, 15, 20, kVoid}));
  const auto wrong = read({{128, 0, 0}, {129, 0, 0}}, MaskKind::kIndices);
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.status().message().find("pixel (1, 0)"), std::string::npos) << wrong.status().message();
}

}  // namespace
}  // namespace dotori::evaluate
