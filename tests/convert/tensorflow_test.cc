// SPDX-License-Identifier: Apache-2.0
// Frozen TensorFlow graphs: hand-made numbers, and files that are wrong. Operators beside OpenCV:
// bench/agreement/tensorflow.py.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "convert/convert.h"
#include "convert/run_graph.h"
#include "convert/survey.h"
#include "dotori_tensorflow.pb.h"
#include "graph/verify.h"
#include "support/random.h"

namespace dotori {
namespace {

using Dims = std::vector<std::int64_t>;

class Maker {
 public:
  explicit Maker(const Dims& input) {
    auto& node = add("Placeholder", "x", {});
    (*node.mutable_attr())["dtype"].set_type(1);
    for (std::int64_t d : input) (*node.mutable_attr())["shape"].mutable_shape()->add_dim()->set_size(d);
  }
  dotori_tensorflow::NodeDef& add(const std::string& op, const std::string& name,
                                  const std::vector<std::string>& inputs) {
    auto* node = graph.add_node();
    node->set_op(op);
    node->set_name(name);
    for (const std::string& input : inputs) node->add_input(input);
    return *node;
  }
  dotori_tensorflow::Tensor& constant(const std::string& name, const Dims& dims, int type) {
    auto& tensor = *(*add("Const", name, {}).mutable_attr())["value"].mutable_tensor();
    tensor.set_dtype(type);
    for (std::int64_t d : dims) tensor.mutable_tensor_shape()->add_dim()->set_size(d);
    return tensor;
  }
  void reals(const std::string& name, const Dims& dims, const std::vector<float>& values) {
    auto& tensor = constant(name, dims, 1);
    for (float v : values) tensor.add_float_val(v);
  }
  void integers(const std::string& name, const Dims& dims, const std::vector<int>& values) {
    auto& tensor = constant(name, dims, 3);
    for (int v : values) tensor.add_int_val(v);
  }
  // 3x3, SAME, one channel to two.
  dotori_tensorflow::NodeDef& conv() {
    reals("w", {3, 3, 1, 2}, std::vector<float>(18, 0.5f));
    auto& node = add("Conv2D", "c", {"x", "w"});
    for (std::int64_t s : {1, 1, 1, 1}) (*node.mutable_attr())["strides"].mutable_list()->add_i(s);
    (*node.mutable_attr())["padding"].set_s("SAME");
    return node;
  }
  std::string bytes() const { return graph.SerializeAsString(); }

