// SPDX-License-Identifier: Apache-2.0
// Graphs, comparisons and damaged files for the tests of the .dtr format.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "graph/content_hash.h"
#include "graph/file_format.h"
#include "graph/model_generated.h"
#include "graph/reader.h"
#include "graph/writer.h"

namespace dotori::graph {

using Bytes = std::vector<unsigned char>;

// One convolution: the smallest file with weights. A constant of 4 and one of 72 bytes.
inline Graph tiny_graph() {
  Graph g;
  g.name = "tiny";
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 4, 4, 2});
  std::vector<float> weights;
  for (int i = 0; i < 18; ++i) weights.push_back(static_cast<float>(i) - 4.5f);
  const ValueId w = g.add_constant_f32("w", {1, 3, 3, 2}, weights);
  const ValueId b = g.add_constant_f32("b", {1}, {0.5f});
  Conv2d conv;
  conv.kernel_h = conv.kernel_w = 3;
  conv.pad_left = 1;
  conv.activation = {Function::kLeakyRelu, 0.1f, 0};
  g.outputs = {*g.add_node("conv", conv, {x, w, b})};
  return g;
}

// Every kind of attribute, constant, quantisation and metadata. The file tests/graph/data/format_1_0.dtr holds this
// graph as it was written when the format came into being; do not change it.
inline Graph rich_graph() {
  Graph g;
  g.name = "도토리 net";
  g.source = "onnx: rich.onnx";
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 6, 8, 4});
  g.value(x).source_order = {0, 2, 3, 1};
  g.value(x).quantization = {{0.25f}, {-128}, 0};
  std::vector<float> weights;
  for (int i = 0; i < 96; ++i) weights.push_back(0.01f * static_cast<float>(i * i % 37) - 0.17f);
  const ValueId w = g.add_constant_f32("weights", {8, 1, 3, 4}, weights);
  g.value(w).quantization = {{0.5f, 0.25f, 0.125f, 1, 2, 3, 4, 5}, {0, 0, 0, 0, 0, 0, 0, 0}, 0};
  const ValueId unread = g.add_constant_f32("unread", {3}, {1, 2, 3});
  (void)unread;
  const ValueId b = g.add_constant_f32("bias", {8}, {-0.0f, 1, 2, 3, 4, 5, 6, 1e-40f});
  const std::int64_t picks[] = {2, -1, 0};
  const ValueId indices = *g.add_constant("indices", DataType::kInt64, {3}, picks, sizeof picks);
  const ValueId half = g.add_constant_f32("half", {}, {0.5f});
  Conv2d conv;
  conv.kernel_w = 3;
  conv.stride_w = 2;
  conv.pad_right = 2;
  conv.activation = {Function::kClip, -0.0f, 6};
  const ValueId c = *g.add_node("stem/conv", conv, {x, w, b});
  const ValueId scaled = *g.add_node("scale", Binary{BinaryFunction::kMul, {}}, {c, half});
  Pad pad;
  pad.mode = PadMode::kReflect;
  pad.before = {0, 1, 2, 0};
  pad.after = {0, 2, 1, 0};
  const ValueId padded = *g.add_node("pad", pad, {scaled});
  Slice slice;
  slice.begin = {0, 7, 0, 0};
  slice.size = {1, 4, 5, 8};
  slice.stride = {1, -2, 1, 1};
  const ValueId sliced = *g.add_node("slice", slice, {padded});
  Resize2d resize;
  resize.filter = ResizeFilter::kBilinear;
  resize.coordinates = CoordinateRule::kAlignCorners;
  resize.out_h = 8;
  resize.out_w = 10;
  resize.scale_h = resize.scale_w = 2;
  const ValueId resized = *g.add_node("resize", resize, {sliced});
  const ValueId mean = *g.add_node("mean", Reduce{ReduceFunction::kMean, {1, 2}, false}, {resized});
  const ValueId gathered = *g.add_node("gather", Gather{1}, {mean, indices});
  const ValueId best = *g.add_node("best", ArgMax{1, false, true, DataType::kInt32}, {gathered});
  const ValueId no_bias = *g.add_node("head", FullyConnected{},
                                      {mean, g.add_constant_f32("head/w", {2, 8}, std::vector<float>(16, 0.125f))});
  const ValueId cast = *g.add_node("cast", Cast{DataType::kUint8}, {no_bias});
  g.value(cast).quantization = {{0.003f}, {255}, 0};
  g.outputs = {resized, gathered, best, cast};

  TaskInfo& t = g.task;
  t.task = Task::kDetection;
  t.labels = {"person", "자전거", "", "car"};
  t.preprocess.resize = ResizeMode::kLetterboxTopLeft;
  t.preprocess.crop_fraction = 0.9f;
  t.preprocess.pad_value = 113.5f;
  t.preprocess.order = ChannelOrder::kBgr;
  for (int i = 0; i < 3; ++i) {
    t.preprocess.mean[i] = 100.25f + static_cast<float>(i);
    t.preprocess.scale[i] = 0.017f * static_cast<float>(i + 1);
  }
  t.preprocess.image_max_norm = true;
  t.classification.output = 1;
  t.classification.apply_softmax = true;
  t.detection.decoder = DetectionDecoder::kNanodet;
  t.detection.classes = 4;
  t.detection.scales = {{0, 1, 8, {10, 13, 16, 30}}, {2, 3, 0, {}}};
  t.detection.scale_x_y = 1.05f;
  t.detection.new_coords = true;
  t.detection.score_threshold = 0.3f;
  t.detection.nms_iou = 0.6f;
  t.segmentation.decoder = MaskDecoder::kThreshold;
  t.segmentation.output = 3;
  t.segmentation.threshold = 0.75f;
  t.segmentation.min_max_norm = true;
  return g;
}

