// SPDX-License-Identifier: Apache-2.0
// What a trained file is made of, told without converting it: kinds of layers, how many, and which of them the importer
// does not know. Weights are not looked at.
#pragma once

#include <string>
#include <vector>

#include <dotori/status.h>

namespace dotori::convert {

enum class Support {
  kYes,            // imported; an option may still be refused
  kConstantsOnly,  // computed while importing, from numbers that are known then
  kNo,
};

struct SurveyedKind {
  std::string name;  // as the format calls it: "Conv", "CONV_2D", "convolutional"
  int count = 0;
  Support support = Support::kYes;
  std::string first;  // the first such layer, by the file's name for it
  std::string hint;   // kNo, kConstantsOnly: what to do instead; may be empty
};

struct Survey {
  std::string format;               // "ONNX", "TFLite", "Darknet", "Caffe", "TensorFlow"
  std::string details;              // "opset 13, by pytorch 1.13.1"; may be empty
  std::vector<SurveyedKind> kinds;  // in the order of the file

  // Counts a layer; the first of its kind describes the kind.
  void add(const SurveyedKind& layer);
};

// Errors: those of the importers for a file that cannot be read, with its path.
Result<Survey> survey_onnx(const std::string& path);
Result<Survey> survey_tflite(const std::string& path);
Result<Survey> survey_darknet(const std::string& cfg_path);
Result<Survey> survey_caffe(const std::string& description_path);
Result<Survey> survey_tensorflow(const std::string& path);

// The kinds that each importer knows, by the format's own names, sorted; docs/operators.md is checked against them.
std::vector<std::string> onnx_kinds();
std::vector<std::string> tflite_kinds();
std::vector<std::string> darknet_kinds();
std::vector<std::string> caffe_kinds();
std::vector<std::string> tensorflow_kinds();

inline void Survey::add(const SurveyedKind& layer) {
  for (SurveyedKind& kind : kinds) {
    if (kind.name != layer.name) continue;
    ++kind.count;
    return;
  }
  kinds.push_back(layer);
  kinds.back().count = 1;
}

}  // namespace dotori::convert
