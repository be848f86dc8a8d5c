// SPDX-License-Identifier: Apache-2.0
// Files that are well-formed on the outside (size and hash are right) and wrong inside.
#include <gtest/gtest.h>

#include <limits>

#include "format_graphs.h"

namespace dotori::graph {
namespace {

Status read_status(const Bytes& file) {
  return ExactFile(file).read().status();
}

void expect_status(const Status& status, StatusCode code, const std::string& text) {
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(text), std::string::npos)
      << "message: '" << status.message() << "', expected: " << text;
  EXPECT_EQ(status.message().rfind("test.dtr: ", 0), 0u) << status.message();
}

void expect_corrupt(const std::string& text, const std::function<void(stored::ModelT&)>& change,
                    StatusCode code = StatusCode::kCorruptModel) {
  expect_status(read_status(with_tables(written(tiny_graph()), change)), code, text);
}

Bytes with_number(Bytes file, std::size_t at, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) file[at + static_cast<std::size_t>(i)] = static_cast<unsigned char>(value >> (8 * i));
  return rehashed(file);
}

// The attribute, with nothing in it where the writer left it out.
stored::AttributeT& attribute_of(stored::NodeT& node, const std::string& name) {
  for (auto& a : node.attributes)
    if (a->name == name) return *a;
  node.attributes.push_back(std::make_unique<stored::AttributeT>());
  node.attributes.back()->name = name;
  return *node.attributes.back();
}

TEST(FormatFaults, WhatIsNoDtrFile) {
  const auto refuse = [](const std::string& begin, const std::string& text) {
    Bytes file(begin.begin(), begin.end());
    file.resize(200, 0);
    expect_status(read_status(file), StatusCode::kCorruptModel, text);
  };
  refuse(std::string("\x1c\0\0\0TFL3", 8), "looks like a TFLite file; convert it first");
  refuse("\x08\x07\x12\x07pytorch", "looks like an ONNX file; convert it first");
  refuse("[net]\nwidth=416", "looks like a Darknet cfg file; convert it first");
  refuse("PK\x03\x04", "zip archive");
  refuse("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer");
  refuse("hello", "it starts with the bytes 68 65 6c 6c 6f 00 00 00");
  expect_status(read_status({}), StatusCode::kCorruptModel, "the file is empty");
  expect_status(read_status({'D', 'O'}), StatusCode::kCorruptModel, "truncated: it has 2 bytes");
  expect_status(read_status({'D', 'x'}), StatusCode::kCorruptModel, "starts with the bytes 44 78");
}

TEST(FormatFaults, Versions) {
  const Bytes file = written(tiny_graph());
  expect_status(read_status(with_number(file, 8, 2, 2)), StatusCode::kUnsupported,
                "the file has format version 2.2, this build reads up to version 1");
  expect_status(read_status(with_number(file, 8, 0, 2)), StatusCode::kCorruptModel, "version 0");
  EXPECT_TRUE(read_status(with_number(file, 10, 7, 2)).ok()) << "a newer minor version is read";
  expect_status(read_status(with_number(file, 12, 4, 4)), StatusCode::kUnsupported, "flags 4");
}

TEST(FormatFaults, HeaderNumbers) {
  const Bytes file = written(tiny_graph());
  const std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t at : {16, 24, 32, 40, 48}) {
    const std::uint64_t right = load_u64(file.data() + at);
    for (std::uint64_t wrong : {std::uint64_t{0}, right + 1, right - 1, right + 64, right - 64, huge, huge - 63,
                                huge / 2, std::uint64_t{1} << 31, std::uint64_t{1} << 32}) {
      if (wrong == right) continue;
      // Another size of the tables within the same 64 bytes shows only in what is behind them.
      const Status status = read_status(with_number(file, at, wrong, 8));
      if (at == 32 && align_section(wrong) == align_section(right)) continue;
      EXPECT_EQ(status.code(), StatusCode::kCorruptModel) << at << " " << wrong << " " << status.message();
    }
  }
}

TEST(FormatFaults, PaddingMustBeZero) {
  const Bytes file = written(tiny_graph());
  const std::size_t tables_end = 64 + static_cast<std::size_t>(load_u64(file.data() + 32));
  const std::size_t weights = static_cast<std::size_t>(load_u64(file.data() + 40));
  ASSERT_LT(tables_end, weights) << "this test needs a gap";
  for (std::size_t at = tables_end; at < weights; ++at) {
    expect_status(read_status(with_number(file, at, 1, 1)), StatusCode::kCorruptModel,
                  "between the tables and the weights");
  }
  for (std::size_t at = weights + 72; at < weights + 128; ++at) {
    expect_status(read_status(with_number(file, at, 1, 1)), StatusCode::kCorruptModel,
                  "constant 'w': the padding behind it is not zero");
  }
  expect_status(read_status(with_number(file, weights + 132, 1, 1)), StatusCode::kCorruptModel, "constant 'b'");
}

