// SPDX-License-Identifier: Apache-2.0
#include "convert/survey.h"

#include <new>

#include "convert/tflite/codes.h"
#include "convert/tflite/model.h"
#include "graph/reader.h"

namespace dotori::convert {
namespace tflite {
namespace {

Result<Survey> survey(const graph::Constant& file) {
  DOTORI_ASSIGN_OR_RETURN(const Model model,
                          read_model({static_cast<const unsigned char*>(file.data), file.size_bytes}));
  Survey result;
  result.format = "TFLite";
  for (const Operator& op : model.operators) {
    SurveyedKind kind;
    kind.name = operator_name(op);
    kind.first = op.name;
    if (find_lower(op) == nullptr) kind.support = is_folded_only(op) ? Support::kConstantsOnly : Support::kNo;
    result.add(kind);
  }
  return result;
}

}  // namespace
}  // namespace tflite

std::vector<std::string> tflite_kinds() {
  return tflite::known_operators();
}

Result<Survey> survey_tflite(const std::string& path) {
  try {
    DOTORI_ASSIGN_OR_RETURN(const graph::Constant file, graph::read_file(path));
    auto survey = tflite::survey(file);
    if (!survey.ok()) return survey.status().with_context(path);
    return survey;
  } catch (const std::bad_alloc&) {
    return out_of_memory(path + ": not enough memory");
  }
}

}  // namespace dotori::convert
