// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "convert/tflite/codes.h"

namespace dotori::convert::tflite {
namespace {

constexpr int kMaxWindow = 1 << 15;

struct Padding2 {
  int before = 0, after = 0;
};

// TensorFlow's rule: SAME gives ceil(in / stride) outputs, and the odd pixel of padding goes to the end; VALID never
// pads.
Padding2 padding(Padding mode, std::int64_t in, int kernel, int stride, int dilation) {
  if (mode == Padding::kValid) return {};
  const std::int64_t out = (in + stride - 1) / stride;
  const std::int64_t span = std::int64_t{kernel - 1} * dilation + 1;
  const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * stride + span - in);
  return {static_cast<int>(total / 2), static_cast<int>(total - total / 2)};
}

Result<Padding> padding_mode(const FlatTable& options, int field) {
  const std::int8_t mode = options.number<std::int8_t>(field);
  if (mode != 0 && mode != 1)
    return corrupt_model("padding mode " + std::to_string(mode) + ", expected 0 (SAME) or 1 (VALID)");
  return static_cast<Padding>(mode);
}

Result<int> positive(const FlatTable& options, int field, int otherwise, const char* what) {
  const std::int32_t value = options.number<std::int32_t>(field, otherwise);
  DOTORI_RETURN_IF_ERROR(graph::expect_range(what, value, 1, kMaxWindow));
  return static_cast<int>(value);
}

Result<Shape> shape_of_rank(Builder& builder, const Operator& op, int i, int rank, const char* what) {
  DOTORI_ASSIGN_OR_RETURN(const Shape shape, builder.input_shape(op, i));
  if (shape.rank() != rank)
    return corrupt_model(std::string(what) + " must have " + std::to_string(rank) + " dimensions, found " +
                         shape.to_string());
  return shape;
}

Status check_kernel(const Shape& weights) {
  DOTORI_RETURN_IF_ERROR(graph::expect_range("kernel height", weights[1], 1, kMaxWindow));
  return graph::expect_range("kernel width", weights[2], 1, kMaxWindow);
}

// x, weights, bias.
Result<std::vector<graph::ValueId>> window_inputs(Builder& builder, const Operator& op, int x_index,
                                                  Builder::WeightOrder order, int bias_index) {
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, x_index));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId weights, builder.weights(op, 1, x, order));
  std::vector<graph::ValueId> inputs = {x, weights};
  if (builder.has_input(op, bias_index)) {
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId bias, builder.bias(op, bias_index, x, weights));
    inputs.push_back(bias);
  }
  return inputs;
}

void set_padding(graph::Conv2d* node, Padding mode, const Shape& x) {
  const Padding2 rows = padding(mode, x[1], node->kernel_h, node->stride_h, node->dilation_h);
  const Padding2 columns = padding(mode, x[2], node->kernel_w, node->stride_w, node->dilation_w);
  node->pad_top = rows.before;
  node->pad_bottom = rows.after;
  node->pad_left = columns.before;
  node->pad_right = columns.after;
}

}  // namespace

// Conv2DOptions: padding, stride_w, stride_h, activation, dilation_w, dilation_h. Weights [O,kh,kw,C/groups].
Status lower_conv2d(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 3));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kConv2d));
  DOTORI_ASSIGN_OR_RETURN(const Shape x, shape_of_rank(builder, op, 0, 4, "the input"));
  DOTORI_ASSIGN_OR_RETURN(const Shape w, shape_of_rank(builder, op, 1, 4, "the weights"));
  DOTORI_RETURN_IF_ERROR(check_kernel(w));
  DOTORI_ASSIGN_OR_RETURN(const Padding mode, padding_mode(options, 0));
  graph::Conv2d node;
  node.kernel_h = static_cast<int>(w[1]);
  node.kernel_w = static_cast<int>(w[2]);
  DOTORI_ASSIGN_OR_RETURN(node.stride_w, positive(options, 1, 0, "stride_w"));
  DOTORI_ASSIGN_OR_RETURN(node.stride_h, positive(options, 2, 0, "stride_h"));
  DOTORI_ASSIGN_OR_RETURN(node.activation, builder.activation(options, 3));
  DOTORI_ASSIGN_OR_RETURN(node.dilation_w, positive(options, 4, 1, "dilation_w_factor"));
  DOTORI_ASSIGN_OR_RETURN(node.dilation_h, positive(options, 5, 1, "dilation_h_factor"));
  if (x[3] % w[3] != 0)
    return corrupt_model("the weights " + w.to_string() + " do not fit the input " + x.to_string() + ": " +
                         std::to_string(x[3]) + " channels are no multiple of " + std::to_string(w[3]));
  node.groups = static_cast<int>(std::min<std::int64_t>(x[3] / w[3], 1 << 30));
  set_padding(&node, mode, x);
  DOTORI_ASSIGN_OR_RETURN(std::vector<graph::ValueId> inputs,
                          window_inputs(builder, op, 0, Builder::WeightOrder::kOutputsFirst, 2));
  return builder.emit_output(op, node, std::move(inputs));
}

