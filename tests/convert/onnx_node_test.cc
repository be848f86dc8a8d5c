// SPDX-License-Identifier: Apache-2.0
// The official ONNX node tests (Debian: libonnx-testdata) for the operators the importer maps, run on both backends.
// DOTORI_ONNX_TESTDATA names another folder than /usr/share/libonnx-testdata/data.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <dotori/dotori.h>

#include "convert/onnx/host_tensor.h"
#include "convert/onnx/import.h"

namespace dotori {
namespace {

namespace fs = std::filesystem;
using convert::onnx::Dims;
using convert::onnx::Element;
using convert::onnx::HostTensor;

constexpr double kRelative = 1e-4, kAbsolute = 1e-5;

// Folder names without "test_".
constexpr const char* kCases[] = {
@CASES@};

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
// initializers.
dotori_onnx::ModelProto with_constants(const Case& c, int first) {
  dotori_onnx::ModelProto model = c.model;
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
    const HostTensor given = stored(inputs[static_cast<std::size_t>(i)], model.inputs()[static_cast<std::size_t>(i)].source_order);
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

// "" when the test in `folder` passes on both backends.
std::string run_case(const fs::path& folder) {
  const Case c = read_case(folder);
  Result<graph::Graph> graph = convert::import_onnx_bytes(c.model.SerializeAsString(), folder.filename(), {});
  int first_constant = c.model.graph().input_size();
  if (!graph.ok() && first_constant > 0) {
    // Where the first input is data, the others are constants; where it is a shape, it is one too.
    for (first_constant = 1; first_constant >= 0 && !graph.ok(); --first_constant) {
      const std::string bytes = with_constants(c, first_constant).SerializeAsString();
      Result<graph::Graph> retry = convert::import_onnx_bytes(bytes, folder.filename(), {});
      if (retry.ok() || first_constant == 1) graph = std::move(retry);
    }
  }
  if (!graph.ok()) return graph.status().message();
  std::vector<HostTensor> inputs, outputs;
  for (const auto& proto : c.inputs) inputs.push_back(convert::onnx::host_tensor(proto));
  for (const auto& proto : c.outputs) outputs.push_back(convert::onnx::host_tensor(proto));
  const Result<Model> model = Model::from_graph(std::move(*graph));
  if (!model.ok()) return model.status().message();
  const std::string reference = run_on(*model, BackendKind::kReference, inputs, outputs);
  if (!reference.empty()) return "reference backend: " + reference;
  const std::string cpu = run_on(*model, BackendKind::kCpu, inputs, outputs);
  return cpu.empty() ? "" : "cpu backend: " + cpu;
}

TEST(OnnxNodes, ListedTestsPass) {
  const fs::path folder = data_folder();
  if (!fs::is_directory(folder)) GTEST_SKIP() << "skipped: no ONNX test data (Debian package libonnx-testdata)";
  int passed = 0, failed = 0, all = 0;
  for (const auto& entry : fs::directory_iterator(folder)) all += entry.is_directory() ? 1 : 0;
  for (const char* name : kCases) {
    const fs::path test = folder / (std::string("test_") + name);
    const std::string error = fs::exists(test) ? run_case(test) : "no such test";
    if (error.empty()) {
      ++passed;
    } else {
      ++failed;
      ADD_FAILURE() << name << ": " << error;
    }
  }
  std::printf("ONNX node tests: %d passed, %d failed, %d out of scope\n", passed, failed, all - passed - failed);
}

}  // namespace
}  // namespace dotori
