// SPDX-License-Identifier: Apache-2.0
#include "graph/verify.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace dotori::graph {
namespace {

// x -> conv(w, b) -> relu -> y; two outputs: the relu and a softmax of it.
Graph small_graph() {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 4, 4, 2});
  const ValueId w = g.add_constant_f32("w", {3, 1, 1, 2}, std::vector<float>(6, 1.0f));
  const ValueId b = g.add_constant_f32("b", {3}, {1, 2, 3});
  const ValueId c = *g.add_node("conv", Conv2d{}, {x, w, b});
  const ValueId r = *g.add_node("relu", Unary{{Function::kRelu, 0, 0}}, {c});
  const ValueId s = *g.add_node("softmax", Softmax{3, 1}, {r});
  g.outputs = {r, s};
  return g;
}

// The message of verify() after `damage`, or "" when it passed.
std::string after(const std::function<void(Graph&)>& damage) {
  Graph g = small_graph();
  damage(g);
  const Status status = verify(g);
  EXPECT_TRUE(status.ok() || status.code() == StatusCode::kInvalidArgument);
  return status.message();
}

#define EXPECT_REFUSED(text, ...)                                                       \
  do {                                                                                  \
    const std::string message = after([](Graph & g) __VA_ARGS__);                       \
    EXPECT_NE(message.find(text), std::string::npos) << "message: '" << message << "'"; \
  } while (0)

TEST(Verify, AcceptsAGoodGraph) {
  EXPECT_EQ(after([](Graph&) {}), "");
  EXPECT_EQ(after([](Graph& g) { g.outputs = {g.outputs[0], g.outputs[0]}; }), "") << "an output may be listed twice";
  EXPECT_EQ(after([](Graph& g) { g.nodes()[0].inputs[2] = {}; }), "") << "an optional input left out";
}

TEST(Verify, InputsAndOutputs) {
  EXPECT_REFUSED("no input", { g.inputs.clear(); });
  EXPECT_REFUSED("no output", { g.outputs.clear(); });
  EXPECT_REFUSED("graph input refers to value 99", { g.inputs.push_back({99}); });
  EXPECT_REFUSED("graph input refers to value -1", { g.inputs.push_back({}); });
  EXPECT_REFUSED("listed twice", { g.inputs.push_back(g.inputs[0]); });
  EXPECT_REFUSED("'w' is a constant", { g.inputs.push_back({1}); });
  EXPECT_REFUSED("graph output refers to value 99", { g.outputs.push_back({99}); });
  EXPECT_REFUSED("output 'x' must be written by a node", { g.outputs.push_back({0}); });
  EXPECT_REFUSED("output 'w' must be written by a node", { g.outputs.push_back({1}); });
}

TEST(Verify, Values) {
  EXPECT_REFUSED("value 'x': data type", { g.value({0}).type.type = static_cast<DataType>(9); });
  EXPECT_REFUSED("value 'x': shape [0,4,4,2]", { g.value({0}).type.shape[0] = 0; });
  EXPECT_REFUSED("2^31", { g.value({0}).type.shape = {1 << 16, 1 << 16}; });
  EXPECT_REFUSED("value 'w': constant float32 [3,1,1,2] needs 24 bytes, found 20",
                 { g.value({1}).constant.size_bytes = 20; });
  EXPECT_REFUSED("not aligned",
                 { g.value({1}).constant.data = static_cast<const char*>(g.value({1}).constant.data) + 1; });
  EXPECT_REFUSED("value 'stray' is no input", {
    Value v;
    v.name = "stray";
    g.add_value(v);
  });
  EXPECT_REFUSED("two values are called 'x'", { g.value({1}).name = "x"; });
  EXPECT_REFUSED("a value has no name", { g.value({1}).name = ""; });
  EXPECT_REFUSED("source_order", { g.value({0}).source_order = {0, 2, 3}; });
  EXPECT_REFUSED("source_order", { g.value({0}).source_order = {0, 2, 3, 3}; });
  EXPECT_EQ(after([](Graph& g) { g.value({0}).source_order = {0, 2, 3, 1}; }), "");
}

TEST(Verify, Quantization) {
  EXPECT_EQ(after([](Graph& g) { g.value({1}).quantization = {{0.1f, 0.2f, 0.3f}, {0, 0, 0}, 0}; }), "");
  EXPECT_EQ(after([](Graph& g) { g.value({1}).quantization = {{0.1f}, {7}, 0}; }), "");
  EXPECT_REFUSED("1 scales and 0 zero points", { g.value({1}).quantization = {{0.1f}, {}, 0}; });
  EXPECT_REFUSED("must have 3 scales, found 2", { g.value({1}).quantization = {{0.1f, 0.2f}, {0, 0}, 0}; });
  EXPECT_REFUSED("axis", { g.value({1}).quantization = {{0.1f, 0.2f}, {0, 0}, 4}; });
  EXPECT_REFUSED("positive", { g.value({1}).quantization = {{0.0f}, {0}, 0}; });
  EXPECT_REFUSED("finite", { g.value({1}).quantization = {{std::numeric_limits<float>::quiet_NaN()}, {0}, 0}; });
}

