// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/conv_gemm.h"
#include "backends/cpu/ops/quantized.h"

namespace dotori::backends::cpu {
namespace {

// Beyond, the phases have next to no taps each and the plain kernel does.
constexpr std::int64_t kMostPhases = 256;

ConvGemmPhase make_phase(const graph::ConvTranspose2d& op, std::int64_t first_y, std::int64_t first_x, const Shape& y,
                         std::size_t group_in) {
  ConvGemmPhase phase;
  phase.first_y = first_y;
  phase.first_x = first_x;
  phase.rows = (y[1] - first_y + op.stride_h - 1) / op.stride_h;
  phase.columns = (y[2] - first_x + op.stride_w - 1) / op.stride_w;
  for (int ky = 0; ky < op.kernel_h; ++ky) {
    ConvGemmPhase::Tap tap;
    if (!tap_shift(first_y, op.pad_top, ky, op.dilation_h, op.stride_h, &tap.dy)) continue;
    for (int kx = 0; kx < op.kernel_w; ++kx) {
      if (!tap_shift(first_x, op.pad_left, kx, op.dilation_w, op.stride_w, &tap.dx)) continue;
      tap.weights =
          (static_cast<std::size_t>(ky) * static_cast<std::size_t>(op.kernel_w) + static_cast<std::size_t>(kx)) *
          group_in;
      phase.taps.push_back(tap);
    }
  }
  return phase;
}

Status compile_reference(const graph::ConvTranspose2d& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  DOTORI_ASSIGN_OR_RETURN(const kernels::ConvF32 conv, describe_conv_f32(op, x, y));
  return emit_conv_reference("conv_transpose_f32_any__reference", kernels::conv_transpose_f32_any__reference, conv,
                             x[0], y[1], op.activation, context);
}

}  // namespace

Status compile(const graph::ConvTranspose2d& op, CompileContext& context) {
  const bool quantized = is_quantized(context.input_value(0));
  const kernels::GemmF32Kernel& kernel = kernels::select_gemm_f32(context.isa());
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  const std::int64_t phases_y = std::min<std::int64_t>(op.stride_h, y[1]),
                     phases_x = std::min<std::int64_t>(op.stride_w, y[2]);
  if (!quantized && (!can_use_gemm(kernel, context) || phases_y * phases_x > kMostPhases))
    return compile_reference(op, context);

  ConvGemm conv;
  conv.batch = x[0];
  conv.in_h = x[1];
  conv.in_w = x[2];
  conv.in_c = x[3];
  conv.out_h = y[1];
  conv.out_w = y[2];
  conv.out_c = y[3];
  conv.groups = op.groups;
  conv.out_step_y = op.stride_h;
  conv.out_step_x = op.stride_w;
  const std::size_t group_in = static_cast<std::size_t>(x[3] / op.groups);
  conv.weights_per_output = static_cast<std::size_t>(op.kernel_h) * static_cast<std::size_t>(op.kernel_w) * group_in;
  for (std::int64_t first_y = 0; first_y < phases_y; ++first_y)
    for (std::int64_t first_x = 0; first_x < phases_x; ++first_x)
      conv.phases.push_back(make_phase(op, first_y, first_x, y, group_in));
  if (quantized) return emit_conv_gemm_s8(conv, op.activation, kernels::select_gemm_s8(context.isa()), context);
  return emit_conv_gemm(conv, op.activation, kernel, context);
}

}  // namespace dotori::backends::cpu