// A file in memory of exactly its size, aligned to 64, so that a sanitizer sees a read behind its end.
class ExactFile {
 public:
  ExactFile(const unsigned char* bytes, std::size_t size) : size_(size) {
    void* memory = nullptr;
    if (posix_memalign(&memory, 64, size == 0 ? 1 : size) != 0) std::abort();
    if (size > 0) std::memcpy(memory, bytes, size);
    owner_ = std::shared_ptr<void>(memory, [](void* p) { std::free(p); });
  }
  explicit ExactFile(const Bytes& bytes) : ExactFile(bytes.data(), bytes.size()) {}
  Span<const unsigned char> bytes() const { return {static_cast<const unsigned char*>(owner_.get()), size_}; }
  unsigned char& operator[](std::size_t i) { return static_cast<unsigned char*>(owner_.get())[i]; }
  Result<Graph> read() const { return read_graph(bytes(), owner_, "test.dtr"); }
  Result<Graph> read_unhashed() const { return read_graph_unhashed(bytes(), owner_, "test.dtr"); }

 private:
  std::shared_ptr<void> owner_;
  std::size_t size_;
};

inline Bytes written(const Graph& graph) {
  auto bytes = write_graph(graph);
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  return bytes.ok() ? *bytes : Bytes();
}

// The file with its hash made right again.
inline Bytes rehashed(Bytes file) {
  const std::uint64_t hash = content_hash(file);
  for (std::size_t i = 0; i < 8; ++i) file[kHashOffset + i] = static_cast<unsigned char>(hash >> (8 * i));
  return file;
}

// The file with other tables around the same weights; sizes, offsets and hash are right.
inline Bytes with_tables(const Bytes& file, const std::function<void(stored::ModelT&)>& change) {
  const std::uint64_t old_weights = load_u64(file.data() + 40);
  stored::ModelT model;
  stored::GetModel(file.data() + kHeaderBytes)->UnPackTo(&model);
  change(model);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(stored::Model::Pack(builder, &model));
  FileHeader header;
  header.tables_offset = kHeaderBytes;
  header.tables_bytes = builder.GetSize();
  header.weights_offset = align_section(kHeaderBytes + header.tables_bytes);
  header.weights_bytes = file.size() - old_weights;
  header.file_bytes = header.weights_offset + header.weights_bytes;
  Bytes out(header.file_bytes, 0);
  encode_header(header, out.data());
  std::memcpy(out.data() + kHeaderBytes, builder.GetBufferPointer(), builder.GetSize());
  std::memcpy(out.data() + header.weights_offset, file.data() + old_weights, header.weights_bytes);
  return rehashed(out);
}

inline void expect_same_task(const TaskInfo& a, const TaskInfo& b) {
  EXPECT_EQ(a.task, b.task);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.preprocess.resize, b.preprocess.resize);
  EXPECT_EQ(a.preprocess.crop_fraction, b.preprocess.crop_fraction);
  EXPECT_EQ(a.preprocess.pad_value, b.preprocess.pad_value);
  EXPECT_EQ(a.preprocess.order, b.preprocess.order);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(a.preprocess.mean[i], b.preprocess.mean[i]);
    EXPECT_EQ(a.preprocess.scale[i], b.preprocess.scale[i]);
  }
  EXPECT_EQ(a.preprocess.image_max_norm, b.preprocess.image_max_norm);
  EXPECT_EQ(a.classification.output, b.classification.output);
  EXPECT_EQ(a.classification.apply_softmax, b.classification.apply_softmax);
  EXPECT_EQ(a.detection.decoder, b.detection.decoder);
  EXPECT_EQ(a.detection.classes, b.detection.classes);
  ASSERT_EQ(a.detection.scales.size(), b.detection.scales.size());
  for (std::size_t i = 0; i < a.detection.scales.size(); ++i) {
    EXPECT_EQ(a.detection.scales[i].output, b.detection.scales[i].output);
    EXPECT_EQ(a.detection.scales[i].box_output, b.detection.scales[i].box_output);
    EXPECT_EQ(a.detection.scales[i].stride, b.detection.scales[i].stride);
    EXPECT_EQ(a.detection.scales[i].anchors, b.detection.scales[i].anchors);
  }
  EXPECT_EQ(a.detection.scale_x_y, b.detection.scale_x_y);
  EXPECT_EQ(a.detection.new_coords, b.detection.new_coords);
  EXPECT_EQ(a.detection.score_threshold, b.detection.score_threshold);
  EXPECT_EQ(a.detection.nms_iou, b.detection.nms_iou);
  EXPECT_EQ(a.segmentation.decoder, b.segmentation.decoder);
  EXPECT_EQ(a.segmentation.output, b.segmentation.output);
  EXPECT_EQ(a.segmentation.threshold, b.segmentation.threshold);
  EXPECT_EQ(a.segmentation.min_max_norm, b.segmentation.min_max_norm);
}