TEST(Verify, Nodes) {
  EXPECT_REFUSED("the node has no operator", { g.nodes()[1].op = Op{}; });
  EXPECT_REFUSED("input 0 refers to value 99", { g.nodes()[1].inputs[0] = {99}; });
  EXPECT_REFUSED("follows an input that is left out", { g.nodes()[0].inputs[1] = {}; });
  EXPECT_REFUSED("expected 2 to 3 inputs, found 1", { g.nodes()[0].inputs = {g.inputs[0], {}}; });
  EXPECT_REFUSED("not written by an earlier node", { std::swap(g.nodes()[0], g.nodes()[1]); });
  EXPECT_REFUSED("not written by an earlier node", { g.nodes()[1].inputs = g.nodes()[1].outputs; });
  EXPECT_REFUSED("'w', is a constant already", { g.nodes()[1].outputs[0] = {1}; });
  EXPECT_REFUSED("'x', is a graph input already", { g.nodes()[1].outputs[0] = {0}; });
  EXPECT_REFUSED("'conv', is written by another node", { g.nodes()[1].outputs[0] = g.nodes()[0].outputs[0]; });
  EXPECT_REFUSED("output 0 refers to value", { g.nodes()[1].outputs[0] = {-7}; });
  EXPECT_REFUSED("expected 1 output, found 0", { g.nodes()[2].outputs.clear(); });
  EXPECT_REFUSED("unary 'relu' (x [1,4,4,3]): output 'relu' must be float32 [1,4,4,3], found float32 [1,4,4,4]",
                 { g.value(g.nodes()[1].outputs[0]).type.shape[3] = 4; });
  EXPECT_REFUSED(
      "conv2d 'conv' (x [1,4,4,2], weights [3,1,1,2], bias [3]): width: stride must be in [1, 4096], found 0",
      { std::get<Conv2d>(g.nodes()[0].op).stride_w = 0; });
  EXPECT_REFUSED("two nodes are called 'relu'", { g.nodes()[2].name = "relu"; });
  EXPECT_REFUSED("a node has no name", { g.nodes()[2].name = ""; });
}

TEST(Verify, TooManyValues) {
  EXPECT_REFUSED("at most 65536", { g.values().resize(65537); });
  EXPECT_REFUSED("at most 65536", { g.nodes().resize(65537); });
}

void make_detector(Graph& g) {
  g.task.task = Task::kDetection;
  g.task.detection.decoder = DetectionDecoder::kYolo;
  g.task.detection.classes = 80;
  g.task.detection.scales = {{0, -1, 32, {10, 14, 23, 27}}, {1, -1, 16, {5, 5}}};
}

TEST(Verify, Task) {
  EXPECT_EQ(after(make_detector), "");
  EXPECT_REFUSED("task", { g.task.task = Task::kCount; });
  EXPECT_REFUSED("number of labels", { g.task.labels.resize(100001); });
  EXPECT_REFUSED("resize", { g.task.preprocess.resize = ResizeMode::kCount; });
  EXPECT_REFUSED("channel order", { g.task.preprocess.order = ChannelOrder::kCount; });
  EXPECT_REFUSED("crop_fraction", { g.task.preprocess.crop_fraction = 0; });
  EXPECT_REFUSED("crop_fraction", { g.task.preprocess.crop_fraction = 1.5f; });
  EXPECT_REFUSED("pad_value", { g.task.preprocess.pad_value = 256; });
  EXPECT_REFUSED("mean must be finite", { g.task.preprocess.mean[2] = std::numeric_limits<float>::infinity(); });
  EXPECT_REFUSED("scale must be finite", { g.task.preprocess.scale[0] = std::numeric_limits<float>::quiet_NaN(); });
  EXPECT_REFUSED("classification: output must be in [0, 1], found 2", { g.task.classification.output = 2; });
  EXPECT_REFUSED("segmentation: output", { g.task.segmentation.output = -1; });
  EXPECT_REFUSED("segmentation: threshold", { g.task.segmentation.threshold = 2; });
  EXPECT_REFUSED("segmentation: decoder", { g.task.segmentation.decoder = MaskDecoder::kCount; });
  EXPECT_REFUSED("a segmenter needs a decoder", { g.task.task = Task::kSegmentation; });
}

TEST(Verify, Detector) {
  EXPECT_REFUSED("needs a decoder", {
    make_detector(g);
    g.task.detection.decoder = DetectionDecoder::kNone;
  });
  EXPECT_REFUSED("decoder", {
    make_detector(g);
    g.task.detection.decoder = DetectionDecoder::kCount;
  });
  EXPECT_REFUSED("classes", {
    make_detector(g);
    g.task.detection.classes = 0;
  });
  EXPECT_REFUSED("number of scales", {
    make_detector(g);
    g.task.detection.scales.clear();
  });
  EXPECT_REFUSED("scale 1: output must be in [0, 1], found 2", {
    make_detector(g);
    g.task.detection.scales[1].output = 2;
  });
  EXPECT_REFUSED("box_output", {
    make_detector(g);
    g.task.detection.scales[0].box_output = 2;
  });
  EXPECT_REFUSED("box_output", {
    make_detector(g);
    g.task.detection.decoder = DetectionDecoder::kNanodet;
  });
  EXPECT_REFUSED("stride", {
    make_detector(g);
    g.task.detection.scales[0].stride = -1;
  });
  EXPECT_REFUSED("anchors must be at most 64 pairs, found 3 numbers", {
    make_detector(g);
    g.task.detection.scales[0].anchors = {1, 2, 3};
  });
  EXPECT_REFUSED("anchors must be finite and positive", {
    make_detector(g);
    g.task.detection.scales[0].anchors = {1, 0};
  });
  EXPECT_REFUSED("needs anchors", {
    make_detector(g);
    g.task.detection.scales[0].anchors.clear();
  });
  EXPECT_REFUSED("scale_x_y", {
    make_detector(g);
    g.task.detection.scale_x_y = -1;
  });
  EXPECT_REFUSED("score_threshold", {
    make_detector(g);
    g.task.detection.score_threshold = 1.5f;
  });
  EXPECT_REFUSED("nms_iou", {
    make_detector(g);
    g.task.detection.nms_iou = std::numeric_limits<float>::quiet_NaN();
  });
}

}  // namespace
}  // namespace dotori::graph
