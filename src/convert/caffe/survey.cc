// SPDX-License-Identifier: Apache-2.0
#include "convert/survey.h"

#include <new>

#include "convert/caffe/builder.h"
#include "convert/caffe/description.h"

namespace dotori::convert {

std::vector<std::string> caffe_kinds() {
  return caffe::known_layers();
}

Result<Survey> survey_caffe(const std::string& description_path) {
  try {
    DOTORI_ASSIGN_OR_RETURN(const dotori_caffe::Net net, caffe::read_description(description_path));
    Survey result;
    result.format = "Caffe";
    for (const dotori_caffe::Layer& layer : net.layer()) {
      SurveyedKind kind;
      kind.name = layer.type();
      kind.first = layer.name();
      if (!caffe::is_known_layer(layer.type())) {
        kind.support = Support::kNo;
        kind.hint = caffe::rewrite_hint(layer.type());
      }
      result.add(kind);
    }
    return result;
  } catch (const std::bad_alloc&) {
    return out_of_memory(description_path + ": not enough memory");
  }
}

}  // namespace dotori::convert
