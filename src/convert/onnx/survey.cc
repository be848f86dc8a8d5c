// SPDX-License-Identifier: Apache-2.0
#include "convert/survey.h"

#include <new>

#include "convert/onnx/error.h"
#include "convert/onnx/file.h"
#include "convert/onnx/ops.h"

namespace dotori::convert {
namespace onnx {
namespace {

SurveyedKind describe(const dotori_onnx::NodeProto& node) {
  SurveyedKind kind;
  kind.name = node.op_type();
  kind.first = node.name().empty() ? (node.output_size() > 0 ? node.output(0) : "") : node.name();
  const bool own = node.domain().empty() || node.domain() == "ai.onnx" || node.domain() == "com.microsoft";
  if (!own) {
    kind.name = node.domain() + "." + kind.name;
    kind.support = Support::kNo;
    kind.hint = "operators of this domain are not supported";
  } else if (is_host_only(kind.name)) {
    kind.support = kind.name == "Constant" ? Support::kYes : Support::kConstantsOnly;
    kind.hint = rewrite_hint(kind.name);
  } else if (kind.name == "If") {
    kind.support = Support::kConstantsOnly;
    kind.hint = rewrite_hint(kind.name);
  } else if (find_op(kind.name) == nullptr) {
    kind.support = Support::kNo;
    kind.hint = rewrite_hint(kind.name);
  }
  return kind;
}

Survey survey(const std::string& path) {
  const dotori_onnx::ModelProto model = parse_model(read_file(path));
  Survey result;
  result.format = "ONNX";
  result.details = "opset " + std::to_string(model_opset(model));
  if (!model.producer_name().empty()) result.details += ", by " + model.producer_name();
  if (!model.producer_version().empty()) result.details += " " + model.producer_version();
  for (const auto& node : model.graph().node()) result.add(describe(node));
  return result;
}

}  // namespace
}  // namespace onnx

std::vector<std::string> onnx_kinds() {
  return onnx::known_ops();
}

Result<Survey> survey_onnx(const std::string& path) {
  try {
    return onnx::survey(path);
  } catch (const onnx::ImportError& error) {
    return error.status().with_context(path);
  } catch (const std::bad_alloc&) {
    return out_of_memory("not enough memory").with_context(path);
  }
}

}  // namespace dotori::convert
