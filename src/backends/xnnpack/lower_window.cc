// SPDX-License-Identifier: Apache-2.0
// Pooling, global means, bilinear resizing.
#include <algorithm>
#include <limits>

#include "backends/xnnpack/lowering.h"

namespace dotori::backends::xnnpack {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::uint32_t u32(int n) {
  return static_cast<std::uint32_t>(n);
}

// With ceil_mode the last window may reach beyond the padded input; more padding at the end says the same.
int end_padding(std::int64_t in, std::int64_t out, int kernel, int stride, int dilation, int before, int after) {
  const std::int64_t reached = (out - 1) * stride + dilation * (std::int64_t{kernel} - 1) + 1;
  return static_cast<int>(std::max<std::int64_t>(after, reached - in - before));
}

}  // namespace

Status lower(const graph::MaxPool2d& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float_or_int8());
  if (op.kernel_h == 1 && op.kernel_w == 1) return unsupported("XNNPACK has no pooling of single pixels");
  const Shape &in = context.input_shape(0), &out = context.output_shape();
  const int bottom = end_padding(in[1], out[1], op.kernel_h, op.stride_h, op.dilation_h, op.pad_top, op.pad_bottom);
  const int right = end_padding(in[2], out[2], op.kernel_w, op.stride_w, op.dilation_w, op.pad_left, op.pad_right);
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t y, context.output());
  return accepted(
      xnn_define_max_pooling_2d(context.subgraph(), u32(op.pad_top), u32(right), u32(bottom), u32(op.pad_left),
                                u32(op.kernel_h), u32(op.kernel_w), u32(op.stride_h), u32(op.stride_w),
                                u32(op.dilation_h), u32(op.dilation_w), -kInfinity, kInfinity, x, y, 0),
      "xnn_define_max_pooling_2d");
}

Status lower(const graph::AveragePool2d& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float());
  if (op.kernel_h == 1 && op.kernel_w == 1) return unsupported("XNNPACK has no pooling of single pixels");
  if (op.dilation_h != 1 || op.dilation_w != 1) return unsupported("XNNPACK has no dilated average pooling");
  const bool padded = op.pad_top + op.pad_bottom + op.pad_left + op.pad_right > 0;
  if (op.count_include_pad && padded)
    return unsupported("XNNPACK's average never counts the padding, count_include_pad wants it counted");
  const Shape &in = context.input_shape(0), &out = context.output_shape();
  const int bottom = end_padding(in[1], out[1], op.kernel_h, op.stride_h, 1, op.pad_top, op.pad_bottom);
  const int right = end_padding(in[2], out[2], op.kernel_w, op.stride_w, 1, op.pad_left, op.pad_right);
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t y, context.output());
  return accepted(xnn_define_average_pooling_2d(context.subgraph(), u32(op.pad_top), u32(right), u32(bottom),
                                                u32(op.pad_left), u32(op.kernel_h), u32(op.kernel_w), u32(op.stride_h),
                                                u32(op.stride_w), -kInfinity, kInfinity, x, y, 0),
                  "xnn_define_average_pooling_2d");
}

Status lower(const graph::Reduce& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(context.expect_float_or_int8());
  const Shape& in = context.input_shape(0);
  if (op.function != graph::ReduceFunction::kMean || in.rank() != 4 || !(op.axes == Shape{1, 2}))
    return unsupported("XNNPACK has the mean over height and width of [N,H,W,C] only");
  if (context.is_int8() && context.input_value(0).quantization.scales != context.output_value().quantization.scales)
    return unsupported("XNNPACK's int8 mean gives the same numbers only where both sides have one scale");
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t y, context.output());
  std::uint32_t mean = y;
  if (!op.keep_dims) {
    DOTORI_ASSIGN_OR_RETURN(mean, context.temporary({in[0], 1, 1, in[3]}, context.output_value()));
  }
  DOTORI_RETURN_IF_ERROR(
      accepted(xnn_define_global_average_pooling_2d(context.subgraph(), -kInfinity, kInfinity, x, mean, 0),
               "xnn_define_global_average_pooling_2d"));
  if (op.keep_dims) return {};
  const std::size_t dims[] = {static_cast<std::size_t>(in[0]), static_cast<std::size_t>(in[3])};
  return accepted(xnn_define_static_reshape(context.subgraph(), 2, dims, mean, y, 0), "xnn_define_static_reshape");
}

Status lower(const graph::Resize2d& op, Lowering& context) {
  if (op.filter != graph::ResizeFilter::kBilinear) return unsupported("XNNPACK has no resizing by nearest pixel");
  if (context.is_int8())
    return unsupported("XNNPACK's int8 bilinear weights are rounded to 11 bits, the result may differ by one");
  DOTORI_RETURN_IF_ERROR(context.expect_float());
  const Shape &in = context.input_shape(0), &out = context.output_shape();
  for (int axis : {1, 2}) {
    const float stated = axis == 1 ? op.scale_h : op.scale_w;
    if (stated != 0 && stated != static_cast<float>(out[axis]) / static_cast<float>(in[axis]))
      return unsupported("XNNPACK takes output / input as the scale, the model states another one");
  }
  std::uint32_t flags = 0;
  switch (op.coordinates) {
    case graph::CoordinateRule::kHalfPixel: break;
    case graph::CoordinateRule::kPytorchHalfPixel:
      if (out[1] == 1 || out[2] == 1) return unsupported("XNNPACK has no such coordinates for an output of one pixel");
      break;
    case graph::CoordinateRule::kHalfPixelSymmetric: break;  // the same, as the scale is output / input
    case graph::CoordinateRule::kAlignCorners: flags = XNN_FLAG_ALIGN_CORNERS; break;
    case graph::CoordinateRule::kAsymmetric: flags = XNN_FLAG_TENSORFLOW_LEGACY_MODE; break;
    default:
      return unsupported(std::string("XNNPACK has no coordinates of rule ") +
                         graph::coordinate_rule_name(op.coordinates));
  }
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const std::uint32_t y, context.output());
  return accepted(xnn_define_static_resize_bilinear_2d(context.subgraph(), static_cast<std::size_t>(op.out_h),
                                                       static_cast<std::size_t>(op.out_w), x, y, flags),
                  "xnn_define_static_resize_bilinear_2d");
}

}  // namespace dotori::backends::xnnpack
