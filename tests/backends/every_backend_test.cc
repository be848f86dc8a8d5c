// SPDX-License-Identifier: Apache-2.0
// One test body over all operators and all backends: each must give what the reference kernels give.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <ostream>
#include <set>

#include <dotori/dotori.h>

#include "backends/backend.h"
#include "backends/operator_catalogue.h"
#include "support/int8_inputs.h"

namespace dotori {
namespace {

using testing::OperatorCase;

const std::vector<OperatorCase>& catalogue() {
  static const std::vector<OperatorCase> cases = [] {
    std::vector<OperatorCase> all = testing::float_catalogue();
    for (OperatorCase& c : testing::int8_catalogue()) all.push_back(std::move(c));
    return all;
  }();
  return cases;
}

struct Setting {
  BackendKind backend;
  const char* name;
  int threads;
};
constexpr Setting kSettings[] = {{BackendKind::kCpu, "cpu", 1},
                                 {BackendKind::kCpu, "cpu_3_threads", 3},
                                 {BackendKind::kReference, "reference_2_threads", 2},
                                 {BackendKind::kXnnpack, "xnnpack", 1},
                                 {BackendKind::kXnnpack, "xnnpack_3_threads", 3},
                                 {BackendKind::kAuto, "auto", 1}};

void fill(Session& session, std::uint64_t seed) {
  testing::Random random(seed);
  for (int i = 0; i < session.input_count(); ++i) {
    const TensorView view = session.input(i);
    if (view.f32() != nullptr) {
      const std::vector<float> x = random.floats(static_cast<std::size_t>(view.elements()), -4, 4);
      std::memcpy(view.data, x.data(), view.size_bytes);
    } else {
      const std::vector<std::int8_t> x = testing::int8_inputs(random, view.size_bytes);
      std::memcpy(view.data, x.data(), view.size_bytes);
    }
  }
}

std::vector<float> reals(const TensorView& view) {
  return {view.f32(), view.f32() + view.elements()};
}

// gtest prints it in the names of failed tests.
void PrintTo(const Setting& setting, std::ostream* out) {
  *out << setting.name;
}

// Float outputs within 1e-4 of the largest number of the reference's, all others to the byte.
void expect_same(const TensorView& got, const TensorView& want) {
  ASSERT_EQ(got.shape, want.shape);
  ASSERT_EQ(got.type, want.type);
  if (want.f32() == nullptr) {
    const auto* g = static_cast<const signed char*>(got.data);
    const auto* w = static_cast<const signed char*>(want.data);
    int differ = 0;
    for (std::size_t i = 0; i < want.size_bytes; ++i) differ += g[i] != w[i];
    EXPECT_EQ(differ, 0) << "bytes of " << want.size_bytes;
    return;
  }
  const std::vector<float> g = reals(got), w = reals(want);
  float largest = 0;
  for (float v : w)
    if (std::isfinite(v)) largest = std::max(largest, std::fabs(v));
  for (std::size_t i = 0; i < w.size(); ++i) {
    const bool same = g[i] == w[i] || (std::isnan(g[i]) && std::isnan(w[i]));
    ASSERT_TRUE(same || std::fabs(g[i] - w[i]) <= 1e-4f * largest)
        << "element " << i << " is " << g[i] << ", expected " << w[i] << " (largest " << largest << ")";
  }
}

class EveryBackend : public ::testing::TestWithParam<std::tuple<std::size_t, Setting>> {};

TEST_P(EveryBackend, GivesTheReferencesNumbers) {
  const OperatorCase& tested = catalogue()[std::get<0>(GetParam())];
  const Setting& setting = std::get<1>(GetParam());
  if (!backend_available(setting.backend)) GTEST_SKIP() << "this build has no " << setting.name;
  const Result<Model> model = Model::from_graph(tested.graph);
  ASSERT_TRUE(model.ok()) << model.status().message();
  SessionOptions options;
  options.backend = BackendKind::kReference;
  Result<Session> reference = Session::create(*model, options);
  ASSERT_TRUE(reference.ok()) << reference.status().message();
  options.backend = setting.backend;
  options.num_threads = setting.threads;
  Result<Session> session = Session::create(*model, options);
  ASSERT_TRUE(session.ok()) << session.status().message();
  // Twice, with other numbers: what a run leaves behind must not be seen by the next.
  for (std::uint64_t seed : {1, 2}) {
    fill(*reference, seed);
    fill(*session, seed);
    ASSERT_TRUE(reference->run().ok());
    const Status status = session->run();
    ASSERT_TRUE(status.ok()) << status.message();
    for (int i = 0; i < session->output_count(); ++i) expect_same(session->output(i), reference->output(i));
  }
}

// gtest's names.
std::string case_name(const ::testing::TestParamInfo<std::tuple<std::size_t, Setting>>& info) {
  return catalogue()[std::get<0>(info.param)].name + "__" + std::get<1>(info.param).name;
}
INSTANTIATE_TEST_SUITE_P(Operators, EveryBackend,
                         ::testing::Combine(::testing::Range(std::size_t{0}, catalogue().size()),
                                            ::testing::ValuesIn(kSettings)),
                         case_name);

TEST(OperatorCatalogue, HoldsEveryOperatorAndFunction) {
  std::set<std::string> operators, names;
  for (const OperatorCase& c : catalogue()) {
    EXPECT_TRUE(names.insert(c.name).second) << c.name << " twice";
    for (const graph::Node& node : c.graph.nodes()) operators.insert(graph::op_name(node.op));
  }
#define DOTORI_OP(type, file) EXPECT_EQ(operators.count(#file), 1u) << #file;
#include "graph/ops.inc"
#undef DOTORI_OP
}

// A refusal must be meant: a node that XNNPACK suddenly leaves to the CPU would pass every comparison.
TEST(XnnpackBackend, TakesWhatItIsSaidToTake) {
  const Backend* xnnpack = backends::xnnpack_backend();
  if (xnnpack == nullptr) GTEST_SKIP() << "this build has no XNNPACK";
  for (const OperatorCase& c : catalogue()) {
    const Result<backends::Plan> plan = backends::compile(c.graph, backends::CompileOptions(), xnnpack);
    ASSERT_TRUE(plan.ok()) << c.name << ": " << plan.status().message();
    const bool taken = plan->partition.region_of_node[0] >= 0;
    EXPECT_EQ(taken, c.xnnpack) << c.name << ": " << plan->refusals[0];
    EXPECT_EQ(plan->refusals[0].empty(), taken) << c.name;
  }
}

TEST(XnnpackBackend, IsAClearErrorWhereItIsNotBuilt) {
  if (backend_available(BackendKind::kXnnpack)) GTEST_SKIP() << "this build has XNNPACK";
  const Result<Model> model = Model::from_graph(catalogue()[0].graph);
  ASSERT_TRUE(model.ok());
  SessionOptions options;
  options.backend = BackendKind::kXnnpack;
  const Result<Session> session = Session::create(*model, options);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(session.status().message().find("DOTORI_XNNPACK"), std::string::npos) << session.status().message();
}

}  // namespace
}  // namespace dotori
