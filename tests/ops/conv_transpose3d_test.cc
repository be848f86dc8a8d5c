// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/conv3d_check.h"

namespace dotori {
namespace {

using graph::ConvTranspose3d;
using graph::Function;
using testing::make_uneven_conv;
using testing::make_volume_conv;

void check(const ConvTranspose3d& op, const Shape& in, std::int64_t outputs, bool with_bias = true) {
  testing::check_volume(op, in, outputs, with_bias, "conv_transpose_f32_any__reference");
}

TEST(ConvTranspose3d, Upsampling) {
  for (int outputs : {1, 16, 21}) check(make_volume_conv<ConvTranspose3d>(2, 2, 0), {1, 3, 5, 4, 19}, outputs);
  check(make_volume_conv<ConvTranspose3d>(3, 2, 1), {1, 3, 4, 5, 16}, 9);
  check(make_volume_conv<ConvTranspose3d>(4, 2, 1), {2, 3, 2, 3, 8}, 12);
}

TEST(ConvTranspose3d, OutputPadding) {
  ConvTranspose3d op = make_volume_conv<ConvTranspose3d>(3, 2, 1);
  op.output_pad_d = op.output_pad_w = 1;
  check(op, {1, 3, 4, 3, 6}, 5);
}

TEST(ConvTranspose3d, StrideOne) {
  check(make_volume_conv<ConvTranspose3d>(3, 1, 1), {1, 4, 5, 3, 10}, 18);
}

// Some output voxels get nothing but the bias.
TEST(ConvTranspose3d, StrideWiderThanTheKernel) {
  check(make_volume_conv<ConvTranspose3d>(1, 2, 0), {1, 2, 3, 4, 5}, 6);
  check(make_volume_conv<ConvTranspose3d>(2, 3, 0), {1, 2, 3, 4, 5}, 6, false);
}

TEST(ConvTranspose3d, UnequalAxesAndGroups) {
  check(make_uneven_conv<ConvTranspose3d>(), {1, 3, 4, 5, 7}, 9);
  check(make_uneven_conv<ConvTranspose3d>(3), {2, 3, 4, 5, 6}, 12);
}

// More phases than are worth a product each.
TEST(ConvTranspose3d, HugeStride) {
  testing::check_volume(make_volume_conv<ConvTranspose3d>(2, 9, 0), {1, 2, 2, 2, 3}, 4, true,
                        "conv_transpose_f32_any__reference", "conv_transpose_f32_any__reference");
}

TEST(ConvTranspose3d, Activations) {
  for (Function f : {Function::kRelu, Function::kSilu, Function::kLeakyRelu}) {
    ConvTranspose3d op = make_volume_conv<ConvTranspose3d>(2, 2, 0);
    op.activation.function = f;
    op.activation.alpha = 0.1f;
    check(op, {1, 4, 5, 3, 20}, 26);
  }
}

}  // namespace
}  // namespace dotori
