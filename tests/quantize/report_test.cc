// SPDX-License-Identifier: Apache-2.0
// The quantisation report in a .dtr file.
#include "graph/quantization_report.h"

#include "../graph/format_graphs.h"

#include <limits>

namespace dotori::graph {
namespace {

Graph reported_graph() {
  Graph g = tiny_graph();
  // The report's scales are those of what the nodes write.
  g.value(g.outputs[0]).quantization = {{0.0625f}, {-12}, 0};
  QuantizationReport& r = g.quantization;
  r.method = "int8, ranges by auto";
  r.calibration_samples = 64;
  r.metric = "top-1";
  r.metric_samples = 150;
  r.before = 92.25;
  r.after = 91.5;
  r.max_drop = 1;
  r.bytes_before = 123456789012;
  r.bytes_after = 31;
  r.nodes = {{"conv", 8, 31.25f, 0.0625f, -12, RangeMethod::kEntropy}, {"head", 32, 99, 0, 0, RangeMethod::kNone}};
  return g;
}

TEST(QuantizationReport, RoundTrip) {
  const Graph g = reported_graph();
  const auto back = ExactFile(written(g)).read();
  ASSERT_TRUE(back.ok()) << back.status().message();
  const QuantizationReport &a = g.quantization, &b = back->quantization;
  EXPECT_EQ(a.method, b.method);
  EXPECT_EQ(a.calibration_samples, b.calibration_samples);
  EXPECT_EQ(a.metric, b.metric);
  EXPECT_EQ(a.metric_samples, b.metric_samples);
  EXPECT_EQ(a.before, b.before);
  EXPECT_EQ(a.after, b.after);
  EXPECT_EQ(b.drop(), 0.75);
  EXPECT_EQ(a.max_drop, b.max_drop);
  EXPECT_EQ(a.bytes_before, b.bytes_before);
  EXPECT_EQ(a.bytes_after, b.bytes_after);
  ASSERT_EQ(b.nodes.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(a.nodes[i].name, b.nodes[i].name);
    EXPECT_EQ(a.nodes[i].bits, b.nodes[i].bits);
    EXPECT_EQ(a.nodes[i].sqnr_db, b.nodes[i].sqnr_db);
    EXPECT_EQ(a.nodes[i].scale, b.nodes[i].scale);
    EXPECT_EQ(a.nodes[i].zero_point, b.nodes[i].zero_point);
    EXPECT_EQ(a.nodes[i].range, b.nodes[i].range);
  }
  EXPECT_EQ(written(*back), written(g));
  const auto none = ExactFile(written(tiny_graph())).read();
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->quantization.empty());
}

TEST(QuantizationReport, DamageIsRefused) {
  const Bytes file = written(reported_graph());
  using Report = stored::QuantizationReportT;
  const std::vector<std::pair<const char*, std::function<void(Report&)>>> damages = {
      {"the method is empty", [](Report& r) { r.method.clear(); }},
      {"negative", [](Report& r) { r.calibration_samples = -1; }},
      {"negative", [](Report& r) { r.metric_samples = -7; }},
      {"not finite", [](Report& r) { r.after = std::numeric_limits<double>::quiet_NaN(); }},
      {"not finite", [](Report& r) { r.max_drop = std::numeric_limits<double>::infinity(); }},
      {"node 'conv'", [](Report& r) { r.ranges[0] = 200; }},
      {"node 'head'", [](Report& r) { r.sqnr_db[1] = std::numeric_limits<float>::infinity(); }},
      {"2 nodes with 1, 2 and 2", [](Report& r) { r.bits.pop_back(); }},
      {"2 nodes with 2, 2 and 3", [](Report& r) { r.ranges.push_back(0); }},
      {"UTF-8", [](Report& r) { r.metric = "\xFF"; }},
  };
  for (const auto& [expected, damage] : damages) {
    const Bytes damaged = with_tables(file, [&, d = damage](stored::ModelT& model) { d(*model.quantization); });
    const auto graph = ExactFile(damaged).read();
    ASSERT_FALSE(graph.ok()) << expected;
    EXPECT_EQ(graph.status().code(), StatusCode::kCorruptModel);
    EXPECT_NE(graph.status().message().find(expected), std::string::npos) << graph.status().message();
  }
}

TEST(QuantizationReport, TextsThatNoFileHoldsAreNotWritten) {
  Graph g = reported_graph();
  g.quantization.nodes[0].name = std::string("a\0b", 3);
  EXPECT_FALSE(write_graph(g).ok());
}

TEST(QuantizationReport, ZeroPointsOfZeroAreImplied) {
  Graph g = tiny_graph();
  const ValueId w = g.nodes()[0].inputs[1];
  g.value(w).quantization.scales = {0.5f};
  g.value(w).quantization.zero_points = {0};
  stored::ModelT model;
  const Bytes file = written(g);
  stored::GetModel(file.data() + kHeaderBytes)->UnPackTo(&model);
  bool found = false;
  for (const auto& value : model.values) {
    if (!value->quantization) continue;
    found = true;
    EXPECT_TRUE(value->quantization->zero_points.empty());
  }
  EXPECT_TRUE(found);
  const auto back = ExactFile(file).read();
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->value(back->nodes()[0].inputs[1]).quantization == g.value(w).quantization);
}

TEST(QuantizationReport, ScalesOfHalfTheRoom) {
  Graph g = tiny_graph();
  const ValueId w = g.nodes()[0].inputs[1];
  for (const std::vector<float>& scales : {std::vector<float>{0.5f, 0.75f, 1024}, {0.5f, 0.1f, 1}}) {
    g.value(w).type.shape = {1, 3, 2, 3};
    g.value(w).quantization = {scales, {0, 0, 0}, 3};
    Graph moved;
    moved.add_input("x", DataType::kFloat32, {1, 3, 2, 3});
    const ValueId c = moved.add_value(g.value(w));
    moved.outputs = {*moved.add_node("sum", Binary{}, {moved.inputs[0], c})};
    const Bytes file = written(moved);
    stored::ModelT model;
    stored::GetModel(file.data() + kHeaderBytes)->UnPackTo(&model);
    const stored::QuantizationT& q = *model.values[1]->quantization;
    EXPECT_EQ(q.scales.empty(), scales[1] == 0.75f);
    EXPECT_EQ(q.upper_scales.empty(), scales[1] != 0.75f);
    const auto back = ExactFile(file).read();
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(back->values()[1].quantization.scales, scales);
    const auto both = ExactFile(with_tables(file, [](stored::ModelT& m) {
                        m.values[1]->quantization->scales = {1, 1, 1};
                        m.values[1]->quantization->upper_scales = {1, 1, 1};
                      })).read();
    ASSERT_FALSE(both.ok());
    EXPECT_NE(both.status().message().find("upper halves"), std::string::npos);
  }
}

TEST(RangeMethod, EveryOneHasAName) {
  for (int i = 0; i < static_cast<int>(RangeMethod::kCount); ++i) {
    EXPECT_STRNE(range_method_name(static_cast<RangeMethod>(i)), "unknown") << i;
  }
}

}  // namespace
}  // namespace dotori::graph
