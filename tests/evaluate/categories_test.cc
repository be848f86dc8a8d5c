// SPDX-License-Identifier: Apache-2.0
#include "evaluate/categories.h"

#include <gtest/gtest.h>

namespace dotori::evaluate {
namespace {

using Names = std::vector<std::string>;

TEST(Categories, ByNameWhateverTheSpelling) {
  const Names categories = {"traffic light", "tv", "motorcycle", "dog"};
  const Names labels = {"Dog", "Motorbike", "TVmonitor", "traffic_light"};
  const auto map = match_categories(categories, labels, 4);
  ASSERT_TRUE(map.ok()) << map.status().message();
  EXPECT_EQ(map->category_of_class, (std::vector<int>{3, 2, 1, 0}));
  EXPECT_TRUE(map->note.empty());
}

TEST(Categories, MissingOnesAreNamed) {
  const auto map = match_categories(Names{"cat", "acorn"}, Names{"dog", "cat", "horse"}, 3);
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->category_of_class, (std::vector<int>{-1, 0, -1}));
  EXPECT_EQ(map->known, (std::vector<bool>{true, false}));
  EXPECT_NE(map->note.find("acorn"), std::string::npos);
  EXPECT_EQ(map->note.find("cat,"), std::string::npos);
}

TEST(Categories, ByOrderWhenNoNameFits) {
  const auto map = match_categories(Names{"cat", "dog"}, {}, 2);
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->category_of_class, (std::vector<int>{0, 1}));
  EXPECT_NE(map->note.find("order"), std::string::npos);
  EXPECT_EQ(match_categories(Names{"cat", "dog"}, Names{"a", "b", "c"}, 3).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace dotori::evaluate
