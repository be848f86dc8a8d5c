// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <dotori/dotori.h>

#include "convert/onnx/import.h"
#include "convert/onnx_maker.h"
#include "graph/verify.h"
#include "support/random.h"

namespace dotori {
namespace {

using convert::ImportOptions;
using dotori_onnx::AttributeProto;
using dotori_onnx::ModelProto;
using dotori_onnx::NodeProto;
using dotori_onnx::TensorProto;
using testing::Dims;
using Maker = testing::OnnxMaker;
using ::testing::AssertionFailure;
using ::testing::AssertionResult;
using ::testing::AssertionSuccess;

AssertionResult contains(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    if (text.find(part) == std::string::npos) return AssertionFailure() << "'" << part << "' is not in: " << text;
  }
  return AssertionSuccess();
}

Maker one_node(const std::string& op, const Dims& dims, int opset = 13) {
  Maker m(opset);
  m.input("x", dims).node(op, {"x"}, {"y"}).output("y");
  return m;
}

// ---------------------------------------------------------------- layout

TEST(OnnxLayout, ConvolutionIsStoredChannelsLast) {
  Maker m;
  m.input("x", {1, 2, 5, 6}).floats("w", {1, 2, 1, 1}, {3, 4}).node("Conv", {"x", "w"}, {"y"}, "stem").output("y");
  m.attr("pads", Dims{0, 1, 0, 2}).attr("strides", Dims{2, 1});
  const Result<graph::Graph> g = m.import();
  ASSERT_TRUE(g.ok()) << g.status().message();
  EXPECT_EQ(g->source, "onnx: net.onnx");
  EXPECT_EQ(g->value(g->inputs[0]).type.shape, (Shape{1, 5, 6, 2}));
  EXPECT_EQ(g->value(g->inputs[0]).source_order, (Shape{0, 2, 3, 1}));
  EXPECT_EQ(g->value(g->outputs[0]).type.shape, (Shape{1, 3, 9, 1}));
  EXPECT_EQ(g->value(g->outputs[0]).source_order, (Shape{0, 2, 3, 1}));
  EXPECT_EQ(g->value(g->outputs[0]).name, "y");
  ASSERT_EQ(g->nodes().size(), 1u);
  EXPECT_EQ(g->nodes()[0].name, "stem");
  const auto& conv = std::get<graph::Conv2d>(g->nodes()[0].op);
  EXPECT_EQ(conv.pad_left, 1);
  EXPECT_EQ(conv.pad_right, 2);
  EXPECT_EQ(conv.stride_h, 2);
}

TEST(OnnxLayout, VolumesAreStoredChannelsLast) {
  Maker m;
  m.input("x", {1, 2, 4, 5, 6}).random("w", {3, 2, 3, 3, 3}).random("up", {3, 4, 2, 2, 2});
  m.node("Conv", {"x", "w"}, {"a"}).attr("pads", Dims{1, 1, 0, 1, 1, 2}).node("Relu", {"a"}, {"b"});
  m.node("MaxPool", {"b"}, {"c"}).attr("kernel_shape", Dims{2, 2, 2}).attr("strides", Dims{2, 2, 2});
  m.node("ConvTranspose", {"c", "up"}, {"d"}).attr("strides", Dims{2, 2, 2});
  m.node("AveragePool", {"d"}, {"e"}).attr("kernel_shape", Dims{1, 2, 3});
  m.node("Softmax", {"e"}, {"y"}).number("axis", 1).output("y");
  EXPECT_EQ(m.nodes(),
            "conv3d[1,4,5,6,3] unary[1,4,5,6,3] max_pool3d[1,2,2,3,3] conv_transpose3d[1,4,4,6,4] "
            "average_pool3d[1,4,3,4,4] softmax[1,4,3,4,4]");
  const Result<graph::Graph> g = m.import();
  ASSERT_TRUE(g.ok()) << g.status().message();
  EXPECT_EQ(g->value(g->inputs[0]).type.shape, (Shape{1, 4, 5, 6, 2}));
  EXPECT_EQ(g->value(g->inputs[0]).source_order, (Shape{0, 2, 3, 4, 1}));
  EXPECT_EQ(g->value(g->outputs[0]).source_order, (Shape{0, 2, 3, 4, 1}));
  const auto& conv = std::get<graph::Conv3d>(g->nodes()[0].op);
  EXPECT_EQ(conv.pad_front, 1);
  EXPECT_EQ(conv.pad_left, 0);
  EXPECT_EQ(conv.pad_right, 2);
  EXPECT_EQ(g->value(g->nodes()[3].inputs[1]).type.shape, (Shape{4, 2, 2, 2, 3}));
}

TEST(OnnxLayout, ChannelShuffleIsOneTransposeOfTheLastStoredAxes) {
  Maker m;
  m.input("x", {1, 6, 4, 5}).ints("split", {1, 2, 3, 4, 5}).ints("merge", {1, 6, 4, 5});
  m.node("Reshape", {"x", "split"}, {"a"}).node("Transpose", {"a"}, {"b"}).attr("perm", Dims{0, 2, 1, 3, 4});
  m.node("Reshape", {"b", "merge"}, {"y"}).output("y");
  EXPECT_EQ(m.nodes(), "reshape[1,4,5,2,3] transpose[1,4,5,3,2] reshape[1,4,5,6]");
}

TEST(OnnxLayout, HeadsOfDetectorsAreReshapesOnly) {
  Maker m;  // [1,C,H,W] -> [1,C,H*W] -> [1,H*W,C]
  m.input("x", {1, 6, 4, 5}).ints("s", {1, 6, -1}).node("Reshape", {"x", "s"}, {"a"});
  m.node("Transpose", {"a"}, {"y"}).attr("perm", Dims{0, 2, 1}).output("y");
  EXPECT_EQ(m.nodes(), "reshape[1,20,6]");
}

TEST(OnnxLayout, FlattenMovesElementsOnlyWhereItMust) {
  EXPECT_EQ(one_node("Flatten", {1, 6, 4, 5}).nodes(), "transpose[1,6,4,5] reshape[1,120]");
  EXPECT_EQ(one_node("Flatten", {1, 6, 1, 1}).nodes(), "reshape[1,6]");
}

TEST(OnnxLayout, ChannelsLastSourcesKeepTheirOrder) {
  Maker m;
  m.input("x", {1, 5, 6, 2}).floats("w", {1, 2, 1, 1}, {3, 4});
  m.node("Transpose", {"x"}, {"a"}).attr("perm", Dims{0, 3, 1, 2}).node("Conv", {"a", "w"}, {"b"});
  m.node("Transpose", {"b"}, {"c"}).attr("perm", Dims{0, 2, 3, 1}).node("Sigmoid", {"c"}, {"y"}).output("y");
  EXPECT_EQ(m.nodes(), "conv2d[1,5,6,1] unary[1,5,6,1]");
  const Result<graph::Graph> g = m.import();
  EXPECT_TRUE(g->value(g->inputs[0]).source_order.empty());
  EXPECT_TRUE(g->value(g->outputs[0]).source_order.empty());
}

TEST(OnnxLayout, BroadcastsFollowTheSourceAxes) {
  Maker m;
  m.input("x", {1, 6, 4, 5}).random("c", {6, 1, 1}).random("row", {5}).node("Mul", {"x", "c"}, {"a"});
  m.node("Add", {"a", "row"}, {"y"}).output("y");
  const Result<graph::Graph> g = m.import();
  ASSERT_TRUE(g.ok()) << g.status().message();
  EXPECT_EQ(g->value(g->nodes()[0].inputs[1]).type.shape, (Shape{6}));
  EXPECT_EQ(g->value(g->nodes()[1].inputs[1]).type.shape, (Shape{5, 1}));
}

// ---------------------------------------------------------------- folding and structure

TEST(OnnxFolding, ShapeArithmeticLeavesNoNodes) {
  Maker m(11);
  m.input("x", {1, 6, 4, 5}).scalar_int("zero", 0).ints("rest", {-1});
  m.node("Shape", {"x"}, {"s"}).node("Gather", {"s", "zero"}, {"n"}).node("Unsqueeze", {"n"}, {"u"});
  m.attr("axes", Dims{0}).node("Concat", {"u", "rest"}, {"t"}).number("axis", 0);
  m.node("Relu", {"x"}, {"r"}).node("Reshape", {"r", "t"}, {"y"}).output("y");
  EXPECT_EQ(m.nodes(), "unary[1,4,5,6] transpose[1,6,4,5] reshape[1,120]");
}

TEST(OnnxFolding, ConstantConditionInlinesABranch) {
  Maker m;
  m.input("x", {2, 3});
  m.tensor("yes", {}, TensorProto::BOOL)->add_int32_data(1);
  m.node("If", {"yes"}, {"y"}).output("y");
  for (const char* branch : {"then_branch", "else_branch"}) {
    auto* body = m.attribute(branch, AttributeProto::GRAPH)->mutable_g();
    Maker::fill(body->add_node(), branch[0] == 't' ? "Exp" : "Loop", {"x"}, {"inner"});
    body->add_output()->set_name("inner");
  }
  EXPECT_EQ(m.nodes(), "unary[2,3]");
}

TEST(OnnxStructure, OnlyNeededNodesAreImportedInAWorkableOrder) {
  Maker m;
  m.input("x", {2, 3}).node("Exp", {"a"}, {"y"}, "second").node("Relu", {"x"}, {"a"}, "first");
  m.node("NonMaxSuppression", {"x"}, {"unused"}).output("y");
  const Result<graph::Graph> g = m.import();
  ASSERT_TRUE(g.ok()) << g.status().message();
  ASSERT_EQ(g->nodes().size(), 2u);
  EXPECT_EQ(g->nodes()[0].name, "first");
}

TEST(OnnxStructure, NamesAreUniqueAndUnnamedNodesAreNumbered) {
  Maker m;
  m.input("x", {2, 3}).node("Exp", {"x"}, {"a"}, "n").node("Exp", {"a"}, {"b"}, "n").node("Relu", {"b"}, {"y"});
  m.output("y");
  const Result<graph::Graph> g = m.import();
  ASSERT_TRUE(g.ok()) << g.status().message();
  EXPECT_EQ(g->nodes()[0].name, "n");
  EXPECT_EQ(g->nodes()[1].name, "n_1");
  EXPECT_EQ(g->nodes()[2].name, "Relu_2");
}

TEST(OnnxStructure, OutputsThatAreInputsOrDoubledGetValuesOfTheirOwn) {
  Maker m;
  m.input("x", {2, 3}).node("Exp", {"x"}, {"a"}).node("Identity", {"a"}, {"b"}).output("a").output("b").output("x");
  const Result<graph::Graph> g = m.import();
  ASSERT_TRUE(g.ok()) << g.status().message();
  EXPECT_NE(g->outputs[0], g->outputs[1]);
  EXPECT_NE(g->outputs[2], g->inputs[0]);
  EXPECT_EQ(g->value(g->outputs[1]).name, "b");
}

TEST(OnnxInputs, DynamicBatchIsOneAndOtherDimensionsAreAskedFor) {
  Maker batch;
  batch.input("x", {-1, 3, 4, 4}).node("Relu", {"x"}, {"y"}).output("y");
  EXPECT_EQ(batch.nodes(), "unary[1,4,4,3]");
  Maker size;
  size.input("x", {-1, 3, -1, -1}).node("Relu", {"x"}, {"y"}).output("y");
  EXPECT_TRUE(
      contains(size.error(), {"invalid argument", "net.onnx", "'x'", "[dim,3,dim,dim]", "--input x:1x3x224x224"}));
  ImportOptions options;
  options.input_shapes["x"] = {2, 3, 4, 5};
  EXPECT_EQ(size.nodes(options), "unary[2,4,5,3]");
  options.input_shapes["z"] = {1};
  EXPECT_TRUE(contains(size.nodes(options), {"no input 'z'", "'x'"}));
}

// ---------------------------------------------------------------- errors

TEST(OnnxErrors, UnsupportedOperatorsSayWhatToDo) {
  EXPECT_TRUE(
      contains(one_node("NonMaxSuppression", {1, 2, 3}).error(),
               {"unsupported", "net.onnx", "#0 (first output 'y')", "NonMaxSuppression", "[1,2,3]", "cut the model"}));
  Maker m;
  m.input("x", {2, 3}).node("FancyOp", {"x"}, {"y"}, "fancy").output("y");
  m.graph().mutable_node(0)->set_domain("com.example");
  EXPECT_TRUE(contains(m.error(), {"'fancy'", "FancyOp", "domain 'com.example'"}));
}

TEST(OnnxErrors, AttributesThatAreNotKnownAreRefused) {
  Maker m = one_node("Relu", {2, 3});
  m.number("leak", 1);
  EXPECT_TRUE(contains(m.error(), {"unsupported", "attribute 'leak'", "Relu"}));
}

TEST(OnnxErrors, Opsets) {
  EXPECT_TRUE(contains(one_node("Relu", {2, 3}, 6).error(), {"opset 6", "7 to"}));
  EXPECT_TRUE(contains(one_node("Relu", {2, 3}, 999).error(), {"opset 999"}));
  Maker m;
  m.model().clear_opset_import();
  EXPECT_TRUE(contains(m.input("x", {1}).output("x").error(), {"corrupt", "opset"}));
}

TEST(OnnxErrors, BrokenStructure) {
  Maker missing;
  missing.input("x", {2, 3}).node("Add", {"x", "gone"}, {"y"}, "sum").output("y");
  EXPECT_TRUE(contains(missing.error(), {"corrupt", "'gone'", "'sum'"}));
  Maker cycle;
  cycle.input("x", {2, 3}).node("Add", {"x", "b"}, {"a"}).node("Relu", {"a"}, {"b"}).output("b");
  EXPECT_TRUE(contains(cycle.error(), {"corrupt", "cycle"}));
  Maker twice;
  twice.input("x", {2, 3}).node("Relu", {"x"}, {"y"}).node("Exp", {"x"}, {"y"}).output("y");
  EXPECT_TRUE(contains(twice.error(), {"corrupt", "'y'", "two nodes"}));
  Maker rank;
  rank.input("x", {2, 3}).random("w", {4, 3, 1, 1}).node("Conv", {"x", "w"}, {"y"}, "c").output("y");
  EXPECT_TRUE(contains(rank.error(), {"'c'", "[2,3]"}));
  Maker channels;
  channels.input("x", {1, 5, 3, 3}).random("w", {4, 3, 1, 1}).node("Conv", {"x", "w"}, {"y"}, "c").output("y");
  EXPECT_TRUE(contains(channels.error(), {"'c'", "[4,3,1,1]", "[1,5,3,3]"}));
}

TEST(OnnxErrors, BrokenTensors) {
  const auto with_tensor = [](const std::function<void(TensorProto*)>& change) {
    Maker m;
    m.input("x", {2, 3});
    TensorProto* t = m.tensor("c", {2, 3}, TensorProto::FLOAT);
    change(t);
    return m.node("Add", {"x", "c"}, {"y"}).output("y").error();
  };
  EXPECT_EQ(with_tensor([](TensorProto* t) { t->set_raw_data(std::string(24, '\0')); }), "");
  EXPECT_TRUE(
      contains(with_tensor([](TensorProto* t) { t->set_raw_data("short"); }), {"corrupt", "'c'", "24 bytes", "5"}));
  EXPECT_TRUE(contains(with_tensor([](TensorProto* t) { t->add_float_data(1); }), {"corrupt", "6 elements"}));
  EXPECT_TRUE(contains(with_tensor([](TensorProto* t) { t->set_dims(0, -2); }), {"corrupt", "negative"}));
  EXPECT_TRUE(contains(with_tensor([](TensorProto* t) { t->set_dims(0, std::int64_t{1} << 62); }), {"2^31"}));
  EXPECT_TRUE(contains(with_tensor([](TensorProto* t) { t->set_data_type(TensorProto::STRING); }), {"element type 8"}));
  EXPECT_TRUE(
      contains(with_tensor([](TensorProto* t) { t->set_data_location(TensorProto::EXTERNAL); }), {"external data"}));
}

TEST(OnnxErrors, Files) {
  const auto error = [](const std::string& path) { return convert::import_onnx(path, {}).status(); };
  EXPECT_EQ(error("/nonexistent/net.onnx").code(), StatusCode::kNotFound);
  EXPECT_TRUE(contains(error("/tmp").message(), {"/tmp", "regular file"}));
  const auto bytes = [](const std::string& b) { return convert::import_onnx_bytes(b, "n", {}).status().message(); };
  EXPECT_TRUE(contains(bytes(""), {"empty"}));
  EXPECT_TRUE(contains(bytes("GIF89a not a model at all"), {"not an ONNX file"}));
  ModelProto no_graph;
  no_graph.set_ir_version(8);
  EXPECT_TRUE(contains(bytes(no_graph.SerializeAsString()), {"no graph"}));
}

// A model with most of the machinery in it.
Maker sample_model() {
  Maker m;
  m.input("x", {1, 4, 6, 6}).random("w", {4, 2, 3, 3}).random("b", {4}).random("fc", {36, 5}).ints("split", {2, 2});
  m.ints("target", {1, -1}).ints("starts", {1, 0}).ints("ends", {5, 6}).ints("axes", {2, 3}).ints("steps", {2, 1});
  m.floats("none", {0}, {}).floats("scales", {4}, {1, 1, 2, 2});
  m.node("Conv", {"x", "w", "b"}, {"c"}).number("group", 2).attr("pads", Dims{1, 1, 1, 1});
  m.node("Split", {"c", "split"}, {"s0", "s1"}).number("axis", 1).node("Concat", {"s1", "s0"}, {"j"}).number("axis", 1);
  m.node("Slice", {"j", "starts", "ends", "axes", "steps"}, {"p"}).node("MaxPool", {"p"}, {"q"});
  m.attr("kernel_shape", Dims{2, 2}).node("Resize", {"q", "none", "scales"}, {"r"}).attr("mode", "linear");
  m.node("AveragePool", {"r"}, {"v"}).attr("kernel_shape", Dims{2, 2}).attr("auto_pad", "SAME_UPPER");
  m.node("ReduceMean", {"v"}, {"e"}).attr("axes", Dims{1}).number("keepdims", 0);
  m.node("GlobalAveragePool", {"v"}, {"g"}).node("Transpose", {"j"}, {"t"}).attr("perm", Dims{0, 2, 1, 3});
  m.node("ReduceMax", {"t"}, {"u"}).attr("axes", Dims{2}).node("Reshape", {"u", "target"}, {"f"});
  m.node("MatMul", {"f", "fc"}, {"d"}).node("Softmax", {"d"}, {"o"}).output("o").output("e").output("g");
  return m;
}

// Tensors in a file beside the model; nothing outside the model's folder is ever read.
TEST(OnnxExternalData, OnlyFromBesideTheModel) {
  namespace fs = std::filesystem;
  const fs::path base = fs::path(::testing::TempDir()) / (std::to_string(getpid()) + "_external");
  const fs::path folder = base / "model";
  fs::create_directories(folder / "parts");
  const std::vector<float> numbers = {9, 1, 2, 3, 4, 9};
  for (const fs::path& file : {folder / "w.bin", folder / "parts/w.bin", base / "secret.bin"})
    std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(numbers.data()), 24);
  fs::create_symlink("../secret.bin", folder / "link.bin");
  const auto import = [&](const std::string& location, const std::string& offset, const std::string& length) {
    Maker m;
    TensorProto* w = m.input("x", {2, 2}).tensor("w", {2, 2}, TensorProto::FLOAT);
    w->set_data_location(TensorProto::EXTERNAL);
    const auto set = [&](const char* key, const std::string& value) {
      if (value.empty()) return;
      auto* entry = w->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    };
    set("location", location);
    set("offset", offset);
    set("length", length);
    m.node("Add", {"x", "w"}, {"y"}).output("y");
    std::ofstream(folder / "net.onnx", std::ios::binary) << m.model().SerializeAsString();
    return convert::import_onnx((folder / "net.onnx").string(), {});
  };
  for (const char* location : {"w.bin", "./w.bin", "parts/w.bin"}) {
    const auto graph = import(location, "4", "16");
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    const graph::Value& w = graph->value(graph->nodes()[0].inputs[1]);
    ASSERT_EQ(w.constant.size_bytes, 16u);
    EXPECT_EQ(std::memcmp(w.constant.data, &numbers[1], 16), 0);
  }
  const auto error = [&](const std::string& location, const std::string& offset, const std::string& length) {
    return import(location, offset, length).status().message();
  };
  EXPECT_TRUE(contains(error("../secret.bin", "4", "16"), {"net.onnx", "'w'", "../secret.bin", "own folder"}));
  EXPECT_TRUE(contains(error("parts/../../secret.bin", "4", "16"), {"own folder"}));
  EXPECT_TRUE(contains(error((base / "secret.bin").string(), "4", "16"), {"not a relative path"}));
  EXPECT_TRUE(contains(error("link.bin", "4", "16"), {"link", "own folder"}));
  EXPECT_TRUE(contains(error("none.bin", "4", "16"), {"none.bin", "not beside the model"}));
  EXPECT_TRUE(contains(error("parts", "4", "16"), {"not a regular file"}));
  EXPECT_TRUE(contains(error("", "4", "16"), {"not named"}));
  EXPECT_TRUE(contains(error("w.bin", "12", "16"), {"bytes 12 to 28", "has 24"}));
  EXPECT_TRUE(contains(error("w.bin", "-4", "16"), {"offset", "'-4'"}));
  EXPECT_TRUE(contains(error("w.bin", "99999999999999999999", "16"), {"offset"}));
  EXPECT_TRUE(contains(error("w.bin", "4", "8"), {"needs 16 bytes", "8"}));
  fs::remove_all(base);
}

