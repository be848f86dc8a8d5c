// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/conv_gemm.h"
#include "backends/cpu/ops/conv_winograd.h"
#include "backends/cpu/ops/quantized.h"

namespace dotori::backends::cpu {
namespace {

// As in conv2d: with few channels, all taps of a kernel row are taken as one.
constexpr std::int64_t kMostMergedFloats = 64;

ConvGemm describe(const graph::Conv3d& op, const Shape& x, const Shape& y, bool merge) {
  ConvGemm conv;
  conv.batch = x[0];
  conv.in_d = x[1];
  conv.in_h = x[2];
  conv.in_w = x[3];
  conv.in_c = x[4];
  conv.out_d = y[1];
  conv.out_h = y[2];
  conv.out_w = y[3];
  conv.out_c = y[4];
  conv.groups = op.groups;
  conv.in_step_z = op.stride_d;
  conv.in_step_y = op.stride_h;
  conv.in_step_x = op.stride_w;
  const std::size_t group_in = static_cast<std::size_t>(x[4] / op.groups);
  conv.span = merge ? op.kernel_w : 1;
  ConvGemmPhase phase;
  phase.slices = y[1];
  phase.rows = y[2];
  phase.columns = y[3];
  std::size_t row = 0;  // of the kernel, slice after slice
  for (int kz = 0; kz < op.kernel_d; ++kz) {
    for (int ky = 0; ky < op.kernel_h; ++ky, ++row) {
      for (int kx = 0; kx < op.kernel_w; kx += static_cast<int>(conv.span)) {
        const std::size_t index = row * static_cast<std::size_t>(op.kernel_w) + static_cast<std::size_t>(kx);
        phase.taps.push_back({ky * op.dilation_h - op.pad_top, kx * op.dilation_w - op.pad_left, index * group_in,
                              kz * op.dilation_d - op.pad_front});
      }
    }
  }
  conv.weights_per_output = row * static_cast<std::size_t>(op.kernel_w) * group_in;
  conv.phases.push_back(std::move(phase));
  return conv;
}

}  // namespace

Status compile(const graph::Conv3d& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  const bool mergeable = op.groups == 1 && op.dilation_w == 1;
  if (is_quantized(context.input_value(0))) {
    const kernels::GemmS8Kernel& kernel = kernels::select_gemm_s8(context.isa());
    const bool merge = mergeable && !gemm_s8_reads_image(kernel, x[4]);
    return emit_conv_gemm_s8(describe(op, x, y, merge), op.activation, kernel, context);
  }
  const kernels::GemmF32Kernel& kernel = kernels::select_gemm_f32(context.isa());
  if (can_use_gemm(kernel, context)) {
    const WinogradConv winograd = describe_winograd(op, context);
    if (const kernels::WinogradF32Kernel* transforms = winograd_that_pays(winograd, context); transforms != nullptr)
      return emit_conv_winograd(winograd, op.activation, *transforms, kernel, context);
    const bool merge = mergeable && op.kernel_w * x[4] <= kMostMergedFloats;
    return emit_conv_gemm(describe(op, x, y, merge), op.activation, kernel, context);
  }
  DOTORI_ASSIGN_OR_RETURN(const kernels::ConvF32 conv, describe_conv3d_f32(op, x, y));
  return emit_conv_reference("conv_f32_any__reference", kernels::conv_f32_any__reference, conv, x[0], y[1] * y[2],
                             op.activation, context);
}

}  // namespace dotori::backends::cpu
