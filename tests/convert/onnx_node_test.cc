// SPDX-License-Identifier: Apache-2.0
// The official ONNX node tests (Debian: libonnx-testdata) for the operators the importer maps, run on both backends.
// DOTORI_ONNX_TESTDATA names another folder than /usr/share/libonnx-testdata/data.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <dotori/dotori.h>

#include "backends/backend.h"
#include "convert/onnx/host_tensor.h"
#include "convert/onnx/import.h"
#include "graph/passes/passes.h"
#include "graph/writer.h"

namespace dotori {
namespace {

namespace fs = std::filesystem;
using convert::onnx::Dims;
using convert::onnx::Element;
using convert::onnx::HostTensor;

constexpr double kRelative = 1e-4, kAbsolute = 1e-5;

// The sections of onnx_node_tests.txt: operators on computed tensors; operators that the importer evaluates when all
// their inputs are constants; operators on 8-bit numbers, run as imported and after graph::optimize() has made int8
// operators of them; and what is out of scope, with the reason.
using Sections = std::map<std::string, std::vector<std::string>>;

Sections read_list() {
  Sections sections;
  std::ifstream file(DOTORI_ONNX_NODE_TESTS);
  std::string line, section;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '[') section = line.substr(1, line.size() - 2);
    std::istringstream words(line[0] == '[' ? "" : line);
    for (std::string word; words >> word;) sections[section].push_back(word);
  }
  return sections;
}

// `pattern` may have one or more *.
bool matches(const char* pattern, const char* name) {
  if (*pattern == 0) return *name == 0;
  if (*pattern == '*') return matches(pattern + 1, name) || (*name != 0 && matches(pattern, name + 1));
  return *pattern == *name && matches(pattern + 1, name + 1);
}

fs::path data_folder() {
  const char* folder = std::getenv("DOTORI_ONNX_TESTDATA");
  return fs::path(folder != nullptr ? folder : "/usr/share/libonnx-testdata/data") / "node";
}

std::string read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

struct Case {
  dotori_onnx::ModelProto model;
  std::vector<dotori_onnx::TensorProto> inputs, outputs;
};

Case read_case(const fs::path& folder) {
  Case c;
  c.model.ParseFromString(read_bytes(folder / "model.onnx"));
  const auto read = [&](const std::string& stem, std::vector<dotori_onnx::TensorProto>* tensors) {
    for (int i = 0;; ++i) {
      const fs::path path = folder / "test_data_set_0" / (stem + std::to_string(i) + ".pb");
      if (!fs::exists(path)) return;
      tensors->emplace_back();
      tensors->back().ParseFromString(read_bytes(path));
    }
  };
  read("input_", &c.inputs);
  read("output_", &c.outputs);
  return c;
}

// Weights, axes and the like are inputs in these tests, constants in real models: all inputs from `first` on become
// initializers. Tests of opset 1 to 6 test operators that opset 7 left as they were.
dotori_onnx::ModelProto with_constants(const Case& c, int first) {
  dotori_onnx::ModelProto model = c.model;
  for (auto& opset : *model.mutable_opset_import()) {
    if (opset.domain().empty() && opset.version() < 7) opset.set_version(7);
  }
  auto* graph = model.mutable_graph();
  for (int i = graph->input_size() - 1; i >= first; --i) {
    if (i >= static_cast<int>(c.inputs.size())) continue;
    *graph->add_initializer() = c.inputs[static_cast<std::size_t>(i)];
    graph->mutable_initializer()->rbegin()->set_name(graph->input(i).name());
    graph->mutable_input()->DeleteSubrange(i, 1);
  }
  return model;
}

HostTensor stored(const HostTensor& source, const Shape& order) {
  if (order.empty()) return source;
  return source.permuted(std::vector<int>(order.begin(), order.end()));
}

double element(const TensorView& view, std::int64_t i) {
  switch (view.type) {
    case DataType::kFloat32: return static_cast<double>(static_cast<const float*>(view.data)[i]);
    case DataType::kInt8: return static_cast<const std::int8_t*>(view.data)[i];
    case DataType::kInt32: return static_cast<const std::int32_t*>(view.data)[i];
    case DataType::kInt64: return static_cast<double>(static_cast<const std::int64_t*>(view.data)[i]);
    default: return static_cast<const std::uint8_t*>(view.data)[i];
  }
}

