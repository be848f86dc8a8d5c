// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <map>

#include "backends/backend.h"
#include "cli/cli.h"
#include "cli/quantization_report.h"
#include "cli/report.h"
#include "graph/writer.h"

namespace dotori::cli {
namespace {

struct InspectOptions {
  std::string model, html;
  bool json = false, layers = false;
};

Json tensor_json(const TensorInfo& t) {
  Json json = {{"name", t.name}, {"type", data_type_name(t.type)}, {"shape", shape_json(t.shape)}};
  if (!t.source_order.empty()) json["source_order"] = shape_json(t.source_order);
  return json;
}

Json inspect_json(const InspectOptions& o, const Model& model, const backends::Plan& plan, std::int64_t macs) {
  const graph::Graph& graph = model.graph();
  Json json;
  json["model"] = o.model;
  json["name"] = model.name();
  json["source"] = graph.source;
  json["task"] = task_name(model.task().task);
  json["labels"] = model.task().labels.size();
  for (const TensorInfo& t : model.inputs()) json["inputs"].push_back(tensor_json(t));
  for (const TensorInfo& t : model.outputs()) json["outputs"].push_back(tensor_json(t));
  json["operators"] = Json::array();
  for (const backends::Step& step : plan.steps) {
    const graph::Node& node = graph.node(step.node);
    json["operators"].push_back({{"name", node.name},
                                 {"op", graph::node_display_name(graph, node)},
                                 {"attributes", graph::op_to_string(node.op)},
                                 {"kernel", step.kernel},
                                 {"output", shape_json(graph.value(node.outputs[0]).type.shape)},
                                 {"macs", step.macs}});
  }
  json["parameters"] = graph.parameter_count();
  json["macs"] = macs;
  json["arena_bytes"] = plan.arena_bytes;
  json["packed_bytes"] = plan.packed_bytes;
  json["file_bytes"] = model.file_bytes();
  if (!graph.quantization.empty()) json["quantization"] = quantization_json(graph.quantization);
  return json;
}

void print_quantization(const graph::QuantizationReport& r) {
  std::printf("  quantised   %s; calibrated on %d samples\n  accuracy    %s\n", r.method.c_str(), r.calibration_samples,
              accuracy_text(r).c_str());
  if (r.bytes_before > 0) {
    std::printf("  size        %s, in float32 %s\n", human_bytes(static_cast<double>(r.bytes_after)).c_str(),
                human_bytes(static_cast<double>(r.bytes_before)).c_str());
  }
}

void print_summary(const InspectOptions& o, const Model& model, const backends::Plan& plan, std::int64_t macs) {
  const graph::Graph& graph = model.graph();
  std::printf("%s\n  name        %s\n  source      %s\n  task        %s", o.model.c_str(), model.name().c_str(),
              graph.source.c_str(), task_name(model.task().task));
  if (!model.task().labels.empty()) std::printf(", %zu labels", model.task().labels.size());
  std::printf("\n");
  for (const TensorInfo& t : model.inputs())
    std::printf("  input       %s %s %s\n", t.name.c_str(), data_type_name(t.type), t.shape.to_string().c_str());
  for (const TensorInfo& t : model.outputs())
    std::printf("  output      %s %s %s\n", t.name.c_str(), data_type_name(t.type), t.shape.to_string().c_str());
  std::map<std::string, int> counts;
  for (const graph::Node& node : graph.nodes()) ++counts[graph::node_display_name(graph, node)];
  std::vector<std::pair<std::string, int>> by_count(counts.begin(), counts.end());
  std::stable_sort(by_count.begin(), by_count.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::printf("  operators   %zu:", graph.nodes().size());
  for (const auto& [name, count] : by_count)
    std::printf(" %d %s%s", count, name.c_str(), name == by_count.back().first ? "" : ",");
  std::printf("\n  parameters  %s\n  MACs        %s\n  memory      %s working, %s packed weights, %s file\n",
              human_count(static_cast<double>(graph.parameter_count())).c_str(),
              human_count(static_cast<double>(macs)).c_str(),
              human_bytes(static_cast<double>(plan.arena_bytes)).c_str(),
              human_bytes(static_cast<double>(plan.packed_bytes)).c_str(),
              human_bytes(static_cast<double>(model.file_bytes())).c_str());
  if (!graph.quantization.empty()) print_quantization(graph.quantization);
  if (!o.layers) {
    std::printf("  (--layers lists every layer, --html FILE draws the memory plan)\n");
    return;
  }
  std::printf("\n%4s  %-40s %-18s %-22s %10s  %s\n", "#", "layer", "operator", "output", "MACs", "kernel");
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const backends::Step& step = plan.steps[s];
    const graph::Node& node = graph.node(step.node);
    std::printf("%4zu  %-40.40s %-18s %-22s %10s  %s\n", s, node.name.c_str(), graph::node_display_name(graph, node),
                graph.value(node.outputs[0]).type.shape.to_string().c_str(),
                step.macs > 0 ? human_count(static_cast<double>(step.macs)).c_str() : "", step.kernel.c_str());
  }
}

Status inspect(const InspectOptions& o) {
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::load_file(o.model));
  DOTORI_ASSIGN_OR_RETURN(const backends::Plan plan,
                          backends::compile(model.graph(), backends::cpu_backend(), backends::CompileOptions()));
  std::int64_t macs = 0;
  for (const backends::Step& step : plan.steps) macs += step.macs;
  if (!o.html.empty()) {
    const std::string page = html_report(model, plan);
    DOTORI_RETURN_IF_ERROR(graph::write_file_atomically(
        o.html, Span<const unsigned char>(reinterpret_cast<const unsigned char*>(page.data()), page.size())));
  }
  if (o.json) {
    print_json(inspect_json(o, model, plan, macs));
    return Status();
  }
  print_summary(o, model, plan, macs);
  if (!o.html.empty()) std::printf("  report      %s\n", o.html.c_str());
  return Status();
}

}  // namespace

void add_inspect(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("inspect", "Show a model's layers, shapes, parameters, cost and memory");
  auto o = std::make_shared<InspectOptions>();
  command->add_option("model", o->model, "MODEL.dtr")->required();
  command->add_flag("--layers", o->layers, "list every layer with its kernel");
  command->add_option("--html", o->html, "write a page with all layers and a chart of the memory plan");
  command->add_flag("--json", o->json, "one JSON object on stdout");
  command->footer(
      "Examples:\n"
      "  dotori inspect mobilenet.dtr\n"
      "  dotori inspect mobilenet.dtr --layers\n"
      "  dotori inspect mobilenet.dtr --html mobilenet.html");
  command->callback([o, &exit_code] {
    const Status status = inspect(*o);
    if (!status.ok()) exit_code = fail(status);
  });
}

}  // namespace dotori::cli