  dotori_tensorflow::GraphDef graph;
};

Result<graph::Graph> import_bytes(const std::string& bytes, const convert::ImportOptions& options = {}) {
  const std::string path = ::testing::TempDir() + std::to_string(getpid()) + "_graph.pb";
  std::ofstream(path, std::ios::binary) << bytes;
  Result<graph::Graph> graph = convert::import_tensorflow(path, options);
  std::remove(path.c_str());
  return graph;
}

TEST(TensorflowNumbers, OneValueStandsForAllAndHalvesAreRead) {
  Maker m({1, 2});
  m.reals("fill", {2}, {3});  // one value for two elements
  auto& half = m.constant("half", {2}, 19);
  half.add_half_val(0x3C00);  // 1
  half.add_half_val(0xC100);  // -2.5
  m.add("Add", "a", {"x", "fill"});
  m.add("Mul", "y", {"a", "half:0"});
  const Result<graph::Graph> graph = import_bytes(m.bytes());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(testing::run_graph(*graph, {1, 2})[0], (std::vector<float>{4, -12.5f}));
}

// Nodes in any order; those that no output needs do not matter, whatever they are.
TEST(TensorflowNumbers, OnlyWhatTheOutputsNeed) {
  Maker m({1, 3});
  m.add("Relu", "y", {"z", "^guard"});
  m.add("Neg", "z", {"x"});
  m.add("Assert", "guard", {"x"});
  const Result<graph::Graph> graph = import_bytes(m.bytes());
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(testing::run_graph(*graph, {1, -2, 3})[0], (std::vector<float>{0, 2, 0}));
}

TEST(TensorflowErrors, EveryMistakeIsNamed) {
  struct Case {
    Maker maker;
    std::vector<std::string> words;
  };
  std::vector<Case> cases;
  const auto add = [&](Maker m, std::vector<std::string> words) { cases.push_back({std::move(m), std::move(words)}); };
  {
    Maker m({1, 4});
    m.add("Einsum", "e", {"x", "x"});
    add(m, {"'e'", "Einsum", "not supported"});
  }
  {
    Maker m({1, 4});
    m.add("Switch", "s", {"x", "x"});
    add(m, {"'s'", "freeze"});
  }
  {
    Maker m({1, 4});
    m.add("Relu", "r", {"gone"});
    add(m, {"'r'", "gone"});
  }
  {
    Maker m({1, 4});
    m.add("Relu", "a", {"b"});
    m.add("Relu", "b", {"a"});
    m.add("Relu", "c", {"b"});
    add(m, {"its own output"});
  }
  {
    Maker m({1, 4});
    m.add("Relu", "x", {"x"});
    add(m, {"two nodes", "'x'"});
  }
  {
    Maker m({-1, -1});
    m.add("Relu", "r", {"x"});
    add(m, {"'x'", "--input"});
  }
  {
    Maker m({1, 5, 5, 1});
    (*m.conv().mutable_attr())["padding"].set_s("ROUND");
    add(m, {"'c'", "ROUND"});
  }
  {
    Maker m({1, 5, 5, 1});
    (*m.conv().mutable_attr())["data_format"].set_s("NCHW");
    add(m, {"'c'", "NCHW"});
  }
  {
    Maker m({1, 5, 5, 7});
    m.conv();
    add(m, {"'c'", "[3,3,1,2]"});
  }
  {
    Maker m({1, 4});
    m.integers("axes", {1}, {5});
    m.add("Mean", "m", {"x", "axes"});
    add(m, {"'m'", "axis 5"});
  }
  {
    Maker m({1, 4});
    m.integers("shape", {2}, {3, -1});
    m.add("Reshape", "r", {"x", "shape"});
    add(m, {"'r'", "[1,4]"});
  }
  {
    Maker m({1, 4});
    m.add("Reshape", "r", {"x", "x"});
    add(m, {"'r'", "must be a constant"});
  }
  {
    Maker m({1, 4});
    m.constant("w", {4, 2}, 1).set_tensor_content("short");
    m.add("MatMul", "p", {"x", "w"});
    add(m, {"'w'", "5 bytes", "32"});
  }
  {
    Maker m({1, 4});
    m.constant("w", {1 << 20, 1 << 20, 1 << 20}, 1);
    m.add("Add", "p", {"x", "w"});
    add(m, {"'w'"});
  }
  for (const Case& c : cases) {
    const Result<graph::Graph> graph = import_bytes(c.maker.bytes());
    ASSERT_FALSE(graph.ok()) << c.maker.graph.node(c.maker.graph.node_size() - 1).op();
    const std::string& message = graph.status().message();
    EXPECT_NE(message.find("_graph.pb"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& word : c.words)
      EXPECT_NE(message.find(word), std::string::npos) << word << " in: " << message;
  }
  EXPECT_FALSE(import_bytes("no protobuf at all").ok());
  convert::ImportOptions options;
  options.input_shapes["y"] = {1, 4};
  Maker m({1, 4});
  m.add("Relu", "r", {"x"});
  EXPECT_NE(import_bytes(m.bytes(), options).status().message().find("'x'"), std::string::npos);
  options.input_shapes = {{"x", {2, 9}}};
  EXPECT_TRUE(import_bytes(m.bytes(), options).ok());
}

TEST(TensorflowErrors, DamagedFilesNeverCrash) {
  Maker m({1, 6, 6, 1});
  m.conv();
  m.integers("sizes", {4}, {1, 4, 3, 6});
  m.add("Reshape", "r", {"c", "sizes"});
  m.integers("begin", {4}, {0, 0, 1, 0});
  m.integers("end", {4}, {1, 2, 3, 6});
  m.integers("steps", {4}, {1, 1, 1, 2});
  m.add("StridedSlice", "s", {"r", "begin", "end", "steps"});
  m.integers("axis", {}, {3});
  m.add("ConcatV2", "k", {"s", "s", "axis"});
  const std::string good = m.bytes();
  ASSERT_TRUE(import_bytes(good).ok()) << import_bytes(good).status().message();
  testing::Random random(4);
  int accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    for (int k = random.integer(1, 4); k > 0; --k)
      bytes[static_cast<std::size_t>(random.integer(0, static_cast<int>(bytes.size()) - 1))] =
          static_cast<char>(random.integer(0, 255));
    if (random.integer(0, 9) == 0)
      bytes.resize(static_cast<std::size_t>(random.integer(0, static_cast<int>(bytes.size()))));
    const Result<graph::Graph> graph = import_bytes(bytes);
    if (!graph.ok()) continue;
    ++accepted;
    EXPECT_TRUE(graph::verify(*graph).ok());
  }
  // And hostile numbers in every list.
  for (int round = 0; round < 3000; ++round) {
    Maker hostile = m;
    auto& node = *hostile.graph.mutable_node(random.integer(0, hostile.graph.node_size() - 1));
    constexpr std::int64_t kNumbers[] = {
        -1, 0, 1, 2, 7, -3, 65537, std::int64_t{1} << 31, std::int64_t{1} << 40, INT64_MAX, INT64_MIN};
    const std::int64_t v = kNumbers[random.integer(0, 10)];
    for (auto& [key, attr] : *node.mutable_attr()) {
      if (attr.has_tensor() && attr.tensor().int_val_size() > 0)
        attr.mutable_tensor()->set_int_val(random.integer(0, attr.tensor().int_val_size() - 1),
                                           static_cast<std::int32_t>(v));
      else if (attr.has_tensor() && attr.tensor().tensor_shape().dim_size() > 0)
        attr.mutable_tensor()->mutable_tensor_shape()->mutable_dim(0)->set_size(v);
      else if (attr.has_list() && attr.list().i_size() > 0)
        attr.mutable_list()->set_i(random.integer(0, attr.list().i_size() - 1), v);
      else if (attr.has_shape() && attr.shape().dim_size() > 0)
        attr.mutable_shape()->mutable_dim(random.integer(0, attr.shape().dim_size() - 1))->set_size(v);
    }
    const Result<graph::Graph> graph = import_bytes(hostile.bytes());
    if (!graph.ok()) continue;
    ++accepted;
    EXPECT_TRUE(graph::verify(*graph).ok());
  }
  EXPECT_GT(accepted, 0);
}

TEST(TensorflowSurvey, CountsAndHints) {
  Maker m({1, 4});
  m.add("Relu", "a", {"x"});
  m.add("Relu", "b", {"a"});
  m.add("TopKV2", "t", {"b"});
  const std::string path = ::testing::TempDir() + std::to_string(getpid()) + "_survey.pb";
  std::ofstream(path, std::ios::binary) << m.bytes();
  const Result<convert::Survey> survey = convert::survey_tensorflow(path);
  std::remove(path.c_str());
  ASSERT_TRUE(survey.ok()) << survey.status().message();
  ASSERT_EQ(survey->kinds.size(), 2u);
  EXPECT_EQ(survey->kinds[0].count, 2);
  EXPECT_EQ(survey->kinds[1].support, convert::Support::kNo);
  EXPECT_EQ(survey->kinds[1].first, "t");
  EXPECT_FALSE(survey->kinds[1].hint.empty());
}

}  // namespace
}  // namespace dotori
