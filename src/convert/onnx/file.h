// SPDX-License-Identifier: Apache-2.0
// An ONNX file as messages. All throw ImportError.
#pragma once

#include <string>

#include "dotori_onnx.pb.h"

namespace dotori::convert::onnx {

std::string read_file(const std::string& path);
dotori_onnx::ModelProto parse_model(const std::string& bytes);
// Of the ai.onnx operators; one that is supported.
int model_opset(const dotori_onnx::ModelProto& model);

}  // namespace dotori::convert::onnx
