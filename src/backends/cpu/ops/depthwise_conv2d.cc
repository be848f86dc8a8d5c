// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/depthwise_conv2d.h"

#include "backends/cpu/activation.h"
#include "backends/cpu/ops/image_rows.h"
#include "kernels/depthwise/depthwise.h"

namespace dotori::backends::cpu {
namespace {

struct DepthwiseStep {
  const char* name;
  kernels::DepthwiseF32 conv;
  kernels::DepthwiseF32Fn kernel;
  FusedActivation activation;
  BufferRef src, dst;
  ImageRows rows;
  std::size_t image_elems, row_elems;  // of the input image and the output row

  void operator()(const RunContext& context) const noexcept {
    const float* x = context.read<float>(src);
    float* y = context.write<float>(dst);
    rows.run(context.pool(), [&](std::int64_t image, std::int32_t out_y, int) noexcept {
      const std::size_t row = static_cast<std::size_t>(image * rows.rows + out_y);
      float* dst_row = y + row * row_elems;
      kernel(conv, x + static_cast<std::size_t>(image) * image_elems, dst_row, out_y);
      activation.apply(dst_row, row_elems);
    });
  }
};

class DepthwiseStage final : public RowStage {
 public:
  explicit DepthwiseStage(const DepthwiseStep& step) : step_(step) {}
  void run(std::uintptr_t src, std::uintptr_t dst, std::int64_t first, std::int64_t end,
           unsigned char*) const noexcept override {
    const std::uintptr_t row_bytes = step_.row_elems * sizeof(float);
    for (std::int64_t y = first; y < end; ++y) {
      float* row = reinterpret_cast<float*>(dst + static_cast<std::uintptr_t>(y) * row_bytes);
      step_.kernel(step_.conv, reinterpret_cast<const float*>(src), row, static_cast<std::int32_t>(y));
      step_.activation.apply(row, step_.row_elems);
    }
  }
  std::size_t scratch_bytes() const noexcept override { return 0; }
  const char* kernel() const noexcept override { return step_.name; }

 private:
  DepthwiseStep step_;
};

Result<DepthwiseStep> make_step(const graph::Conv2d& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(x));
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(y));
  const float* weights = context.constant_input<float>(1);
  const float* bias = context.constant_input<float>(2);
  if (weights == nullptr) return unsupported("depthwise weights must be constant");
  if (context.has_input(2) && bias == nullptr) return unsupported("a depthwise bias must be constant");

  DepthwiseStep step{};
  step.activation = make_fused_activation(op.activation, context.isa());
  kernels::DepthwiseF32& conv = step.conv;
  conv.in_h = static_cast<std::int32_t>(x[1]);
  conv.in_w = static_cast<std::int32_t>(x[2]);
  conv.channels = static_cast<std::int32_t>(x[3]);
  conv.out_w = static_cast<std::int32_t>(y[2]);
  conv.kernel_h = op.kernel_h;
  conv.kernel_w = op.kernel_w;
  conv.stride_h = op.stride_h;
  conv.stride_w = op.stride_w;
  conv.dilation_h = op.dilation_h;
  conv.dilation_w = op.dilation_w;
  conv.pad_top = op.pad_top;
  conv.pad_left = op.pad_left;
  conv.low = step.activation.low;
  conv.high = step.activation.high;

  const std::size_t packed_bytes =
      kernels::depthwise_f32_packed_elems(conv.channels, conv.kernel_h, conv.kernel_w) * sizeof(float);
  float* packed = static_cast<float*>(context.allocate_packed(packed_bytes));
  if (packed == nullptr) return out_of_memory(std::to_string(packed_bytes) + " bytes of packed depthwise weights");
  kernels::pack_depthwise_f32(weights, bias, conv.channels, conv.kernel_h, conv.kernel_w, packed);
  conv.packed = packed;

  step.image_elems = static_cast<std::size_t>(x[1] * x[2] * x[3]);
  step.row_elems = static_cast<std::size_t>(y[2] * y[3]);
  step.rows = ImageRows::make(y[0], y[1], y[2] * y[3], std::int64_t{op.kernel_h} * op.kernel_w);
  step.src = context.input(0);
  step.dst = context.output();
  const kernels::DepthwiseF32Kernel& kernel = kernels::select_depthwise_f32(conv, context.isa());
  step.name = kernel.name;
  step.kernel = kernel.run;
  return step;
}

}  // namespace

Status compile_depthwise(const graph::Conv2d& op, CompileContext& context) {
  DOTORI_ASSIGN_OR_RETURN(const DepthwiseStep step, make_step(op, context));
  context.emit(step.name, graph::node_macs(context.graph(), context.node()), step);
  return {};
}

Result<std::unique_ptr<RowStage>> depthwise_stage(const graph::Conv2d& op, CompileContext& context) {
  DOTORI_ASSIGN_OR_RETURN(const DepthwiseStep step, make_step(op, context));
  return std::unique_ptr<RowStage>(std::make_unique<DepthwiseStage>(step));
}

}  // namespace dotori::backends::cpu
