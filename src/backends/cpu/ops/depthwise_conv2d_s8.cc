// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdlib>

#include "backends/cpu/ops/depthwise_conv2d.h"
#include "backends/cpu/ops/image_rows.h"
#include "backends/cpu/ops/quantized.h"
#include "kernels/depthwise/depthwise_s8.h"

namespace dotori::backends::cpu {
namespace {

struct DepthwiseS8Step {
  kernels::DepthwiseS8 conv;
  kernels::DepthwiseS8Fn kernel;
  BufferRef src, dst;
  ImageRows rows;
  std::size_t image_elems, row_elems;  // of the input image and the output row

  void operator()(const RunContext& context) const noexcept {
    const std::int8_t* x = context.read<std::int8_t>(src);
    std::int8_t* y = context.write<std::int8_t>(dst);
    rows.run(context.pool(), [&](std::int64_t image, std::int32_t out_y, int) noexcept {
      const std::size_t row = static_cast<std::size_t>(image * rows.rows + out_y);
      kernel(conv, x + static_cast<std::size_t>(image) * image_elems, y + row * row_elems, out_y);
    });
  }
};

}  // namespace

Status compile_depthwise_s8(const graph::Conv2d& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(x));
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(y));
  const std::int8_t* weights = context.constant_input<std::int8_t>(1);
  const std::int32_t* bias = context.constant_input<std::int32_t>(2);
  if (weights == nullptr) return unsupported("depthwise weights must be constant");
  if (context.has_input(2) && bias == nullptr) return unsupported("a depthwise bias must be constant");
  const Result<std::vector<float>> scales =
      channel_scales(context.input_value(0), context.input_value(1), context.output_value());
  if (!scales.ok()) return scales.status();

  kernels::DepthwiseS8Weights from{};
  from.weights = weights;
  from.bias = bias;
  from.scale = scales->data();
  from.weight_zero_point = tensor_zero_point(context.input_value(1));
  from.in_zero_point = tensor_zero_point(context.input_value(0));
  const std::int64_t taps = std::int64_t{op.kernel_h} * op.kernel_w;
  std::int32_t max_weight = 0;
  for (std::int64_t c = 0; c < x[3]; ++c) {
    const std::int8_t* of_channel = weights + c * taps;
    DOTORI_RETURN_IF_ERROR(
        prove_no_overflow(of_channel, taps, from.weight_zero_point, bias == nullptr ? 0 : bias[c], c));
    for (std::int64_t i = 0; i < taps; ++i)
      max_weight = std::max(max_weight, std::abs(of_channel[i] - from.weight_zero_point));
  }

  DepthwiseS8Step step{};
  kernels::DepthwiseS8& conv = step.conv;
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
  conv.output = make_quantized_output(context.output_value(), op.activation);

  const kernels::DepthwiseS8Kernel& kernel = kernels::select_depthwise_s8(conv, max_weight, context.isa());
  const std::size_t packed_bytes =
      kernels::depthwise_s8_packed_bytes(kernel.layout, conv.channels, conv.kernel_h, conv.kernel_w);
  void* packed = context.allocate_packed(packed_bytes);
  if (packed == nullptr) return out_of_memory(std::to_string(packed_bytes) + " bytes of packed depthwise weights");
  kernels::pack_depthwise_s8(from, kernel.layout, conv.channels, conv.kernel_h, conv.kernel_w, packed);
  conv.packed = packed;

  step.kernel = kernel.run;
  step.image_elems = static_cast<std::size_t>(x[1] * x[2] * x[3]);
  step.row_elems = static_cast<std::size_t>(y[2] * y[3]);
  step.rows = ImageRows::make(y[0], y[1], y[2] * y[3], taps);
  step.src = context.input(0);
  step.dst = context.output();
  context.emit(kernel.name, graph::node_macs(context.graph(), context.node()), step);
  return {};
}

}  // namespace dotori::backends::cpu