TEST(FormatFaults, Alignment) {
  const Bytes file = written(tiny_graph());
  Bytes shifted(file.size() + 128);
  const std::size_t to_aligned = 64 - reinterpret_cast<std::uintptr_t>(shifted.data()) % 64;
  unsigned char* at = shifted.data() + to_aligned + 32;
  std::memcpy(at, file.data(), file.size());
  EXPECT_EQ(read_graph({at, file.size()}, nullptr, "x").status().code(), StatusCode::kInvalidArgument);
}

TEST(FormatFaults, WrongHash) {
  Bytes file = written(tiny_graph());
  file[60] ^= 1;
  expect_status(read_status(file), StatusCode::kCorruptModel, "its content hash is");
}

TEST(FormatFaults, Attributes) {
  const auto attribute = [](stored::ModelT& m, const char* name) -> stored::AttributeT& {
    return attribute_of(*m.nodes[0], name);
  };
  expect_corrupt("conv2d 'conv': attribute 'kernel_h': must be a whole number",
                 [&](auto& m) { attribute(m, "kernel_h").integer = flatbuffers::nullopt; });
  expect_corrupt("'kernel_h': must be a whole number", [&](auto& m) { attribute(m, "kernel_h").real = 3.0f; });
  expect_corrupt("'kernel_h': must be a whole number", [&](auto& m) { attribute(m, "kernel_h").list = {3}; });
  expect_corrupt("'kernel_h': must be in [-2147483648, 2147483647], found 2147483648",
                 [&](auto& m) { attribute(m, "kernel_h").integer = std::int64_t{1} << 31; });
  expect_corrupt("'kernel_h': must be in",
                 [&](auto& m) { attribute(m, "kernel_h").integer = std::numeric_limits<std::int64_t>::min(); });
  expect_corrupt("'activation.function': must be in",
                 [&](auto& m) { attribute(m, "activation.function").integer = 200; });
  expect_corrupt("'activation.function': must be in",
                 [&](auto& m) { attribute(m, "activation.function").integer = -1; });
  expect_corrupt("'activation.alpha': must be a float", [&](auto& m) {
    attribute(m, "activation.alpha").real = flatbuffers::nullopt;
    attribute(m, "activation.alpha").integer = 0;
  });
  expect_corrupt("parameters must be finite",
                 [&](auto& m) { attribute(m, "activation.alpha").real = std::numeric_limits<float>::quiet_NaN(); });
  expect_corrupt("attributes are unknown", [&](auto& m) { attribute(m, "kernel_h").name = "kernel"; });
  expect_corrupt("'kernel_w' is there twice", [&](auto& m) { attribute(m, "kernel_h").name = "kernel_w"; });
  // Those that are absent have their defaults, which do not fit the weights here.
  expect_corrupt("expected 1x1", [&](auto& m) { m.nodes[0]->attributes.clear(); });
  expect_corrupt("1 of ", [&](auto& m) {
    m.nodes[0]->attributes.push_back(std::make_unique<stored::AttributeT>(attribute(m, "kernel_h")));
    m.nodes[0]->attributes.back()->name = "extra";
  });
  expect_corrupt("stride", [&](auto& m) { attribute(m, "stride_h").integer = 0; });
  // What a later minor version added is not damage.
  Bytes newer = with_tables(written(tiny_graph()), [&](stored::ModelT& m) {
    m.nodes[0]->attributes.push_back(std::make_unique<stored::AttributeT>(attribute(m, "kernel_h")));
    m.nodes[0]->attributes.back()->name = "extra";
  });
  expect_status(read_status(with_number(newer, 10, 7, 2)), StatusCode::kUnsupported, "newer Dotori");
}

TEST(FormatFaults, Tunings) {
  Graph graph = tiny_graph();
  graph.tunings = sample_tunings(graph);
  const auto changed = [&](const std::function<void(stored::ModelT&)>& change) {
    return with_tables(written(graph), change);
  };
  const auto refuse = [&](const std::string& text, const std::function<void(stored::ModelT&)>& change) {
    expect_status(read_status(changed(change)), StatusCode::kCorruptModel, text);
  };
  refuse("two tunings for neon", [](auto& m) { m.tunings[1]->isa = "neon"; });
  refuse("the instruction set is empty", [](auto& m) { m.tunings[0]->isa.clear(); });
  refuse("measured with 0 threads", [](auto& m) { m.tunings[0]->threads = 0; });
  refuse("nodes have ", [](auto& m) { m.tunings[0]->algorithms.pop_back(); });
  refuse("nodes have ", [](auto& m) { m.tunings[1]->links.push_back(0); });
  refuse("the choice of node 0, algorithm 3 and link 1, is unknown", [](auto& m) { m.tunings[0]->algorithms[0] = 3; });
  refuse("the choice of node 0", [](auto& m) { m.tunings[0]->links[0] = 3; });
  // From a later version it is one that this build leaves to the estimate.
  const Bytes newer = with_number(changed([](auto& m) { m.tunings[0]->links[0] = 3; }), 10, 7, 2);
  const auto read = ExactFile(newer).read();
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->tunings[0].nodes[0].link, Link::kEstimated);
}

