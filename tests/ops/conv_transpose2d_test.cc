// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/conv_check.h"

namespace dotori {
namespace {

using graph::ConvTranspose2d;
using graph::Function;

ConvTranspose2d conv(int kernel, int stride, int pad = 0, int groups = 1) {
  ConvTranspose2d op;
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
  op.groups = groups;
  return op;
}

void check(const ConvTranspose2d& op, const Shape& in, std::int64_t outputs, bool with_bias = true) {
  testing::check_convolution(op, in, outputs, with_bias, "conv_transpose_f32_any__reference");
}

TEST(ConvTranspose2d, Upsampling) {
  for (int outputs : {1, 16, 21}) check(conv(2, 2), {1, 5, 4, 19}, outputs);
  check(conv(3, 2, 1), {1, 4, 5, 16}, 9);
  check(conv(4, 2, 1), {2, 3, 5, 8}, 12);
}

TEST(ConvTranspose2d, OutputPadding) {
  ConvTranspose2d op = conv(3, 2, 1);
  op.output_pad_h = op.output_pad_w = 1;
  check(op, {1, 4, 3, 6}, 5);
}

TEST(ConvTranspose2d, StrideOne) {
  check(conv(3, 1, 1), {1, 5, 6, 10}, 18);
}

// Some output pixels get nothing but the bias.
TEST(ConvTranspose2d, StrideWiderThanTheKernel) {
  check(conv(1, 2), {1, 3, 4, 5}, 6);
  check(conv(2, 3), {1, 3, 4, 5}, 6, false);
}

TEST(ConvTranspose2d, Dilated) {
  ConvTranspose2d op = conv(3, 2);
  op.dilation_h = 2;
  op.dilation_w = 3;
  op.kernel_w = 2;
  op.pad_top = 2;
  op.pad_right = 1;
  check(op, {2, 4, 5, 7}, 9);
}

TEST(ConvTranspose2d, UnequalStridesAndGroups) {
  ConvTranspose2d op = conv(4, 2, 1, 3);
  op.stride_w = 3;
  op.kernel_w = 5;
  check(op, {1, 4, 3, 12}, 15);
}

// More phases than are worth a product each.
TEST(ConvTranspose2d, HugeStride) {
  testing::check_convolution(conv(2, 20), {1, 2, 2, 3}, 4, true, "conv_transpose_f32_any__reference",
                             "conv_transpose_f32_any__reference");
}

TEST(ConvTranspose2d, Activations) {
  for (Function f : {Function::kRelu, Function::kSilu, Function::kLeakyRelu}) {
    ConvTranspose2d op = conv(2, 2);
    op.activation.function = f;
    op.activation.alpha = 0.1f;
    check(op, {1, 9, 8, 20}, 26);
  }
}

}  // namespace
}  // namespace dotori
