// SPDX-License-Identifier: Apache-2.0
// Convolutions that run as one step compute the same bits as one by one.
#include <gtest/gtest.h>

#include <cstring>

#include <dotori/dotori.h>

#include "backends/backend.h"
#include "graph/graph.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::Graph;
using graph::ValueId;

struct Link {
  bool depthwise;
  int channels;  // of the output; a depthwise one keeps them
  int kernel_h, kernel_w, stride_h, stride_w, dilation_h, pad_top, pad_bottom, pad_left, pad_right;
  graph::Function function;
};

ValueId add_link(Graph& g, const Link& link, ValueId x, const std::string& name, testing::Random& random) {
  const std::int64_t in = g.value(x).type.shape[3], out = link.depthwise ? in : link.channels;
  const std::int64_t each = link.depthwise ? 1 : in;
  graph::Conv2d conv;
  conv.kernel_h = link.kernel_h;
  conv.kernel_w = link.kernel_w;
  conv.stride_h = link.stride_h;
  conv.stride_w = link.stride_w;
  conv.dilation_h = link.dilation_h;
  conv.pad_top = link.pad_top;
  conv.pad_bottom = link.pad_bottom;
  conv.pad_left = link.pad_left;
  conv.pad_right = link.pad_right;
  conv.groups = link.depthwise ? static_cast<int>(in) : 1;
  conv.activation.function = link.function;
  const std::int64_t weights = out * link.kernel_h * link.kernel_w * each;
  const ValueId w = g.add_constant_f32("w_" + name, {out, link.kernel_h, link.kernel_w, each},
                                       random.floats(static_cast<std::size_t>(weights)));
  const ValueId b = g.add_constant_f32("b_" + name, {out}, random.floats(static_cast<std::size_t>(out)));
  return *g.add_node(name, conv, {x, w, b});
}

// `seen`: the outputs of all links are outputs of the graph, the last one's first; then nothing can be a chain.
Graph network(const Shape& shape, const std::vector<Link>& links, bool seen) {
  testing::Random random(11);
  Graph g;
  g.name = "links";
  ValueId x = g.add_input("x", DataType::kFloat32, shape);
  std::vector<ValueId> between;
  for (std::size_t i = 0; i < links.size(); ++i) {
    x = add_link(g, links[i], x, "link" + std::to_string(i), random);
    between.push_back(x);
  }
  g.outputs.push_back(x);
  for (std::size_t i = 0; seen && i + 1 < between.size(); ++i) g.outputs.push_back(between[i]);
  return g;
}

int chains_of(const Graph& g, int threads) {
  backends::CompileOptions options;
  options.num_threads = threads;
  auto plan = backends::compile(g, options);
  EXPECT_TRUE(plan.ok()) << plan.status().message();
  int chains = 0;
  for (const backends::Step& step : plan->steps) chains += step.chain >= 0;
  return chains;
}

std::vector<float> answer(Graph g, int threads) {
  auto model = Model::from_graph(std::move(g));
  EXPECT_TRUE(model.ok()) << model.status().message();
  SessionOptions options;
  options.num_threads = threads;
  auto session = Session::create(*model, options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  testing::Random random(3);
  TensorView input = session->input(0);
  for (std::int64_t i = 0; i < input.elements(); ++i) input.f32()[i] = random.uniform();
  // Twice: the rows that are kept are then those of another run.
  EXPECT_TRUE(session->run().ok());
  EXPECT_TRUE(session->run().ok());
  const TensorView out = session->output(0);
  return std::vector<float>(out.f32(), out.f32() + out.elements());
}

void expect_same_bits(const Shape& shape, const std::vector<Link>& links, int wanted_chains) {
  const Graph seen = network(shape, links, true);
  EXPECT_EQ(chains_of(seen, 1), 0);
  const std::vector<float> expected = answer(network(shape, links, true), 1);
  for (int threads : {1, 2, 3}) {
    if (kernels::host_isa() != kernels::kIsaNone) {
      EXPECT_EQ(chains_of(network(shape, links, false), threads), wanted_chains);
    }
    const std::vector<float> found = answer(network(shape, links, false), threads);
    ASSERT_EQ(found.size(), expected.size());
    ASSERT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)), 0) << threads << " threads";
  }
}

constexpr graph::Function kRelu = graph::Function::kRelu, kSilu = graph::Function::kSilu,
                          kNone = graph::Function::kIdentity;

Link point(int channels, graph::Function function = kRelu) {
  return {false, channels, 1, 1, 1, 1, 1, 0, 0, 0, 0, function};
}

