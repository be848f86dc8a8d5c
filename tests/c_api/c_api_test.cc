// SPDX-License-Identifier: Apache-2.0
// Makes the small models and calls the checks, which are C99.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include <dotori/dotori.h>

#include "c_api/checks.h"
#include "graph/graph.h"
#include "graph/writer.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::Graph;
using graph::ValueId;

class CApi : public ::testing::Test {
 protected:
  void SetUp() override {
    files_.classifier = write("classifier", classifier());
    files_.detector = write("detector", detector());
    files_.segmenter = write("segmenter", segmenter());
    damaged_ = folder_ + "/c_api_damaged.dtr";
    std::FILE* file = std::fopen(damaged_.c_str(), "wb");
    ASSERT_NE(file, nullptr);
    std::fputs("this is no model", file);
    std::fclose(file);
    files_.damaged = damaged_.c_str();
    files_.folder = folder_.c_str();
  }

  static ValueId conv(Graph& g, const char* name, ValueId x, std::int64_t filters, int kernel) {
    testing::Random random(filters);
    const std::int64_t channels = g.value(x).type.shape[3];
    const Shape shape = {filters, kernel, kernel, channels};
    graph::Conv2d op;
    op.kernel_h = op.kernel_w = kernel;
    op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = kernel / 2;
    const ValueId w = g.add_constant_f32(std::string(name) + "/w", shape,
                                         random.floats(static_cast<std::size_t>(shape.elements()), -1, 1));
    return *g.add_node(name, op, {x, w});
  }

  static Graph begin(const char* name, Task task) {
    Graph g;
    g.name = name;
    g.task.task = task;
    g.add_input("x", DataType::kFloat32, {1, 8, 8, 3});
    return g;
  }

  static Graph classifier() {
    Graph g = begin("classifier", Task::kClassification);
    graph::Reduce mean;
    mean.function = graph::ReduceFunction::kMean;
    mean.axes = {1, 2};
    mean.keep_dims = false;
    const ValueId pooled = *g.add_node("mean", mean, {conv(g, "conv", g.inputs[0], 5, 3)});
    graph::Softmax softmax;
    softmax.axis = 1;
    g.outputs = {*g.add_node("softmax", softmax, {pooled})};
    g.task.labels = {"quote \" and \\", "\xEB\x8F\x84\xED\x86\xA0\xEB\xA6\xAC", "c", "d", "e"};
    return g;
  }

  static Graph detector() {
    Graph g = begin("detector", Task::kDetection);
    g.outputs = {conv(g, "map", g.inputs[0], 7, 3)};
    g.task.labels = {"one", "two"};
    g.task.detection.decoder = DetectionDecoder::kYolo;
    g.task.detection.classes = 2;
    DetectionScale scale;
    scale.anchors = {3, 3};
    g.task.detection.scales = {scale};
    return g;
  }

  static Graph segmenter() {
    Graph g = begin("segmenter", Task::kSegmentation);
    g.outputs = {conv(g, "map", g.inputs[0], 3, 3)};
    g.task.segmentation.decoder = MaskDecoder::kArgMax;
    return g;
  }

  const char* write(const char* name, const Graph& g) {
    const Result<std::vector<unsigned char>> bytes = graph::write_graph(g);
    EXPECT_TRUE(bytes.ok());
    paths_.push_back(std::make_unique<std::string>(folder_ + "/c_api_" + name + ".dtr"));
    EXPECT_TRUE(bytes.ok() && graph::write_file_atomically(*paths_.back(), *bytes).ok());
    return paths_.back()->c_str();
  }

  c_api_files files_ = {};

 private:
  std::string folder_ = ::testing::TempDir(), damaged_;
  std::vector<std::unique_ptr<std::string>> paths_;
};

TEST_F(CApi, VersionAndErrors) {
  EXPECT_EQ(check_version_and_errors(&files_), 0);
}
TEST_F(CApi, Models) {
  EXPECT_EQ(check_models(&files_), 0);
}
TEST_F(CApi, Sessions) {
  EXPECT_EQ(check_sessions(&files_), 0);
}
TEST_F(CApi, Images) {
  EXPECT_EQ(check_images(&files_), 0);
}
TEST_F(CApi, Answers) {
  EXPECT_EQ(check_answers(&files_), 0);
}
TEST_F(CApi, Handles) {
  EXPECT_EQ(check_handles(&files_), 0);
}
TEST_F(CApi, Threads) {
  EXPECT_EQ(check_threads(&files_), 0);
}

}  // namespace
}  // namespace dotori
