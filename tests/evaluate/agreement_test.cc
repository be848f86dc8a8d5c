// SPDX-License-Identifier: Apache-2.0
#include "evaluate/agreement.h"

#include <cmath>

#include <gtest/gtest.h>

namespace dotori::evaluate {
namespace {

using Boxes = std::vector<vision::Box>;

vision::Box box(float x, float width, float score, int class_index = 0) {
  return {x, 0, x + width, 10, class_index, score};
}

TEST(BoxAgreement, CountsPairs) {
  EXPECT_EQ(box_agreement(Boxes{}, Boxes{}), 100);
  EXPECT_EQ(box_agreement(Boxes{box(0, 10, 0.5f)}, Boxes{}), 0);
  EXPECT_EQ(box_agreement(Boxes{box(0, 10, 0.5f)}, Boxes{box(0, 10, 0.9f)}), 100);
  EXPECT_EQ(box_agreement(Boxes{box(0, 10, 0.5f)}, Boxes{box(0, 10, 0.5f, 1)}), 0);
  // IoU 0.5 is enough, 0.4 is not.
  EXPECT_EQ(box_agreement(Boxes{box(0, 10, 0.5f)}, Boxes{box(0, 5, 0.5f)}), 100);
  EXPECT_EQ(box_agreement(Boxes{box(0, 10, 0.5f)}, Boxes{box(0, 4, 0.5f)}), 0);
  // Three boxes against two, one pair: 2 / 5.
  EXPECT_NEAR(box_agreement(Boxes{box(0, 10, 1), box(50, 10, 1), box(90, 10, 1)}, Boxes{box(0, 10, 1), box(200, 9, 1)}),
              40, 1e-9);
}

TEST(BoxAgreement, EachBoxInOnePairBestScoreFirst) {
  // The better box of a takes the best overlap; the other one takes what is left.
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  const Boxes a = {box(0, 10, 0.3f), box(1, 10, 0.8f)}, b = {box(2, 10, 0.9f), box(1, 10, 0.1f)};
  EXPECT_EQ(box_agreement(a, b, &pairs), 100);
  EXPECT_EQ(pairs, (std::vector<std::pair<std::size_t, std::size_t>>{{1, 1}, {0, 0}}));
  EXPECT_NEAR(box_agreement(a, Boxes{box(0, 10, 0.5f)}), 200.0 / 3, 1e-9);
}

TEST(Statistics, SampleVariance) {
  const std::vector<double> values = {90, 100, 80, 70};
  const Statistics s = statistics(values);
  EXPECT_EQ(s.count, 4u);
  EXPECT_NEAR(s.mean, 85, 1e-12);
  EXPECT_NEAR(s.variance, (25 + 225 + 25 + 225) / 3.0, 1e-9);
  EXPECT_NEAR(s.sd, std::sqrt(500 / 3.0), 1e-9);
  EXPECT_EQ(s.min, 70);
  EXPECT_EQ(s.max, 100);
  EXPECT_EQ(statistics(std::vector<double>{42}).variance, 0);
  EXPECT_EQ(statistics({}).count, 0u);
}

}  // namespace
}  // namespace dotori::evaluate
