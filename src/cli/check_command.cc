// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "cli/cli.h"
#include "cli/import_source.h"

namespace dotori::cli {
namespace {

struct CheckOptions {
  std::vector<std::string> sources, inputs;
  bool json = false;
};

const char* support_word(convert::Support support) {
  switch (support) {
    case convert::Support::kYes: return "yes";
    case convert::Support::kConstantsOnly: return "of constants";
    case convert::Support::kNo: return "no";
  }
  return "no";
}

bool needs_weights(const std::vector<std::string>& sources) {
  const std::string& first = sources[0];
  const bool described = first.find(".cfg") != std::string::npos || first.find(".prototxt") != std::string::npos;
  return sources.size() == 1 && described;
}

void print_survey(const CheckOptions& o, const convert::Survey& survey) {
  int layers = 0;
  std::size_t width = 8;
  for (const convert::SurveyedKind& kind : survey.kinds) {
    layers += kind.count;
    width = std::max(width, kind.name.size());
  }
  std::printf("%s: %s%s%s, %d layers of %zu kinds\n", o.sources[0].c_str(), survey.format.c_str(),
              survey.details.empty() ? "" : ", ", survey.details.c_str(), layers, survey.kinds.size());
  std::printf("%7s  %-*s  %s\n", "count", static_cast<int>(width), "operator", "supported");
  for (const convert::SurveyedKind& kind : survey.kinds) {
    std::printf("%7d  %-*s  %s", kind.count, static_cast<int>(width), kind.name.c_str(), support_word(kind.support));
    if (kind.support == convert::Support::kNo) std::printf("; first '%s'", kind.first.c_str());
    if (!kind.hint.empty()) std::printf("; %s", kind.hint.c_str());
    std::printf("\n");
  }
}

// Kinds that are not supported first, then by number.
void order(convert::Survey& survey) {
  std::stable_sort(survey.kinds.begin(), survey.kinds.end(),
                   [](const convert::SurveyedKind& a, const convert::SurveyedKind& b) {
                     const bool no_a = a.support == convert::Support::kNo, no_b = b.support == convert::Support::kNo;
                     return no_a != no_b ? no_a : a.count > b.count;
                   });
}

Status check(const CheckOptions& o, bool& convertible) {
  const double start = now_ms();
  convert::ImportOptions options;
  for (const std::string& input : o.inputs) DOTORI_RETURN_IF_ERROR(parse_input_shape(input, options));
  DOTORI_ASSIGN_OR_RETURN(convert::Survey survey, survey_source(o.sources));
  order(survey);
  const bool known = survey.kinds.empty() || survey.kinds[0].support != convert::Support::kNo;
  // Options and shapes of layers that are known by name are judged by the importer itself.
  const bool whole = known && !needs_weights(o.sources);
  Status verdict;
  if (whole) verdict = import_source(o.sources, options).status();
  convertible = known && verdict.ok();
  if (o.json) {
    Json json = {{"model", o.sources[0]}, {"format", survey.format}, {"details", survey.details}};
    json["convertible"] = whole || !known ? Json(convertible) : Json();
    json["error"] = verdict.ok() ? Json() : Json(verdict.message());
    json["operators"] = Json::array();
    for (const convert::SurveyedKind& kind : survey.kinds)
      json["operators"].push_back({{"name", kind.name},
                                   {"count", kind.count},
                                   {"supported", support_word(kind.support)},
                                   {"first", kind.first},
                                   {"hint", kind.hint}});
    json["ms"] = now_ms() - start;
    print_json(json);
    return Status();
  }
  print_survey(o, survey);
  if (!known) std::printf("cannot be converted: the layers marked 'no'\n");
  else if (!whole) std::printf("every kind of layer is known; give the weights as well to check options and sizes\n");
  else if (!verdict.ok()) std::printf("cannot be converted: %s\n", verdict.message().c_str());
  else std::printf("can be converted; checked in %.0f ms\n", now_ms() - start);
  return Status();
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("check", "Which layers a trained file holds, and whether they are supported");
  auto o = std::make_shared<CheckOptions>();
  command->add_option("source", o->sources, "what convert takes; .cfg or .prototxt may come without weights")
      ->required()
      ->expected(1, 2);
  command->add_option("--input", o->inputs, "NAME:1x3x224x224 fixes a dynamic shape, as for convert");
  command->add_flag("--json", o->json, "one JSON object on stdout");
  command->footer(
      "The exit code is 0 when the file can be converted, 1 otherwise.\n"
      "Examples:\n"
      "  dotori check net.onnx\n"
      "  dotori check yolo.cfg yolo.weights --json");
  command->callback([o, &exit_code] {
    bool convertible = false;
    const Status status = check(*o, convertible);
    exit_code = !status.ok() ? fail(status) : convertible ? 0 : kExitFailed;
  });
}

}  // namespace dotori::cli
