// SPDX-License-Identifier: Apache-2.0
// A converted model beside an independent engine: ONNX Runtime, LiteRT or OpenCV runs the source file by one of the
// scripts dump-onnx, dump-tflite and dump-opencv.
#pragma once

#include <string>
#include <vector>

#include "cli/divergence.h"

namespace dotori::cli {

struct EngineCheck {
  std::string engine;  // "ONNX Runtime"
  Divergence divergence;
};

// `photo` goes through the model's own preprocessing into both. `input_options`: those of --input, for the engine. The
// scripts are looked for in DOTORI_SCRIPTS, else in the sources that the program was built from.
// Errors: kNotFound without the script, kUnsupported when the engine cannot run the file, with its words.
Result<EngineCheck> check_beside_engine(const Model& model, const std::vector<std::string>& sources,
                                        const std::vector<std::string>& input_options, const std::string& photo);

}  // namespace dotori::cli