TEST(OnnxErrors, DamagedBytesNeverCrash) {
  const Maker sample = sample_model();
  ASSERT_EQ(sample.error(), "");
  const std::string good = sample.model().SerializeAsString();
  testing::Random random(3);
  int accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    const int changes = random.integer(1, 4);
    for (int k = 0; k < changes; ++k) {
      const auto at = static_cast<std::size_t>(random.integer(0, static_cast<int>(bytes.size()) - 1));
      bytes[at] = static_cast<char>(random.integer(0, 255));
    }
    if (random.integer(0, 9) == 0)
      bytes.resize(static_cast<std::size_t>(random.integer(0, static_cast<int>(bytes.size()))));
    const Result<graph::Graph> g = convert::import_onnx_bytes(bytes, "damaged", {});
    if (g.ok()) {
      ++accepted;
      EXPECT_TRUE(graph::verify(*g).ok());
    }
  }
  EXPECT_GT(accepted, 0);  // most bytes are weights
}

// Numbers that no exporter writes, in every attribute and integer tensor of the sample.
TEST(OnnxErrors, HostileNumbersNeverCrash) {
  const Dims hostile = {-1,        0,        1, 2, 3, 7, -3, 64, 65537, std::int64_t{1} << 31, std::int64_t{1} << 40,
                        INT64_MAX, INT64_MIN};
  const ModelProto good = sample_model().model();
  testing::Random random(5);
  for (int round = 0; round < 6000; ++round) {
    ModelProto model = good;
    auto& graph = *model.mutable_graph();
    const std::int64_t v = hostile[static_cast<std::size_t>(random.integer(0, static_cast<int>(hostile.size()) - 1))];
    if (random.integer(0, 1) == 0) {
      NodeProto* node = graph.mutable_node(random.integer(0, graph.node_size() - 1));
      if (node->attribute_size() == 0) continue;
      AttributeProto* a = node->mutable_attribute(random.integer(0, node->attribute_size() - 1));
      if (a->ints_size() > 0) {
        a->set_ints(random.integer(0, a->ints_size() - 1), v);
      } else {
        a->set_i(v);
      }
    } else {
      TensorProto* t = graph.mutable_initializer(random.integer(0, graph.initializer_size() - 1));
      if (t->int64_data_size() > 0 && random.integer(0, 2) > 0) {
        t->set_int64_data(random.integer(0, t->int64_data_size() - 1), v);
      } else {
        t->set_dims(random.integer(0, t->dims_size() - 1), v);
      }
    }
    const Result<graph::Graph> g = convert::import_onnx_bytes(model.SerializeAsString(), "hostile", {});
    EXPECT_TRUE(!g.ok() || graph::verify(*g).ok());
  }
}

