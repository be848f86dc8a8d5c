// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "convert/convert.h"

namespace dotori::convert {

// import_onnx on a file's bytes; `name` stands for the file in messages and in Graph::source. Throws nothing.
Result<graph::Graph> import_onnx_bytes(const std::string& bytes, const std::string& name, const ImportOptions& options);

}  // namespace dotori::convert
