// SPDX-License-Identifier: Apache-2.0
#include "cli/import_source.h"

#include "cli/cli.h"

namespace dotori::cli {
namespace {

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() && text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

// Formats of two files.
struct Pair {
  const char* format;
  const char* description;
  const char* weights;
  Result<graph::Graph> (*import)(const std::string&, const std::string&, const convert::ImportOptions&);
  Result<convert::Survey> (*survey)(const std::string&);
};

constexpr Pair kPairs[] = {{"Darknet", ".cfg", ".weights", convert::import_darknet, convert::survey_darknet},
                           {"Caffe", ".prototxt", ".caffemodel", convert::import_caffe, convert::survey_caffe}};

Status unknown_kind(const std::string& file) {
  return unsupported(
      file + ": unknown kind of file, expected .onnx, .tflite, .pb, .cfg with .weights, or .prototxt with .caffemodel");
}

}  // namespace

Status parse_input_shape(const std::string& text, convert::ImportOptions& options) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return invalid_argument("--input '" + text + "': expected NAME:1x3x224x224");
  std::vector<std::int64_t> shape;
  for (const std::string& part : split(text.substr(colon + 1), 'x')) {
    if (part.empty() || part.size() > 9 || part.find_first_not_of("0123456789") != std::string::npos ||
        std::stoll(part) < 1)
      return invalid_argument("--input '" + text + "': '" + part + "' is not a dimension of 1 or more");
    shape.push_back(std::stoll(part));
  }
  options.input_shapes[text.substr(0, colon)] = shape;
  return Status();
}

Result<graph::Graph> import_source(const std::vector<std::string>& files, const convert::ImportOptions& options) {
  const std::string& first = files[0];
  if (files.size() == 2) {
    for (const Pair& pair : kPairs)
      for (int i : {0, 1})
        if (ends_with(files[static_cast<std::size_t>(i)], pair.description) &&
            ends_with(files[static_cast<std::size_t>(1 - i)], pair.weights))
          return pair.import(files[static_cast<std::size_t>(i)], files[static_cast<std::size_t>(1 - i)], options);
    return invalid_argument("two files were given (" + first + ", " + files[1] +
                            "), expected a Darknet .cfg and .weights, or a Caffe .prototxt and .caffemodel");
  }
  for (const Pair& pair : kPairs)
    if (ends_with(first, pair.description) || ends_with(first, pair.weights))
      return invalid_argument(first + ": a " + pair.format + " network needs two files, NET" + pair.description +
                              " and NET" + pair.weights);
  if (ends_with(first, ".onnx")) return convert::import_onnx(first, options);
  if (ends_with(first, ".tflite")) return convert::import_tflite(first, options);
  if (ends_with(first, ".pb")) return convert::import_tensorflow(first, options);
  return unknown_kind(first);
}

Result<convert::Survey> survey_source(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    for (const Pair& pair : kPairs)
      if (ends_with(file, pair.description)) return pair.survey(file);
    if (ends_with(file, ".onnx")) return convert::survey_onnx(file);
    if (ends_with(file, ".tflite")) return convert::survey_tflite(file);
    if (ends_with(file, ".pb")) return convert::survey_tensorflow(file);
  }
  return unknown_kind(files[0]);
}

}  // namespace dotori::cli
