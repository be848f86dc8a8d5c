// SPDX-License-Identifier: Apache-2.0
// Whole networks, small enough for an emulator: the fast kernels against the reference kernels, any number of threads,
// and through the file format and back.
#include <gtest/gtest.h>

#include <cmath>

#include <dotori/dotori.h>

#include "graph/graph.h"
#include "graph/writer.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::Function;
using graph::Graph;
using graph::ValueId;

// Appends layers with seeded weights of a natural size.
class NetworkBuilder {
 public:
  explicit NetworkBuilder(std::uint64_t seed) : random_(seed) {}

  ValueId input(const Shape& shape) { return g.add_input("image", DataType::kFloat32, shape); }
  ValueId conv(ValueId x, int out, int kernel, int stride, Function f, int groups = 1, float alpha = 0,
               float beta = 0) {
    const int in = static_cast<int>(g.value(x).type.shape[3]);
    graph::Conv2d op;
    op.kernel_h = op.kernel_w = kernel;
    op.stride_h = op.stride_w = stride;
    op.pad_top = op.pad_left = (kernel - 1) / 2;
    op.pad_bottom = op.pad_right = kernel / 2;
    op.groups = groups;
    op.activation = {f, alpha, beta};
    return add(op, x, {out, kernel, kernel, in / groups}, out);
  }
  ValueId up_conv(ValueId x, int out, int kernel, int stride) {
    const int in = static_cast<int>(g.value(x).type.shape[3]);
    graph::ConvTranspose2d op;
    op.kernel_h = op.kernel_w = kernel;
    op.stride_h = op.stride_w = stride;
    op.pad_top = op.pad_left = op.pad_bottom = op.pad_right = (kernel - stride) / 2;
    op.activation = {Function::kLeakyRelu, 0.1f, 0};
    return add(op, x, {out, kernel, kernel, in}, out);
  }
  ValueId dense(ValueId x, int out) {
    const Shape& shape = g.value(x).type.shape;
    return add(graph::FullyConnected(), x, {out, shape[shape.rank() - 1]}, out);
  }
  ValueId node(graph::Op op, std::vector<ValueId> inputs) {
    auto id = g.add_node("n" + std::to_string(g.nodes().size()), std::move(op), std::move(inputs));
    EXPECT_TRUE(id.ok()) << id.status().message();
    return id.ok() ? *id : ValueId{0};
  }
  ValueId unary(ValueId x, Function f, float alpha = 0, float beta = 0) {
    graph::Unary op;
    op.activation = {f, alpha, beta};
    return node(op, {x});
  }
  ValueId binary(ValueId a, ValueId b, graph::BinaryFunction f) {
    graph::Binary op;
    op.function = f;
    return node(op, {a, b});
  }
  ValueId concat(std::vector<ValueId> inputs, int axis) {
    graph::Concat op;
    op.axis = axis;
    return node(op, std::move(inputs));
  }
  ValueId max_pool(ValueId x, int kernel, int stride, int pad = 0) {
    graph::MaxPool2d op;
    op.kernel_h = op.kernel_w = kernel;
    op.stride_h = op.stride_w = stride;
    op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
    return node(op, {x});
  }
  ValueId mean_hw(ValueId x) {
    graph::Reduce op;
    op.axes = {1, 2};
    return node(op, {x});
  }
  ValueId upsample(ValueId x, graph::ResizeFilter filter, int factor) {
    graph::Resize2d op;
    op.filter = filter;
    op.coordinates = filter == graph::ResizeFilter::kNearest ? graph::CoordinateRule::kAsymmetric
                                                             : graph::CoordinateRule::kHalfPixel;
    op.nearest = graph::NearestRule::kFloor;
    op.out_h = static_cast<int>(g.value(x).type.shape[1]) * factor;
    op.out_w = static_cast<int>(g.value(x).type.shape[2]) * factor;
    return node(op, {x});
  }

  Graph g;

 private:
  ValueId add(graph::Op op, ValueId x, const Shape& weights, int out) {
    std::int64_t fan_in = 1;
    for (int i = 1; i < weights.rank(); ++i) fan_in *= weights[i];
    const float size = std::sqrt(3.0f / static_cast<float>(fan_in)) * 1.3f;
    const std::string n = std::to_string(g.nodes().size());
    const ValueId w =
        g.add_constant_f32("w" + n, weights, random_.floats(static_cast<std::size_t>(weights.elements()), -size, size));
    const ValueId b = g.add_constant_f32("b" + n, {out}, random_.floats(static_cast<std::size_t>(out), -0.1f, 0.1f));
    return node(std::move(op), {x, w, b});
  }
  testing::Random random_;
};

