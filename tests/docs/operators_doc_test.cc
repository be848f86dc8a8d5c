// SPDX-License-Identifier: Apache-2.0
// docs/operators.md and the code say the same: the tables between its marks are made here (DOTORI_WRITE_DOCS=1 writes
// them), and every kind of layer that an importer knows stands in the section of its format.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "backends/backend.h"
#include "backends/operator_catalogue.h"
#include "convert/survey.h"
#include "graph/graph.h"

namespace dotori {
namespace {

std::string read_doc() {
  std::ifstream file(DOTORI_OPERATORS_DOC);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// float32, int8, or other numbers.
const char* kind_of(const graph::Graph& graph, const graph::Node& node) {
  const DataType in = graph.value(node.inputs[0]).type.type;
  if (in == DataType::kFloat32) return "float32";
  return in == DataType::kInt8 || in == DataType::kUint8 ? "int8" : "whole numbers";
}

struct Row {
  std::set<std::string> vector, plain;
  int cases = 0, xnnpack = 0;
};

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "`" : ", `") + name + "`";
  return text;
}

// Operator by type of numbers, from the catalogue that every backend is tested with.
std::string backend_table() {
  std::map<std::pair<std::string, std::string>, Row> rows;
  for (auto make : {testing::float_catalogue, testing::int8_catalogue}) {
    for (const testing::OperatorCase& c : make()) {
      const graph::Node& node = c.graph.nodes()[0];
      Row& row = rows[{graph::op_name(node.op), kind_of(c.graph, node)}];
      ++row.cases;
      row.xnnpack += c.xnnpack ? 1 : 0;
      const Result<backends::Plan> plan = backends::compile(c.graph, backends::CompileOptions());
      EXPECT_TRUE(plan.ok()) << c.name;
      if (!plan.ok()) continue;
      for (const backends::Step& step : plan->steps) {
        const std::string kernel = step.kernel;
        const std::size_t end = kernel.rfind("__");
        if (kernel == "alias" || end == std::string::npos) row.plain.insert(kernel);
        else (kernel.substr(end) == "__reference" ? row.plain : row.vector).insert(kernel.substr(0, kernel.find('_')));
      }
    }
  }
  std::string text = "| operator | numbers | vector kernels | plain C++ | XNNPACK backend |\n|---|---|---|---|---|\n";
  for (const auto& [key, row] : rows) {
    const std::string share = row.xnnpack == 0 ? ""
                              : row.xnnpack == row.cases
                                  ? "yes"
                                  : std::to_string(row.xnnpack) + " of " + std::to_string(row.cases) + " variants";
    text += "| `" + key.first + "` | " + key.second + " | " + joined(row.vector) + " | " + joined(row.plain) + " | " +
            share + " |\n";
  }
  return text;
}

std::string format_table() {
  std::string text = "| format | kinds of layers |\n|---|---|\n";
  const auto add = [&](const char* format, const std::vector<std::string>& kinds) {
    text += std::string("| ") + format + " | " + std::to_string(kinds.size()) + " |\n";
  };
  add("ONNX", convert::onnx_kinds());
  add("TFLite", convert::tflite_kinds());
  add("Darknet", convert::darknet_kinds());
  add("Caffe", convert::caffe_kinds());
  add("TensorFlow", convert::tensorflow_kinds());
  return text;
}

// Between "<!-- NAME -->" and "<!-- end of NAME -->".
void expect_made(const std::string& name, const std::string& table) {
  std::string doc = read_doc();
  const std::string begin = "<!-- " + name + " -->\n", end = "<!-- end of " + name + " -->";
  const std::size_t from = doc.find(begin), to = doc.find(end);
  ASSERT_TRUE(from != std::string::npos && to != std::string::npos && from < to) << name << ": no marks";
  const std::size_t start = from + begin.size();
  if (std::getenv("DOTORI_WRITE_DOCS") != nullptr) {
    doc.replace(start, to - start, table);
    std::ofstream(DOTORI_OPERATORS_DOC) << doc;
    return;
  }
  EXPECT_EQ(doc.substr(start, to - start), table) << "run operators_doc_test with DOTORI_WRITE_DOCS=1";
}

TEST(OperatorsDoc, BackendsAreThoseOfTheCode) {
  const std::string isa = kernels::isa_name(kernels::host_isa());
  if (isa != "avx2") GTEST_SKIP() << "made on a machine with AVX2";
  expect_made("operators and backends", backend_table());
}

TEST(OperatorsDoc, FormatsAreThoseOfTheCode) {
  expect_made("formats", format_table());
}

// In the format's section, as a word of its own.
void expect_named(const std::string& heading, const std::vector<std::string>& kinds) {
  const std::string doc = read_doc();
  const std::size_t from = doc.find("\n## " + heading + "\n");
  ASSERT_NE(from, std::string::npos) << heading;
  const std::string section = doc.substr(from, doc.find("\n## ", from + 4) - from);
  std::set<std::string> words;
  std::string word;
  for (char c : section + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      word += c;
      continue;
    }
    words.insert(word);
    word.clear();
  }
  for (const std::string& kind : kinds) EXPECT_EQ(words.count(kind), 1u) << kind << " is missing under " << heading;
}

TEST(OperatorsDoc, EveryKindIsNamed) {
  expect_named("ONNX", convert::onnx_kinds());
  expect_named("TFLite", convert::tflite_kinds());
  expect_named("Darknet", convert::darknet_kinds());
  expect_named("Caffe", convert::caffe_kinds());
  expect_named("TensorFlow", convert::tensorflow_kinds());
}

}  // namespace
}  // namespace dotori