// "" when the output is as expected.
std::string compare(const TensorView& found, const TensorInfo& info, const HostTensor& source) {
  const HostTensor expected = stored(source, info.source_order);
  if (Shape(Span<const std::int64_t>(expected.dims)) != found.shape) {
    return "output " + info.name + " has shape " + found.shape.to_string() + ", expected " +
           convert::onnx::dims_text(expected.dims);
  }
  for (std::int64_t i = 0; i < expected.count(); ++i) {
    const double e = expected.real(i), f = element(found, i);
    if (e == f || (std::isnan(e) && std::isnan(f))) continue;
    if (!(std::fabs(e - f) <= kAbsolute + kRelative * std::fabs(e))) {
      return "output " + info.name + ", element " + std::to_string(i) + " is " + std::to_string(f) + ", expected " +
             std::to_string(e);
    }
  }
  return "";
}

std::string run_on(const Model& model, BackendKind backend, const std::vector<HostTensor>& inputs,
                   const std::vector<HostTensor>& outputs) {
  SessionOptions options;
  options.backend = backend;
  Result<Session> session = Session::create(model, options);
  if (!session.ok()) return session.status().message();
  if (session->output_count() != static_cast<int>(outputs.size())) return "wrong number of outputs";
  for (int i = 0; i < session->input_count(); ++i) {
    const TensorView view = session->input(i);
    const auto k = static_cast<std::size_t>(i);
    const HostTensor given = stored(inputs[k], model.inputs()[k].source_order);
    if (given.bytes->size() != view.size_bytes) return "input " + std::to_string(i) + " has another size";
    std::memcpy(view.data, given.bytes->data(), view.size_bytes);
  }
  const Status status = session->run();
  if (!status.ok()) return status.message();
  for (int i = 0; i < session->output_count(); ++i) {
    const auto k = static_cast<std::size_t>(i);
    const std::string difference = compare(session->output(i), model.outputs()[k], outputs[k]);
    if (!difference.empty()) return difference;
  }
  return "";
}

// A model needs an input.
void add_unused_input(dotori_onnx::ModelProto* model) {
  auto* input = model->mutable_graph()->add_input();
  input->set_name("unused input");
  input->mutable_type()->mutable_tensor_type()->set_elem_type(dotori_onnx::TensorProto::FLOAT);
  input->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(1);
}

// All inputs but the first.
Result<graph::Graph> import_quantized(const Case& c, const std::string& name, bool optimized) {
  Result<graph::Graph> graph = convert::import_onnx_bytes(with_constants(c, 1).SerializeAsString(), name, {});
  if (graph.ok() && optimized) {
    const Status status = graph::optimize(*graph, backends::evaluate_node);
    if (!status.ok()) return status;
  }
  return graph;
}

Result<graph::Graph> import_case(const Case& c, const std::string& name, bool folded) {
  const auto import = [&](const dotori_onnx::ModelProto& model) {
    return convert::import_onnx_bytes(model.SerializeAsString(), name, {});
  };
  dotori_onnx::ModelProto model = with_constants(c, folded ? 0 : c.model.graph().input_size());
  if (folded) add_unused_input(&model);
  // Computed in float32; a model with double inputs is refused.
  for (auto& input : *model.mutable_graph()->mutable_input()) {
    auto* tensor = input.mutable_type()->mutable_tensor_type();
    if (tensor->elem_type() == dotori_onnx::TensorProto::DOUBLE) tensor->set_elem_type(dotori_onnx::TensorProto::FLOAT);
  }
  Result<graph::Graph> graph = import(model);
  if (graph.ok() || folded) return graph;
  Result<graph::Graph> with_weights = import(with_constants(c, 1));
  return with_weights.ok() ? with_weights : graph;
}

// The case as files for run_node_cases on another machine: NAME.dtr, and NAME.in0, NAME.out0 ... with the elements in
// the order in which they are stored, the outputs as doubles.
void write_case(const std::string& stem, const Model& model, const std::vector<HostTensor>& inputs,
                const std::vector<HostTensor>& outputs) {
  const auto bytes = graph::write_graph(model.graph());
  ASSERT_TRUE(bytes.ok() && graph::write_file_atomically(stem + ".dtr", *bytes).ok()) << stem;
  for (std::size_t k = 0; k < model.inputs().size(); ++k) {  // the others became constants
    const HostTensor given = stored(inputs[k], model.inputs()[k].source_order);
    std::ofstream file(stem + ".in" + std::to_string(k), std::ios::binary);
    file.write(reinterpret_cast<const char*>(given.bytes->data()), static_cast<std::streamsize>(given.bytes->size()));
  }
  for (std::size_t k = 0; k < model.outputs().size(); ++k) {
    const HostTensor expected = stored(outputs[k], model.outputs()[k].source_order);
    std::ofstream file(stem + ".out" + std::to_string(k), std::ios::binary);
    for (std::int64_t i = 0; i < expected.count(); ++i) {
      const double element = expected.real(i);
      file.write(reinterpret_cast<const char*>(&element), sizeof element);
    }
  }
}