// Depthwise-separable blocks with squeeze-and-excite, hard-swish, and a classifier.
Graph mobile_classifier() {
  NetworkBuilder b(1);
  ValueId x = b.conv(b.input({1, 33, 29, 3}), 16, 3, 2, Function::kHardSwish);
  for (int stride : {1, 2}) {
    const ValueId wide = b.conv(x, 40, 1, 1, Function::kClip, 1, 0, 6);
    const ValueId depth = b.conv(wide, 40, stride == 1 ? 3 : 5, stride, Function::kSilu, 40);
    ValueId gate = b.conv(b.mean_hw(depth), 12, 1, 1, Function::kRelu);
    gate = b.conv(gate, 40, 1, 1, Function::kHardSigmoid, 1, 1.0f / 6, 0.5f);
    const ValueId narrow = b.conv(b.binary(depth, gate, graph::BinaryFunction::kMul), 16, 1, 1, Function::kIdentity);
    x = stride == 1 ? b.binary(x, narrow, graph::BinaryFunction::kAdd) : narrow;
  }
  x = b.conv(x, 24, 3, 1, Function::kRelu, 4);
  graph::Reshape flat;
  flat.shape = {1, 24};
  graph::Softmax softmax;
  softmax.axis = 1;
  b.g.outputs.push_back(b.node(softmax, {b.dense(b.node(flat, {b.mean_hw(x)}), 11)}));
  return b.g;
}

// Darknet-like: leaky and mish, shortcut, spatial pyramid pooling, two scales joined by upsampling.
Graph slim_detector() {
  NetworkBuilder b(2);
  ValueId x = b.conv(b.input({1, 32, 40, 3}), 8, 3, 2, Function::kLeakyRelu, 1, 0.1f);
  x = b.conv(x, 16, 3, 2, Function::kMish);
  const ValueId body =
      b.conv(b.conv(x, 8, 1, 1, Function::kLeakyRelu, 1, 0.1f), 16, 3, 1, Function::kLeakyRelu, 1, 0.1f);
  const ValueId fine = b.binary(x, body, graph::BinaryFunction::kAdd);
  const ValueId coarse = b.conv(b.max_pool(fine, 2, 2), 32, 3, 1, Function::kLeakyRelu, 1, 0.1f);
  const ValueId pyramid = b.concat({coarse, b.max_pool(coarse, 5, 1, 2), b.max_pool(coarse, 3, 1, 1)}, 3);
  const ValueId neck = b.conv(pyramid, 16, 1, 1, Function::kLeakyRelu, 1, 0.1f);
  const ValueId joined = b.concat({b.upsample(neck, graph::ResizeFilter::kNearest, 2), fine}, 3);
  b.g.outputs.push_back(b.conv(neck, 21, 1, 1, Function::kIdentity));
  b.g.outputs.push_back(b.conv(joined, 21, 1, 1, Function::kSigmoid));
  return b.g;
}

// ReLU down, transposed convolutions and leaky ReLU up, softmax over the classes.
Graph small_unet() {
  NetworkBuilder b(3);
  const ValueId top = b.conv(b.input({1, 24, 20, 1}), 12, 3, 1, Function::kRelu);
  const ValueId middle = b.conv(b.max_pool(top, 2, 2), 20, 3, 1, Function::kRelu);
  const ValueId bottom = b.conv(b.max_pool(middle, 2, 2), 28, 3, 1, Function::kRelu);
  ValueId x = b.conv(b.concat({b.up_conv(bottom, 20, 2, 2), middle}, 3), 20, 3, 1, Function::kLeakyRelu, 1, 0.01f);
  x = b.conv(b.concat({b.up_conv(x, 12, 4, 2), top}, 3), 12, 3, 1, Function::kLeakyRelu, 1, 0.01f);
  graph::Softmax softmax;
  softmax.axis = 3;
  const ValueId map = b.node(softmax, {b.conv(x, 3, 1, 1, Function::kIdentity)});
  graph::ArgMax arg_max;
  arg_max.axis = 3;
  b.g.outputs.push_back(map);
  b.g.outputs.push_back(b.node(arg_max, {map}));
  b.g.outputs.push_back(b.upsample(map, graph::ResizeFilter::kBilinear, 2));
  return b.g;
}

