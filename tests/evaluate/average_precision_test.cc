// SPDX-License-Identifier: Apache-2.0
#include "evaluate/average_precision.h"

#include <cmath>

#include <gtest/gtest.h>

namespace dotori::evaluate {
namespace {

TruthBox object(double x, double y, double width, double height, int category = 0) {
  TruthBox t;
  t.x = x;
  t.y = y;
  t.width = width;
  t.height = height;
  t.area = width * height;
  t.category = category;
  return t;
}

vision::Box box(float x, float y, float width, float height, float score, int category = 0) {
  return {x, y, x + width, y + height, category, score};
}

AveragePrecision of_photo(std::vector<vision::Box> boxes, std::vector<TruthBox> truth, int categories = 1) {
  const std::vector<DetectionExample> examples = {{std::move(boxes), std::move(truth)}};
  return average_precision(examples, categories);
}

// The sum of precisions over the 101 recall points, in percent.
double mean_of(double sum) {
  return 100 * sum / 101;
}

TEST(AveragePrecision, PerfectBox) {
  const AveragePrecision a = of_photo({box(5, 5, 10, 20, 0.3f)}, {object(5, 5, 10, 20)});
  EXPECT_NEAR(a.ap, 100, 1e-9);
  EXPECT_NEAR(a.ap50, 100, 1e-9);
  EXPECT_NEAR(a.ap75, 100, 1e-9);
  EXPECT_NEAR(a.small, 100, 1e-9);
  EXPECT_TRUE(std::isnan(a.medium));
  EXPECT_TRUE(std::isnan(a.large));
}

TEST(AveragePrecision, NothingFoundAndNothingThere) {
  EXPECT_EQ(of_photo({}, {object(0, 0, 10, 10)}).ap, 0);
  EXPECT_TRUE(std::isnan(of_photo({box(0, 0, 10, 10, 0.9f)}, {}).ap));
  EXPECT_TRUE(std::isnan(average_precision({}, 3).ap));
}

TEST(AveragePrecision, IouDecidesTheThresholdsReached) {
  // A miss scores best, then a box of 8 x 9 in an object of 10 x 10: IoU 0.72, a hit at 0.50, 0.55, 0.60, 0.65 and
  // 0.70. There, precision is 1/2 from recall 0 to 0.5, which one of two objects gives: 51 points.
  const AveragePrecision a =
      of_photo({box(0, 0, 8, 9, 0.8f), box(200, 0, 10, 10, 0.9f)}, {object(0, 0, 10, 10), object(100, 0, 10, 10)});
  EXPECT_NEAR(a.ap50, mean_of(51 * 0.5), 1e-9);
  EXPECT_EQ(a.ap75, 0);
  EXPECT_NEAR(a.ap, mean_of(51 * 0.5) * 5 / 10, 1e-9);
}

TEST(AveragePrecision, AnIouAtTheThresholdIsEnough) {
  // Half the object: IoU 0.5 exactly.
  const AveragePrecision a = of_photo({box(0, 0, 10, 5, 0.8f)}, {object(0, 0, 10, 10)});
  EXPECT_NEAR(a.ap50, 100, 1e-9);
  EXPECT_NEAR(a.ap, 10, 1e-9);
}

TEST(AveragePrecision, PrecisionIsTheBestFromThereOn) {
  // Hit, double of the first object, hit: precision 1 up to recall 0.5 (51 points), then 2/3 (50 points).
  const AveragePrecision a = of_photo({box(0, 0, 10, 10, 0.9f), box(0, 0, 10, 10, 0.8f), box(50, 0, 10, 10, 0.7f)},
                                      {object(0, 0, 10, 10), object(50, 0, 10, 10)});
  EXPECT_NEAR(a.ap, mean_of(51 + 50 * 2.0 / 3), 1e-9);
}

TEST(AveragePrecision, ScoresAreComparedAcrossPhotos) {
  // Photo 1: a miss at 0.6. Photo 2: hits at 0.7 and 0.5. Hit, miss, hit as above.
  const std::vector<DetectionExample> examples = {
      {{box(0, 0, 10, 10, 0.6f)}, {}},
      {{box(50, 0, 10, 10, 0.5f), box(0, 0, 10, 10, 0.7f)}, {object(0, 0, 10, 10), object(50, 0, 10, 10)}}};
  EXPECT_NEAR(average_precision(examples, 1).ap, mean_of(51 + 50 * 2.0 / 3), 1e-9);
}

TEST(AveragePrecision, ACrowdTakesAnyNumberOfBoxes) {
  TruthBox crowd = object(100, 100, 100, 100);
  crowd.crowd = crowd.ignore = true;
  const std::vector<vision::Box> boxes = {box(110, 110, 20, 20, 0.9f), box(140, 140, 20, 20, 0.8f),
                                          box(0, 0, 20, 20, 0.5f)};
  EXPECT_NEAR(of_photo(boxes, {crowd, object(0, 0, 20, 20)}).ap, 100, 1e-9);
  // Ignored but no crowd: IoU is 400 / 10000, so both boxes are misses before the hit.
  crowd.crowd = false;
  EXPECT_NEAR(of_photo(boxes, {crowd, object(0, 0, 20, 20)}).ap, mean_of(101 / 3.0), 1e-9);
}

TEST(AveragePrecision, AnIgnoredObjectIsNeitherHitNorMiss) {
  TruthBox difficult = object(50, 0, 10, 10);
  difficult.ignore = true;
  // The second box on it is a miss: the object is taken. Miss, hit: precision 1/2.
  const std::vector<TruthBox> truth = {difficult, object(0, 0, 10, 10)};
  EXPECT_NEAR(of_photo({box(50, 0, 10, 10, 0.9f), box(0, 0, 10, 10, 0.5f)}, truth).ap, 100, 1e-9);
  EXPECT_NEAR(of_photo({box(50, 0, 10, 10, 0.9f), box(50, 0, 10, 10, 0.8f), box(0, 0, 10, 10, 0.5f)}, truth).ap,
              mean_of(101 / 2.0), 1e-9);
  // One that counts goes before one that does not, even with less overlap: IoU 0.6 against 1.
  EXPECT_NEAR(of_photo({box(50, 0, 10, 10, 0.9f)}, {difficult, object(50, 0, 10, 6)}).ap50, 100, 1e-9);
}

TEST(AveragePrecision, SizesAreThoseOfTheObject) {
  // 50 x 50 in its box, of which 1000 pixels are the object: small, although the box's area is medium.
  TruthBox thin = object(0, 0, 50, 50);
  thin.area = 1000;
  AveragePrecision a = of_photo({box(0, 0, 50, 50, 0.9f)}, {thin, object(200, 0, 100, 100)});
  EXPECT_NEAR(a.small, 100, 1e-9);
  EXPECT_TRUE(std::isnan(a.medium));
  EXPECT_EQ(a.large, 0);
  EXPECT_NEAR(a.ap, mean_of(51), 1e-9);
  // A miss outside the range does not count: 40 x 40 before the hit on a small object.
  a = of_photo({box(300, 0, 40, 40, 0.9f), box(0, 0, 10, 10, 0.5f)}, {object(0, 0, 10, 10)});
  EXPECT_NEAR(a.small, 100, 1e-9);
  EXPECT_NEAR(a.ap, mean_of(101 / 2.0), 1e-9);
  // 32 x 32 is both small and medium, 96 x 96 both medium and large.
  a = of_photo({}, {object(0, 0, 32, 32), object(0, 0, 96, 96)});
  EXPECT_EQ(a.small, 0);
  EXPECT_EQ(a.medium, 0);
  EXPECT_EQ(a.large, 0);
}

TEST(AveragePrecision, OnlyTheBestHundredOfAPhoto) {
  std::vector<vision::Box> boxes(99, box(200, 0, 10, 10, 0.9f));
  boxes.push_back(box(0, 0, 10, 10, 0.5f));
  EXPECT_NEAR(of_photo(boxes, {object(0, 0, 10, 10)}).ap, 1, 1e-9);
  boxes.insert(boxes.begin(), box(200, 0, 10, 10, 0.9f));
  EXPECT_EQ(of_photo(boxes, {object(0, 0, 10, 10)}).ap, 0);
}

TEST(AveragePrecision, MeanOverCategoriesWithObjects) {
  // Category 0 found, category 1 missed by a box of another category, category 2 without objects.
  const AveragePrecision a = of_photo({box(0, 0, 10, 10, 0.9f), box(50, 0, 10, 10, 0.9f, 2), box(0, 0, 9, 9, 1, 7)},
                                      {object(0, 0, 10, 10), object(50, 0, 10, 10, 1)}, 3);
  EXPECT_NEAR(a.ap, 50, 1e-9);
}

}  // namespace
}  // namespace dotori::evaluate
