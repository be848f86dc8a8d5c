// SPDX-License-Identifier: Apache-2.0
// The interface for outsiders: the example's backend gives the library's numbers, regions work on the session's own
// memory, and whatever a backend answers reaches the caller.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include <dotori/dotori.h>

#include "custom_backend/pointwise_backend.h"
#include "graph/graph.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::Graph;
using graph::ValueId;

// conv 3x3 -> 1x1 relu -> 1x1, plus the first -> relu -> 3x3: regions before, between and behind what the CPU keeps.
Model small_model() {
  testing::Random random(3);
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 6, 7, 4});
  graph::Conv2d wide;
  wide.kernel_h = wide.kernel_w = 3;
  wide.pad_top = wide.pad_bottom = wide.pad_left = wide.pad_right = 1;
  graph::Conv2d point;
  const ValueId a = *g.add_node("wide", wide, {x, g.add_constant_f32("w0", {8, 3, 3, 4}, random.floats(288))});
  graph::Conv2d relu_point = point;
  relu_point.activation.function = graph::Function::kRelu;
  const ValueId b = *g.add_node(
      "point_relu", relu_point,
      {a, g.add_constant_f32("w1", {8, 1, 1, 8}, random.floats(64)), g.add_constant_f32("b1", {8}, random.floats(8))});
  const ValueId c = *g.add_node("point", point, {b, g.add_constant_f32("w2", {8, 1, 1, 8}, random.floats(64))});
  const ValueId sum = *g.add_node("sum", graph::Binary(), {a, c});
  graph::Unary relu;
  relu.activation.function = graph::Function::kRelu;
  const ValueId d = *g.add_node("relu", relu, {sum});
  g.outputs = {*g.add_node("last", wide, {d, g.add_constant_f32("w3", {4, 3, 3, 8}, random.floats(288))}), sum};
  Result<Model> model = Model::from_graph(std::move(g));
  EXPECT_TRUE(model.ok()) << model.status().message();
  return *model;
}

std::vector<std::vector<float>> outputs_of(Session& session) {
  testing::Random random(5);
  const std::vector<float> x = random.floats(static_cast<std::size_t>(session.input(0).elements()));
  std::memcpy(session.input(0).data, x.data(), session.input(0).size_bytes);
  const Status status = session.run();
  EXPECT_TRUE(status.ok()) << status.message();
  std::vector<std::vector<float>> all;
  for (int i = 0; i < session.output_count(); ++i) {
    const TensorView y = session.output(i);
    all.emplace_back(y.f32(), y.f32() + y.elements());
  }
  return all;
}

TEST(CustomBackend, GivesTheLibrarysNumbers) {
  const Model model = small_model();
  Result<Session> alone = Session::create(model);
  ASSERT_TRUE(alone.ok());
  const auto want = outputs_of(*alone);
  for (BackendKind others : {BackendKind::kCpu, BackendKind::kReference}) {
    const example::PointwiseBackend backend;
    SessionOptions options;
    options.backend = others;
    options.custom_backend = &backend;
    options.profile = true;
    Result<Session> session = Session::create(model, options);
    ASSERT_TRUE(session.ok()) << session.status().message();
    const auto got = outputs_of(*session);
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i)
      for (std::size_t e = 0; e < want[i].size(); ++e)
        ASSERT_NEAR(got[i][e], want[i][e], 1e-5f * std::fabs(want[i][e]) + 1e-5f);
    EXPECT_EQ(backend.nodes_run(), 4) << "two 1x1, the sum and the relu";
    ASSERT_EQ(session->profile().nodes.size(), 3u) << "one region between two convolutions";
    EXPECT_EQ(session->profile().nodes[1].kernel, "pointwise");
    EXPECT_EQ(session->profile().nodes[1].op, "region of 4");
  }
}

