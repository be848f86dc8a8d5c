// SPDX-License-Identifier: Apache-2.0
#include "convert/onnx/external_data.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "convert/onnx/error.h"

namespace dotori::convert::onnx {
namespace {

namespace fs = std::filesystem;
using dotori_onnx::TensorProto;

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 31;  // of all tensors together, as for a file in one piece
constexpr int kMaxDepth = 16;                                 // of graphs in graphs

class Loader {
 public:
  explicit Loader(const fs::path& model) : folder_(model.has_parent_path() ? model.parent_path() : fs::path(".")) {}

  void visit(dotori_onnx::GraphProto& graph, int depth) {
    if (depth > kMaxDepth) fail(unsupported("graphs inside graphs, more than " + std::to_string(kMaxDepth) + " deep"));
    for (TensorProto& tensor : *graph.mutable_initializer()) load(tensor);
    for (auto& node : *graph.mutable_node()) {
      for (auto& attribute : *node.mutable_attribute()) {
        if (attribute.has_t()) load(*attribute.mutable_t());
        for (TensorProto& tensor : *attribute.mutable_tensors()) load(tensor);
        if (attribute.has_g()) visit(*attribute.mutable_g(), depth + 1);
        for (auto& inner : *attribute.mutable_graphs()) visit(inner, depth + 1);
      }
    }
  }

 private:
  void load(TensorProto& tensor) {
    if (tensor.data_location() != TensorProto::EXTERNAL) return;
    const std::string name = "tensor '" + tensor.name() + "'";
    std::string location;
    std::uint64_t offset = 0, length = 0;
    bool has_length = false;
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") location = entry.value();
      if (entry.key() == "offset") offset = number(name, entry.key(), entry.value());
      if (entry.key() == "length") {
        length = number(name, entry.key(), entry.value());
        has_length = true;
      }
    }
    const fs::path file = resolve(name, location);
    std::error_code error;
    const std::uint64_t size = fs::file_size(file, error);
    if (error) fail(io_error(name + ": its data file '" + location + "' cannot be read: " + error.message()));
    if (!has_length && offset <= size) length = size - offset;
    if (offset > size || length > size - offset)
      fail(corrupt_model(name + ": its data are bytes " + std::to_string(offset) + " to " +
                         std::to_string(offset + length) + " of '" + location + "', which has " +
                         std::to_string(size)));
    loaded_ += length;
    if (length > kMostBytes || loaded_ > kMostBytes)
      fail(unsupported("more than 2 GiB of tensors in files beside the model"));
    std::string bytes(static_cast<std::size_t>(length), '\0');
    std::ifstream stream(file, std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(offset));
    if (!stream.read(bytes.data(), static_cast<std::streamsize>(length)))
      fail(io_error(name + ": its data file '" + location + "' cannot be read"));
    tensor.set_raw_data(std::move(bytes));
    tensor.set_data_location(TensorProto::DEFAULT);
    tensor.clear_external_data();
  }

  static std::uint64_t number(const std::string& name, const std::string& key, const std::string& text) {
    if (text.empty() || text.size() > 15 || text.find_first_not_of("0123456789") != std::string::npos)
      fail(corrupt_model(name + ": the " + key + " of its data is '" + text + "', expected a number of bytes"));
    return std::stoull(text);
  }

  // The file, which exists below the model's folder.
  fs::path resolve(const std::string& name, const std::string& location) const {
    const fs::path relative(location);
    const auto outside = [&](const std::string& why) {
      fail(invalid_argument(name + ": its data file '" + location + "' " + why +
                            "; data must lie in the model's own folder"));
    };
    if (location.empty()) fail(corrupt_model(name + ": its data are in another file, which is not named"));
    if (relative.is_absolute() || location.find('\0') != std::string::npos) outside("is not a relative path");
    if (std::any_of(relative.begin(), relative.end(), [](const fs::path& part) { return part == ".."; }))
      outside("leads out of it");
    std::error_code error;
    const fs::path root = fs::canonical(folder_, error);
    const fs::path file = fs::canonical(folder_ / relative, error);
    if (error) fail(not_found(name + ": its data file '" + location + "' is not beside the model"));
    const auto [end, unused] = std::mismatch(root.begin(), root.end(), file.begin(), file.end());
    if (end != root.end()) outside("is a link that leads out of it");
    if (!fs::is_regular_file(file, error)) fail(invalid_argument(name + ": '" + location + "' is not a regular file"));
    return file;
  }

  fs::path folder_;
  std::uint64_t loaded_ = 0;
};

}  // namespace

void load_external_data(dotori_onnx::ModelProto& model, const std::string& path) {
  Loader(path).visit(*model.mutable_graph(), 0);
}

}  // namespace dotori::convert::onnx
