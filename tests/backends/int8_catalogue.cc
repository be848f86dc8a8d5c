// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/operator_catalogue.h"
#include "ops/quantized_graph.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

using graph::Activation;
using graph::Function;

constexpr bool kCpuOnly = false, kXnnpack = true;
const Quantization kX = per_tensor(0.05f, -7), kOther = per_tensor(0.031f, 12), kY = per_tensor(0.07f, 3);

class Catalogue {
 public:
  Catalogue& input(const Shape& shape, const Quantization& quantization = kX) {
    ids_.push_back(add_quantized_input(graph_, "x" + std::to_string(ids_.size()), shape, quantization));
    return *this;
  }
  Catalogue& input_f32(const Shape& shape) {
    ids_.push_back(graph_.add_input("x" + std::to_string(ids_.size()), DataType::kFloat32, shape));
    return *this;
  }
  Catalogue& constant(const Shape& shape, const Quantization& quantization) {
    std::vector<std::int8_t> bytes;
    for (std::int64_t i = 0; i < shape.elements(); ++i)
      bytes.push_back(static_cast<std::int8_t>(random_.integer(-128, 127)));
    ids_.push_back(add_quantized_constant(graph_, "c" + std::to_string(ids_.size()), shape, bytes, quantization));
    return *this;
  }
  Catalogue& indices(const std::vector<std::int32_t>& elements) {
    ids_.push_back(
        add_quantized_constant(graph_, "indices", {static_cast<std::int64_t>(elements.size())}, elements, {}));
    return *this;
  }
  // Weights with one scale, or one a channel, and a bias to match.
  Catalogue& weights(const Shape& shape, bool per_channel = true, bool bias = true) {
    const std::int64_t channels = shape[0], each = shape.elements() / channels;
    std::vector<std::int8_t> bytes;
    for (std::int64_t i = 0; i < shape.elements(); ++i)
      bytes.push_back(static_cast<std::int8_t>(random_.integer(-127, 127)));
    Quantization of_weights, of_bias;
    std::vector<std::int32_t> offsets;
    for (std::int64_t c = 0; c < (per_channel ? channels : 1); ++c) {
      of_weights.scales.push_back(random_.uniform(0.3f, 1) * 0.05f / static_cast<float>(each));
      of_weights.zero_points.push_back(0);
      of_bias.scales.push_back(of_weights.scales.back() * kX.scales[0]);
      of_bias.zero_points.push_back(0);
    }
    for (std::int64_t c = 0; c < channels; ++c)
      offsets.push_back(random_.integer(-200 * static_cast<int>(each), 200 * static_cast<int>(each)));
    ids_.push_back(add_quantized_constant(graph_, "w", shape, bytes, of_weights));
    if (bias) ids_.push_back(add_quantized_constant(graph_, "b", {channels}, offsets, of_bias));
    return *this;
  }
  // An empty quantisation: the output is not a quantised one.
  void add(const std::string& name, const graph::Op& op, bool xnnpack, const Quantization& quantization = kX) {
    const graph::ValueId y = add_quantized_output(graph_, op, ids_, quantization);
    EXPECT_TRUE(y.valid()) << name;
    if (y.valid()) cases_.push_back({name, graph_, xnnpack});
    graph_ = graph::Graph();
    ids_.clear();
  }
  std::vector<OperatorCase> take() { return std::move(cases_); }

 private:
  Random random_{8};
  graph::Graph graph_;
  std::vector<graph::ValueId> ids_;
  std::vector<OperatorCase> cases_;
};

