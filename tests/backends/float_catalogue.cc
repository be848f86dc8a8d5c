// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/operator_catalogue.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

using graph::Activation;
using graph::BinaryFunction;
using graph::Function;

constexpr bool kCpuOnly = false, kXnnpack = true;

// Collects cases; the inputs and constants of the one being described are taken by add().
class Catalogue {
 public:
  Catalogue& input(const Shape& shape, DataType type = DataType::kFloat32) {
    ids_.push_back(graph_.add_input("x" + std::to_string(ids_.size()), type, shape));
    return *this;
  }
  Catalogue& constant(const Shape& shape, float low = -1, float high = 1) {
    ids_.push_back(graph_.add_constant_f32("c" + std::to_string(ids_.size()), shape,
                                           random_.floats(static_cast<std::size_t>(shape.elements()), low, high)));
    return *this;
  }
  Catalogue& indices(const std::vector<std::int32_t>& elements) {
    const Result<graph::ValueId> id =
        graph_.add_constant("indices", DataType::kInt32, {static_cast<std::int64_t>(elements.size())}, elements.data(),
                            elements.size() * sizeof(std::int32_t));
    EXPECT_TRUE(id.ok()) << id.status().message();
    ids_.push_back(id.ok() ? *id : graph::ValueId());
    return *this;
  }
  void add(const std::string& name, const graph::Op& op, bool xnnpack, int outputs = 1) {
    const Result<std::vector<graph::ValueId>> y = graph_.add_node_outputs("node", op, ids_, outputs);
    EXPECT_TRUE(y.ok()) << name << ": " << y.status().message();
    if (y.ok()) {
      graph_.outputs = *y;
      cases_.push_back({name, graph_, xnnpack});
    }
    graph_ = graph::Graph();
    ids_.clear();
  }
  std::vector<OperatorCase> take() { return std::move(cases_); }

 private:
  Random random_{4};
  graph::Graph graph_;
  std::vector<graph::ValueId> ids_;
  std::vector<OperatorCase> cases_;
};

graph::Conv2d conv(int kernel, int stride = 1, int pad = 0, Activation activation = {}) {
  graph::Conv2d op;
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
  op.activation = activation;
  return op;
}

