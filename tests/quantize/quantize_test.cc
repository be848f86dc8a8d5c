// SPDX-License-Identifier: Apache-2.0
// The whole way: reports, bias correction, mixed precision, refusals.
#include "quantize/quantize.h"

#include <cstring>
#include <limits>

#include "graph/verify.h"
#include "quantize/bias_correction.h"
#include "quantize/lower.h"
#include "quantize/sensitivity.h"
#include "small_networks.h"

namespace dotori::quantize {
namespace {

using graph::Node;

Graph small_classifier() {
  NetworkMaker m(3);
  ValueId x = m.conv("a", m.input({1, 12, 12, 3}), 8, 3, {Function::kRelu, 0, 0});
  x = m.conv("b", x, 8, 3, {Function::kRelu, 0, 0}, 8);
  const ValueId c = m.conv("c", x, 8, 1, {Function::kSilu, 0, 0});
  x = m.add("sum", graph::Binary{graph::BinaryFunction::kAdd, {}}, {x, c});
  x = m.add("mean", graph::Reduce{graph::ReduceFunction::kMean, {1, 2}, false}, {x});
  m.graph.outputs = {m.add("fc", graph::FullyConnected{}, {x, m.constant("fc/w", {5, 8}), m.constant("fc/b", {5})})};
  return m.graph;
}

TEST(Quantize, ReportsEveryLayer) {
  const Result<Quantized> q = quantize(small_classifier(), random_calibration(6), {});
  ASSERT_TRUE(q.ok()) << q.status().message();
  const graph::QuantizationReport& r = q->graph.quantization;
  EXPECT_FALSE(r.empty());
  EXPECT_FALSE(r.measured());
  EXPECT_EQ(r.calibration_samples, 6);
  std::set<std::string> names;
  for (const graph::QuantizedNode& n : r.nodes) {
    names.insert(n.name);
    EXPECT_EQ(n.bits, 8) << n.name;
    EXPECT_GT(n.sqnr_db, 20) << n.name;
    EXPECT_GT(n.scale, 0) << n.name;
    EXPECT_NE(n.range, graph::RangeMethod::kNone) << n.name;
  }
  EXPECT_EQ(names, (std::set<std::string>{"a", "b", "c", "c/silu", "sum", "mean", "fc"}));
  ASSERT_FALSE(q->worst.empty());
  std::uint64_t exact = 0, rounded = 0;
  for (std::uint32_t n : q->worst[0].fp32.counts) exact += n;
  for (std::uint32_t n : q->worst[0].int8.counts) rounded += n;
  EXPECT_GT(exact, 0u);
  EXPECT_EQ(exact, rounded);
}

TEST(Quantize, EveryObserverWorks) {
  const Graph g = small_classifier();
  const Calibration data = random_calibration(6);
  for (Observer o : {Observer::kAuto, Observer::kMinMax, Observer::kAverage, Observer::kPercentile, Observer::kEntropy,
                     Observer::kMse}) {
    Options options;
    options.observer = o;
    const Result<Quantized> q = quantize(g, data, options);
    ASSERT_TRUE(q.ok()) << q.status().message();
    EXPECT_GT(sqnr(outputs_of(g, data, 1), outputs_of(q->graph, data, 1)), 18) << static_cast<int>(o);
  }
}

TEST(Quantize, SameInputsSameGraph) {
  const Graph g = small_classifier();
  const Result<Quantized> first = quantize(g, random_calibration(3), {});
  Options threaded;
  threaded.num_threads = 2;
  threaded.max_memory_bytes = 4096;  // many sessions with few values each
  const Result<Quantized> second = quantize(g, random_calibration(3), threaded);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(graph::to_string(first->graph), graph::to_string(second->graph));
  for (std::size_t v = 0; v < first->graph.values().size(); ++v) {
    const graph::Constant& a = first->graph.values()[v].constant;
    const graph::Constant& b = second->graph.values()[v].constant;
    ASSERT_EQ(a.size_bytes, b.size_bytes);
    EXPECT_TRUE(a.size_bytes == 0 || std::memcmp(a.data, b.data, a.size_bytes) == 0);
    EXPECT_TRUE(first->graph.values()[v].quantization == second->graph.values()[v].quantization);
  }
}

TEST(BiasCorrection, MovesEachLayersMeanBack) {
  NetworkMaker m(4);
  const ValueId x = m.conv("a", m.input({1, 12, 12, 4}), 8, 3, {Function::kRelu, 0, 0});
  m.graph.outputs = {m.conv("b", x, 8, 3, {}, 1, false)};
  const Calibration data = random_calibration(6, 0.5f, 1);
  Encodings encodings(m.graph.values().size());
  encodings[0] = encode_range(0, 1, graph::RangeMethod::kMinMax);
  for (const Node& node : m.graph.nodes()) {
    encodings[index(node.outputs[0])] = encode_range(-6, 6, graph::RangeMethod::kMinMax);
  }
  // Weights rounded down make an error with a mean.
  Adjustments adjustments;
  for (const Node& node : m.graph.nodes()) {
    const std::vector<float> scales = weight_scales(m.graph, node, encodings[index(node.inputs[0])].scale);
    const graph::Value& w = m.graph.value(node.inputs[1]);
    const std::size_t each = static_cast<std::size_t>(w.type.shape.elements()) / scales.size();
    std::vector<std::int8_t>& rounded = adjustments.weights[node.name];
    for (std::size_t i = 0; i < each * scales.size(); ++i) {
      rounded.push_back(static_cast<std::int8_t>(
          std::max(-127.0f, std::floor(static_cast<const float*>(w.constant.data)[i] / scales[i / each]))));
    }
  }
  const std::vector<bool> int8(2, true);
  const auto mean_error = [&]() {
    LowerOptions options;
    options.adjustments = &adjustments;
    const Result<Graph> q = lower(m.graph, encodings, options);
    EXPECT_TRUE(q.ok());
    double sum = 0;
    for (std::size_t s = 0; s < data.samples; ++s) {
      const std::vector<float> a = outputs_of(m.graph, data, s), b = outputs_of(*q, data, s);
      std::vector<double> channel(8, 0.0);
      for (std::size_t i = 0; i < a.size(); ++i) channel[i % 8] += static_cast<double>(a[i] - b[i]);
      for (double c : channel) sum += std::fabs(c) / static_cast<double>(a.size() / 8);
    }
    return sum;
  };
  const double before = mean_error();
  ASSERT_TRUE(correct_biases(m.graph, encodings, int8, data, data.samples, {}, &adjustments).ok());
  EXPECT_EQ(adjustments.biases.size(), 2u);
  EXPECT_LT(mean_error(), 0.25 * before);
}

TEST(Sensitivity, TheLayerThatSuffersComesFirst) {
  NetworkMaker m(12);
  ValueId x = m.conv("a", m.input({1, 10, 10, 3}), 8, 3, {Function::kRelu, 0, 0});
  // One channel a thousand times the others, and a layer that reads the small ones: one scale cannot serve both.
  graph::Value& w = m.graph.value(m.graph.nodes()[0].inputs[1]);
  std::vector<float> elements(static_cast<const float*>(w.constant.data),
                              static_cast<const float*>(w.constant.data) + w.type.shape.elements());
  for (std::size_t i = 0; i < elements.size() / 8; ++i) elements[i] *= 1000;
  w.constant = graph::make_constant(elements.data(), elements.size() * sizeof(float));
  x = m.add("slice", graph::Slice{{0, 0, 0, 1}, {1, 10, 10, 7}, {1, 1, 1, 1}}, {x});
  x = m.conv("b", x, 8, 3, {Function::kRelu, 0, 0});
  m.graph.outputs = {m.conv("c", x, 4, 1)};
  const Calibration data = random_calibration(4);

  Options options;
  int evaluations = 0;
  options.metric_name = "fit";
  options.metric_samples = 4;
  const std::vector<float> exact = outputs_of(m.graph, data, 0);
  options.metric = [&](const Graph& g) -> Result<double> {
    ++evaluations;
    return std::min(50.0, sqnr(exact, outputs_of(g, data, 0)));
  };
  const Result<Quantized> plain = quantize(m.graph, data, options);
  ASSERT_TRUE(plain.ok()) << plain.status().message();
  EXPECT_LT(plain->graph.quantization.after, 20);
  EXPECT_EQ(plain->graph.quantization.max_drop, -1);

  options.max_drop = 25;
  evaluations = 0;
  const Result<Quantized> mixed = quantize(m.graph, data, options);
  ASSERT_TRUE(mixed.ok()) << mixed.status().message();
  EXPECT_EQ(mixed->kept, (std::vector<std::string>{"a"}));
  const graph::QuantizationReport& r = mixed->graph.quantization;
  EXPECT_EQ(r.metric, "fit");
  EXPECT_EQ(r.before, 50);
  EXPECT_GE(r.after, 25);
  EXPECT_EQ(mixed->metric_evaluations, evaluations);
  EXPECT_LE(evaluations, 4);
  EXPECT_NE(r.method.find("1 layers kept in float32"), std::string::npos);

  options.max_drop = 0;
  const Result<Quantized> impossible = quantize(m.graph, data, options);
  ASSERT_FALSE(impossible.ok());
  EXPECT_EQ(impossible.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(impossible.status().message().find("points of fit"), std::string::npos) << impossible.status().message();
  options.accept_any_drop = true;
  const Result<Quantized> anyway = quantize(m.graph, data, options);
  ASSERT_TRUE(anyway.ok());
  EXPECT_GT(anyway->graph.quantization.drop(), 0);
}

TEST(Sensitivity, Decibel) {
  EXPECT_NEAR(decibel(100, 1), 20, 1e-12);
  EXPECT_EQ(decibel(1, 0), 99);
  EXPECT_EQ(decibel(0, 1), 0);
}

TEST(Quantize, Refusals) {
  const Graph g = small_classifier();
  const auto message = [](const Graph& graph, const Calibration& data, const Options& options) {
    const Result<Quantized> q = quantize(graph, data, options);
    EXPECT_FALSE(q.ok());
    return q.ok() ? std::string() : q.status().message();
  };
  EXPECT_NE(message(g, {}, {}).find("at least one calibration sample"), std::string::npos);
  EXPECT_NE(message(g, {3, nullptr}, {}).find("at least one calibration sample"), std::string::npos);
  Options options;
  options.keep_fp32 = {"nobody"};
  EXPECT_NE(message(g, random_calibration(1), options).find("'nobody'"), std::string::npos);
  options = {};
  options.input_type = DataType::kInt64;
  EXPECT_NE(message(g, random_calibration(1), options).find("int64"), std::string::npos);

  Calibration nan = random_calibration(1);
  nan.fill = [](Session& session, std::size_t) {
    session.input(0).f32()[0] = std::numeric_limits<float>::quiet_NaN();
    return Status();
  };
  EXPECT_NE(message(g, nan, {}).find("not finite"), std::string::npos);
  Calibration broken = random_calibration(1);
  broken.fill = [](Session&, std::size_t) { return io_error("photo.jpg: gone"); };
  EXPECT_EQ(message(g, broken, {}), "photo.jpg: gone");
  options = {};
  options.metric = [](const Graph&) -> Result<double> { return not_found("labels.csv"); };
  EXPECT_EQ(message(g, random_calibration(1), options), "labels.csv");

  const Result<Quantized> once = quantize(g, random_calibration(1), {});
  ASSERT_TRUE(once.ok());
  EXPECT_NE(message(once->graph, random_calibration(1), {}).find("quantised already"), std::string::npos);
  NetworkMaker m;
  m.graph.outputs = {m.add("exp", graph::Unary{{Function::kExp, 0, 0}}, {m.input({1, 4})})};
  EXPECT_NE(message(m.graph, random_calibration(1), {}).find("no layer"), std::string::npos);
}

}  // namespace
}  // namespace dotori::quantize