void add_convolutions(Catalogue& c) {
  graph::Conv2d conv;
  conv.kernel_h = conv.kernel_w = 3;
  conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right = 1;
  c.input({1, 7, 9, 3}).weights({8, 3, 3, 3}).add("conv2d_s8_3x3", conv, kXnnpack, kY);
  c.input({1, 7, 9, 3}).weights({8, 3, 3, 3}, false).add("conv2d_s8_one_scale", conv, kXnnpack, kY);
  c.input({2, 6, 6, 3}).weights({5, 3, 3, 3}, true, false).add("conv2d_s8_no_bias_batch2", conv, kXnnpack, kY);
  conv.activation = {Function::kRelu, 0, 0};
  c.input({1, 6, 6, 4}).weights({16, 3, 3, 4}).add("conv2d_s8_relu", conv, kXnnpack, kY);
  conv.activation = {Function::kClip, 0, 6};
  c.input({1, 6, 6, 4}).weights({16, 3, 3, 4}).add("conv2d_s8_relu6", conv, kXnnpack, kY);
  conv.activation = {Function::kLeakyRelu, 0.1f, 0};
  c.input({1, 6, 6, 4}).weights({16, 3, 3, 4}).add("conv2d_s8_leaky_relu", conv, kCpuOnly, kY);
  conv.activation = {};
  conv.stride_h = conv.stride_w = 2;
  c.input({1, 9, 9, 3}).weights({8, 3, 3, 3}).add("conv2d_s8_stride2", conv, kXnnpack, kY);
  graph::Conv2d pointwise;
  c.input({1, 6, 5, 33}).weights({20, 1, 1, 33}).add("conv2d_s8_1x1", pointwise, kXnnpack, kY);
  graph::Conv2d depthwise = conv;
  depthwise.stride_h = depthwise.stride_w = 1;
  depthwise.groups = 12;
  c.input({1, 7, 7, 12}).weights({12, 3, 3, 1}).add("conv2d_s8_depthwise", depthwise, kXnnpack, kY);
  depthwise.activation = {Function::kClip, 0, 6};
  depthwise.stride_h = depthwise.stride_w = 2;
  c.input({1, 7, 7, 12}).weights({12, 3, 3, 1}).add("conv2d_s8_depthwise_stride2_relu6", depthwise, kXnnpack, kY);
  graph::Conv2d grouped = conv;
  grouped.groups = 2;
  c.input({1, 6, 6, 8}).weights({6, 3, 3, 4}).add("conv2d_s8_grouped", grouped, kXnnpack, kY);
  graph::ConvTranspose2d transposed;
  transposed.kernel_h = transposed.kernel_w = transposed.stride_h = transposed.stride_w = 2;
  c.input({1, 4, 5, 6}).weights({3, 2, 2, 6}).add("conv_transpose2d_s8", transposed, kCpuOnly, kY);
  graph::Conv3d volume;
  volume.kernel_d = volume.kernel_h = volume.kernel_w = 3;
  volume.pad_front = volume.pad_back = volume.pad_top = volume.pad_bottom = volume.pad_left = volume.pad_right = 1;
  c.input({1, 4, 5, 6, 8}).weights({10, 3, 3, 3, 8}).add("conv3d_s8", volume, kCpuOnly, kY);
  graph::ConvTranspose3d volume_up;
  volume_up.kernel_d = volume_up.kernel_h = volume_up.kernel_w = 2;
  volume_up.stride_d = volume_up.stride_h = volume_up.stride_w = 2;
  c.input({1, 3, 4, 5, 6}).weights({3, 2, 2, 2, 6}).add("conv_transpose3d_s8", volume_up, kCpuOnly, kY);
  c.input({2, 20}).weights({7, 20}, false).add("fully_connected_s8", graph::FullyConnected(), kXnnpack, kY);
  c.input({2, 20}).weights({7, 20}).add("fully_connected_s8_channels", graph::FullyConnected(), kXnnpack, kY);
}

void add_elementwise(Catalogue& c) {
  for (int f = 1; f < static_cast<int>(Function::kCount); ++f) {
    graph::Unary op;
    op.activation = {static_cast<Function>(f), 0.25f, 0.75f};
    c.input({1, 3, 5, 7})
        .add(std::string("unary_s8_") + graph::function_name(op.activation.function), op, kCpuOnly, kY);
  }
  graph::Unary clamp;
  clamp.activation = {Function::kRelu, 0, 0};
  c.input({1, 3, 5, 7}).add("unary_s8_relu_same_scale", clamp, kXnnpack);
  clamp.activation = {Function::kClip, 0, 3};
  c.input({1, 3, 5, 7}).add("unary_s8_clip_same_scale", clamp, kXnnpack);
  using graph::BinaryFunction;
  for (BinaryFunction f :
       {BinaryFunction::kAdd, BinaryFunction::kSub, BinaryFunction::kMul, BinaryFunction::kMin, BinaryFunction::kMax}) {
    graph::Binary op;
    op.function = f;
    const std::string name = std::string("binary_s8_") + graph::binary_function_name(op.function);
    c.input({1, 3, 5, 7}).input({1, 3, 5, 7}, kOther).add(name, op, kCpuOnly, kY);
    c.input({1, 3, 5, 7}).constant({7}, kOther).add(name + "_channels", op, kCpuOnly, kY);
  }
  c.input({1, 3, 5, 7}).constant({7}, kOther).add("prelu_s8", graph::Prelu(), kCpuOnly, kY);
  graph::Softmax softmax;
  softmax.axis = 1;
  c.input({3, 10}).add("softmax_s8", softmax, kCpuOnly, per_tensor(1.0f / 256, -128));
}

