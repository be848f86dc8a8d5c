// SPDX-License-Identifier: Apache-2.0
// conv2d of 3 x 3 kernels by Winograd's method (kernels/winograd): 36 products on tiles of 4 x 4 output pixels instead
// of 144 multiplications for each.
#pragma once

#include "backends/plan.h"
#include "graph/ops/conv2d.h"
#include "kernels/gemm/gemm.h"
#include "kernels/winograd/winograd.h"

namespace dotori::backends::cpu {

// The transforms for this convolution where they save time: constant weights, stride and dilation 1, no groups,
// channels in multiples of 8, and an image that makes good the four times larger weights. Null: the direct way is
// better; the reason is given to context.rule_out() where the kernel is 3 x 3.
const kernels::WinogradF32Kernel* winograd_that_pays(const graph::Conv2d& op, CompileContext& context);

// Packs the transformed weights, books scratch and emits the step. Errors: kOutOfMemory.
Status emit_conv_winograd(const graph::Conv2d& op, const kernels::WinogradF32Kernel& transforms,
                          const kernels::GemmF32Kernel& gemm, CompileContext& context);

}  // namespace dotori::backends::cpu
