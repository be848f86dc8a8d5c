// SPDX-License-Identifier: Apache-2.0
// Convolutions, transposed convolutions, fully connected. Weights are constants, packed by XNNPACK when it compiles.
#include <cmath>
#include <cstring>
#include <limits>

#include "backends/cpu/ops/quantized.h"
#include "backends/xnnpack/lowering.h"

namespace dotori::backends::xnnpack {
namespace {

using Id = std::uint32_t;

// XNNPACK's limits on input scale * weight scale / output scale.
constexpr float kLeastFactor = 1.0f / 4294967296.0f, kFactorLimit = 256.0f;

std::uint32_t u32(std::int64_t n) {
  return static_cast<std::uint32_t>(n);
}
std::size_t size(std::int64_t n) {
  return static_cast<std::size_t>(n);
}

// Dotori's weights [O,…] with their bias, in XNNPACK's terms.
struct Weights {
  Id filter = XNN_INVALID_VALUE_ID, bias = XNN_INVALID_VALUE_ID;
};

Status expect_constants(const Lowering& context) {
  if (!context.input_value(1).is_constant()) return unsupported("the weights are not a constant");
  if (context.has_input(2) && !context.input_value(2).is_constant()) return unsupported("the bias is not a constant");
  return {};
}

// The clamp, for int8 in steps of the output.
struct Bounds {
  float low, high;
};
Result<Bounds> output_bounds(const Lowering& context, const SplitActivation& activation,
                             const graph::Activation& fused) {
  if (!context.is_int8()) {
    if (!(activation.low < activation.high))
      return unsupported("XNNPACK wants a clamp whose lower bound is below its upper one");
    return Bounds{activation.low, activation.high};
  }
  const kernels::QuantizedOutput out = cpu::make_quantized_output(context.output_value(), fused);
  if (out.slope != 1.0f || !activation.rest.is_identity())
    return unsupported("XNNPACK has no int8 convolution with a fused " +
                       std::string(graph::function_name(fused.function)));
  if (out.low >= out.high) return unsupported("the clamp leaves one value only");
  return Bounds{static_cast<float>(out.low - out.zero_point), static_cast<float>(out.high - out.zero_point)};
}

// The factor of each output channel: with tensor scales of 1, XNNPACK's scale of the weights is exactly that.
Result<std::vector<float>> channel_factors(const Lowering& context) {
  const graph::Value& w = context.input_value(1);
  for (const std::int32_t zero_point : w.quantization.zero_points)
    if (zero_point != 0) return unsupported("XNNPACK's signed weights have no zero point");
  DOTORI_ASSIGN_OR_RETURN(std::vector<float> factors,
                          cpu::channel_scales(context.input_value(0), w, context.output_value()));
  for (std::size_t c = 0; c < factors.size(); ++c)
    if (!(factors[c] >= kLeastFactor && factors[c] < kFactorLimit))
      return unsupported("output channel " + std::to_string(c) + ": the scales give a factor of " +
                         std::to_string(factors[c]) + ", XNNPACK takes [2^-32, 256)");
  return factors;
}

// XNNPACK adds up to 255 * |w| for each weight, and takes the zero point of x out of the bias: the same proof as the
// CPU's.
Status prove_sums(const Lowering& context) {
  const graph::Value& w = context.input_value(1);
  const std::int64_t channels = w.type.shape[0], each = w.type.shape.elements() / channels;
  const auto* weights = static_cast<const std::int8_t*>(w.constant.data);
  const auto* bias =
      context.has_input(2) ? static_cast<const std::int32_t*>(context.input_value(2).constant.data) : nullptr;
  for (std::int64_t c = 0; c < channels; ++c)
    DOTORI_RETURN_IF_ERROR(cpu::prove_no_overflow(weights + c * each, each, 0, bias != nullptr ? bias[c] : 0, c));
  return {};
}

// `shape` and `elements` (nullptr: as in the graph) of the filter as XNNPACK wants it, output channels at `axis`.
Result<Weights> define_weights(Lowering& context, const Shape& shape, int axis, const void* elements) {
  const graph::Value& w = context.input_value(1);
  if (elements == nullptr) elements = w.constant.data;
  const std::int64_t channels = w.type.shape[0];
  const void* bias_elements = nullptr;
  if (context.has_input(2)) {
    bias_elements = context.input_value(2).constant.data;
  } else {
    // Not every version takes a convolution without a bias.
    DOTORI_ASSIGN_OR_RETURN(bias_elements, context.allocate_weights(size(channels) * sizeof(float)));
  }
  const Shape bias_shape = {channels};
  Weights weights;
  if (!context.is_int8()) {
    DOTORI_ASSIGN_OR_RETURN(weights.filter, context.constant(xnn_datatype_fp32, shape, elements));
    DOTORI_ASSIGN_OR_RETURN(weights.bias, context.constant(xnn_datatype_fp32, bias_shape, bias_elements));
    return weights;
  }
  DOTORI_RETURN_IF_ERROR(prove_sums(context));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<float> factors, channel_factors(context));
  DOTORI_ASSIGN_OR_RETURN(weights.filter,
                          context.channel_constant(xnn_datatype_qcint8, shape, axis, factors, elements));
  DOTORI_ASSIGN_OR_RETURN(weights.bias,
                          context.channel_constant(xnn_datatype_qcint32, bias_shape, 0, factors, bias_elements));
  return weights;
}

// Depthwise weights [O,KH,KW,1] -> [1,KH,KW,O].
template <class T>
void channels_last(const void* from, void* to, std::int64_t channels, std::int64_t taps) {
  const T* src = static_cast<const T*>(from);
  T* dst = static_cast<T*>(to);
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t t = 0; t < taps; ++t) dst[t * channels + c] = src[c * taps + t];
}