void add_windows(Catalogue& c) {
  graph::MaxPool2d max;
  max.kernel_h = max.kernel_w = 3;
  max.pad_top = max.pad_left = max.pad_bottom = max.pad_right = 1;
  c.input({2, 9, 7, 5}).add("max_pool2d_s8", max, kXnnpack);
  graph::AveragePool2d average;
  c.input({1, 8, 8, 5}).add("average_pool2d_s8", average, kCpuOnly, kY);
  c.input({1, 4, 6, 8, 9}).add("max_pool3d_s8", graph::MaxPool3d(), kCpuOnly);
  c.input({1, 4, 6, 8, 9}).add("average_pool3d_s8", graph::AveragePool3d(), kCpuOnly, kY);
  graph::Resize2d resize;
  resize.out_h = 10, resize.out_w = 12;
  c.input({1, 5, 6, 3}).add("resize2d_s8_nearest", resize, kCpuOnly);
  resize.filter = graph::ResizeFilter::kBilinear;
  c.input({1, 5, 6, 3}).add("resize2d_s8_bilinear", resize, kCpuOnly);
  for (int f = 0; f < static_cast<int>(graph::ReduceFunction::kCount); ++f) {
    graph::Reduce reduce;
    reduce.function = static_cast<graph::ReduceFunction>(f);
    reduce.axes = {1, 2};
    c.input({2, 6, 5, 8})
        .add(std::string("reduce_s8_") + graph::reduce_function_name(reduce.function), reduce, kCpuOnly, kY);
  }
  graph::Reduce mean;
  mean.axes = {1, 2};
  c.input({2, 6, 5, 8}).add("reduce_s8_mean_same_scale", mean, kXnnpack);
  graph::ArgMax arg_max;
  arg_max.axis = 3;
  c.input({1, 4, 5, 6}).add("arg_max_s8", arg_max, kCpuOnly, {});
}

void add_movement(Catalogue& c) {
  graph::Pad pad;
  pad.before = {0, 1, 2, 0};
  pad.after = {0, 2, 1, 1};
  pad.value = 0.5f;
  c.input({1, 3, 4, 5}).add("pad_s8", pad, kXnnpack);
  graph::Concat concat;
  concat.axis = 3;
  c.input({1, 3, 4, 5}).input({1, 3, 4, 2}, kOther).add("concat_s8", concat, kCpuOnly, kY);
  graph::Slice slice;
  slice.begin = {0, 1, 0, 2}, slice.size = {1, 2, 2, 3}, slice.stride = {1, 1, 2, 1};
  c.input({1, 4, 4, 6}).add("slice_s8", slice, kCpuOnly);
  graph::Reshape reshape;
  reshape.shape = {4, 15};
  c.input({1, 3, 4, 5}).add("reshape_s8", reshape, kCpuOnly);
  graph::Transpose transpose;
  transpose.perm = {0, 3, 1, 2};
  c.input({1, 3, 4, 5}).add("transpose_s8", transpose, kCpuOnly);
  c.input({1, 3, 4, 8}).add("depth_to_space_s8", graph::DepthToSpace(), kCpuOnly);
  c.input({1, 4, 6, 3}).add("space_to_depth_s8", graph::SpaceToDepth(), kCpuOnly);
  graph::Gather gather;
  gather.axis = 2;
  c.input({1, 3, 4, 5}).indices({3, 0, 3, -2}).add("gather_s8", gather, kCpuOnly);
  c.input_f32({1, 3, 4, 5}).add("quantize", graph::Quantize(), kCpuOnly);
  c.input({1, 3, 4, 5}).add("dequantize", graph::Dequantize(), kXnnpack, {});
}

}  // namespace

std::vector<OperatorCase> int8_catalogue() {
  Catalogue catalogue;
  add_convolutions(catalogue);
  add_elementwise(catalogue);
  add_windows(catalogue);
  add_movement(catalogue);
  return catalogue.take();
}

}  // namespace dotori::testing
