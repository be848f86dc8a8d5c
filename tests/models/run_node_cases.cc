// SPDX-License-Identifier: Apache-2.0
// run_node_cases FOLDER: runs the cases that convert_onnx_node_test wrote there (DOTORI_WRITE_NODE_CASES=FOLDER) and
// compares; exit code 1 when one is wrong.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <dotori/dotori.h>

namespace {

namespace fs = std::filesystem;
constexpr double kRelative = 1e-4, kAbsolute = 1e-5;  // as in convert_onnx_node_test

std::string read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

double element(const dotori::TensorView& view, std::int64_t i) {
  switch (view.type) {
    case dotori::DataType::kFloat32: return static_cast<double>(static_cast<const float*>(view.data)[i]);
    case dotori::DataType::kInt8: return static_cast<const std::int8_t*>(view.data)[i];
    case dotori::DataType::kInt32: return static_cast<const std::int32_t*>(view.data)[i];
    case dotori::DataType::kInt64: return static_cast<double>(static_cast<const std::int64_t*>(view.data)[i]);
    default: return static_cast<const std::uint8_t*>(view.data)[i];
  }
}

bool agree(double expected, double found) {
  return expected == found || (std::isnan(expected) && std::isnan(found)) ||
         std::fabs(expected - found) <= kAbsolute + kRelative * std::fabs(expected);
}

// "" when the case at `stem` passes.
std::string run(const std::string& stem) {
  const auto model = dotori::Model::load_file(stem + ".dtr");
  if (!model.ok()) return model.status().message();
  auto session = dotori::Session::create(*model);
  if (!session.ok()) return session.status().message();
  for (int i = 0; i < session->input_count(); ++i) {
    const std::string bytes = read_bytes(stem + ".in" + std::to_string(i));
    const dotori::TensorView view = session->input(i);
    if (bytes.size() != view.size_bytes) return "input " + std::to_string(i) + " has another size";
    std::memcpy(view.data, bytes.data(), bytes.size());
  }
  if (const dotori::Status status = session->run(); !status.ok()) return status.message();
  for (int i = 0; i < session->output_count(); ++i) {
    const std::string bytes = read_bytes(stem + ".out" + std::to_string(i));
    const dotori::TensorView view = session->output(i);
    if (static_cast<std::int64_t>(bytes.size() / sizeof(double)) != view.elements())
      return "another number of elements";
    for (std::int64_t e = 0; e < view.elements(); ++e) {
      double expected;
      std::memcpy(&expected, bytes.data() + static_cast<std::size_t>(e) * sizeof expected, sizeof expected);
      if (!agree(expected, element(view, e)))
        return "element " + std::to_string(e) + " of output " + std::to_string(i) + " is " +
               std::to_string(element(view, e)) + ", expected " + std::to_string(expected);
    }
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: run_node_cases FOLDER\n"), 2;
  int passed = 0, failed = 0;
  for (const auto& entry : fs::directory_iterator(argv[1])) {
    if (entry.path().extension() != ".dtr") continue;
    const std::string error = run((entry.path().parent_path() / entry.path().stem()).string());
    ++(error.empty() ? passed : failed);
    if (!error.empty()) std::fprintf(stderr, "%s: %s\n", entry.path().stem().c_str(), error.c_str());
  }
  std::printf("%d cases passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
