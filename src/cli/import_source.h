// SPDX-License-Identifier: Apache-2.0
// Which importer a command's files are for, told by their names.
#pragma once

#include <string>
#include <vector>

#include "convert/convert.h"
#include "convert/survey.h"

namespace dotori::cli {

// "name:1x3x224x224" into options.input_shapes; a name may hold colons itself. Error: kInvalidArgument.
Status parse_input_shape(const std::string& text, convert::ImportOptions& options);

// One .onnx, .tflite or .pb (TensorFlow) file, or a pair in either order: .cfg and .weights (Darknet), .prototxt and
// .caffemodel (Caffe).
Result<graph::Graph> import_source(const std::vector<std::string>& files, const convert::ImportOptions& options);

// The layers of the same files; the weights of a pair may be left out.
Result<convert::Survey> survey_source(const std::vector<std::string>& files);

}  // namespace dotori::cli
