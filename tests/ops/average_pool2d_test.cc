// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/pool2d_check.h"

namespace dotori {
namespace {

using graph::AveragePool2d;
using testing::make_pool;

void check(const AveragePool2d& op, const Shape& shape, int out_h, int out_w) {
  testing::check_pool(op, shape, out_h, out_w, [&](const testing::PoolWindow& window) {
    return window.sum / (op.count_include_pad ? window.padded : window.inside);
  });
}

TEST(AveragePool2d, CommonShapes) {
  check(make_pool<AveragePool2d>(2, 2, 0), {1, 8, 10, 16}, 4, 5);
  check(make_pool<AveragePool2d>(3, 1, 1), {2, 5, 6, 41}, 5, 6);
  check(make_pool<AveragePool2d>(7, 7, 0), {1, 7, 7, 40}, 1, 1);
  check(make_pool<AveragePool2d>(3, 2, 1), {1, 9, 11, 3}, 5, 6);
}

TEST(AveragePool2d, PaddingCountsWhenAsked) {
  AveragePool2d op = make_pool<AveragePool2d>(3, 2, 1);
  op.count_include_pad = true;
  check(op, {1, 9, 11, 12}, 5, 6);
  op.pad_top = 2;
  op.pad_right = 0;
  check(op, {1, 9, 11, 12}, 5, 5);
}

// Elements beyond the padded input never count.
TEST(AveragePool2d, CeilMode) {
  for (bool count_include_pad : {false, true}) {
    AveragePool2d op = make_pool<AveragePool2d>(3, 2, 0);
    op.ceil_mode = true;
    op.count_include_pad = count_include_pad;
    check(op, {1, 6, 8, 10}, 3, 4);
    op = make_pool<AveragePool2d>(4, 3, 1);
    op.ceil_mode = true;
    op.count_include_pad = count_include_pad;
    check(op, {1, 7, 8, 10}, 3, 3);
  }
}

TEST(AveragePool2d, Dilation) {
  AveragePool2d op = make_pool<AveragePool2d>(3, 1, 1);
  op.dilation_h = 2;
  check(op, {1, 6, 6, 8}, 4, 6);
}

}  // namespace
}  // namespace dotori