// Takes every relu, one a region when the graph says so; remembers addresses and answers what the test wants.
class Recorder final : public Backend {
 public:
  struct Bound {
    std::vector<const void*> inputs, outputs;
  };
  const char* name() const noexcept override { return "recorder"; }
  Status supports(const NodeView& node) const override {
    if (!supports_answer.ok()) return supports_answer;
    return std::strcmp(node.op(), "unary") == 0 ? Status() : unsupported("not a unary");
  }
  Result<std::unique_ptr<Region>> compile_region(const RegionRequest& request) const override {
    if (!compile_answer.ok()) return compile_answer;
    return std::unique_ptr<Region>(new Recorded(*this, request));
  }

  Status supports_answer, compile_answer, bind_answer, run_answer;
  std::size_t region_bytes = 0;
  mutable std::vector<Bound> bound;

 private:
  class Recorded final : public Region {
   public:
    Recorded(const Recorder& owner, const RegionRequest& request)
        : owner_(owner), count_(static_cast<std::size_t>(request.inputs[0].shape().elements())) {}
    Status bind(Span<const void* const> inputs, Span<void* const> outputs) override {
      Bound all;
      for (const void* p : inputs) all.inputs.push_back(p);
      for (void* p : outputs) all.outputs.push_back(p);
      owner_.bound.push_back(all);
      x_ = static_cast<const float*>(inputs[0]);
      y_ = static_cast<float*>(outputs[0]);
      return owner_.bind_answer;
    }
    Status run() noexcept override {
      for (std::size_t i = 0; i < count_; ++i) y_[i] = x_[i] < 0 ? 0 : x_[i];
      return owner_.run_answer;
    }
    std::size_t memory_bytes() const noexcept override { return owner_.region_bytes; }

   private:
    const Recorder& owner_;
    std::size_t count_;
    const float* x_ = nullptr;
    float* y_ = nullptr;
  };
};

// relu -> sigmoid (on the CPU, as "binary" with itself) -> relu.
Model relu_model() {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 3, 5, 7});
  graph::Unary relu;
  relu.activation.function = graph::Function::kRelu;
  const ValueId a = *g.add_node("first", relu, {x});
  const ValueId b = *g.add_node("double", graph::Binary(), {a, a});
  g.outputs = {*g.add_node("last", relu, {b})};
  Result<Model> model = Model::from_graph(std::move(g));
  EXPECT_TRUE(model.ok()) << model.status().message();
  return *model;
}

Result<Session> session_with(const Backend& backend, std::size_t max_memory_bytes = 0) {
  SessionOptions options;
  options.custom_backend = &backend;
  if (max_memory_bytes != 0) options.max_memory_bytes = max_memory_bytes;
  return Session::create(relu_model(), options);
}

TEST(CustomBackend, WorksOnTheSessionsOwnMemory) {
  Recorder backend;
  Result<Session> session = session_with(backend);
  ASSERT_TRUE(session.ok()) << session.status().message();
  ASSERT_EQ(backend.bound.size(), 2u);
  const Recorder::Bound &first = backend.bound[0], &last = backend.bound[1];
  // Nothing is copied at the borders: the first region reads what the caller fills, the last writes what he reads.
  EXPECT_EQ(first.inputs[0], session->input(0).data);
  EXPECT_EQ(last.outputs[0], session->output(0).data);
  const std::size_t bytes = session->input(0).size_bytes;
  for (const Recorder::Bound& region : backend.bound) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(region.inputs[0]) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(region.outputs[0]) % 64, 0u);
    const auto* in = static_cast<const char*>(region.inputs[0]);
    const auto* out = static_cast<const char*>(region.outputs[0]);
    EXPECT_TRUE(in + bytes <= out || out + bytes <= in) << "an output lies over an input";
  }
  for (std::int64_t i = 0; i < session->input(0).elements(); ++i)
    session->input(0).f32()[i] = static_cast<float>(i % 5) - 2;
  ASSERT_TRUE(session->run().ok());
  for (std::int64_t i = 0; i < session->output(0).elements(); ++i)
    ASSERT_EQ(session->output(0).f32()[i], std::max(0.0f, 2 * (static_cast<float>(i % 5) - 2)));
}