void add_convolutions(Catalogue& c) {
  const Activation relu{Function::kRelu, 0, 0}, relu6{Function::kClip, 0, 6};
  c.input({1, 7, 9, 3}).constant({8, 3, 3, 3}).constant({8}).add("conv2d_3x3", conv(3, 1, 1), kXnnpack);
  c.input({2, 8, 8, 3}).constant({5, 3, 3, 3}).add("conv2d_no_bias_batch2_stride2", conv(3, 2, 0, relu), kXnnpack);
  c.input({1, 5, 5, 16})
      .constant({24, 1, 1, 16})
      .constant({24})
      .add("conv2d_1x1_relu6", conv(1, 1, 0, relu6), kXnnpack);
  for (const auto& [function, taken] : std::vector<std::pair<Function, bool>>{{Function::kLeakyRelu, true},
                                                                              {Function::kSigmoid, true},
                                                                              {Function::kHardSwish, true},
                                                                              {Function::kSilu, true},
                                                                              {Function::kTanh, false},
                                                                              {Function::kMish, false}})
    c.input({1, 5, 6, 4})
        .constant({6, 3, 3, 4})
        .constant({6})
        .add(std::string("conv2d_") + graph::function_name(function), conv(3, 1, 1, {function, 0.1f, 0}), taken);
  graph::Conv2d uneven = conv(3, 2, 0);
  uneven.pad_bottom = uneven.pad_right = 1;
  uneven.kernel_w = 5;
  uneven.pad_left = 2;
  c.input({1, 9, 10, 3}).constant({4, 3, 5, 3}).constant({4}).add("conv2d_uneven_padding", uneven, kXnnpack);
  graph::Conv2d dilated = conv(3, 1, 2);
  dilated.dilation_h = dilated.dilation_w = 2;
  c.input({1, 8, 8, 4}).constant({4, 3, 3, 4}).constant({4}).add("conv2d_dilated", dilated, kXnnpack);
  graph::Conv2d grouped = conv(3, 1, 1);
  grouped.groups = 2;
  c.input({1, 6, 6, 8}).constant({6, 3, 3, 4}).constant({6}).add("conv2d_grouped", grouped, kXnnpack);
  graph::Conv2d depthwise = conv(3, 1, 1, relu6);
  depthwise.groups = 12;
  c.input({1, 7, 7, 12}).constant({12, 3, 3, 1}).constant({12}).add("conv2d_depthwise_3x3", depthwise, kXnnpack);
  depthwise = conv(5, 2, 2);
  depthwise.groups = 12;
  c.input({1, 9, 9, 12}).constant({12, 5, 5, 1}).add("conv2d_depthwise_5x5_stride2", depthwise, kXnnpack);
  depthwise = conv(3, 1, 1);
  depthwise.groups = 4;
  c.input({1, 6, 6, 4}).constant({8, 3, 3, 1}).constant({8}).add("conv2d_depthwise_multiplier2", depthwise, kXnnpack);
  c.input({1, 6, 6, 4}).input({8, 3, 3, 4}).add("conv2d_weights_as_input", conv(3, 1, 1), kCpuOnly);

  graph::ConvTranspose2d transposed;
  transposed.kernel_h = transposed.kernel_w = transposed.stride_h = transposed.stride_w = 2;
  c.input({1, 4, 5, 6}).constant({3, 2, 2, 6}).constant({3}).add("conv_transpose2d_2x2", transposed, kXnnpack);
  transposed.kernel_h = transposed.kernel_w = 3;
  transposed.pad_top = transposed.pad_bottom = transposed.pad_left = transposed.pad_right = 1;
  transposed.output_pad_h = transposed.output_pad_w = 1;
  transposed.activation = relu;
  c.input({1, 4, 5, 6})
      .constant({3, 3, 3, 6})
      .constant({3})
      .add("conv_transpose2d_3x3_output_pad", transposed, kXnnpack);

  graph::Conv3d volume;
  volume.kernel_d = volume.kernel_h = volume.kernel_w = 3;
  volume.pad_front = volume.pad_back = volume.pad_top = volume.pad_bottom = volume.pad_left = volume.pad_right = 1;
  volume.activation = relu;
  c.input({1, 4, 5, 6, 8}).constant({10, 3, 3, 3, 8}).constant({10}).add("conv3d_3x3x3_relu", volume, kCpuOnly);
  volume.stride_d = volume.stride_w = 2;
  c.input({2, 4, 5, 6, 1}).constant({5, 3, 3, 3, 1}).add("conv3d_stride2_no_bias", volume, kCpuOnly);
  c.input({1, 4, 5, 6, 3}).input({10, 3, 3, 3, 3}).add("conv3d_weights_as_input", volume, kCpuOnly);
  graph::ConvTranspose3d volume_up;
  volume_up.kernel_d = volume_up.kernel_h = volume_up.kernel_w = 2;
  volume_up.stride_d = volume_up.stride_h = volume_up.stride_w = 2;
  c.input({1, 3, 4, 5, 6}).constant({3, 2, 2, 2, 6}).constant({3}).add("conv_transpose3d_2x2x2", volume_up, kCpuOnly);

  graph::FullyConnected dense;
  c.input({3, 20}).constant({7, 20}).constant({7}).add("fully_connected", dense, kXnnpack);
  dense.activation = relu6;
  c.input({1, 20}).constant({7, 20}).add("fully_connected_no_bias_relu6", dense, kXnnpack);
}

