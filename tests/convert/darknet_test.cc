// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "convert/convert.h"
#include "convert/darknet/cfg.h"
#include "convert/darknet/layers.h"
#include "convert/run_graph.h"
#include "graph/verify.h"
#include "support/random.h"

namespace dotori {
namespace {

using convert::darknet::Layer;
using convert::darknet::LayerKind;
using convert::darknet::parse_cfg;
using convert::darknet::plan_network;

// Both files of a network; removed with the object.
class TempNetwork {
 public:
  TempNetwork(const std::string& cfg, const std::vector<unsigned char>& weights)
      : stem_(::testing::TempDir() + std::to_string(getpid()) + "_net") {
    std::ofstream(cfg_path(), std::ios::binary) << cfg;
    std::ofstream(weights_path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(weights.data()), static_cast<std::streamsize>(weights.size()));
  }
  ~TempNetwork() {
    std::remove(cfg_path().c_str());
    std::remove(weights_path().c_str());
  }
  std::string cfg_path() const { return stem_ + ".cfg"; }
  std::string weights_path() const { return stem_ + ".weights"; }
  Result<graph::Graph> import() const { return convert::import_darknet(cfg_path(), weights_path(), {}); }

 private:
  std::string stem_;
};

// Header of version major.minor, then the numbers.
std::vector<unsigned char> weights_file(const std::vector<float>& numbers, int major = 0, int minor = 2) {
  const bool wide = major * 10 + minor >= 2 && major <= 1000 && minor <= 1000;
  std::vector<unsigned char> bytes(wide ? 20 : 16);
  std::memcpy(bytes.data(), &major, 4);
  std::memcpy(bytes.data() + 4, &minor, 4);
  const auto* data = reinterpret_cast<const unsigned char*>(numbers.data());
  bytes.insert(bytes.end(), data, data + numbers.size() * 4);
  return bytes;
}

Result<convert::darknet::Network> plan(const std::string& cfg) {
  const auto sections = parse_cfg(cfg);
  if (!sections.ok()) return sections.status();
  return plan_network(*sections);
}

std::int64_t weight_count(const std::string& cfg) {
  const auto network = plan(cfg);
  EXPECT_TRUE(network.ok()) << network.status().message();
  std::int64_t count = 0;
  if (network.ok())
    for (const Layer& layer : network->layers) count += layer.weight_count();
  return count;
}

std::string plan_error(const std::string& cfg) {
  const auto network = plan("[net]\nwidth=8\nheight=8\nchannels=2\n" + cfg);
  EXPECT_FALSE(network.ok()) << cfg;
  return network.status().message();
}

// Planes of one image, [C][H][W], as Darknet holds them.
struct Image {
  int c = 0, h = 0, w = 0;
  std::vector<double> data;
  Image() = default;
  Image(int channels, int height, int width)
      : c(channels), h(height), w(width), data(static_cast<std::size_t>(c * h * w), 0.0) {}
  double& at(int k, int y, int x) { return data[static_cast<std::size_t>((k * h + y) * w + x)]; }
  double at(int k, int y, int x) const { return data[static_cast<std::size_t>((k * h + y) * w + x)]; }
  double padded(int k, int y, int x) const { return y < 0 || y >= h || x < 0 || x >= w ? 0 : at(k, y, x); }
};

Image image_of(const std::vector<float>& nhwc, int c, int h, int w) {
  Image image(c, h, w);
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x)
      for (int k = 0; k < c; ++k) image.at(k, y, x) = nhwc[static_cast<std::size_t>((y * w + x) * c + k)];
  return image;
}

void expect_equal(const std::vector<float>& nhwc, const Image& image) {
  ASSERT_EQ(nhwc.size(), image.data.size());
  const Image found = image_of(nhwc, image.c, image.h, image.w);
  for (std::size_t i = 0; i < image.data.size(); ++i)
    ASSERT_NEAR(found.data[i], image.data[i], 1e-4) << "element " << i;
}

// Walks the numbers of a weights file as Darknet does.
class Reader {
 public:
  explicit Reader(const std::vector<float>& numbers) : next_(numbers.data()) {}
  const float* take(int n) { return (next_ += n) - n; }