std::string run_imported(const Case& c, const std::string& name, Result<graph::Graph> graph, bool folded) {
  if (!graph.ok()) return graph.status().message();
  std::vector<HostTensor> inputs, outputs;
  if (folded) {
    inputs.push_back(HostTensor::make(Element::kFloat32, {1}));
  } else {
    for (const auto& proto : c.inputs) {
      const HostTensor given = convert::onnx::host_tensor(proto);
      inputs.push_back(given.element == Element::kFloat64 ? given.cast(Element::kFloat32) : given);
    }
  }
  for (const auto& proto : c.outputs) outputs.push_back(convert::onnx::host_tensor(proto));
  const Result<Model> model = Model::from_graph(std::move(*graph));
  if (!model.ok()) return model.status().message();
  if (const char* folder = std::getenv("DOTORI_WRITE_NODE_CASES"); folder != nullptr)
    write_case((fs::path(folder) / name).string(), *model, inputs, outputs);
  const std::string reference = run_on(*model, BackendKind::kReference, inputs, outputs);
  if (!reference.empty()) return "reference backend: " + reference;
  const std::string cpu = run_on(*model, BackendKind::kCpu, inputs, outputs);
  return cpu.empty() ? "" : "cpu backend: " + cpu;
}

// "" when the test passes on both backends. `mode` is the section's name.
std::string run_case(const std::string& mode, const std::string& name) {
  const fs::path folder = data_folder() / ("test_" + name);
  if (!fs::exists(folder)) return "no such test";
  const Case c = read_case(folder);
  const std::string stem = mode + "_" + name;
  if (mode != "8 bits")
    return run_imported(c, stem, import_case(c, folder.filename(), mode == "folded"), mode == "folded");
  const std::string real = run_imported(c, "real_" + name, import_quantized(c, folder.filename(), false), false);
  if (!real.empty()) return "as imported: " + real;
  const std::string int8 = run_imported(c, "int8_" + name, import_quantized(c, folder.filename(), true), false);
  return int8.empty() ? "" : "optimised: " + int8;
}

TEST(OnnxNodes, ListedTestsPass) {
  if (!fs::is_directory(data_folder())) GTEST_SKIP() << "skipped: no ONNX test data (Debian package libonnx-testdata)";
  const Sections sections = read_list();
  std::map<std::string, bool> results;  // a name may be in several lists
  for (const char* mode : {"computed", "folded", "8 bits"}) {
    ASSERT_TRUE(sections.count(mode)) << mode;
    for (const std::string& name : sections.at(mode)) {
      const std::string error = run_case(mode, name);
      EXPECT_EQ(error, "") << name;
      const auto result = results.emplace(name, true).first;
      result->second = result->second && error.empty();
    }
  }
  // All others stand in the list of what is out of scope, which names nothing that does not exist.
  int out_of_scope = 0;
  std::map<std::string, int> uses;
  for (const auto& entry : fs::directory_iterator(data_folder())) {
    const std::string name = entry.path().filename().string().substr(5);
    if (results.count(name)) continue;
    int reasons = 0;
    for (const auto& [section, patterns] : sections) {
      if (section.rfind("out of scope: ", 0) != 0) continue;
      const auto found = std::find_if(patterns.begin(), patterns.end(),
                                      [&](const std::string& p) { return matches(p.c_str(), name.c_str()); });
      if (found == patterns.end()) continue;
      ++reasons;
      ++uses[*found];
    }
    EXPECT_EQ(reasons, 1) << name << " stands in " << reasons << " lists of onnx_node_tests.txt";
    ++out_of_scope;
  }
  for (const auto& [section, patterns] : sections) {
    for (const std::string& pattern : patterns)
      EXPECT_TRUE(section.rfind("out of scope: ", 0) != 0 || uses[pattern] > 0) << pattern << ": no such test";
  }
  const auto passed = std::count_if(results.begin(), results.end(), [](const auto& entry) { return entry.second; });
  std::printf("ONNX node tests: %d passed, %d failed, %d out of scope\n", static_cast<int>(passed),
              static_cast<int>(results.size()) - static_cast<int>(passed), out_of_scope);
}

}  // namespace
}  // namespace dotori