// Channel shuffle, grouped convolution, split, tanh and a depth-to-space head.
Graph shuffle_network() {
  NetworkBuilder b(4);
  ValueId x = b.conv(b.input({2, 10, 14, 3}), 24, 3, 1, Function::kElu, 1, 1.0f);
  graph::Reshape split_channels, join_channels;
  split_channels.shape = {2, 10, 14, 2, 12};
  join_channels.shape = {2, 10, 14, 24};
  graph::Transpose swap;
  swap.perm = {0, 1, 2, 4, 3};
  x = b.node(join_channels, {b.node(swap, {b.node(split_channels, {x})})});
  graph::Slice left, right;
  left.begin = {0, 0, 0, 0};
  right.begin = {0, 0, 0, 12};
  left.size = right.size = {2, 10, 14, 12};
  left.stride = right.stride = {1, 1, 1, 1};
  const ValueId a = b.conv(b.node(left, {x}), 12, 3, 1, Function::kTanh, 3);
  const ValueId c = b.unary(b.node(right, {x}), Function::kSoftplus);
  graph::Pad pad;
  pad.mode = graph::PadMode::kReflect;
  pad.before = {0, 1, 2, 0};
  pad.after = {0, 1, 0, 0};
  graph::DepthToSpace shuffle;
  b.g.outputs.push_back(b.node(shuffle, {b.node(pad, {b.concat({a, c}, 3)})}));
  return b.g;
}

struct Case {
  const char* name;
  Graph (*make)();
};
constexpr Case kCases[] = {{"mobile_classifier", mobile_classifier},
                           {"slim_detector", slim_detector},
                           {"small_unet", small_unet},
                           {"shuffle_network", shuffle_network}};

class SmallModel : public ::testing::TestWithParam<Case> {};

std::vector<std::vector<float>> run(const Model& model, BackendKind backend, int threads) {
  SessionOptions options;
  options.backend = backend;
  options.num_threads = threads;
  auto session = Session::create(model, options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  if (!session.ok()) return {};
  testing::Random random(99);
  const TensorView input = session->input(0);
  for (std::int64_t i = 0; i < input.elements(); ++i) input.f32()[i] = random.uniform();
  EXPECT_TRUE(session->run().ok());
  std::vector<std::vector<float>> outputs;
  for (int o = 0; o < session->output_count(); ++o) {
    const TensorView out = session->output(o);
    std::vector<float> values(static_cast<std::size_t>(out.elements()));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = out.f32() != nullptr ? out.f32()[i] : static_cast<float>(out.i64()[i]);
    outputs.push_back(std::move(values));
  }
  return outputs;
}

TEST_P(SmallModel, FastKernelsAgreeWithTheReference) {
  auto model = Model::from_graph(GetParam().make());
  ASSERT_TRUE(model.ok()) << model.status().message();
  const auto expected = run(*model, BackendKind::kReference, 1);
  const auto found = run(*model, BackendKind::kCpu, 1);
  ASSERT_EQ(expected.size(), found.size());
  for (std::size_t o = 0; o < expected.size(); ++o) {
    float largest = 0;
    for (float v : expected[o]) largest = std::max(largest, std::fabs(v));
    EXPECT_GT(largest, 0.01f) << "output " << o << " says nothing";
    for (std::size_t i = 0; i < expected[o].size(); ++i)
      ASSERT_NEAR(expected[o][i], found[o][i], 2e-5f * largest) << "output " << o << ", element " << i;
  }
}

TEST_P(SmallModel, SameBitsForEveryThreadCount) {
  auto model = Model::from_graph(GetParam().make());
  ASSERT_TRUE(model.ok());
  for (BackendKind backend : {BackendKind::kCpu, BackendKind::kReference}) {
    const auto one = run(*model, backend, 1);
    EXPECT_EQ(one, run(*model, backend, 2));
    EXPECT_EQ(one, run(*model, backend, 4));
  }
}

TEST_P(SmallModel, SurvivesTheFileFormat) {
  auto bytes = graph::write_graph(GetParam().make());
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  auto loaded = Model::from_memory(*bytes);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  auto direct = Model::from_graph(GetParam().make());
  EXPECT_EQ(run(*direct, BackendKind::kCpu, 1), run(*loaded, BackendKind::kCpu, 1));
}

INSTANTIATE_TEST_SUITE_P(All, SmallModel, ::testing::ValuesIn(kCases),
                         [](const auto& i) { return std::string(i.param.name); });

}  // namespace
}  // namespace dotori