 private:
  const float* next_;
};

double leaky(double x) {
  return x > 0 ? x : 0.1 * x;
}

Image convolve(const Image& in, Reader& reader, int filters, int size, int stride, int pad, int groups, bool norm) {
  const float* bias = reader.take(filters);
  const float* scale = norm ? reader.take(filters) : nullptr;
  const float* mean = norm ? reader.take(filters) : nullptr;
  const float* variance = norm ? reader.take(filters) : nullptr;
  const int channels = in.c / groups;
  const float* weights = reader.take(filters * channels * size * size);
  Image out(filters, (in.h + 2 * pad - size) / stride + 1, (in.w + 2 * pad - size) / stride + 1);
  for (int o = 0; o < filters; ++o)
    for (int y = 0; y < out.h; ++y)
      for (int x = 0; x < out.w; ++x) {
        double sum = 0;
        for (int k = 0; k < channels; ++k)
          for (int i = 0; i < size; ++i)
            for (int j = 0; j < size; ++j)
              sum += in.padded(o / (filters / groups) * channels + k, y * stride + i - pad, x * stride + j - pad) *
                     weights[((o * channels + k) * size + i) * size + j];
        if (norm) sum = (sum - mean[o]) / std::sqrt(variance[o]) * scale[o];
        out.at(o, y, x) = sum + bias[o];
      }
  return out;
}

TEST(Cfg, ToleratesWhatDarknetWrites) {
  const auto sections = parse_cfg(
      "\xEF\xBB\xBF# comment\r\n[net]\r\n width = 4 ; tail\r\nheight=5\r\n\r\n;x\n[ yolo ]\nanchors = 10,14,  23.5,27 "
      ",\n"
      "mask=+1\nmask=2\n");
  ASSERT_TRUE(sections.ok()) << sections.status().message();
  ASSERT_EQ(sections->size(), 2u);
  const auto& net = (*sections)[0];
  EXPECT_EQ(*net.integer("width", 0, 1, 100), 4);
  EXPECT_EQ(*net.integer("missing", 7, 1, 100), 7);
  const auto& yolo = (*sections)[1];
  EXPECT_EQ(yolo.name, "yolo");
  EXPECT_EQ(yolo.index, 0);
  EXPECT_EQ(yolo.line, 7);
  EXPECT_EQ(*yolo.numbers("anchors", 0, 100, 8), (std::vector<float>{10, 14, 23.5f, 27}));
  EXPECT_EQ(*yolo.integer("mask", 0, 0, 9), 1);
  EXPECT_NE(yolo.numbers("anchors", 0, 25, 8).status().message().find("line 8, section 0 [yolo], key 'anchors'"),
            std::string::npos);
  EXPECT_FALSE(yolo.numbers("anchors", 0, 100, 3).ok());
  EXPECT_FALSE(yolo.integers("anchors", 0, 100, 8).ok());
}

TEST(Cfg, RefusesWithTheLine) {
  EXPECT_NE(parse_cfg("[net]\nwidth\n").status().message().find("line 2"), std::string::npos);
  EXPECT_NE(parse_cfg("width=3\n").status().message().find("before the first"), std::string::npos);
  EXPECT_FALSE(parse_cfg("[net\n").ok());
  EXPECT_FALSE(parse_cfg("").ok());
  EXPECT_NE(plan_error("[convolutional]\nfilters=2\nsize=x\n").find("line 7, section 0 [convolutional], key 'size'"),
            std::string::npos);
  EXPECT_NE(plan_error("[convolutional]\nfilters=99999999999999999999\n").find("'filters'"), std::string::npos);
  EXPECT_NE(plan_error("[convolutional]\nfilters=0\n").find("found '0'"), std::string::npos);
  EXPECT_NE(plan_error("[convolutional]\ngroups=3\nfilters=3\n").find("'groups'"), std::string::npos);
  EXPECT_NE(plan_error("[convolutional]\nactivation=ramp\n").find("'ramp' (supported: linear, leaky"),
            std::string::npos);
  EXPECT_NE(plan_error("[convolutional]\nsize=11\n").find("larger than its input"), std::string::npos);
  EXPECT_NE(plan_error("[convolutional]\nxnor=1\n").find("'xnor'"), std::string::npos);
  EXPECT_NE(plan_error("[local]\nfilters=2\n").find("section 0 [local]"), std::string::npos);
  EXPECT_NE(plan_error("[maxpool]\n\n[route]\nlayers=-1,1\n").find("layer 1 does not stand before"), std::string::npos);
  EXPECT_NE(plan_error("[maxpool]\n\n[route]\nlayers=-2\n").find("layer -2"), std::string::npos);
  EXPECT_NE(plan_error("[route]\nlayers=\n").find("'layers'"), std::string::npos);
  EXPECT_NE(plan_error("[shortcut]\nfrom=-1\n").find("layer -1"), std::string::npos);
  EXPECT_NE(plan_error("[yolo]\nclasses=1\nnum=1\nanchors=1,2\n").find("expected an input of 6 channels"),
            std::string::npos);
  EXPECT_NE(plan_error("[yolo]\nclasses=1\nnum=2\nanchors=1,2\n").find("expected 4 numbers"), std::string::npos);
  EXPECT_NE(plan_error("[yolo]\nnum=1\nmask=1\nanchors=1,2\n").find("'mask'"), std::string::npos);
  EXPECT_NE(plan_error("").find("no layers"), std::string::npos);
  EXPECT_FALSE(plan("[maxpool]\n").ok());
  EXPECT_FALSE(plan("[net]\nwidth=8\n[maxpool]\n").ok());
}

constexpr char kDetector[] =
    "[net]\nwidth=12\nheight=8\nchannels=2\n"
    "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride=2\npad=1\nactivation=leaky\n"  // 0: 4x6x4
    "[convolutional]\nfilters=4\nsize=3\ngroups=4\npad=1\nactivation=linear\n"                    // 1: 4x6x4
    "[shortcut]\nfrom=-2\nactivation=leaky\n"                                                     // 2
    "[maxpool]\nsize=2\nstride=1\n"                                                               // 3: 4x6x4
    "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n"                                                  // 4: 4x6x2
    "[maxpool]\nsize=2\nstride=2\n"                                                               // 5: 2x3x2
    "[dropout]\n"                                                                                 // 6
    "[convolutional]\nfilters=14\nsize=1\nactivation=linear\n"                                    // 7: 2x3x14
    "[yolo]\nmask=1,2\nanchors=1,2, 3,4, 5,6\nnum=3\nclasses=2\nscale_x_y=1.05\n"                 // 8
    "[route]\nlayers=5\n"                                                                         // 9
    "[upsample]\nstride=2\n"                                                                      // 10: 4x6x2
    "[route]\nlayers=-1,2\n"                                                                      // 11: 4x6x6
    "[convolutional]\nfilters=7\nsize=1\nactivation=linear\n"                                     // 12: 4x6x7
    "[yolo]\nmask=0\nanchors=1,2, 3,4, 5,6\nnum=3\nclasses=2\nscale_x_y=1.05\n";                  // 13

Image max_pool(const Image& in, int size, int stride, int padding) {
  Image out(in.c, (in.h + padding - size) / stride + 1, (in.w + padding - size) / stride + 1);
  for (int k = 0; k < in.c; ++k)
    for (int y = 0; y < out.h; ++y)
      for (int x = 0; x < out.w; ++x) {
        double best = -INFINITY;
        for (int i = 0; i < size; ++i)
          for (int j = 0; j < size; ++j) {
            const int yy = y * stride + i - padding / 2, xx = x * stride + j - padding / 2;
            if (yy >= 0 && yy < in.h && xx >= 0 && xx < in.w) best = std::max(best, in.at(k, yy, xx));
          }
        out.at(k, y, x) = best;
      }
  return out;
}

TEST(Darknet, DetectorComputesWhatDarknetDoes) {
  testing::Random random(11);
  const std::vector<float> numbers = random.floats(static_cast<std::size_t>(weight_count(kDetector)), 0.1f, 1);
  const TempNetwork files(kDetector, weights_file(numbers));
  const auto graph = files.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const std::vector<float> x = random.floats(8 * 12 * 2);
  const auto outputs = testing::run_graph(*graph, x);
  ASSERT_EQ(outputs.size(), 2u);

  Reader reader(numbers);
  Image l0 = convolve(image_of(x, 2, 8, 12), reader, 4, 3, 2, 1, 1, true);
  for (double& v : l0.data) v = leaky(v);
  Image l2 = convolve(l0, reader, 4, 3, 1, 1, 4, false);
  for (std::size_t i = 0; i < l2.data.size(); ++i) l2.data[i] = leaky(l2.data[i] + l0.data[i]);
  const Image l3 = max_pool(l2, 2, 1, 1);
  Image l4(2, 4, 6);
  std::copy(l3.data.begin() + 2 * 24, l3.data.end(), l4.data.begin());
  const Image l5 = max_pool(l4, 2, 2, 1);
  expect_equal(outputs[0], convolve(l5, reader, 14, 1, 1, 0, 1, false));
  Image l11(6, 4, 6);
  for (int k = 0; k < 6; ++k)
    for (int y = 0; y < 4; ++y)
      for (int w = 0; w < 6; ++w) l11.at(k, y, w) = k < 2 ? l5.at(k, y / 2, w / 2) : l2.at(k - 2, y, w);
  expect_equal(outputs[1], convolve(l11, reader, 7, 1, 1, 0, 1, false));
}

TEST(Darknet, DetectorTask) {
  const TempNetwork files(kDetector,
                          weights_file(std::vector<float>(static_cast<std::size_t>(weight_count(kDetector)), 1.0f)));
  const auto graph = files.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const TaskInfo& task = graph->task;
  EXPECT_EQ(task.task, Task::kDetection);
  EXPECT_EQ(task.preprocess.resize, ResizeMode::kLetterbox);
  EXPECT_EQ(task.preprocess.pad_value, 127.5f);
  EXPECT_EQ(task.preprocess.order, ChannelOrder::kRgb);
  EXPECT_EQ(task.detection.decoder, DetectionDecoder::kYolo);
  EXPECT_EQ(task.detection.classes, 2);
  EXPECT_EQ(task.detection.scale_x_y, 1.05f);
  ASSERT_EQ(task.detection.scales.size(), 2u);
  EXPECT_EQ(task.detection.scales[0].stride, 4);
  EXPECT_EQ(task.detection.scales[0].anchors, (std::vector<float>{3, 4, 5, 6}));
  EXPECT_EQ(task.detection.scales[1].output, 1);
  EXPECT_EQ(task.detection.scales[1].stride, 2);
  EXPECT_EQ(task.detection.scales[1].anchors, (std::vector<float>{1, 2}));
  EXPECT_EQ(graph->name, std::filesystem::path(files.cfg_path()).stem());
  EXPECT_EQ(graph->source.substr(0, 9), "darknet: ");
}

TEST(Darknet, RegionAnchorsAreInPixels) {
  const std::string cfg =
      "[net]\nwidth=64\nheight=32\nchannels=6\n[maxpool]\nsize=16\nstride=16\npadding=0\n"
      "[region]\nanchors=0.5,2\nnum=1\nclasses=1\nsoftmax=1\n";
  const TempNetwork files(cfg, weights_file({}));
  const auto graph = files.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->task.detection.decoder, DetectionDecoder::kRegion);
  ASSERT_EQ(graph->task.detection.scales.size(), 1u);
  EXPECT_EQ(graph->task.detection.scales[0].anchors, (std::vector<float>{8, 32}));
  EXPECT_EQ(graph->task.detection.scales[0].stride, 16);
}

