// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/conv_gemm.h"
#include "backends/cpu/ops/quantized.h"

namespace dotori::backends::cpu {

// A 1x1 convolution over an image of one row, with a pixel for each vector of x.
Status compile(const graph::FullyConnected& op, CompileContext& context) {
  const bool quantized = is_quantized(context.input_value(0));
  const kernels::GemmF32Kernel& kernel = kernels::select_gemm_f32(context.isa());
  const Shape& weights = context.input_shape(1);
  const std::int64_t features = weights[1], outputs = weights[0];
  const std::int64_t vectors = context.input_shape(0).elements() / features;
  if (!quantized && !can_use_gemm(kernel, context)) {
    kernels::ConvF32 conv{};
    conv.in_h = conv.out_h = 1;
    conv.in_w = conv.out_w = 1;
    DOTORI_ASSIGN_OR_RETURN(conv.in_c, kernel_size("number of features", features));
    DOTORI_ASSIGN_OR_RETURN(conv.out_c, kernel_size("number of outputs", outputs));
    conv.kernel_h = conv.kernel_w = conv.stride_h = conv.stride_w = conv.dilation_h = conv.dilation_w = conv.groups = 1;
    return emit_conv_reference("conv_f32_any__reference", kernels::conv_f32_any__reference, conv, vectors, 1,
                               op.activation, context);
  }
  ConvGemm conv;
  conv.in_w = conv.out_w = vectors;
  conv.in_c = features;
  conv.out_c = outputs;
  conv.weights_per_output = static_cast<std::size_t>(features);
  ConvGemmPhase phase;
  phase.rows = 1;
  phase.columns = vectors;
  phase.taps.emplace_back();
  conv.phases.push_back(std::move(phase));
  if (quantized) return emit_conv_gemm_s8(conv, op.activation, kernels::select_gemm_s8(context.isa()), context);
  return emit_conv_gemm(conv, op.activation, kernel, context);
}

}  // namespace dotori::backends::cpu
