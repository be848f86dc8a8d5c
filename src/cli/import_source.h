// SPDX-License-Identifier: Apache-2.0
// Which importer a command's files are for, told by their names.
#pragma once

#include <string>
#include <vector>

#include "convert/convert.h"

namespace dotori::cli {

// "name:1x3x224x224" into options.input_shapes; a name may hold colons itself. Error: kInvalidArgument.
Status parse_input_shape(const std::string& text, convert::ImportOptions& options);

// One .onnx or .tflite file, or a pair in either order: .cfg and .weights (Darknet), .prototxt and .caffemodel (Caffe).
Result<graph::Graph> import_source(const std::vector<std::string>& files, const convert::ImportOptions& options);

}  // namespace dotori::cli