// Darknet's loop (reorg_cpu with forward = 0) over the planes' memory.
TEST(Darknet, ReorgKeepsDarknetsOrder) {
  const TempNetwork files("[net]\nwidth=6\nheight=4\nchannels=8\n[reorg]\nstride=2\n", weights_file({}));
  const auto graph = files.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const std::vector<float> x = testing::Random(3).floats(6 * 4 * 8);
  const Image in = image_of(x, 8, 4, 6);
  Image out(32, 2, 3);
  std::size_t index = 0;
  for (int k = 0; k < 8; ++k)
    for (int y = 0; y < 4; ++y)
      for (int w = 0; w < 6; ++w) {
        const int c2 = k % 2, offset = k / 2;
        const int w2 = w * 2 + offset % 2, h2 = y * 2 + offset / 2;
        out.data[index++] = in.data[static_cast<std::size_t>(w2 + 12 * (h2 + 8 * c2))];
      }
  const auto outputs = testing::run_graph(*graph, x);
  ASSERT_EQ(outputs.size(), 1u);
  expect_equal(outputs[0], out);
}

TEST(Darknet, ShortcutFromALargerLayer) {
  const std::string cfg =
      "[net]\nwidth=6\nheight=6\nchannels=2\n[maxpool]\nsize=1\nstride=1\n"
      "[convolutional]\nfilters=3\nsize=1\nstride=2\nactivation=linear\n[shortcut]\nfrom=0\nactivation=linear\n";
  testing::Random random(2);
  const std::vector<float> numbers = random.floats(static_cast<std::size_t>(weight_count(cfg)));
  const TempNetwork files(cfg, weights_file(numbers));
  const auto graph = files.import();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const std::vector<float> x = random.floats(6 * 6 * 2);
  const Image in = image_of(x, 2, 6, 6);
  Reader reader(numbers);
  Image out = convolve(in, reader, 3, 1, 2, 0, 1, false);
  for (int k = 0; k < 2; ++k)
    for (int y = 0; y < 3; ++y)
      for (int w = 0; w < 3; ++w) out.at(k, y, w) += in.at(k, 2 * y, 2 * w);
  const auto outputs = testing::run_graph(*graph, x);
  ASSERT_EQ(outputs.size(), 1u);
  expect_equal(outputs[0], out);
}