// ---------------------------------------------------------------- numbers

// `elements` of an NCHW or NCDHW tensor as NHWC or NDHWC of `shape`, or back; as they are when `order` is empty.
std::vector<float> reordered(const std::vector<float>& elements, const Shape& shape, const Shape& order, bool to_nhwc) {
  if (order.empty()) return elements;
  EXPECT_EQ(order, order.rank() == 4 ? (Shape{0, 2, 3, 1}) : (Shape{0, 2, 3, 4, 1}));
  std::vector<float> out(elements.size());
  const std::int64_t channels = shape[shape.rank() - 1], pixels = shape.elements() / shape[0] / channels;
  for (std::int64_t i = 0; i < shape.elements(); ++i) {
    const std::int64_t n = i / (pixels * channels), p = i / channels % pixels, c = i % channels;
    const auto nhwc = static_cast<std::size_t>(i), nchw = static_cast<std::size_t>((n * channels + c) * pixels + p);
    out[to_nhwc ? nhwc : nchw] = elements[to_nhwc ? nchw : nhwc];
  }
  return out;
}

// The first output for the first input, both with their elements in the source's axis order.
std::vector<float> run_outputs(const Maker& m, const std::vector<float>& input, std::string* error) {
  Result<graph::Graph> g = m.import();
  if (!g.ok()) return *error = g.status().message(), std::vector<float>();
  const Result<Model> model = Model::from_graph(std::move(*g));
  if (!model.ok()) return *error = model.status().message(), std::vector<float>();
  SessionOptions options;
  options.backend = BackendKind::kReference;
  Result<Session> session = Session::create(*model, options);
  if (!session.ok()) return *error = session.status().message(), std::vector<float>();
  const TensorView x = session->input(0), y = session->output(0);
  const std::vector<float> stored = reordered(input, x.shape, model->inputs()[0].source_order, true);
  std::memcpy(x.data, stored.data(), x.size_bytes);
  if (const Status status = session->run(); !status.ok()) return *error = status.message(), std::vector<float>();
  return reordered(std::vector<float>(y.f32(), y.f32() + y.elements()), y.shape, model->outputs()[0].source_order,
                   false);
}

