// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "backends/cpu/activation.h"
#include "backends/cpu/ops/conv_gemm.h"

namespace dotori::backends::cpu {
namespace {

struct ReferenceStep {
  kernels::ConvF32Fn run;
  kernels::ConvF32 conv;
  std::int64_t batch, rows;
  FusedActivation activation;
  BufferRef input, weights, bias, output;

  void operator()(const RunContext& context) const noexcept {
    const float* src = context.read<float>(input);
    const float* w = context.read<float>(weights);
    const float* b = context.read<float>(bias);
    float* dst = context.write<float>(output);
    const std::int64_t image = std::int64_t{conv.in_d} * conv.in_h * conv.in_w * conv.in_c;
    const std::int64_t row = std::int64_t{conv.out_w} * conv.out_c;
    context.pool().parallel_for(static_cast<int>(batch * rows), [&](int index, int) {
      float* out = dst + index * row;
      run(conv, src + index / rows * image, w, b, out, static_cast<std::int32_t>(index % rows));
      activation.apply(out, static_cast<std::size_t>(row));
    });
  }
};

}  // namespace

Result<std::int32_t> kernel_size(const char* what, std::int64_t value) {
  if (value > std::numeric_limits<std::int32_t>::max())
    return unsupported(std::string(what) + " is " + std::to_string(value) + ", at most 2147483647 can be computed");
  return static_cast<std::int32_t>(value);
}

Status emit_conv_reference(const char* name, kernels::ConvF32Fn run, kernels::ConvF32 conv, std::int64_t batch,
                           std::int64_t rows, const graph::Activation& activation, CompileContext& context) {
  DOTORI_RETURN_IF_ERROR(kernel_size("number of output rows", batch * rows).status());
  ReferenceStep step{};
  step.run = run;
  step.activation = make_fused_activation(activation, context.isa());
  conv.low = step.activation.low;
  conv.high = step.activation.high;
  step.conv = conv;
  step.batch = batch;
  step.rows = rows;
  step.input = context.input(0);
  step.weights = context.input(1);
  step.bias = context.input(2);
  step.output = context.output();
  context.emit(name, graph::node_macs(context.graph(), context.node()), step);
  return Status();
}

}  // namespace dotori::backends::cpu
