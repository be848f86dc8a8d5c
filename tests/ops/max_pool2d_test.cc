// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/pool2d_check.h"

namespace dotori {
namespace {

using graph::MaxPool2d;
using testing::make_pool;

void check(const MaxPool2d& op, const Shape& shape, int out_h, int out_w) {
  testing::check_pool(op, shape, out_h, out_w, [](const testing::PoolWindow& window) { return window.greatest; });
}

TEST(MaxPool2d, CommonShapes) {
  check(make_pool<MaxPool2d>(2, 2, 0), {1, 8, 10, 16}, 4, 5);
  check(make_pool<MaxPool2d>(3, 2, 1), {1, 9, 11, 24}, 5, 6);
  check(make_pool<MaxPool2d>(3, 2, 1), {2, 9, 11, 3}, 5, 6);
}

TEST(MaxPool2d, LargeWindowsUseOnePassEachWay) {
  check(make_pool<MaxPool2d>(5, 1, 2), {1, 7, 7, 20}, 7, 7);
  check(make_pool<MaxPool2d>(13, 1, 6), {2, 6, 7, 33}, 6, 7);
  check(make_pool<MaxPool2d>(13, 1, 6), {1, 40, 30, 8}, 40, 30);  // several tasks
}

TEST(MaxPool2d, AsymmetricPaddingAndDilation) {
  MaxPool2d op = make_pool<MaxPool2d>(2, 1, 0);
  op.pad_bottom = op.pad_right = 1;  // Darknet's size 2, stride 1
  check(op, {1, 5, 6, 9}, 5, 6);
  op.dilation_h = 2;
  op.dilation_w = 3;
  check(op, {1, 5, 6, 9}, 4, 4);
}

TEST(MaxPool2d, CeilModeAddsTheLastWindow) {
  MaxPool2d op = make_pool<MaxPool2d>(3, 2, 0);
  check(op, {1, 6, 8, 10}, 2, 3);
  op.ceil_mode = true;
  check(op, {1, 6, 8, 10}, 3, 4);
  // A window that would start in the bottom padding is dropped.
  op = make_pool<MaxPool2d>(2, 2, 1);
  op.ceil_mode = true;
  check(op, {1, 3, 3, 8}, 2, 2);
}

TEST(MaxPool2d, NanWins) {
  std::vector<float> x(2 * 2 * 8, 1.0f);
  x[3 * 8 + 5] = std::numeric_limits<float>::quiet_NaN();
  for (const SessionOptions& options : testing::all_session_options()) {
    if (options.backend == BackendKind::kXnnpack) continue;  // there a NaN may lose against a number
    const testing::OpRun found = testing::run_op(make_pool<MaxPool2d>(2, 2, 0), {1, 2, 2, 8}, x, {}, options);
    ASSERT_EQ(found.values.size(), 8u);
    for (std::size_t c = 0; c < 8; ++c) EXPECT_EQ(std::isnan(found.values[c]), c == 5) << found.kernel;
  }
}

}  // namespace
}  // namespace dotori
