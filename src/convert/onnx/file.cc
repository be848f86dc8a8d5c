// SPDX-License-Identifier: Apache-2.0
#include "convert/onnx/file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "convert/onnx/error.h"

namespace dotori::convert::onnx {
namespace {

constexpr std::int64_t kMinOpset = 7, kMaxOpset = 23;
constexpr long long kMaxFileBytes = 2147483647;  // protobuf's own limit

}  // namespace

std::string read_file(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    const std::string reason = std::strerror(errno);
    fail(errno == ENOENT || errno == ENOTDIR ? not_found("no such file") : io_error("cannot be opened: " + reason));
  }
  if (!S_ISREG(info.st_mode)) fail(invalid_argument("not a regular file"));
  if (info.st_size > kMaxFileBytes) {
    fail(unsupported("the file has " + std::to_string(info.st_size) +
                     " bytes; ONNX files of up to 2 GiB are supported"));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) fail(io_error("cannot be read"));
  return bytes;
}

dotori_onnx::ModelProto parse_model(const std::string& bytes) {
  dotori_onnx::ModelProto model;
  if (bytes.empty()) fail(corrupt_model("the file is empty"));
  if (!model.ParseFromString(bytes)) fail(corrupt_model("not an ONNX file (no valid protobuf message), or truncated"));
  if (!model.has_graph()) fail(corrupt_model("the file holds no graph: not an ONNX model"));
  return model;
}

int model_opset(const dotori_onnx::ModelProto& model) {
  std::int64_t version = -1;
  for (const auto& set : model.opset_import()) {
    // Nodes of other domains are refused where they stand; merely naming a domain does no harm.
    if (set.domain().empty() || set.domain() == "ai.onnx") version = std::max(version, set.version());
  }
  if (version < 0) fail(corrupt_model("the model names no opset of the ai.onnx operators"));
  if (version < kMinOpset || version > kMaxOpset) {
    fail(unsupported("opset " + std::to_string(version) + "; opsets " + std::to_string(kMinOpset) + " to " +
                     std::to_string(kMaxOpset) + " are supported, convert the model with onnx.version_converter"));
  }
  return static_cast<int>(version);
}

}  // namespace dotori::convert::onnx