void add_windows(Catalogue& c) {
  graph::MaxPool2d max;
  c.input({1, 8, 8, 5}).add("max_pool2d_2x2", max, kXnnpack);
  max.kernel_h = max.kernel_w = 3;
  max.pad_top = max.pad_left = max.pad_bottom = max.pad_right = 1;
  c.input({2, 9, 7, 5}).add("max_pool2d_3x3_padded", max, kXnnpack);
  max.ceil_mode = true;
  c.input({1, 8, 8, 5}).add("max_pool2d_ceil_mode", max, kXnnpack);
  graph::AveragePool2d average;
  c.input({1, 8, 8, 5}).add("average_pool2d_2x2", average, kXnnpack);
  average.kernel_h = average.kernel_w = 3;
  average.pad_top = average.pad_left = average.pad_bottom = average.pad_right = 1;
  c.input({1, 9, 9, 5}).add("average_pool2d_padded", average, kXnnpack);
  average.count_include_pad = true;
  c.input({1, 9, 9, 5}).add("average_pool2d_count_include_pad", average, kCpuOnly);

  c.input({1, 4, 6, 8, 9}).add("max_pool3d_2x2x2", graph::MaxPool3d(), kCpuOnly);
  graph::AveragePool3d volume_average;
  volume_average.kernel_d = volume_average.kernel_h = volume_average.kernel_w = 3;
  volume_average.pad_front = volume_average.pad_top = volume_average.pad_right = 1;
  c.input({1, 5, 6, 7, 9}).add("average_pool3d_padded", volume_average, kCpuOnly);

  using graph::CoordinateRule;
  for (const auto& [rule, taken] : std::vector<std::pair<CoordinateRule, bool>>{{CoordinateRule::kHalfPixel, true},
                                                                                {CoordinateRule::kAlignCorners, true},
                                                                                {CoordinateRule::kAsymmetric, true}}) {
    graph::Resize2d resize;
    resize.filter = graph::ResizeFilter::kBilinear;
    resize.coordinates = rule;
    resize.out_h = 10, resize.out_w = 9;
    c.input({1, 5, 6, 3}).add(std::string("resize2d_bilinear_") + graph::coordinate_rule_name(rule), resize, taken);
  }
  graph::Resize2d nearest;
  nearest.out_h = 10, nearest.out_w = 12;
  c.input({1, 5, 6, 3}).add("resize2d_nearest", nearest, kCpuOnly);

  graph::Reduce mean;
  mean.axes = {1, 2};
  c.input({2, 6, 5, 8}).add("reduce_mean_image", mean, kXnnpack);
  mean.keep_dims = false;
  c.input({1, 6, 5, 8}).add("reduce_mean_image_dropped", mean, kXnnpack);
  for (int f = 0; f < static_cast<int>(graph::ReduceFunction::kCount); ++f) {
    graph::Reduce reduce;
    reduce.function = static_cast<graph::ReduceFunction>(f);
    reduce.axes = {3};
    c.input({1, 4, 5, 6})
        .add(std::string("reduce_channels_") + graph::reduce_function_name(reduce.function), reduce, kCpuOnly);
  }
  graph::ArgMax arg_max;
  arg_max.axis = 3;
  c.input({1, 4, 5, 6}).add("arg_max", arg_max, kCpuOnly);
}

bool xnnpack_has(Function f) {
  switch (f) {
    case Function::kRelu:
    case Function::kClip:
    case Function::kLeakyRelu:
    case Function::kSigmoid:
    case Function::kHardSwish:
    case Function::kSilu:
    case Function::kHardSigmoid:
    case Function::kReciprocal:
    case Function::kSqrt:
    case Function::kAbs:
    case Function::kNegate:
    case Function::kElu:
    case Function::kFloor:
    case Function::kCeil:
    case Function::kRound:
    case Function::kSquare: return true;
    default: return false;
  }
}