TEST(RowChains, InvertedResidual) {
  expect_same_bits({1, 56, 56, 24}, {point(144), {true, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, kRelu}, point(24, kNone)}, 1);
}
TEST(RowChains, StrideTwoOfTwoImages) {
  expect_same_bits({2, 61, 50, 19}, {point(99, kSilu), {true, 0, 5, 5, 2, 2, 1, 2, 1, 2, 1, kSilu}, point(41)}, 1);
}
TEST(RowChains, FirstLayerOfAPhoto) {
  expect_same_bits(
      {1, 127, 129, 3},
      {{false, 32, 3, 3, 2, 2, 1, 1, 0, 1, 1, kRelu}, {true, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, kRelu}, point(17)}, 1);
}
TEST(RowChains, DepthwiseFirst) {
  expect_same_bits({1, 70, 64, 32}, {{true, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, kRelu}, point(40)}, 1);
}
TEST(RowChains, PointwiseWithStrideReadsEverySecondRow) {
  Link strided = point(24);
  strided.stride_h = strided.stride_w = 2;
  expect_same_bits({1, 63, 64, 40}, {{true, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, kNone}, strided}, 1);
}
// Rows of padding that nothing is read for, and more taps than rows.
TEST(RowChains, PaddingBeyondTheKernel) {
  expect_same_bits({1, 20, 400, 8}, {point(16), {true, 0, 3, 3, 1, 1, 3, 9, 8, 1, 1, kRelu}, point(8)}, 1);
  expect_same_bits({1, 30, 300, 8}, {point(16), {true, 0, 1, 3, 3, 1, 1, 4, 7, 1, 1, kRelu}, point(8)}, 1);
}

TEST(RowChains, ManyRandomChains) {
  testing::Random random(5);
  for (int round = 0; round < 12; ++round) {
    const int first = random.integer(9, 60);
    const std::int64_t w = random.integer(20, 90);
    const std::int64_t h = std::max<std::int64_t>(12, 70000 / (w * first) + random.integer(1, 12));
    const int kernel = random.integer(2, 6), stride = random.integer(1, 3), dilation = random.integer(1, 2);
    const Link depthwise = {true,
                            0,
                            kernel,
                            random.integer(1, 5),
                            stride,
                            random.integer(1, 2),
                            dilation,
                            random.integer(0, kernel),
                            random.integer(0, kernel),
                            2,
                            2,
                            kRelu};
    SCOPED_TRACE(round);
    expect_same_bits({random.integer(1, 2), h, w, random.integer(3, 20)}, {point(first, kSilu), depthwise}, 1);
  }
}

TEST(RowChains, SmallTensorsAreNotWorthIt) {
  const std::vector<Link> links = {point(96), {true, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, kRelu}, point(24)};
  EXPECT_EQ(chains_of(network({1, 14, 14, 16}, links, false), 1), 0);
}

TEST(RowChains, LargeWeightsAreNotReadForEachBand) {
  const std::vector<Link> links = {{true, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, kRelu}, point(400)};
  EXPECT_EQ(chains_of(network({1, 14, 14, 400}, links, false), 1), 0);
  EXPECT_EQ(chains_of(network({1, 40, 14, 400}, links, false), 1), kernels::host_isa() != kernels::kIsaNone);
}

// What was measured comes before the estimate: on this instruction set only, and only what can be chained.
TEST(RowChains, MeasuredChoices) {
  if (kernels::host_isa() == kernels::kIsaNone) GTEST_SKIP() << "no vector kernels";
  const std::vector<Link> links = {point(96), {true, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, kRelu}, point(24)};
  const auto tuned = [&](const Shape& shape, graph::Link link, const std::string& isa) {
    Graph g = network(shape, links, false);
    g.tunings.push_back({isa, 1, std::vector<graph::NodeChoice>(3, {graph::Algorithm::kEstimated, link})});
    return g;
  };
  const Shape small = {1, 14, 14, 16}, large = {1, 56, 56, 16};
  const std::string isa = host_isa_name();
  EXPECT_EQ(chains_of(tuned(small, graph::Link::kChained, isa), 1), 1);
  EXPECT_EQ(chains_of(tuned(small, graph::Link::kChained, "other"), 1), 0);
  EXPECT_EQ(chains_of(tuned(large, graph::Link::kEstimated, isa), 1), 1);
  EXPECT_EQ(chains_of(tuned(large, graph::Link::kApart, isa), 1), 0);
  EXPECT_EQ(chains_of(tuned(large, graph::Link::kApart, "other"), 1), 1);
  EXPECT_EQ(answer(tuned(small, graph::Link::kChained, isa), 2), answer(network(small, links, false), 1));

  // By the estimate, the weights of winograd are too many for a small image.
  for (int size : {5, 24}) {
    const Graph g = network({1, size, size, 64}, {{false, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, kRelu}}, false);
    const auto winograd = [&](graph::Algorithm algorithm) {
      Graph chosen = g;
      chosen.tunings.push_back({isa, 1, {{algorithm, graph::Link::kEstimated}}});
      auto plan = backends::compile(chosen, {});
      EXPECT_TRUE(plan.ok()) << plan.status().message();
      return plan->steps[0].kernel.rfind("winograd", 0) == 0;
    };
    EXPECT_EQ(winograd(graph::Algorithm::kEstimated), size == 24);
    EXPECT_FALSE(winograd(graph::Algorithm::kGemm));
    EXPECT_TRUE(winograd(graph::Algorithm::kWinograd));
  }
}

TEST(RowChains, ASecondReaderKeepsTheTensor) {
  testing::Random random(11);
  Graph g;
  g.name = "two readers";
  ValueId x = g.add_input("x", DataType::kFloat32, {1, 56, 56, 24});
  const ValueId a = add_link(g, point(144), x, "a", random);
  const ValueId b = add_link(g, {true, 0, 3, 3, 1, 1, 1, 1, 1, 1, 1, kRelu}, a, "b", random);
  g.outputs.push_back(*g.add_node("sum", graph::Binary(), {a, b}));
  EXPECT_EQ(chains_of(g, 1), 0);
}

}  // namespace
}  // namespace dotori
