// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include <dotori/vision.h>
#include <gtest/gtest.h>

namespace dotori::vision {
namespace {

TensorView view_of(std::vector<float>& values, Shape shape) {
  return {DataType::kFloat32, shape, values.data(), values.size() * sizeof(float)};
}

TEST(TopK, BestFirstTiesByLowerIndex) {
  std::vector<float> scores = {0.1f, 0.4f, 0.4f, 0.05f, 0.4f};
  const auto best = top_k(view_of(scores, {1, 5}), 4);
  ASSERT_TRUE(best.ok());
  ASSERT_EQ(best->size(), 4u);
  const int expected[] = {1, 2, 4, 0};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ((*best)[i].index, expected[i]);
  EXPECT_EQ((*best)[3].score, 0.1f);
}

TEST(TopK, FewerClassesThanK) {
  std::vector<float> scores = {1, 2};
  EXPECT_EQ(top_k(view_of(scores, {1, 1, 1, 2}), 100)->size(), 2u);
  EXPECT_EQ(top_k(view_of(scores, {1, 2, 1, 1}), 1)->at(0).index, 1);
}

TEST(TopK, NonFiniteScoresArePassedOver) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  std::vector<float> scores = {nan, 1, inf, 3, -inf, 2, nan};
  const auto best = top_k(view_of(scores, {7}), 7, true);
  ASSERT_TRUE(best.ok());
  ASSERT_EQ(best->size(), 3u);
  EXPECT_EQ((*best)[0].index, 3);
  EXPECT_EQ((*best)[2].index, 1);
  EXPECT_NEAR((*best)[0].score + (*best)[1].score + (*best)[2].score, 1, 1e-6);
  std::vector<float> nothing = {nan, nan};
  EXPECT_TRUE(top_k(view_of(nothing, {2}), 1, true)->empty());
}

TEST(TopK, SoftmaxOverAllClasses) {
  std::vector<float> scores = {1000, 1001, 999};  // would overflow without the shift
  const auto best = top_k(view_of(scores, {1, 3}), 1, true);
  ASSERT_TRUE(best.ok());
  EXPECT_NEAR((*best)[0].score, 1 / (1 + std::exp(-1.0) + std::exp(-2.0)), 1e-6);
}

TEST(TopK, RefusesWhatIsNoRowOfScores) {
  std::vector<float> scores(6);
  EXPECT_EQ(top_k(view_of(scores, {2, 3}), 1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(top_k(view_of(scores, {6}), 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(top_k(view_of(scores, {7}), 1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(top_k(view_of(scores, {0}), 1).status().code(), StatusCode::kInvalidArgument);
  TensorView bytes = view_of(scores, {6});
  bytes.type = DataType::kUint8;
  EXPECT_EQ(top_k(bytes, 1).status().code(), StatusCode::kInvalidArgument);
}

TEST(TopK, QuantisedScores) {
  std::vector<std::uint8_t> stored = {3, 200, 255, 200};
  TensorView view{DataType::kUint8, {1, 4}, stored.data(), stored.size()};
  EXPECT_FALSE(top_k(view, 2).ok());
  view.scale = 1.0f / 256;
  const auto best = top_k(view, 3);
  ASSERT_TRUE(best.ok()) << best.status().message();
  EXPECT_EQ((*best)[0].index, 2);
  EXPECT_EQ((*best)[0].score, 255.0f / 256);
  EXPECT_EQ((*best)[1].index, 1);
  EXPECT_EQ((*best)[2].index, 3);

  std::vector<std::int8_t> logits = {10, -20, 12};
  view = {DataType::kInt8, {3}, logits.data(), logits.size(), 0.5f, -20};
  EXPECT_EQ(top_k(view, 1)->at(0).score, 16);
  EXPECT_NEAR(top_k(view, 1, true)->at(0).score, 1 / (1 + std::exp(-1.0) + std::exp(-16.0)), 1e-6);
}

}  // namespace
}  // namespace dotori::vision
