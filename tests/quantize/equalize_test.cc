// SPDX-License-Identifier: Apache-2.0
#include "quantize/equalize.h"

#include "quantize/lower.h"
#include "quantize/watch.h"
#include "small_networks.h"

namespace dotori::quantize {
namespace {

std::vector<Extremes> extremes_of(const Graph& graph, const Calibration& data) {
  std::vector<ValueId> ids;
  for (std::size_t v = 0; v < graph.values().size(); ++v) {
    if (!graph.values()[v].is_constant()) ids.push_back({static_cast<std::int32_t>(v)});
  }
  std::vector<Extremes> extremes(graph.values().size());
  EXPECT_TRUE(watch(graph, ids, data, data.samples, {}, "", [&](std::size_t i, std::size_t, const TensorView& view) {
                extremes[index(ids[i])].add(view);
              }).ok());
  return extremes;
}

// Makes the channels of node `n` very different.
void unbalance(Graph& graph, std::size_t n) {
  for (std::size_t input : {1u, 2u}) {
    graph::Value& value = graph.value(graph.nodes()[n].inputs[input]);
    const float* old = static_cast<const float*>(value.constant.data);
    std::vector<float> elements(old, old + value.type.shape.elements());
    const std::size_t channels = static_cast<std::size_t>(value.type.shape[0]), each = elements.size() / channels;
    for (std::size_t i = 0; i < elements.size(); ++i) {
      elements[i] *= std::pow(0.5f, static_cast<float>(i / each % 6));
    }
    value.constant = graph::make_constant(elements.data(), elements.size() * sizeof(float));
  }
}

double spread(const Extremes& e) {
  double least = 1e30, most = 0;
  for (std::size_t c = 0; c < e.channel_low.size(); ++c) {
    const double range = static_cast<double>(std::max(std::fabs(e.channel_low[c]), std::fabs(e.channel_high[c])));
    least = std::min(least, range);
    most = std::max(most, range);
  }
  return most / least;
}

struct Result2 {
  int pairs;
  double db, before, after;
};

Result2 run(NetworkMaker& m, const Calibration& data) {
  std::vector<Extremes> extremes = extremes_of(m.graph, data);
  const ValueId between = m.graph.nodes()[0].outputs[0];
  Result2 result = {};
  result.before = spread(extremes[index(between)]);
  Graph equal = m.graph;
  const Result<int> pairs = equalize(equal, extremes);
  EXPECT_TRUE(pairs.ok());
  result.pairs = *pairs;
  result.db = 200;
  for (std::size_t s = 0; s < data.samples; ++s) {
    result.db = std::min(result.db, sqnr(outputs_of(m.graph, data, s), outputs_of(equal, data, s)));
  }
  result.after = spread(extremes_of(equal, data)[index(between)]);
  // The extremes handed back are those of the new graph.
  EXPECT_NEAR(spread(extremes[index(between)]) / result.after, 1, 1e-3);
  return result;
}

TEST(Equalize, KeepsTheFunctionAndLevelsTheChannels) {
  struct Chain {
    const char* name;
    Activation activation;
    int groups;
    bool pool;
  };
  for (const Chain& c :
       {Chain{"relu", {Function::kRelu, 0, 0}, 1, false}, Chain{"identity", {}, 1, false},
        Chain{"leaky", {Function::kLeakyRelu, 0.1f, 0}, 2, false},
        Chain{"depthwise", {Function::kRelu, 0, 0}, 8, false}, Chain{"pool", {Function::kRelu, 0, 0}, 1, true}}) {
    SCOPED_TRACE(c.name);
    NetworkMaker m(5);
    ValueId x = m.conv("a", m.input({1, 8, 8, 3}), 8, 3, c.activation);
    if (c.pool) x = m.add("pool", graph::MaxPool2d{}, {x});
    m.graph.outputs = {m.conv("b", x, 8, 3, {}, c.groups)};
    unbalance(m.graph, 0);
    const Result2 r = run(m, random_calibration(4));
    EXPECT_EQ(r.pairs, 1);
    EXPECT_GT(r.db, 110);
    EXPECT_LT(r.after, (c.groups == 8 ? 0.1 : 0.5) * r.before);
  }
}

TEST(Equalize, ClipOnlyEnlargesWhatStaysBelowIt) {
  NetworkMaker m(6);
  const ValueId x = m.conv("a", m.input({1, 8, 8, 3}), 8, 3, {Function::kClip, 0, 6});
  m.graph.outputs = {m.conv("b", x, 8, 3, {}, 8)};
  unbalance(m.graph, 0);
  const Result2 r = run(m, random_calibration(6));
  EXPECT_EQ(r.pairs, 1);
  EXPECT_GT(r.db, 110);
  EXPECT_LT(r.after, 0.5 * r.before);
}

// U-Net's and SqueezeNet's shapes: the channels go to a pool and, behind other channels, to a concat.
TEST(Equalize, PassesConcatAndSeveralReaders) {
  NetworkMaker m(8);
  const Activation relu = {Function::kRelu, 0, 0};
  const ValueId in = m.input({1, 8, 8, 3});
  const ValueId a = m.conv("a", in, 8, 3, relu), other = m.conv("other", in, 4, 3, relu);
  const ValueId pooled = m.conv("c", m.add("pool", graph::MaxPool2d{}, {a}), 6, 1);
  graph::Concat concat;
  concat.axis = 3;
  m.graph.outputs = {pooled, m.conv("b", m.add("cat", concat, {other, a}), 8, 3)};
  unbalance(m.graph, 0);
  const Result2 r = run(m, random_calibration(4));
  EXPECT_EQ(r.pairs, 2);
  EXPECT_GT(r.db, 110);
  EXPECT_LT(r.after, 0.5 * r.before);
}

// Zeros that all depthwise layers of a network share are no reason to leave them alone.
TEST(Equalize, CopiesSharedBiases) {
  NetworkMaker m(9);
  const ValueId x = m.conv("a", m.input({1, 8, 8, 3}), 8, 3);
  const ValueId y = m.conv("b", x, 8, 3, {}, 8);
  m.graph.outputs = {m.conv("c", y, 8, 3)};
  unbalance(m.graph, 0);
  m.graph.nodes()[1].inputs[2] = m.graph.nodes()[0].inputs[2];
  const Result2 r = run(m, random_calibration(4));
  EXPECT_EQ(r.pairs, 2);
  EXPECT_GT(r.db, 110);
}

TEST(Equalize, LeavesOtherFunctionsAndSharedValuesAlone) {
  for (int kind = 0; kind < 3; ++kind) {
    SCOPED_TRACE(kind);
    NetworkMaker m(7);
    const Activation activation = kind == 0 ? Activation{Function::kSilu, 0, 0} : Activation{Function::kRelu, 0, 0};
    const ValueId x = m.conv("a", m.input({1, 8, 8, 3}), 8, 3, activation);
    const ValueId y = m.conv("b", x, 8, 3);
    m.graph.outputs = {y};
    if (kind == 1) m.graph.outputs.push_back(x);
    if (kind == 2) m.graph.outputs = {m.add("sum", graph::Binary{graph::BinaryFunction::kAdd, {}}, {x, y})};
    unbalance(m.graph, 0);
    EXPECT_EQ(run(m, random_calibration(2)).pairs, 0);
  }
}

TEST(Equalize, HelpsTheInt8Network) {
  NetworkMaker m(8);
  ValueId x = m.conv("a", m.input({1, 8, 8, 3}), 16, 3, {Function::kRelu, 0, 0});
  x = m.conv("b", x, 16, 3, {Function::kRelu, 0, 0}, 16);
  m.graph.outputs = {m.conv("c", x, 8, 1)};
  unbalance(m.graph, 0);
  const Calibration data = random_calibration(8);
  // What the next layer reads of each channel makes up for its size.
  graph::Value& w = m.graph.value(m.graph.nodes()[1].inputs[1]);
  std::vector<float> elements(static_cast<const float*>(w.constant.data),
                              static_cast<const float*>(w.constant.data) + w.type.shape.elements());
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] *= std::pow(2.0f, static_cast<float>(i / 9 % 6));
  w.constant = graph::make_constant(elements.data(), elements.size() * sizeof(float));
  Options options;
  options.equalize = false;
  const Result<Quantized> plain = quantize(m.graph, data, options);
  options.equalize = true;
  const Result<Quantized> equal = quantize(m.graph, data, options);
  ASSERT_TRUE(plain.ok() && equal.ok());
  const std::vector<float> exact = outputs_of(m.graph, data, 2);
  EXPECT_GT(sqnr(exact, outputs_of(equal->graph, data, 2)), sqnr(exact, outputs_of(plain->graph, data, 2)) + 1);
  EXPECT_NE(equal->graph.quantization.method.find("equalised"), std::string::npos);
}

}  // namespace
}  // namespace dotori::quantize
