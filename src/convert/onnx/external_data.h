// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "dotori_onnx.pb.h"

namespace dotori::convert::onnx {

// Reads the tensors that the model keeps in files beside it ("external data") into the model. `path` is the model's own
// file. A location must be a relative path that stays in the model's folder, also through links; anything else is
// refused before a file is opened. Throws ImportError.
void load_external_data(dotori_onnx::ModelProto& model, const std::string& path);

}  // namespace dotori::convert::onnx