TEST(FormatFaults, BooleansAndLists) {
  const auto rich = [](const std::string& text, const std::function<void(stored::ModelT&)>& change) {
    expect_status(read_status(with_tables(written(rich_graph()), change)), StatusCode::kCorruptModel, text);
  };
  const auto attribute = [](stored::ModelT& m, const char* node, const char* name) -> stored::AttributeT& {
    for (auto& n : m.nodes) {
      if (n->name == node) return attribute_of(*n, name);
    }
    std::abort();
  };
  rich("'keep_dims': must be in [0, 1], found 2", [&](auto& m) { attribute(m, "best", "keep_dims").integer = 2; });
  rich("'output_type': must be in [0, 5], found 6", [&](auto& m) { attribute(m, "best", "output_type").integer = 6; });
  rich("'axes': must be a list", [&](auto& m) {
    attribute(m, "mean", "axes").list.clear();
    attribute(m, "mean", "axes").integer = 1;
  });
  rich("'before': the list has 7 axes", [&](auto& m) { attribute(m, "pad", "before").list.assign(7, 0); });
  rich("stride", [&](auto& m) { attribute(m, "slice", "stride").list[1] = std::numeric_limits<std::int64_t>::min(); });
}

TEST(FormatFaults, Operators) {
  expect_corrupt(
      "operator 'conv9d' is not known", [](auto& m) { m.nodes[0]->op = "conv9d"; }, StatusCode::kUnsupported);
  expect_corrupt(
      "operator '' is not known", [](auto& m) { m.nodes[0]->op = ""; }, StatusCode::kUnsupported);
  expect_corrupt(
      "operator 'none' is not known", [](auto& m) { m.nodes[0]->op = "none"; }, StatusCode::kUnsupported);
  expect_corrupt("the operator is not valid UTF-8", [](auto& m) { m.nodes[0]->op = "\x80"; });
}

TEST(FormatFaults, Texts) {
  expect_corrupt("node 0: the name contains a NUL", [](auto& m) { m.nodes[0]->name = std::string("a\0b", 3); });
  expect_corrupt("value 1: the name is longer", [](auto& m) { m.values[1]->name = std::string(5000, 'n'); });
  expect_corrupt("source is not valid UTF-8", [](auto& m) { m.source = "\xC3("; });
  expect_corrupt("no name", [](auto& m) { m.values[0]->name = ""; });
  expect_corrupt("two values are called 'w'", [](auto& m) { m.values[2]->name = "w"; });
}

TEST(FormatFaults, Values) {
  expect_corrupt("value 0: there is no data type 6", [](auto& m) { m.values[0]->type = 6; });
  expect_corrupt("value 0: the shape has 7 axes", [](auto& m) { m.values[0]->shape.assign(7, 1); });
  expect_corrupt("'x'", [](auto& m) { m.values[0]->shape[0] = -1; });
  expect_corrupt("'x'", [](auto& m) { m.values[0]->shape.assign(6, std::int64_t{1} << 40); });
  expect_corrupt("constant 'w'", [](auto& m) { m.values[1]->shape[0] = std::numeric_limits<std::int64_t>::min(); });
  expect_corrupt("constant 'w': float32 [2,3,3,2] needs 144 bytes, found 72",
                 [](auto& m) { m.values[1]->shape[0] = 2; });
  expect_corrupt("constant 'w': must be at byte 0 of the weights, found 64",
                 [](auto& m) { m.values[1]->constant = std::make_unique<stored::Extent>(64, 72); });
  expect_corrupt("constant 'b': must be at byte 128 of the weights, found 0",
                 [](auto& m) { m.values[2]->constant = std::make_unique<stored::Extent>(0, 4); });
  expect_corrupt("constant 'b': its 400 bytes reach beyond", [](auto& m) {
    m.values[2]->shape = {100};
    m.values[2]->constant = std::make_unique<stored::Extent>(128, 400);
  });
  expect_corrupt("64 bytes of weights belong to no constant", [](auto& m) { m.values[2]->constant.reset(); });
  expect_corrupt("the source order has 9 axes", [](auto& m) { m.values[0]->source_order.assign(9, 0); });
  expect_corrupt("permutation", [](auto& m) { m.values[0]->source_order = {0, 1, 1, 2}; });
  expect_corrupt("zero points", [](auto& m) {
    m.values[0]->quantization = std::make_unique<stored::QuantizationT>();
    m.values[0]->quantization->scales = {1};
    m.values[0]->quantization->zero_points = {0, 0};
  });
  expect_corrupt("192 bytes of weights belong to no constant", [](auto& m) { m.values.clear(); });
}