void add_elementwise(Catalogue& c) {
  for (int f = 1; f < static_cast<int>(Function::kCount); ++f) {
    graph::Unary op;
    op.activation.function = static_cast<Function>(f);
    op.activation.alpha = 0.25f;
    op.activation.beta = 0.75f;
    c.input({1, 3, 5, 7})
        .add(std::string("unary_") + graph::function_name(op.activation.function), op,
             xnnpack_has(op.activation.function));
  }
  for (int f = 0; f < static_cast<int>(BinaryFunction::kCount); ++f) {
    graph::Binary op;
    op.function = static_cast<BinaryFunction>(f);
    const bool taken = op.function != BinaryFunction::kPow;
    const std::string name = std::string("binary_") + graph::binary_function_name(op.function);
    c.input({1, 3, 5, 7}).input({1, 3, 5, 7}).add(name, op, taken);
    c.input({1, 3, 5, 7}).constant({7}, 0.5f, 2).add(name + "_channels", op, taken);
    c.input({2, 3, 5, 7}).constant({}, 0.5f, 2).add(name + "_scalar", op, taken);
  }
  graph::Binary add;
  c.input({1, 3, 1, 7}).input({2, 1, 5, 7}).add("binary_add_both_broadcast", add, kXnnpack);
  add.activation = {Function::kRelu, 0, 0};
  c.input({1, 3, 5, 7}).input({1, 3, 5, 7}).add("binary_add_relu", add, kXnnpack);
  add.activation = {Function::kTanh, 0, 0};
  c.input({1, 3, 5, 7}).input({1, 3, 5, 7}).add("binary_add_tanh", add, kCpuOnly);
  c.input({1, 3, 5, 7}).constant({7}).add("prelu_channels", graph::Prelu(), kXnnpack);
  c.input({1, 3, 5, 7}).input({1, 3, 5, 7}).add("prelu_slope_as_input", graph::Prelu(), kCpuOnly);
  graph::Softmax softmax;
  softmax.axis = 1;
  c.input({3, 10}).add("softmax", softmax, kXnnpack);
  softmax.axis = 2;
  c.input({1, 3, 4, 5}).add("softmax_inner_axis", softmax, kCpuOnly);
}

void add_movement(Catalogue& c) {
  graph::Pad pad;
  pad.before = {0, 1, 2, 0};
  pad.after = {0, 2, 1, 1};
  pad.value = 0.5f;
  c.input({1, 3, 4, 5}).add("pad_constant", pad, kXnnpack);
  pad.mode = graph::PadMode::kReflect;
  pad.value = 0;
  c.input({1, 4, 4, 5}).add("pad_reflect", pad, kCpuOnly);
  graph::Concat concat;
  concat.axis = 3;
  c.input({1, 3, 4, 5}).input({1, 3, 4, 2}).add("concat", concat, kCpuOnly);
  graph::Slice slice;
  slice.begin = {0, 1, 0, 2}, slice.size = {1, 2, 2, 3}, slice.stride = {1, 1, 2, 1};
  c.input({1, 4, 4, 6}).add("slice", slice, kCpuOnly);
  graph::Reshape reshape;
  reshape.shape = {4, 15};
  c.input({1, 3, 4, 5}).add("reshape", reshape, kCpuOnly);  // at the edge of a region it costs nothing on the CPU
  graph::Transpose transpose;
  transpose.perm = {0, 3, 1, 2};
  c.input({1, 3, 4, 5}).add("transpose", transpose, kCpuOnly);
  c.input({1, 3, 4, 8}).add("depth_to_space", graph::DepthToSpace(), kXnnpack);
  c.input({1, 4, 6, 3}).add("space_to_depth", graph::SpaceToDepth(), kCpuOnly);
  graph::Cast cast;
  cast.to = DataType::kInt32;
  c.input({1, 3, 4, 5}).add("cast", cast, kCpuOnly);
  graph::Gather gather;
  gather.axis = 2;
  c.input({1, 3, 4, 5}).indices({3, 0, 3, -2}).add("gather", gather, kCpuOnly);
  graph::SsdPostProcess ssd;
  ssd.classes = 3;
  ssd.max_detections = 5;
  c.input({1, 30, 4}).input({1, 30, 4}).constant({30, 4}, 0.2f, 0.8f).add("ssd_post_process", ssd, kCpuOnly, 4);
}

}  // namespace

std::vector<OperatorCase> float_catalogue() {
  Catalogue catalogue;
  add_convolutions(catalogue);
  add_windows(catalogue);
  add_elementwise(catalogue);
  add_movement(catalogue);
  return catalogue.take();
}

}  // namespace dotori::testing