// Random chains of operators that move elements: once on a computed tensor, stored in whatever order the importer
// chose, once on a constant, which the importer moves itself in source order.
TEST(OnnxNumbers, MovingAStoredTensorEqualsMovingItInSourceOrder) {
  testing::Random random(11);
  for (int round = 0; round < 300; ++round) {
    const Dims start = {random.integer(1, 2), random.integer(1, 2) * 2, random.integer(1, 3), random.integer(2, 4)};
    std::int64_t count = start[0] * start[1] * start[2] * start[3];
    const std::vector<float> source = random.floats(static_cast<std::size_t>(count));
    Maker computed, known;
    computed.input("x", start);
    known.floats("x", start, source);
    Dims dims = start;
    std::string name = "x", story = Shape(Span<const std::int64_t>(dims)).to_string();
    const int length = random.integer(1, 7);
    for (int k = 0; k < length; ++k) {
      const std::string next = "t" + std::to_string(k), extra = "c" + std::to_string(k);
      const int rank = static_cast<int>(dims.size()), kind = random.integer(0, 6);
      const int axis = rank > 0 ? random.integer(0, rank - 1) : 0;
      const auto a = static_cast<std::size_t>(axis);
      Dims after = dims;
      std::function<void(Maker&)> add;
      if (kind == 0 && rank > 0) {
        Dims perm(dims.size());
        for (std::size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<std::int64_t>(i);
        for (std::size_t i = perm.size(); i-- > 1;) {
          std::swap(perm[i], perm[static_cast<std::size_t>(random.integer(0, static_cast<int>(i)))]);
        }
        for (std::size_t i = 0; i < perm.size(); ++i) after[i] = dims[static_cast<std::size_t>(perm[i])];
        add = [=](Maker& m) { m.node("Transpose", {name}, {next}).attr("perm", perm); };
      } else if (kind == 1 && rank > 1) {  // merge two neighbours
        const auto i = static_cast<std::size_t>(random.integer(0, rank - 2));
        after[i] *= after[i + 1];
        after.erase(after.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        add = [=](Maker& m) { m.ints(extra, after).node("Reshape", {name, extra}, {next}); };
      } else if (kind == 2 && rank > 0 && rank < 6 && dims[a] % 2 == 0) {  // split one
        after[a] /= 2;
        after.insert(after.begin() + axis, 2);
        add = [=](Maker& m) { m.ints(extra, after).node("Reshape", {name, extra}, {next}); };
      } else if (kind == 3 && rank > 0 && dims[a] > 1) {
        const std::int64_t step = random.integer(0, 1) == 0 ? 1 : -1;
        after[a] = dims[a] - 1;
        const Dims starts = {step > 0 ? 1 : dims[a]}, ends = {step > 0 ? dims[a] : 0};
        add = [=](Maker& m) {
          m.ints(extra + "s", starts).ints(extra + "e", ends).ints(extra + "a", {axis}).ints(extra + "t", {step});
          m.node("Slice", {name, extra + "s", extra + "e", extra + "a", extra + "t"}, {next});
        };
      } else if (kind == 4 && rank > 0 && count <= 512) {
        after[a] *= 2;
        add = [=](Maker& m) { m.node("Concat", {name, name}, {next}).number("axis", axis); };
      } else if (kind == 5 && rank > 1) {
        after.erase(after.begin() + axis);
        const int index = random.integer(0, static_cast<int>(dims[a]) - 1);
        add = [=](Maker& m) { m.scalar_int(extra, index).node("Gather", {name, extra}, {next}).number("axis", axis); };
      } else if (kind == 6 && rank > 0) {
        after[a] = 1;
        add = [=](Maker& m) { m.node("ReduceMax", {name}, {next}).attr("axes", Dims{axis}); };
      } else {
        continue;
      }
      add(computed);
      add(known);
      dims = after;
      name = next;
      story += " -> " + computed.graph().node().rbegin()->op_type() + Shape(Span<const std::int64_t>(dims)).to_string();
      count = 1;
      for (std::int64_t d : dims) count *= d;
    }
    computed.node("Identity", {name}, {"y"}).output("y");
    known.node("Identity", {name}, {"y"}).output("y").input("unused", {1});
    std::string error;
    const std::vector<float> expected = run_outputs(known, {0}, &error);
    ASSERT_EQ(error, "") << story;
    EXPECT_EQ(run_outputs(computed, source, &error), expected) << story;
    ASSERT_EQ(error, "") << story;
  }
}

// A scale and a bias for each group before opset 21, for each channel from then on.
TEST(OnnxNumbers, GroupNormalization) {
  constexpr int kChannels = 6, kGroups = 2, kPixels = 6, kInGroup = kChannels / kGroups * kPixels;
  testing::Random random(5);
  const std::vector<float> x = random.floats(2 * kChannels * kPixels);
  for (int opset : {18, 21}) {
    const int numbers = opset < 21 ? kGroups : kChannels;
    const std::vector<float> scale = random.floats(static_cast<std::size_t>(numbers));
    const std::vector<float> bias = random.floats(static_cast<std::size_t>(numbers));
    Maker m(opset);
    m.input("x", {2, kChannels, 2, 3}).floats("s", {numbers}, scale).floats("b", {numbers}, bias);
    m.node("GroupNormalization", {"x", "s", "b"}, {"y"}).number("num_groups", kGroups).output("y");
    std::string error;
    const std::vector<float> y = run_outputs(m, x, &error);
    ASSERT_EQ(error, "");
    ASSERT_EQ(y.size(), x.size());
    for (std::size_t g = 0; g < 2 * kGroups; ++g) {
      double mean = 0, variance = 0;
      for (std::size_t i = 0; i < kInGroup; ++i) mean += static_cast<double>(x[g * kInGroup + i]) / kInGroup;
      for (std::size_t i = 0; i < kInGroup; ++i)
        variance += std::pow(static_cast<double>(x[g * kInGroup + i]) - mean, 2) / kInGroup;
      for (std::size_t i = 0; i < kInGroup; ++i) {
        const std::size_t channel = g % kGroups * (kChannels / kGroups) + i / kPixels;
        const std::size_t k = opset < 21 ? g % kGroups : channel;
        const double expected = (static_cast<double>(x[g * kInGroup + i]) - mean) / std::sqrt(variance + 1e-5) *
                                    static_cast<double>(scale[k]) +
                                static_cast<double>(bias[k]);
        EXPECT_NEAR(static_cast<double>(y[g * kInGroup + i]), expected, 1e-5) << opset << ' ' << g << ' ' << i;
      }
    }
  }
  Maker wrong(21);
  wrong.input("x", {1, 6, 2, 2}).random("s", {6}).random("b", {6});
  wrong.node("GroupNormalization", {"x", "s", "b"}, {"y"}, "norm").number("num_groups", 4).output("y");
  EXPECT_TRUE(contains(wrong.error(), {"norm", "num_groups 4", "6 channels"}));
}

// ---------------------------------------------------------------- real networks

TEST(OnnxZoo, EveryNetworkImports) {
  namespace fs = std::filesystem;
  const char* zoo = std::getenv("DOTORI_ZOO");
  const fs::path models = fs::path(zoo != nullptr ? zoo : DOTORI_DEFAULT_ZOO) / "models";
  if (!fs::is_directory(models)) GTEST_SKIP() << "skipped: no model zoo";
  int found = 0;
  for (const auto& entry : fs::recursive_directory_iterator(models)) {
    if (entry.path().extension() != ".onnx") continue;
    ++found;
    const Result<graph::Graph> g = convert::import_onnx(entry.path().string(), {});
    ASSERT_TRUE(g.ok()) << g.status().message();
    for (graph::ValueId id : g->outputs) EXPECT_FALSE(g->value(id).is_constant()) << entry.path();
  }
  EXPECT_GE(found, 7);
}

}  // namespace
}  // namespace dotori
