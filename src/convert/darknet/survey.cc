// SPDX-License-Identifier: Apache-2.0
#include "convert/survey.h"

#include <new>

#include "convert/darknet/cfg.h"
#include "convert/darknet/layers.h"

namespace dotori::convert {

std::vector<std::string> darknet_kinds() {
  return darknet::known_layers();
}

Result<Survey> survey_darknet(const std::string& cfg_path) {
  try {
    DOTORI_ASSIGN_OR_RETURN(const std::vector<darknet::Section> sections, darknet::read_cfg(cfg_path));
    Survey result;
    result.format = "Darknet";
    for (const darknet::Section& section : sections) {
      if (section.index < 0) continue;
      SurveyedKind kind;
      kind.name = section.name;
      kind.first = section.where();
      if (!darknet::is_known_layer(section.name)) {
        kind.support = Support::kNo;
        kind.hint = "export the network to ONNX, with this layer written as others";
      }
      result.add(kind);
    }
    return result;
  } catch (const std::bad_alloc&) {
    return out_of_memory(cfg_path + ": not enough memory");
  }
}

}  // namespace dotori::convert