// The middle of the photo from 0..1 to -1..1 (or as it is), and a softmax over all pixels of all channels.
TEST(Darknet, CropAndSoftmaxOverABoard) {
  for (const bool adjusts : {true, false}) {
    const std::string cfg =
        std::string("[net]\nwidth=5\nheight=4\nchannels=2\n[crop]\ncrop_height=2\ncrop_width=3\nflip=1\nangle=7\n") +
        (adjusts ? "" : "noadjust=1\n") + "[softmax]\ntemperature=0.5\n";
    testing::Random random(8);
    const std::vector<float> x = random.floats(4 * 5 * 2, 0, 1);
    const TempNetwork files(cfg, weights_file({}, 0, 2));
    const auto graph = files.import();
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    const Image in = image_of(x, 2, 4, 5);
    std::vector<double> expected;
    double sum = 0;
    for (int k = 0; k < 2; ++k)
      for (int h = 0; h < 2; ++h)
        for (int w = 0; w < 3; ++w) {
          const double v = in.at(k, h + 1, w + 1);
          expected.push_back(std::exp((adjusts ? v * 2 - 1 : v) / 0.5));
          sum += expected.back();
        }
    const auto found = testing::run_graph(*graph, x);
    ASSERT_EQ(found[0].size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[0][i], expected[i] / sum, 1e-6) << i;
  }
  const TempNetwork large("[net]\nwidth=5\nheight=4\nchannels=2\n[crop]\ncrop_height=5\ncrop_width=3\n",
                          weights_file({}, 0, 2));
  EXPECT_NE(large.import().status().message().find("3x5 out of 5x4"), std::string::npos);
}

