// SPDX-License-Identifier: Apache-2.0
// Convolutions of 3 x 3 kernels by Winograd's method (kernels/winograd): 36 products on tiles of 4 x 4 output pixels
// instead of 144 multiplications for each. A 3-D convolution of kernels of any depth is the sum of as many 2-D ones,
// which is taken before the way back: one transform of each slice of the input and one of each slice of the output.
#pragma once

#include "backends/plan.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/conv3d.h"
#include "kernels/gemm/gemm.h"
#include "kernels/winograd/winograd.h"

namespace dotori::backends::cpu {

// An image is one slice of itself. Pixels of padding; `unit_steps`: all strides and dilations are 1.
struct WinogradConv {
  std::int64_t images, in_d, in_h, in_w, in_c, out_d, out_h, out_w, out_c;
  std::int64_t kernel_d, kernel_h, kernel_w, groups, pad_front, pad_top, pad_left;
  bool unit_steps;
};
WinogradConv describe_winograd(const graph::Conv2d& op, CompileContext& context);
WinogradConv describe_winograd(const graph::Conv3d& op, CompileContext& context);

// The transforms for this convolution where they save time: constant weights, stride and dilation 1, channels in
// multiples of 8, and an image that makes good the four times larger weights. Null: the direct way is better; the
// reason is given to context.rule_out() where the kernel is 3 x 3.
const kernels::WinogradF32Kernel* winograd_that_pays(const WinogradConv& conv, CompileContext& context);

// Packs the transformed weights, books scratch and emits the step. Errors: kOutOfMemory.
Status emit_conv_winograd(const WinogradConv& conv, const graph::Activation& activation,
                          const kernels::WinogradF32Kernel& transforms, const kernels::GemmF32Kernel& gemm,
                          CompileContext& context);

}  // namespace dotori::backends::cpu