TEST(CustomBackend, ItsErrorsReachTheCaller) {
  const auto message_has = [](const Status& status, const char* text) {
    return status.message().find(text) != std::string::npos;
  };
  {
    Recorder backend;
    backend.supports_answer = internal_error("the device is gone");
    const Result<Session> session = session_with(backend);
    ASSERT_FALSE(session.ok());
    EXPECT_TRUE(message_has(session.status(), "the device is gone")) << session.status().message();
    EXPECT_TRUE(message_has(session.status(), "recorder")) << session.status().message();
  }
  {
    Recorder backend;
    backend.compile_answer = out_of_memory("the device is full");
    const Result<Session> session = session_with(backend);
    ASSERT_FALSE(session.ok());
    EXPECT_EQ(session.status().code(), StatusCode::kOutOfMemory);
    EXPECT_TRUE(message_has(session.status(), "the device is full")) << session.status().message();
    EXPECT_TRUE(message_has(session.status(), "first")) << session.status().message();
  }
  {
    Recorder backend;
    backend.bind_answer = internal_error("cannot map memory");
    const Result<Session> session = session_with(backend);
    ASSERT_FALSE(session.ok());
    EXPECT_TRUE(message_has(session.status(), "cannot map memory")) << session.status().message();
  }
  {
    Recorder backend;
    Result<Session> session = session_with(backend);
    ASSERT_TRUE(session.ok());
    backend.run_answer = internal_error("the device hangs");
    const Status failed = session->run();
    EXPECT_EQ(failed.code(), StatusCode::kInternal);
    EXPECT_TRUE(message_has(failed, "the device hangs")) << failed.message();
    backend.run_answer = Status();
    EXPECT_TRUE(session->run().ok()) << "a failed run leaves the session usable";
  }
  {
    Recorder backend;
    backend.region_bytes = 1 << 20;
    const Result<Session> session = session_with(backend, 1 << 19);
    ASSERT_FALSE(session.ok());
    EXPECT_EQ(session.status().code(), StatusCode::kOutOfMemory);
  }
  for (BackendKind others : {BackendKind::kXnnpack, BackendKind::kAuto}) {
    const Recorder backend;
    SessionOptions options;
    options.backend = others;
    options.custom_backend = &backend;
    const Result<Session> session = Session::create(relu_model(), options);
    ASSERT_FALSE(session.ok());
    EXPECT_EQ(session.status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(CustomBackend, SeesAttributesByName) {
  class Asking final : public Backend {
   public:
    const char* name() const noexcept override { return "asking"; }
    Status supports(const NodeView& node) const override {
      if (node.name() == "wide") {
        EXPECT_STREQ(node.op(), "conv2d");
        EXPECT_EQ(*node.number("kernel_h"), 3);
        EXPECT_EQ(*node.text("activation.function"), "identity");
        EXPECT_FALSE(node.number("activation.function").ok());
        const Result<double> missing = node.number("no_such");
        EXPECT_FALSE(missing.ok());
        EXPECT_EQ(missing.status().code(), StatusCode::kInvalidArgument);
        EXPECT_NE(missing.status().message().find("no_such"), std::string::npos) << missing.status().message();
        EXPECT_EQ(node.input_count(), 2);
        EXPECT_FALSE(node.has_input(2));
        EXPECT_EQ(node.input(0).constant(), nullptr);
        EXPECT_NE(node.input(1).constant(), nullptr);
        EXPECT_EQ(node.output().shape(), Shape({1, 6, 7, 8}));
        ++seen;
      }
      return unsupported("only asking");
    }
    Result<std::unique_ptr<Region>> compile_region(const RegionRequest&) const override {
      return internal_error("nothing was taken");
    }
    mutable int seen = 0;
  };
  const Asking backend;
  SessionOptions options;
  options.custom_backend = &backend;
  EXPECT_TRUE(Session::create(small_model(), options).ok());
  EXPECT_EQ(backend.seen, 1);
}

}  // namespace
}  // namespace dotori
