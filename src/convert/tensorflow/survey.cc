// SPDX-License-Identifier: Apache-2.0
#include "convert/survey.h"

#include <new>

#include "convert/tensorflow/file.h"
#include "convert/tensorflow/node.h"

namespace dotori::convert {

std::vector<std::string> tensorflow_kinds() {
  return tensorflow::known_ops();
}

Result<Survey> survey_tensorflow(const std::string& path) {
  try {
    DOTORI_ASSIGN_OR_RETURN(const dotori_tensorflow::GraphDef source, tensorflow::read_graph_def(path));
    Survey result;
    result.format = "TensorFlow";
    for (const auto& node : source.node()) {
      if (node.op() == "Const" || node.op() == "Placeholder" || node.op() == "NoOp" || node.op() == "Assert") continue;
      SurveyedKind kind;
      kind.name = node.op();
      kind.first = node.name();
      if (tensorflow::find_op(node.op()) == nullptr) {
        kind.support = Support::kNo;
        kind.hint = tensorflow::rewrite_hint(node.op());
      }
      result.add(kind);
    }
    return result;
  } catch (const std::bad_alloc&) {
    return out_of_memory(path + ": not enough memory");
  }
}

}  // namespace dotori::convert