// Connected layers read planes in Darknet's order; old files (major > 1000) store their weights transposed.
TEST(Darknet, ClassifierWithConnectedLayers) {
  const std::string cfg =
      "[net]\nwidth=3\nheight=2\nchannels=2\n[connected]\noutput=4\nbatch_normalize=1\nactivation=relu\n"
      "[connected]\noutput=3\nactivation=linear\n[softmax]\ntemperature=2\n[cost]\n";
  testing::Random random(5);
  const std::vector<float> numbers = random.floats(static_cast<std::size_t>(weight_count(cfg)), 0.2f, 1);
  const std::vector<float> x = random.floats(12);
  for (const bool transposed : {false, true}) {
    const TempNetwork files(cfg, transposed ? weights_file(numbers, 1001, 0) : weights_file(numbers, 0, 1));
    const auto graph = files.import();
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    EXPECT_EQ(graph->task.task, Task::kClassification);
    EXPECT_EQ(graph->task.preprocess.resize, ResizeMode::kCenterCrop);
    EXPECT_EQ(graph->task.preprocess.crop_fraction, 1);
    EXPECT_EQ(graph->value(graph->outputs[0]).type.shape, (Shape{1, 3}));
    Reader reader(numbers);
    std::vector<double> in = image_of(x, 2, 2, 3).data;
    for (const int outputs : {4, 3}) {
      const int inputs = static_cast<int>(in.size());
      const float* bias = reader.take(outputs);
      const float* weights = reader.take(outputs * inputs);
      const bool norm = outputs == 4;
      const float* scale = norm ? reader.take(4) : nullptr;
      const float* mean = norm ? reader.take(4) : nullptr;
      const float* variance = norm ? reader.take(4) : nullptr;
      std::vector<double> out;
      for (int o = 0; o < outputs; ++o) {
        double sum = 0;
        for (int i = 0; i < inputs; ++i)
          sum += in[static_cast<std::size_t>(i)] * weights[transposed ? i * outputs + o : o * inputs + i];
        if (norm) sum = (sum - mean[o]) / std::sqrt(variance[o]) * scale[o];
        sum += bias[o];
        out.push_back(norm ? std::max(sum, 0.0) : std::exp(sum / 2));
      }
      in = out;
    }
    const auto found = testing::run_graph(*graph, x);
    ASSERT_EQ(found.size(), 1u);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(found[0][i], in[i] / (in[0] + in[1] + in[2]), 1e-5);
  }
}