Status append_depthwise(const graph::Conv2d& op, Lowering& context, const Bounds& bounds, Id x, Id y) {
  const graph::Value& w = context.input_value(1);
  const std::int64_t channels = w.type.shape[0], taps = std::int64_t{op.kernel_h} * op.kernel_w;
  DOTORI_ASSIGN_OR_RETURN(void* elements, context.allocate_weights(w.constant.size_bytes));
  if (context.is_int8()) channels_last<std::int8_t>(w.constant.data, elements, channels, taps);
  else channels_last<float>(w.constant.data, elements, channels, taps);
  DOTORI_ASSIGN_OR_RETURN(const Weights weights,
                          define_weights(context, {1, op.kernel_h, op.kernel_w, channels}, 3, elements));
  return accepted(xnn_define_depthwise_convolution_2d(
                      context.subgraph(), u32(op.pad_top), u32(op.pad_right), u32(op.pad_bottom), u32(op.pad_left),
                      u32(op.kernel_h), u32(op.kernel_w), u32(op.stride_h), u32(op.stride_w), u32(op.dilation_h),
                      u32(op.dilation_w), u32(channels / op.groups), size(op.groups), bounds.low, bounds.high, x,
                      weights.filter, weights.bias, y, 0),
                  "xnn_define_depthwise_convolution_2d");
}

Status append_conv(const graph::Conv2d& op, Lowering& context, const Bounds& bounds, Id x, Id y) {
  const Shape& shape = context.input_shape(1);
  DOTORI_ASSIGN_OR_RETURN(const Weights weights, define_weights(context, shape, 0, nullptr));
  return accepted(xnn_define_convolution_2d(context.subgraph(), u32(op.pad_top), u32(op.pad_right), u32(op.pad_bottom),
                                            u32(op.pad_left), u32(op.kernel_h), u32(op.kernel_w), u32(op.stride_h),
                                            u32(op.stride_w), u32(op.dilation_h), u32(op.dilation_w), u32(op.groups),
                                            size(shape[3]), size(shape[0] / op.groups), bounds.low, bounds.high, x,
                                            weights.filter, weights.bias, y, 0),
                  "xnn_define_convolution_2d");
}

}  // namespace

Status lower(const graph::Conv2d& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(expect_constants(context));
  const SplitActivation activation = split_activation(op.activation);
  DOTORI_ASSIGN_OR_RETURN(const Bounds bounds, output_bounds(context, activation, op.activation));
  DOTORI_ASSIGN_OR_RETURN(const Id x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const Id y, context.before_activation(activation));
  const bool depthwise = op.groups > 1 && op.groups == context.input_shape(0)[3];
  DOTORI_RETURN_IF_ERROR(depthwise ? append_depthwise(op, context, bounds, x, y)
                                   : append_conv(op, context, bounds, x, y));
  return context.finish_activation(activation, y);
}

