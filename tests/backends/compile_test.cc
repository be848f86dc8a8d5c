// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <thread>

#include <dotori/dotori.h>

#include "backends/backend.h"
#include "graph/graph.h"
#include "support/random.h"

namespace {
// Counts every allocation of the program, to hold run() to its word.
std::atomic<long> g_allocations{0};
}  // namespace

// Not inlined, so that the compiler does not take free() for the wrong partner of new.
__attribute__((noinline)) void* operator new(std::size_t size) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
__attribute__((noinline)) void operator delete(void* memory) noexcept {
  std::free(memory);
}
__attribute__((noinline)) void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace dotori {
namespace {

using graph::Graph;
using graph::ValueId;

// input -> conv 3x3 (relu) -> conv 1x1 (silu) + input branch -> mean, a little of everything the plan shares memory
// for.
Graph small_network() {
  testing::Random random(7);
  Graph g;
  g.name = "small";
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 9, 11, 3});
  graph::Conv2d conv;
  conv.kernel_h = conv.kernel_w = 3;
  conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right = 1;
  conv.activation.function = graph::Function::kRelu;
  const ValueId w1 = g.add_constant_f32("w1", {20, 3, 3, 3}, random.floats(20 * 27));
  const ValueId b1 = g.add_constant_f32("b1", {20}, random.floats(20));
  const ValueId a = *g.add_node("conv1", conv, {x, w1, b1});
  graph::Conv2d point;
  point.activation.function = graph::Function::kSilu;
  const ValueId w2 = g.add_constant_f32("w2", {20, 1, 1, 20}, random.floats(400));
  const ValueId b = *g.add_node("conv2", point, {a, w2});
  const ValueId sum = *g.add_node("add", graph::Binary(), {a, b});
  graph::Unary tanh;
  tanh.activation.function = graph::Function::kTanh;
  const ValueId t = *g.add_node("tanh", tanh, {sum});
  graph::Reshape flat;
  flat.shape = {1, 99, 20};
  const ValueId r = *g.add_node("flatten", flat, {t});
  graph::Softmax softmax;
  softmax.axis = 2;
  g.outputs.push_back(*g.add_node("softmax", softmax, {r}));
  g.outputs.push_back(sum);
  return g;
}