// DepthwiseConv2DOptions: padding, stride_w, stride_h, depth_multiplier, activation, dilation_w, dilation_h.
// Output channel c * multiplier + m reads input channel c: a grouped convolution with one input channel a group.
Status lower_depthwise_conv2d(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 3));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kDepthwiseConv2d));
  DOTORI_ASSIGN_OR_RETURN(const Shape x, shape_of_rank(builder, op, 0, 4, "the input"));
  DOTORI_ASSIGN_OR_RETURN(const Shape w, shape_of_rank(builder, op, 1, 4, "the weights"));
  DOTORI_RETURN_IF_ERROR(check_kernel(w));
  if (w[0] != 1 || w[3] % x[3] != 0)
    return corrupt_model("the weights " + w.to_string() + " do not fit the input " + x.to_string() +
                         ": expected [1,height,width,multiple of " + std::to_string(x[3]) + "]");
  DOTORI_ASSIGN_OR_RETURN(const Padding mode, padding_mode(options, 0));
  graph::Conv2d node;
  node.kernel_h = static_cast<int>(w[1]);
  node.kernel_w = static_cast<int>(w[2]);
  DOTORI_ASSIGN_OR_RETURN(node.stride_w, positive(options, 1, 0, "stride_w"));
  DOTORI_ASSIGN_OR_RETURN(node.stride_h, positive(options, 2, 0, "stride_h"));
  DOTORI_ASSIGN_OR_RETURN(node.activation, builder.activation(options, 4));
  DOTORI_ASSIGN_OR_RETURN(node.dilation_w, positive(options, 5, 1, "dilation_w_factor"));
  DOTORI_ASSIGN_OR_RETURN(node.dilation_h, positive(options, 6, 1, "dilation_h_factor"));
  node.groups = static_cast<int>(std::min<std::int64_t>(x[3], 1 << 30));
  set_padding(&node, mode, x);
  DOTORI_ASSIGN_OR_RETURN(std::vector<graph::ValueId> inputs,
                          window_inputs(builder, op, 0, Builder::WeightOrder::kOutputsLast, 2));
  return builder.emit_output(op, node, std::move(inputs));
}

namespace {

// The transposed convolution whose forward twin maps `out` to `in`: `total` pixels more than `out` are computed and cut
// off (SAME: half at the start), or some are missing at the end.
struct Cut {
  int before = 0, after = 0, extra = 0;
};

Result<Cut> transposed_cut(Padding mode, std::int64_t in, std::int64_t out, int kernel, int stride) {
  const std::int64_t total = (in - 1) * stride + kernel - out;
  if (total < -kMaxWindow || total > kMaxWindow)
    return corrupt_model("an output of " + std::to_string(out) + " does not fit an input of " + std::to_string(in) +
                         ", kernel " + std::to_string(kernel) + ", stride " + std::to_string(stride));
  Cut cut;
  if (total < 0) {
    cut.extra = static_cast<int>(-total);
  } else {
    cut.before = mode == Padding::kSame ? static_cast<int>(total / 2) : 0;
    cut.after = static_cast<int>(total) - cut.before;
  }
  return cut;
}

// What is cut off the full transposed convolution for an output of out_h x out_w.
Status set_cuts(graph::ConvTranspose2d* node, Padding mode, const Shape& x, std::int64_t out_h, std::int64_t out_w) {
  DOTORI_ASSIGN_OR_RETURN(const Cut rows, transposed_cut(mode, x[1], out_h, node->kernel_h, node->stride_h));
  DOTORI_ASSIGN_OR_RETURN(const Cut columns, transposed_cut(mode, x[2], out_w, node->kernel_w, node->stride_w));
  node->pad_top = rows.before;
  node->pad_bottom = rows.after;
  node->output_pad_h = rows.extra;
  node->pad_left = columns.before;
  node->pad_right = columns.after;
  node->output_pad_w = columns.extra;
  return {};
}

}  // namespace

