// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/conv_gemm.h"
#include "backends/cpu/ops/conv_winograd.h"
#include "backends/cpu/ops/depthwise_conv2d.h"
#include "backends/cpu/ops/quantized.h"

namespace dotori::backends::cpu {
namespace {

// With few channels a tap is too short for the inner loop; all taps of a kernel row are then taken as one. Up to this
// many floats.
constexpr std::int64_t kMostMergedFloats = 64;

Status compile_reference(const graph::Conv2d& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  DOTORI_ASSIGN_OR_RETURN(const kernels::ConvF32 conv, describe_conv_f32(op, x, y));
  return emit_conv_reference("conv_f32_any__reference", kernels::conv_f32_any__reference, conv, x[0], y[1],
                             op.activation, context);
}

// `merge`: the taps of a kernel row, which lie behind each other in the image, are one.
ConvGemm describe(const graph::Conv2d& op, const Shape& x, const Shape& y, bool merge) {
  ConvGemm conv;
  conv.batch = x[0];
  conv.in_h = x[1];
  conv.in_w = x[2];
  conv.in_c = x[3];
  conv.out_h = y[1];
  conv.out_w = y[2];
  conv.out_c = y[3];
  conv.groups = op.groups;
  conv.in_step_y = op.stride_h;
  conv.in_step_x = op.stride_w;
  const std::size_t group_in = static_cast<std::size_t>(x[3] / op.groups);
  conv.weights_per_output = static_cast<std::size_t>(op.kernel_h) * static_cast<std::size_t>(op.kernel_w) * group_in;
  conv.span = merge ? op.kernel_w : 1;
  ConvGemmPhase phase;
  phase.rows = y[1];
  phase.columns = y[2];
  for (int ky = 0; ky < op.kernel_h; ++ky) {
    for (int kx = 0; kx < op.kernel_w; kx += static_cast<int>(conv.span)) {
      const std::size_t index =
          static_cast<std::size_t>(ky) * static_cast<std::size_t>(op.kernel_w) + static_cast<std::size_t>(kx);
      phase.taps.push_back({ky * op.dilation_h - op.pad_top, kx * op.dilation_w - op.pad_left, index * group_in});
    }
  }
  conv.phases.push_back(std::move(phase));
  return conv;
}

bool is_depthwise(const graph::Conv2d& op, const Shape& x, const Shape& y) {
  return op.groups > 1 && op.groups == x[3] && op.groups == y[3];
}

ConvGemm describe_f32(const graph::Conv2d& op, const Shape& x, const Shape& y) {
  const bool merge = op.groups == 1 && op.dilation_w == 1 && op.kernel_w * x[3] <= kMostMergedFloats;
  return describe(op, x, y, merge);
}

}  // namespace

Result<std::unique_ptr<RowStage>> row_stage(const graph::Conv2d& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  if (is_depthwise(op, x, y)) return depthwise_stage(op, context);
  return conv_gemm_stage(describe_f32(op, x, y), op.activation, kernels::select_gemm_f32(context.isa()), context);
}

Status compile(const graph::Conv2d& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  const bool depthwise = is_depthwise(op, x, y);
  if (is_quantized(context.input_value(0))) {
    if (depthwise) return compile_depthwise_s8(op, context);
    const kernels::GemmS8Kernel& kernel = kernels::select_gemm_s8(context.isa());
    const bool pointwise = op.groups == 1 && op.kernel_h * op.kernel_w == 1 && op.stride_h * op.stride_w == 1 &&
                           y[1] == x[1] && y[2] == x[2];
    const std::int64_t pixels = x[0] * x[1] * x[2];
    const std::int64_t together = pointwise ? gemm_s8_merged_pixels(kernel, x[3], y[3], pixels) : 1;
    if (together > 1) {
      ConvGemm conv =
          describe(op, {1, 1, pixels / together, x[3] * together}, {1, 1, pixels / together, y[3] * together}, false);
      conv.weights_per_output = static_cast<std::size_t>(x[3]);
      conv.merged_pixels = together;
      return emit_conv_gemm_s8(conv, op.activation, kernel, context);
    }
    const bool merge = op.groups == 1 && op.dilation_w == 1 && !gemm_s8_reads_image(kernel, x[3]);
    return emit_conv_gemm_s8(describe(op, x, y, merge), op.activation, kernel, context);
  }
  const kernels::GemmF32Kernel& kernel = kernels::select_gemm_f32(context.isa());
  const bool constant = context.constant_input<float>(1) != nullptr &&
                        (!context.has_input(2) || context.constant_input<float>(2) != nullptr);
  if (constant && depthwise) return compile_depthwise(op, context);
  if (!can_use_gemm(kernel, context)) return compile_reference(op, context);
  const WinogradConv winograd = describe_winograd(op, context);
  if (const kernels::WinogradF32Kernel* transforms = winograd_that_pays(winograd, context); transforms != nullptr)
    return emit_conv_winograd(winograd, op.activation, *transforms, kernel, context);
  return emit_conv_gemm(describe_f32(op, x, y), op.activation, kernel, context);
}

}  // namespace dotori::backends::cpu