TEST(Darknet, WeightsMustFit) {
  const std::string cfg =
      "[net]\nwidth=4\nheight=4\nchannels=2\n[convolutional]\nfilters=3\nsize=3\npad=1\nbatch_normalize=1\n";
  ASSERT_EQ(weight_count(cfg), 3 * 4 + 3 * 2 * 9);
  const std::size_t expected = 20 + 66 * 4;
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{15}, std::size_t{19}, expected - 1, expected + 1, expected + 4}) {
    std::vector<unsigned char> bytes = weights_file(std::vector<float>(66, 1.0f));
    bytes.resize(size);
    const Status status = TempNetwork(cfg, bytes).import().status();
    EXPECT_EQ(status.code(), StatusCode::kCorruptModel);
    EXPECT_NE(status.message().find(std::to_string(size) + " bytes"), std::string::npos) << status.message();
    if (size < 16) continue;  // not even a header
    EXPECT_NE(status.message().find("needs " + std::to_string(expected)), std::string::npos) << status.message();
  }
  // A cfg that asks for more than any file holds must not be believed.
  const std::string greedy =
      "[net]\nwidth=1024\nheight=1024\nchannels=2000\n[convolutional]\nfilters=1000000\nsize=1024\n";
  EXPECT_FALSE(TempNetwork(greedy, weights_file({})).import().ok());
  EXPECT_EQ(convert::import_darknet("/nonexistent.cfg", "/nonexistent.weights", {}).status().code(),
            StatusCode::kNotFound);
}

TEST(Darknet, EveryDamagedCfgIsAnErrorOrAValidGraph) {
  const std::string good = kDetector;
  const auto weights = weights_file(std::vector<float>(static_cast<std::size_t>(weight_count(kDetector)), 0.5f));
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char c : {'9', '-', '\n', '=', '\0'}) {
      std::string cfg = good;
      cfg[i] = c;
      const auto graph = TempNetwork(cfg, weights).import();
      EXPECT_TRUE(!graph.ok() || graph::verify(*graph).ok()) << cfg;
    }
    const auto part = plan(good.substr(0, i));
    EXPECT_EQ(part.ok(), part.status().message().empty());
  }
}

TEST(Darknet, ZooModelImports) {
  const char* folder = std::getenv("DOTORI_ZOO");
  const std::string stem =
      std::string(folder != nullptr ? folder : DOTORI_DEFAULT_ZOO) + "/models/detection/yolo-fastest-1.1";
  if (!std::filesystem::exists(stem + ".cfg")) {
    std::printf("skipped: no model zoo\n");
    return;
  }
  const auto graph = convert::import_darknet(stem + ".cfg", stem + ".weights", {});
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  ASSERT_EQ(graph->outputs.size(), 2u);
  EXPECT_EQ(graph->value(graph->outputs[0]).type.shape, (Shape{1, 10, 10, 255}));
  EXPECT_EQ(graph->value(graph->outputs[1]).type.shape, (Shape{1, 20, 20, 255}));
  EXPECT_EQ(graph->task.detection.scales[1].anchors, (std::vector<float>{12, 18, 37, 49, 52, 132}));
}

}  // namespace
}  // namespace dotori