// TransposeConvOptions: padding, stride_w, stride_h, activation. Inputs: output shape, weights [O,kh,kw,C], x, bias.
Status lower_transpose_conv(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 3, 4));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kTransposeConv));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> out, builder.integers(op, 0, "the output shape"));
  DOTORI_ASSIGN_OR_RETURN(const Shape w, shape_of_rank(builder, op, 1, 4, "the weights"));
  DOTORI_ASSIGN_OR_RETURN(const Shape x, shape_of_rank(builder, op, 2, 4, "the input"));
  DOTORI_RETURN_IF_ERROR(check_kernel(w));
  if (out.size() != 4)
    return corrupt_model("the output shape must have 4 numbers, found " + std::to_string(out.size()));
  DOTORI_RETURN_IF_ERROR(graph::expect_range("output height", out[1], 1, std::int64_t{1} << 31));
  DOTORI_RETURN_IF_ERROR(graph::expect_range("output width", out[2], 1, std::int64_t{1} << 31));
  if (out[0] != x[0] || out[3] != w[0])
    return corrupt_model("an output of batch " + std::to_string(out[0]) + " and " + std::to_string(out[3]) +
                         " channels does not fit the input " + x.to_string() + " and the weights " + w.to_string());
  DOTORI_ASSIGN_OR_RETURN(const Padding mode, padding_mode(options, 0));
  graph::ConvTranspose2d node;
  node.kernel_h = static_cast<int>(w[1]);
  node.kernel_w = static_cast<int>(w[2]);
  DOTORI_ASSIGN_OR_RETURN(node.stride_w, positive(options, 1, 0, "stride_w"));
  DOTORI_ASSIGN_OR_RETURN(node.stride_h, positive(options, 2, 0, "stride_h"));
  DOTORI_ASSIGN_OR_RETURN(node.activation, builder.activation(options, 3));
  DOTORI_RETURN_IF_ERROR(set_cuts(&node, mode, x, out[1], out[2]));
  DOTORI_ASSIGN_OR_RETURN(std::vector<graph::ValueId> inputs,
                          window_inputs(builder, op, 2, Builder::WeightOrder::kOutputsFirst, 3));
  return builder.emit_output(op, node, std::move(inputs));
}

// MediaPipe's custom Convolution2DTransposeBias: input, weights [O,H,W,I], bias; its options are three little-endian
// int32: padding (1 SAME, 2 VALID), stride_w, stride_h (TfLiteTransposeConvParams in TensorFlow Lite's
// builtin_op_data.h). The output is as large as the input times the stride (SAME), or as all windows together (VALID).
Status lower_transpose_conv_bias(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 3, 3));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const Shape x, shape_of_rank(builder, op, 0, 4, "the input"));
  DOTORI_ASSIGN_OR_RETURN(const Shape w, shape_of_rank(builder, op, 1, 4, "the weights"));
  DOTORI_RETURN_IF_ERROR(check_kernel(w));
  if (op.custom_options.size() < 12)
    return corrupt_model("the options must have at least 12 bytes, found " + std::to_string(op.custom_options.size()));
  std::int32_t numbers[3];
  for (int i = 0; i < 3; ++i) {
    const unsigned char* b = op.custom_options.data() + 4 * i;
    numbers[i] = static_cast<std::int32_t>(b[0] | b[1] << 8 | b[2] << 16 | static_cast<std::uint32_t>(b[3]) << 24);
  }
  DOTORI_RETURN_IF_ERROR(graph::expect_range("padding", numbers[0], 1, 2));
  DOTORI_RETURN_IF_ERROR(graph::expect_range("stride_w", numbers[1], 1, kMaxWindow));
  DOTORI_RETURN_IF_ERROR(graph::expect_range("stride_h", numbers[2], 1, kMaxWindow));
  const Padding mode = numbers[0] == 1 ? Padding::kSame : Padding::kValid;
  graph::ConvTranspose2d node;
  node.kernel_h = static_cast<int>(w[1]);
  node.kernel_w = static_cast<int>(w[2]);
  node.stride_w = numbers[1];
  node.stride_h = numbers[2];
  const auto size = [&](std::int64_t in, int kernel, int stride) {
    return mode == Padding::kSame ? in * stride : in * stride + std::max(0, kernel - stride);
  };
  const std::int64_t out_h = size(x[1], node.kernel_h, node.stride_h), out_w = size(x[2], node.kernel_w, node.stride_w);
  DOTORI_RETURN_IF_ERROR(set_cuts(&node, mode, x, out_h, out_w));
  DOTORI_ASSIGN_OR_RETURN(std::vector<graph::ValueId> inputs,
                          window_inputs(builder, op, 0, Builder::WeightOrder::kOutputsFirst, 2));
  return builder.emit_output(op, node, std::move(inputs));
}