TEST(FormatFaults, ABooleanConstantHoldsZerosAndOnes) {
  Graph graph;
  const ValueId x = graph.add_input("x", DataType::kBool, {4});
  const unsigned char truth[] = {0, 1, 1, 0};
  const ValueId c = *graph.add_constant("truth", DataType::kBool, {4}, truth, 4);
  graph.outputs = {*graph.add_node("join", Concat{0}, {x, c})};
  const Bytes file = written(graph);
  EXPECT_TRUE(read_status(file).ok());
  const std::size_t weights = static_cast<std::size_t>(load_u64(file.data() + 40));
  expect_status(read_status(with_number(file, weights + 1, 2, 1)), StatusCode::kCorruptModel,
                "constant 'truth': a boolean must be 0 or 1, found 2");
}

TEST(FormatFaults, Indices) {
  expect_corrupt("its inputs refer to value 4 of 4", [](auto& m) { m.nodes[0]->inputs[1] = 4; });
  expect_corrupt("its inputs refer to value -2", [](auto& m) { m.nodes[0]->inputs[2] = -2; });
  expect_corrupt("its outputs refer to value -1", [](auto& m) { m.nodes[0]->outputs[0] = -1; });
  expect_corrupt("graph inputs refer to value 2147483647", [](auto& m) { m.inputs[0] = 2147483647; });
  expect_corrupt("graph outputs refer to value -1", [](auto& m) { m.outputs[0] = -1; });
  expect_corrupt("no input", [](auto& m) { m.inputs.clear(); });
  expect_corrupt("", [](auto& m) { m.nodes[0]->inputs[0] = 3; });
}

TEST(FormatFaults, TaskMetadata) {
  expect_corrupt("task: task", [](auto& m) { m.task->task = 77; });
  expect_corrupt("task: preprocess", [](auto& m) { m.task->preprocess->resize = 9; });
  expect_corrupt("task: preprocess: mean must have 3 numbers, found 2",
                 [](auto& m) { m.task->preprocess->mean.resize(2); });
  expect_corrupt("task: a label is not valid UTF-8", [](auto& m) { m.task->labels = {"ok", "\xFF"}; });
  expect_corrupt("task: segmentation", [](auto& m) { m.task->segmentation->output = 1; });
}

// FlatBuffers may share one vector between tables: 60,000 values with one name of 4,000 bytes would be 240 MB of names.
TEST(FormatFaults, SharedTextsCannotBlowUp) {
  flatbuffers::FlatBufferBuilder b;
  const auto name = b.CreateString(std::string(4000, 'n'));
  std::vector<flatbuffers::Offset<stored::Value>> all;
  for (int i = 0; i < 60000; ++i) all.push_back(stored::CreateValue(b, name));
  const auto values = b.CreateVector(all);
  const auto nodes = b.CreateVector(std::vector<flatbuffers::Offset<stored::Node>>());
  const auto ids = b.CreateVector(std::vector<std::int32_t>());
  const auto three = b.CreateVector(std::vector<float>(3, 1.0f));
  const auto task =
      stored::CreateTask(b, 0, 0, stored::CreatePreprocess(b, 0, 1, 0, 0, three, three),
                         stored::CreateClassification(b), stored::CreateDetection(b), stored::CreateSegmentation(b));
  b.Finish(stored::CreateModel(b, name, name, values, nodes, ids, ids, task));
  FileHeader header;
  header.tables_offset = kHeaderBytes;
  header.tables_bytes = b.GetSize();
  header.weights_offset = header.file_bytes = align_section(kHeaderBytes + header.tables_bytes);
  Bytes file(header.file_bytes, 0);
  encode_header(header, file.data());
  std::memcpy(file.data() + kHeaderBytes, b.GetBufferPointer(), b.GetSize());
  expect_status(read_status(rehashed(file)), StatusCode::kCorruptModel, "more than the file can hold");
}

TEST(FormatFaults, DamagedTables) {
  Bytes file = written(tiny_graph());
  for (int i = 0; i < 4; ++i) file[kHeaderBytes + static_cast<std::size_t>(i)] = 0xFF;
  expect_status(read_status(rehashed(file)), StatusCode::kCorruptModel, "FlatBuffers verification");
}

}  // namespace
}  // namespace dotori::graph