std::vector<float> run_small(const SessionOptions& options, int output) {
  auto model = Model::from_graph(small_network());
  EXPECT_TRUE(model.ok()) << model.status().message();
  auto session = Session::create(*model, options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  testing::Random random(3);
  TensorView input = session->input(0);
  for (std::int64_t i = 0; i < input.elements(); ++i) input.f32()[i] = random.uniform();
  EXPECT_TRUE(session->run().ok());
  const TensorView out = session->output(output);
  return std::vector<float>(out.f32(), out.f32() + out.elements());
}

TEST(Compile, OutputsSurviveInPlaceSteps) {
  // `add` is an output: tanh must not overwrite it.
  SessionOptions reference;
  reference.backend = BackendKind::kReference;
  for (int output : {0, 1}) {
    const std::vector<float> expected = run_small(reference, output);
    const std::vector<float> found = run_small({}, output);
    ASSERT_EQ(expected.size(), found.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(expected[i], found[i], 2e-5f) << "output " << output << ", element " << i;
  }
}

TEST(Compile, SameBitsForEveryThreadCount) {
  for (int output : {0, 1}) {
    const std::vector<float> one = run_small({}, output);
    for (int threads : {2, 4}) {
      SessionOptions options;
      options.num_threads = threads;
      EXPECT_EQ(one, run_small(options, output)) << threads << " threads";
    }
  }
}

TEST(Compile, ReshapeIsAnAliasAndElementwiseWorksInPlace) {
  auto plan = backends::compile(small_network(), {});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  ASSERT_EQ(plan->steps.size(), 6u);
  EXPECT_EQ(plan->steps[4].kernel, "alias");
  EXPECT_EQ(plan->steps[4].body, nullptr);
  const Graph g = small_network();
  auto buffer = [&](const char* name) {
    for (std::size_t v = 0; v < g.values().size(); ++v)
      if (g.values()[v].name == name) return plan->value_buffers[v];
    return -2;
  };
  EXPECT_EQ(buffer("tanh"), buffer("flatten"));
  EXPECT_NE(buffer("add"), buffer("tanh"));
  EXPECT_EQ(buffer("w1"), -1);
  EXPECT_EQ(plan->buffers.size(), plan->buffer_offsets.size());
}

TEST(Compile, RefusesMemoryAboveTheLimit) {
  auto plan = backends::compile(small_network(), {});
  ASSERT_TRUE(plan.ok());
  const std::size_t needed = plan->arena_bytes + plan->packed_bytes;
  // Just enough, a byte short (the arena), and too little for the weights alone.
  std::vector<std::size_t> limits = {needed, needed - 1};
  if (plan->packed_bytes > 0) limits.push_back(plan->packed_bytes - 1);
  for (const std::size_t allowed : limits) {
    backends::CompileOptions options;
    options.max_memory_bytes = allowed;
    const Status status = backends::compile(small_network(), options).status();
    EXPECT_EQ(status.code(), allowed == needed ? StatusCode::kOk : StatusCode::kOutOfMemory) << allowed;
  }
}

TEST(Session, RunAllocatesNothing) {
  auto model = Model::from_graph(small_network());
  ASSERT_TRUE(model.ok());
  const std::uint64_t all = core_mask(CoreClass::kAll), first = all & (~all + 1);
  for (const auto& [threads, cores] :
       {std::pair(1, std::uint64_t{0}), std::pair(2, std::uint64_t{0}), std::pair(2, first)}) {
    SessionOptions options;
    options.num_threads = threads;
    options.core_mask = cores;
    auto session = Session::create(*model, options);
    ASSERT_TRUE(session.ok());
    ASSERT_TRUE(session->run().ok());
    const long before = g_allocations.load();
    const struct mallinfo2 heap_before = mallinfo2();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(session->run().ok());
    EXPECT_EQ(g_allocations.load(), before);
    EXPECT_EQ(mallinfo2().uordblks, heap_before.uordblks);
  }
}

TEST(Session, KeepsInputsAndRepeatsItself) {
  auto model = Model::from_graph(small_network());
  auto session = Session::create(*model);
  ASSERT_TRUE(session.ok());
  TensorView input = session->input("x");
  for (std::int64_t i = 0; i < input.elements(); ++i) input.f32()[i] = static_cast<float>(i % 7) * 0.1f;
  ASSERT_TRUE(session->run().ok());
  const TensorView out = session->output(0);
  const std::vector<float> first(out.f32(), out.f32() + out.elements());
  ASSERT_TRUE(session->run().ok());
  EXPECT_EQ(first, std::vector<float>(out.f32(), out.f32() + out.elements()));
}

TEST(Session, AnswersBusyWhileRunning) {
  auto model = Model::from_graph(small_network());
  auto session = Session::create(*model);
  ASSERT_TRUE(session.ok());
  std::atomic<int> busy{0}, ok{0}, other{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const Status status = session->run();
        if (status.ok()) ++ok;
        else if (status.code() == StatusCode::kBusy) ++busy;
        else ++other;
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(ok + busy, 1200);
  EXPECT_GT(ok.load(), 0);
  EXPECT_EQ(other.load(), 0);
}

TEST(Session, ProfileNamesEveryStep) {
  auto model = Model::from_graph(small_network());
  SessionOptions options;
  options.profile = true;
  auto session = Session::create(*model, options);
  ASSERT_TRUE(session.ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(session->run().ok());
  const Profile& profile = session->profile();
  EXPECT_EQ(profile.runs, 3);
  ASSERT_EQ(profile.nodes.size(), 5u);  // the alias costs nothing and is left out
  EXPECT_EQ(profile.nodes[0].name, "conv1");
  EXPECT_EQ(profile.nodes[0].macs, 9 * 11 * 20 * 27);
  for (const NodeProfile& node : profile.nodes) {
    EXPECT_FALSE(node.kernel.empty()) << node.name;
    EXPECT_LE(node.min_ms * 3, node.total_ms * 1.0001);
  }
}

TEST(Session, UnknownTensorsAreEmptyViews) {
  auto model = Model::from_graph(small_network());
  auto session = Session::create(*model);
  ASSERT_TRUE(session.ok());
  EXPECT_EQ(session->input(-1).data, nullptr);
  EXPECT_EQ(session->input(1).data, nullptr);
  EXPECT_EQ(session->output(2).data, nullptr);
  EXPECT_EQ(session->output("no such output").data, nullptr);
  EXPECT_EQ(session->output("add").data, session->output(1).data);
}

TEST(Session, RefusesImpossibleThreadCounts) {
  auto model = Model::from_graph(small_network());
  for (int threads : {-1, 65}) {
    SessionOptions options;
    options.num_threads = threads;
    EXPECT_EQ(Session::create(*model, options).status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(EvaluateNode, ComputesConstants) {
  Graph g;
  const ValueId a = g.add_constant_f32("a", {2, 2}, {1, 2, 3, 4});
  const ValueId b = g.add_constant_f32("b", {2}, {10, 20});
  const ValueId sum = *g.add_node("sum", graph::Binary(), {a, b});
  (void)sum;
  auto folded = backends::evaluate_node(g, g.nodes()[0]);
  ASSERT_TRUE(folded.ok()) << folded.status().message();
  ASSERT_EQ(folded->size_bytes, 16u);
  const float* v = static_cast<const float*>(folded->data);
  EXPECT_EQ(std::vector<float>(v, v + 4), (std::vector<float>{11, 22, 13, 24}));
}

}  // namespace
}  // namespace dotori