Status lower(const graph::ConvTranspose2d& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(expect_constants(context));
  if (op.output_pad_h >= op.stride_h || op.output_pad_w >= op.stride_w)
    return unsupported("XNNPACK wants an output padding below the stride");
  if (context.is_int8()) return unsupported("XNNPACK has no int8 transposed convolution with a scale for each channel");
  const SplitActivation activation = split_activation(op.activation);
  DOTORI_ASSIGN_OR_RETURN(const Bounds bounds, output_bounds(context, activation, op.activation));
  DOTORI_ASSIGN_OR_RETURN(const Id x, context.input(0));
  DOTORI_ASSIGN_OR_RETURN(const Id y, context.before_activation(activation));
  const Shape& shape = context.input_shape(1);
  DOTORI_ASSIGN_OR_RETURN(const Weights weights, define_weights(context, shape, 0, nullptr));
  DOTORI_RETURN_IF_ERROR(accepted(
      xnn_define_deconvolution_2d(context.subgraph(), u32(op.pad_top), u32(op.pad_right), u32(op.pad_bottom),
                                  u32(op.pad_left), u32(op.output_pad_h), u32(op.output_pad_w), u32(op.kernel_h),
                                  u32(op.kernel_w), u32(op.stride_h), u32(op.stride_w), u32(op.dilation_h),
                                  u32(op.dilation_w), u32(op.groups), size(shape[3]), size(shape[0] / op.groups),
                                  bounds.low, bounds.high, x, weights.filter, weights.bias, y, 0),
      "xnn_define_deconvolution_2d"));
  return context.finish_activation(activation, y);
}

Status lower(const graph::FullyConnected& op, Lowering& context) {
  DOTORI_RETURN_IF_ERROR(expect_constants(context));
  const SplitActivation activation = split_activation(op.activation);
  DOTORI_ASSIGN_OR_RETURN(const Bounds bounds, output_bounds(context, activation, op.activation));
  DOTORI_ASSIGN_OR_RETURN(const Id x, context.input(0));
  const Shape& shape = context.input_shape(1);
  if (!context.is_int8()) {
    DOTORI_ASSIGN_OR_RETURN(const Id y, context.before_activation(activation));
    DOTORI_ASSIGN_OR_RETURN(const Weights weights, define_weights(context, shape, 0, nullptr));
    DOTORI_RETURN_IF_ERROR(accepted(
        xnn_define_fully_connected(context.subgraph(), bounds.low, bounds.high, x, weights.filter, weights.bias, y, 0),
        "xnn_define_fully_connected"));
    return context.finish_activation(activation, y);
  }
  // Per-channel int8 is there for convolutions only: [...,K] as an image of one pixel.
  const std::int64_t outputs = shape[0], depth = shape[1], rows = context.input_shape(0).elements() / depth;
  const std::size_t pixel_in[] = {size(rows), 1, 1, size(depth)};
  DOTORI_ASSIGN_OR_RETURN(const Id image, context.temporary({rows, 1, 1, depth}, context.input_value(0)));
  DOTORI_ASSIGN_OR_RETURN(const Id result, context.temporary({rows, 1, 1, outputs}, context.output_value()));
  DOTORI_ASSIGN_OR_RETURN(const Id y, context.output());
  DOTORI_ASSIGN_OR_RETURN(const Weights weights, define_weights(context, {outputs, 1, 1, depth}, 0, nullptr));
  DOTORI_RETURN_IF_ERROR(
      accepted(xnn_define_static_reshape(context.subgraph(), 4, pixel_in, x, image, 0), "xnn_define_static_reshape"));
  DOTORI_RETURN_IF_ERROR(accepted(
      xnn_define_convolution_2d(context.subgraph(), 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, size(depth), size(outputs),
                                bounds.low, bounds.high, image, weights.filter, weights.bias, result, 0),
      "xnn_define_convolution_2d"));
  std::size_t dims[kMaxRank];
  for (int i = 0; i < context.output_shape().rank(); ++i) dims[i] = size(context.output_shape()[i]);
  return accepted(
      xnn_define_static_reshape(context.subgraph(), size(context.output_shape().rank()), dims, result, y, 0),
      "xnn_define_static_reshape");
}

}  // namespace dotori::backends::xnnpack