// What a graph that was quantised says about it.
inline QuantizationReport sample_report() {
  QuantizationReport report;
  report.method = "int8, range auto, equalised";
  report.calibration_samples = 64;
  report.metric = "top-1";
  report.metric_samples = 500;
  report.before = 71.5;
  report.after = 71.25;
  report.max_drop = 1;
  report.bytes_before = 4000;
  report.bytes_after = 1100;
  report.nodes = {{"best", 8, 31.5f, 0, 0, RangeMethod::kMse}, {"mean", 32, 90.0f, 0, 0, RangeMethod::kNone}};
  return report;
}

// Choices for two machines.
inline std::vector<Tuning> sample_tunings(const Graph& graph) {
  std::vector<Tuning> tunings = {{"neon", 1, {}}, {"avx2", 2, {}}};
  for (Tuning& tuning : tunings) tuning.nodes.resize(graph.nodes().size());
  tunings[0].nodes[0] = {Algorithm::kWinograd, Link::kApart};
  tunings[1].nodes.back() = {Algorithm::kGemm, Link::kChained};
  return tunings;
}

// Everything but the numbers of the values: what a file keeps of a graph. Values are compared through the nodes.
inline void expect_same_graph(const Graph& a, const Graph& b) {
  EXPECT_EQ(to_string(a), to_string(b));
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.source, b.source);
  const auto same_values = [&](const std::vector<ValueId>& of_a, const std::vector<ValueId>& of_b) {
    ASSERT_EQ(of_a.size(), of_b.size());
    for (std::size_t i = 0; i < of_a.size(); ++i) {
      ASSERT_EQ(of_a[i].valid(), of_b[i].valid());
      if (!of_a[i].valid()) continue;
      const Value &v = a.value(of_a[i]), &w = b.value(of_b[i]);
      EXPECT_EQ(v.name, w.name);
      EXPECT_TRUE(v.type == w.type) << v.name;
      EXPECT_TRUE(v.quantization == w.quantization) << v.name;
      EXPECT_EQ(v.source_order, w.source_order) << v.name;
      ASSERT_EQ(v.is_constant(), w.is_constant()) << v.name;
      ASSERT_EQ(v.constant.size_bytes, w.constant.size_bytes) << v.name;
      if (v.is_constant()) {
        EXPECT_EQ(std::memcmp(v.constant.data, w.constant.data, v.constant.size_bytes), 0) << v.name;
      }
    }
  };
  same_values(a.inputs, b.inputs);
  same_values(a.outputs, b.outputs);
  ASSERT_EQ(a.nodes().size(), b.nodes().size());
  for (std::size_t i = 0; i < a.nodes().size(); ++i) {
    EXPECT_EQ(a.nodes()[i].name, b.nodes()[i].name);
    EXPECT_TRUE(a.nodes()[i].op == b.nodes()[i].op) << a.nodes()[i].name;
    same_values(a.nodes()[i].inputs, b.nodes()[i].inputs);
    same_values(a.nodes()[i].outputs, b.nodes()[i].outputs);
  }
  expect_same_task(a.task, b.task);
  const QuantizationReport &q = a.quantization, &r = b.quantization;
  EXPECT_EQ(std::tie(q.method, q.calibration_samples, q.metric, q.metric_samples, q.before, q.after, q.max_drop,
                     q.bytes_before, q.bytes_after),
            std::tie(r.method, r.calibration_samples, r.metric, r.metric_samples, r.before, r.after, r.max_drop,
                     r.bytes_before, r.bytes_after));
  ASSERT_EQ(q.nodes.size(), r.nodes.size());
  for (std::size_t i = 0; i < q.nodes.size(); ++i)
    EXPECT_EQ(std::tie(q.nodes[i].name, q.nodes[i].bits, q.nodes[i].sqnr_db, q.nodes[i].range),
              std::tie(r.nodes[i].name, r.nodes[i].bits, r.nodes[i].sqnr_db, r.nodes[i].range));
  ASSERT_EQ(a.tunings.size(), b.tunings.size());
  for (std::size_t i = 0; i < a.tunings.size(); ++i) {
    EXPECT_EQ(a.tunings[i].isa, b.tunings[i].isa);
    EXPECT_EQ(a.tunings[i].threads, b.tunings[i].threads);
    ASSERT_EQ(a.tunings[i].nodes.size(), b.tunings[i].nodes.size());
    for (std::size_t n = 0; n < a.tunings[i].nodes.size(); ++n) {
      EXPECT_EQ(a.tunings[i].nodes[n].algorithm, b.tunings[i].nodes[n].algorithm);
      EXPECT_EQ(a.tunings[i].nodes[n].link, b.tunings[i].nodes[n].link);
    }
  }
}

}  // namespace dotori::graph
