// SPDX-License-Identifier: Apache-2.0
// Caffe's layers by hand-made numbers, and files that are wrong. Whole networks beside OpenCV:
// bench/agreement/caffe.py.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "convert/convert.h"
#include "convert/run_graph.h"
#include "dotori_caffe.pb.h"
#include "graph/verify.h"
#include "support/random.h"

namespace dotori {
namespace {

using Floats = std::vector<float>;

struct Layer {
  std::string name;
  std::vector<std::pair<std::vector<std::int64_t>, Floats>> blobs;
};

// An empty file is an error of its own, so a layer that no network has is always there.
std::string weights_bytes(const std::vector<Layer>& layers) {
  dotori_caffe::Weights weights;
  weights.add_layer()->set_name("unused");
  for (const Layer& layer : layers) {
    auto* to = weights.add_layer();
    to->set_name(layer.name);
    for (const auto& [shape, data] : layer.blobs) {
      auto* blob = to->add_blobs();
      for (std::int64_t d : shape) blob->mutable_shape()->add_dim(d);
      for (float v : data) blob->add_data(v);
    }
  }
  return weights.SerializeAsString();
}

Result<graph::Graph> import_text(const std::string& text, const std::string& weights,
                                 const convert::ImportOptions& options = {}) {
  const std::string stem = ::testing::TempDir() + std::to_string(getpid()) + "_caffe";
  std::ofstream(stem + ".prototxt", std::ios::binary) << text;
  std::ofstream(stem + ".caffemodel", std::ios::binary) << weights;
  Result<graph::Graph> graph = convert::import_caffe(stem + ".prototxt", stem + ".caffemodel", options);
  std::remove((stem + ".prototxt").c_str());
  std::remove((stem + ".caffemodel").c_str());
  return graph;
}

std::string input_layer(const std::string& dims) {
  return "layer { name: 'data' type: 'Input' top: 'data' input_param { shape { " + dims + " } } }\n";
}

// The first output, of one network on one input, both in the order of memory.
Floats run(const std::string& text, const std::vector<Layer>& layers, const Floats& x) {
  const Result<graph::Graph> graph = import_text(text, weights_bytes(layers));
  EXPECT_TRUE(graph.ok()) << graph.status().message();
  if (!graph.ok()) return {};
  const auto outputs = testing::run_graph(*graph, x);
  return outputs.empty() ? Floats() : outputs[0];
}

void expect_near(const Floats& found, const Floats& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5f) << "at " << i;
}

TEST(CaffeNumbers, ConvolutionWithBiasAndReluInPlace) {
  // Two channels of 2x2, a 2x2 window: one pixel, two filters.
  const Floats found =
      run(input_layer("dim: 1 dim: 2 dim: 2 dim: 2") +
              "layer { name: 'c' type: 'Convolution' bottom: 'data' top: 'c' convolution_param { num_output: 2 "
              "kernel_size: 2 } }\n"
              "layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'c' }\n",
          {{"c", {{{2, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8, -1, -1, -1, -1, -1, -1, -1, -1}}, {{2}, {0.5f, 3}}}}},
          {1, 10, 2, 20, 3, 30, 4, 40});  // NHWC: channel 0 is 1 2 3 4
  expect_near(found, {1 + 4 + 9 + 16 + 50 + 120 + 210 + 320 + 0.5f, 0});
}

TEST(CaffeNumbers, PoolsRoundUpAndAverageOverTheirPadding) {
  const std::string pool = "layer { name: 'p' type: 'Pooling' bottom: 'data' top: 'p' pooling_param { ";
  const Floats row = {1, 2, 3, 4};
  // Width 4, windows of 3 every 2: the second one is cut off.
  expect_near(run(input_layer("dim: 1 dim: 1 dim: 1 dim: 4") + pool +
                      "pool: MAX kernel_h: 1 kernel_w: 3 stride_h: 1 stride_w: 2 } }",
                  {}, row),
              {3, 4});
  expect_near(run(input_layer("dim: 1 dim: 1 dim: 1 dim: 4") + pool +
                      "pool: AVE kernel_h: 1 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 0 pad_w: 1 } }",
                  {}, row),
              {0.5f, 2.5f, 2});
  expect_near(run(input_layer("dim: 1 dim: 1 dim: 2 dim: 2") + pool + "pool: AVE global_pooling: true } }", {}, row),
              {2.5f});
}

TEST(CaffeNumbers, BatchNormDividesByItsFactorAndScaleFollows) {
  const Floats found =
      run(input_layer("dim: 1 dim: 2 dim: 1 dim: 1") +
              "layer { name: 'b' type: 'BatchNorm' bottom: 'data' top: 'b' batch_norm_param { eps: 0 } }\n"
              "layer { name: 's' type: 'Scale' bottom: 'b' top: 's' scale_param { bias_term: true } }\n",
          {{"b", {{{2}, {10, 20}}, {{2}, {40, 90}}, {{1}, {10}}}}, {"s", {{{2}, {3, 5}}, {{2}, {0.5f, -1}}}}}, {7, 8});
  // Means 1 and 2, variances 4 and 9.
  expect_near(found, {(7 - 1) / 2.0f * 3 + 0.5f, (8 - 2) / 3.0f * 5 - 1});
}

TEST(CaffeNumbers, InnerProductReadsInCaffesOrder) {
  const Floats found =
      run(input_layer("dim: 1 dim: 2 dim: 1 dim: 2") +
              "layer { name: 'f' type: 'InnerProduct' bottom: 'data' top: 'f' inner_product_param { num_output: 1 "
              "bias_term: false } }\n",
          {{"f", {{{1, 4}, {1, 10, 100, 1000}}}}}, {1, 3, 2, 4});  // channel 0 is 1 2, channel 1 is 3 4
  expect_near(found, {1 + 20 + 300 + 4000});
}

TEST(CaffeNumbers, EltwiseCoefficientsSliceConcatAndSoftmax) {
  const Floats found = run(
      input_layer("dim: 1 dim: 4") +
          "layer { name: 's' type: 'Slice' bottom: 'data' top: 'a' top: 'b' slice_param { axis: 1 slice_point: 2 } }\n"
          "layer { name: 'e' type: 'Eltwise' bottom: 'a' bottom: 'b' top: 'e' eltwise_param { operation: SUM coeff: 2 "
          "coeff: -1 } }\n"
          "layer { name: 'm' type: 'Eltwise' bottom: 'a' bottom: 'b' top: 'm' eltwise_param { operation: MAX } }\n"
          "layer { name: 'c' type: 'Concat' bottom: 'e' bottom: 'm' top: 'c' concat_param { axis: 1 } }\n"
          "layer { name: 'p' type: 'Softmax' bottom: 'c' top: 'p' }\n",
      {}, {1, 2, 3, 1});
  const Floats logits = {2 - 3, 4 - 1, 3, 2};
  Floats expected;
  float sum = 0;
  for (float v : logits) sum += std::exp(v);
  for (float v : logits) expected.push_back(std::exp(v) / sum);
  expect_near(found, expected);
}

TEST(CaffeNumbers, TheNotationOfBefore2015) {
  dotori_caffe::Weights weights;
  auto* layer = weights.add_layers();
  layer->set_name("f");
  auto* blob = layer->add_blobs();
  blob->set_num(1);
  blob->set_channels(1);
  blob->set_height(1);
  blob->set_width(2);
  blob->add_data(3);
  blob->add_data(4);
  const Result<graph::Graph> graph = import_text(
      "input: 'data' input_dim: 1 input_dim: 2 input_dim: 1 input_dim: 1\n"
      "layers { name: 'f' type: INNER_PRODUCT bottom: 'data' top: 'f' inner_product_param { num_output: 1 bias_term: "
      "false } }\n"
      "layers { name: 'loss' type: SOFTMAX_LOSS bottom: 'f' bottom: 'label' top: 'l' include { phase: TRAIN } }\n",
      weights.SerializeAsString());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  expect_near(testing::run_graph(*graph, {10, 100})[0], {30 + 400});
}

// ---------------------------------------------------------------- wrong files

const char kConv[] =
    "layer { name: 'c1' type: 'Convolution' bottom: 'data' top: 'c1' convolution_param { num_output: 2 kernel_size: 3 "
    "} }\n";

std::vector<Layer> conv_weights(std::size_t numbers = 18) {
  return {{"c1", {{{2, 1, 3, 3}, Floats(numbers, 0.1f)}, {{2}, {0, 0}}}}};
}

TEST(CaffeErrors, EveryMistakeIsNamed) {
  const std::string image = input_layer("dim: 1 dim: 1 dim: 5 dim: 5");
  const std::string good = weights_bytes(conv_weights());
  struct Case {
    std::string text, weights;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases = {
      {"layer { name: 'c1' ", good, {"line 1"}},
      {image + "layer { nonsense: 3 }", good, {"nonsense", "line 2"}},
      {image + kConv, "no protobuf at all", {".caffemodel"}},
      {image + kConv, good.substr(0, good.size() / 2), {".caffemodel"}},
      {image + kConv, weights_bytes(conv_weights(17)), {"c1", "17", "18"}},
      {image + kConv, weights_bytes({}), {"c1"}},
      {image + kConv, weights_bytes({{"c1", {{{2, 3, 3, 3}, Floats(54)}, {{2}, {0, 0}}}}}), {"c1", "[2,3,3,3]"}},
      {image + "layer { name: 'x' type: 'Python' bottom: 'data' top: 'x' }", good, {"'x'", "Python"}},
      {image + "layer { name: 'x' type: 'ReLU' bottom: 'gone' top: 'x' }", good, {"'x'", "gone"}},
      {image + "layer { name: 'x' type: 'Pooling' bottom: 'data' top: 'x' pooling_param { pool: STOCHASTIC "
               "kernel_size: 2 } }",
       good,
       {"'x'", "STOCHASTIC"}},
      {image + "layer { name: 'x' type: 'Convolution' bottom: 'data' top: 'x' convolution_param { num_output: 2 } }",
       good,
       {"'x'", "kernel"}},
      {image + "layer { name: 'x' type: 'Convolution' bottom: 'data' top: 'x' convolution_param { num_output: "
               "4294967295 kernel_size: 3 } }",
       good,
       {"'x'"}},
      {image + "layer { name: 'x' type: 'Reshape' bottom: 'data' top: 'x' reshape_param { shape { dim: 7 dim: -1 } } }",
       good,
       {"'x'", "7"}},
      {input_layer("dim: -1 dim: 3 dim: 5 dim: 5"), good, {"data", "-1"}},
      {input_layer("dim: 1 dim: 1000000 dim: 1000000 dim: 1000000"), good, {"data"}},
      {"layer { name: 'x' type: 'ReLU' bottom: 'data' top: 'x' }", good, {"data"}},
      {"", good, {".prototxt"}},
  };
  for (const Case& c : cases) {
    const Result<graph::Graph> graph = import_text(c.text, c.weights);
    ASSERT_FALSE(graph.ok()) << c.text;
    const std::string& message = graph.status().message();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& word : c.words)
      EXPECT_NE(message.find(word), std::string::npos) << word << " in: " << message;
  }
  convert::ImportOptions options;
  options.input_shapes["dat"] = {1, 1, 5, 5};
  EXPECT_NE(import_text(image + kConv, good, options).status().message().find("'data'"), std::string::npos);
  options.input_shapes = {{"data", {1, 1, 9, 9}}};
  EXPECT_TRUE(import_text(image + kConv, good, options).ok());
  EXPECT_FALSE(convert::import_caffe("/nowhere.prototxt", "/nowhere.caffemodel", {}).ok());
}

// Random damage to both files: an error or a sound graph, never a crash.
TEST(CaffeErrors, DamagedFilesNeverCrash) {
  const std::string text =
      input_layer("dim: 1 dim: 1 dim: 5 dim: 5") + kConv +
      "layer { name: 'p' type: 'Pooling' bottom: 'c1' top: 'p' pooling_param { pool: MAX kernel_size: 2 stride: 2 } }\n"
      "layer { name: 'f' type: 'InnerProduct' bottom: 'p' top: 'f' inner_product_param { num_output: 3 } }\n";
  std::vector<Layer> layers = conv_weights();
  layers.push_back({"f", {{{3, 8}, Floats(24, 0.5f)}, {{3}, {1, 2, 3}}}});
  const std::string good = weights_bytes(layers);
  testing::Random random(8);
  int accepted = 0;
  for (int round = 0; round < 1500; ++round) {
    std::string parts[2] = {text, good};
    std::string& victim = parts[round % 2];
    for (int k = random.integer(1, 3); k > 0; --k) {
      const auto at = static_cast<std::size_t>(random.integer(0, static_cast<int>(victim.size()) - 1));
      victim[at] =
          round % 2 == 0 ? static_cast<char>(random.integer(32, 126)) : static_cast<char>(random.integer(0, 255));
    }
    if (random.integer(0, 9) == 0)
      victim.resize(static_cast<std::size_t>(random.integer(0, static_cast<int>(victim.size()))));
    const Result<graph::Graph> graph = import_text(parts[0], parts[1]);
    if (!graph.ok()) continue;
    ++accepted;
    EXPECT_TRUE(graph::verify(*graph).ok());
  }
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace dotori