// FullyConnectedOptions: activation, weights_format, keep_num_dims. Weights [O,K]; without keep_num_dims the input is
// taken as rows of K, whatever its shape.
Status lower_fully_connected(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 3));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kFullyConnected));
  if (options.number<std::int8_t>(1) != 0) return unsupported("shuffled weights (weights_format other than DEFAULT)");
  DOTORI_ASSIGN_OR_RETURN(Shape x, builder.input_shape(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const Shape w, shape_of_rank(builder, op, 1, 2, "the weights"));
  graph::FullyConnected node;
  DOTORI_ASSIGN_OR_RETURN(node.activation, builder.activation(options, 0));
  DOTORI_ASSIGN_OR_RETURN(std::vector<graph::ValueId> inputs,
                          window_inputs(builder, op, 0, Builder::WeightOrder::kOutputsFirst, 2));
  const bool keep_dims = options.boolean(2);
  if (!keep_dims && (x.rank() != 2 || x[1] != w[1])) {
    const std::int64_t elements = x.elements();
    if (elements % w[1] != 0)
      return corrupt_model("the input " + x.to_string() + " does not divide into rows of " + std::to_string(w[1]));
    DOTORI_ASSIGN_OR_RETURN(inputs[0],
                            builder.emit(op, "/rows", graph::Reshape{Shape{elements / w[1], w[1]}}, {inputs[0]}));
  }
  return builder.emit_output(op, node, std::move(inputs));
}

// Pool2DOptions: padding, stride_w, stride_h, filter_width, filter_height, activation. Averages never count padding.
Status lower_pool(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kPool2d));
  DOTORI_ASSIGN_OR_RETURN(const Shape x, shape_of_rank(builder, op, 0, 4, "the input"));
  DOTORI_ASSIGN_OR_RETURN(const Padding mode, padding_mode(options, 0));
  DOTORI_ASSIGN_OR_RETURN(const int stride_w, positive(options, 1, 0, "stride_w"));
  DOTORI_ASSIGN_OR_RETURN(const int stride_h, positive(options, 2, 0, "stride_h"));
  DOTORI_ASSIGN_OR_RETURN(const int kernel_w, positive(options, 3, 0, "filter_width"));
  DOTORI_ASSIGN_OR_RETURN(const int kernel_h, positive(options, 4, 0, "filter_height"));
  DOTORI_ASSIGN_OR_RETURN(const graph::Activation activation, builder.activation(options, 5));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId input, builder.input(op, 0));
  const Padding2 rows = padding(mode, x[1], kernel_h, stride_h, 1);
  const Padding2 columns = padding(mode, x[2], kernel_w, stride_w, 1);
  const auto fill = [&](auto node) {
    node.kernel_h = kernel_h;
    node.kernel_w = kernel_w;
    node.stride_h = stride_h;
    node.stride_w = stride_w;
    node.pad_top = rows.before;
    node.pad_bottom = rows.after;
    node.pad_left = columns.before;
    node.pad_right = columns.after;
    return graph::Op(node);
  };
  return builder.emit_activated(
      op, activation, op.code == kMaxPool2d ? fill(graph::MaxPool2d{}) : fill(graph::AveragePool2d{}), {input});
}

// Resize{Bilinear,NearestNeighbor}Options: [new_height, new_width,] align_corners, half_pixel_centers. Inputs: x, size
// (h, w).
Status lower_resize(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 2));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  const bool bilinear = op.code == kResizeBilinear;
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, bilinear ? OptionsType::kResizeBilinear
                                                                                : OptionsType::kResizeNearestNeighbor));
  const bool align_corners = options.boolean(bilinear ? 2 : 0);
  const bool half_pixel = options.boolean(bilinear ? 3 : 1);
  if (align_corners && half_pixel) return unsupported("align_corners together with half_pixel_centers");
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> size, builder.integers(op, 1, "the size"));
  if (size.size() != 2) return corrupt_model("the size must have 2 numbers, found " + std::to_string(size.size()));
  DOTORI_RETURN_IF_ERROR(graph::expect_range("height", size[0], 1, 1 << 24));
  DOTORI_RETURN_IF_ERROR(graph::expect_range("width", size[1], 1, 1 << 24));
  graph::Resize2d node;
  node.out_h = static_cast<int>(size[0]);
  node.out_w = static_cast<int>(size[1]);
  if (bilinear) {
    node.filter = graph::ResizeFilter::kBilinear;
    node.coordinates = align_corners ? graph::CoordinateRule::kAlignCorners
                       : half_pixel  ? graph::CoordinateRule::kHalfPixel
                                     : graph::CoordinateRule::kAsymmetric;
  } else {
    node.filter = graph::ResizeFilter::kNearest;
    node.coordinates = align_corners ? graph::CoordinateRule::kAlignCorners
                       : half_pixel  ? graph::CoordinateRule::kTfHalfPixelForNn
                                     : graph::CoordinateRule::kAsymmetric;
    node.nearest = align_corners ? graph::NearestRule::kRoundPreferCeil : graph::NearestRule::kFloor;
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId input, builder.input(op, 0));
  return builder.emit_output(op, node, {input});
}

}  // namespace dotori::convert::tflite
