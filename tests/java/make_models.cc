// SPDX-License-Identifier: Apache-2.0
// make_models FOLDER: small networks whose answers a test can work out from the photo's pixels, and one with 1000
// classes.
//   classifier.dtr   8 x 8; softmax over the mean red, green and blue (0..1)
//   detector.dtr     8 x 8; a 3 x 3 box around each red pixel, of class 0 ("one") if it is green too, 1 ("two") if blue
//   segmenter.dtr    8 x 8; class 0, 1, 2 where red, green, blue is largest
//   plain.dtr        8 x 8; no task; its output is its input
//   wide.dtr         224 x 224; 1000 classes by random weights
#include <cstdio>
#include <string>

#include <dotori/dotori.h>

#include "graph/graph.h"
#include "graph/writer.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::Graph;
using graph::ValueId;

// A convolution of one pixel: `weights` holds a row of 3 for each of `bias.size()` outputs.
ValueId pixels(Graph& g, const std::vector<float>& weights, const std::vector<float>& bias) {
  const std::int64_t outputs = static_cast<std::int64_t>(bias.size());
  const ValueId w = g.add_constant_f32("w", {outputs, 1, 1, 3}, weights);
  return *g.add_node("map", graph::Conv2d{}, {g.inputs[0], w, g.add_constant_f32("b", {outputs}, bias)});
}

Graph begin(const char* name, Task task, int side) {
  Graph g;
  g.name = name;
  g.task.task = task;
  g.add_input("photo", DataType::kFloat32, {1, side, side, 3});
  return g;
}

ValueId scores(Graph& g, ValueId x) {
  graph::Softmax softmax;
  softmax.axis = 1;
  return *g.add_node("scores", softmax, {x});
}

ValueId mean(Graph& g, ValueId x) {
  graph::Reduce op;
  op.function = graph::ReduceFunction::kMean;
  op.axes = {1, 2};
  op.keep_dims = false;
  return *g.add_node("mean", op, {x});
}

Graph classifier() {
  Graph g = begin("classifier", Task::kClassification, 8);
  g.outputs = {scores(g, mean(g, g.inputs[0]))};
  // Korean, and a character beyond 16 bits: JNI's own strings would spoil it.
  g.task.labels = {"red", "\xEB\x8F\x84\xED\x86\xA0\xEB\xA6\xAC", "\xF0\x9F\x8C\xB0 blue"};
  return g;
}

Graph detector() {
  Graph g = begin("detector", Task::kDetection, 8);
  const std::vector<float> weights = {0, 0,  0, 0, 0, 0,  0, 0, 0, 0, 0,
                                      0, 20, 0, 0, 0, 20, 0, 0, 0, 20};  // x, y, w, h, object, class 0, class 1
  g.outputs = {pixels(g, weights, {0, 0, 0, 0, -10, -10, -10})};
  g.task.labels = {"one", "two"};
  g.task.detection.decoder = DetectionDecoder::kYolo;
  g.task.detection.classes = 2;
  DetectionScale scale;
  scale.anchors = {3, 3};
  g.task.detection.scales = {scale};
  return g;
}

Graph segmenter() {
  Graph g = begin("segmenter", Task::kSegmentation, 8);
  g.outputs = {pixels(g, {1, 0, 0, 0, 1, 0, 0, 0, 1}, {0, 0, 0})};
  g.task.segmentation.decoder = MaskDecoder::kArgMax;
  return g;
}

Graph plain() {
  Graph g = begin("plain", Task::kNone, 8);
  g.outputs = {pixels(g, {1, 0, 0, 0, 1, 0, 0, 0, 1}, {0, 0, 0})};
  return g;
}

Graph wide() {
  Graph g = begin("wide", Task::kClassification, 224);
  testing::Random random(7);
  ValueId x = g.inputs[0];
  for (const std::int64_t filters : {16, 32, 64}) {
    const std::int64_t channels = g.value(x).type.shape[3];
    graph::Conv2d op;
    op.kernel_h = op.kernel_w = 3;
    op.stride_h = op.stride_w = 2;
    op.activation = {graph::Function::kClip, 0, 6};
    const ValueId w = g.add_constant_f32("w", {filters, 3, 3, channels},
                                         random.floats(static_cast<std::size_t>(filters * 9 * channels), -1, 1));
    x = *g.add_node("conv", op, {x, w});
  }
  const ValueId w = g.add_constant_f32("fc/w", {1000, 64}, random.floats(64000, -1, 1));
  g.outputs = {scores(g, *g.add_node("fc", graph::FullyConnected{}, {mean(g, x), w}))};
  for (int i = 0; i < 1000; ++i) g.task.labels.push_back("class " + std::to_string(i));
  return g;
}

int run(const std::string& folder) {
  for (const Graph& g : {classifier(), detector(), segmenter(), plain(), wide()}) {
    const Result<std::vector<unsigned char>> bytes = graph::write_graph(g);
    const Status status =
        bytes.ok() ? graph::write_file_atomically(folder + "/" + g.name + ".dtr", *bytes) : bytes.status();
    if (status.ok()) continue;
    std::fprintf(stderr, "make_models: %s: %s\n", g.name.c_str(), status.message().c_str());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace dotori

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: make_models FOLDER\n"), 2;
  return dotori::run(argv[1]);
}
