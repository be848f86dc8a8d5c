// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <map>

#include "backends/backend.h"
#include "cli/backend_option.h"
#include "cli/cli.h"
#include "cli/quantization_report.h"
#include "cli/report.h"
#include "graph/writer.h"

namespace dotori::cli {
namespace {

struct InspectOptions {
  std::string model, html;
  BackendKind backend = BackendKind::kCpu;
  bool json = false, layers = false;
};

// A node with the step it is part of.
struct Layer {
  const graph::Node* node;
  const backends::Step* step;
  std::int64_t macs;
  std::string refusal;  // why the backend that was asked leaves it to the CPU

  int region() const { return step->region; }
};

std::vector<Layer> layers_of(const graph::Graph& graph, const backends::Plan& plan) {
  std::vector<Layer> layers;
  for (std::size_t n = 0; n < graph.nodes().size(); ++n)
    layers.push_back({&graph.nodes()[n], nullptr, 0, plan.backend != nullptr ? plan.refusals[n] : std::string()});
  for (const backends::Step& step : plan.steps) {
    std::vector<graph::NodeId> nodes = {step.node};
    if (step.region >= 0) nodes = plan.partition.regions[static_cast<std::size_t>(step.region)].nodes;
    if (step.chain >= 0) nodes = plan.partition.chains[static_cast<std::size_t>(step.chain)];
    for (graph::NodeId id : nodes) {
      Layer& layer = layers[static_cast<std::size_t>(id.index)];
      layer.step = &step;
      layer.macs = graph::node_macs(graph, *layer.node);
    }
  }
  return layers;
}

std::int64_t total_macs(const std::vector<Layer>& layers) {
  std::int64_t macs = 0;
  for (const Layer& layer : layers) macs += layer.macs;
  return macs;
}

Json regions_json(const graph::Graph& graph, const backends::Plan& plan) {
  const auto names = [&](const std::vector<graph::ValueId>& ids) {
    Json json = Json::array();
    for (graph::ValueId id : ids) json.push_back(graph.value(id).name);
    return json;
  };
  Json json = Json::array();
  for (const backends::NodeRegion& region : plan.partition.regions) {
    Json nodes = Json::array();
    for (graph::NodeId id : region.nodes) nodes.push_back(graph.node(id).name);
    json.push_back({{"nodes", nodes}, {"inputs", names(region.inputs)}, {"outputs", names(region.outputs)}});
  }
  return json;
}

Json tensor_json(const TensorInfo& t) {
  Json json = {{"name", t.name}, {"type", data_type_name(t.type)}, {"shape", shape_json(t.shape)}};
  if (!t.source_order.empty()) json["source_order"] = shape_json(t.source_order);
  return json;
}

Json inspect_json(const InspectOptions& o, const Model& model, const backends::Plan& plan,
                  const std::vector<Layer>& layers) {
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
  for (const Layer& layer : layers) {
    Json entry = {{"name", layer.node->name},
                  {"op", graph::node_display_name(graph, *layer.node)},
                  {"attributes", graph::op_to_string(layer.node->op)},
                  {"kernel", layer.step->kernel},
                  {"output", shape_json(graph.value(layer.node->outputs[0]).type.shape)},
                  {"macs", layer.macs}};
    if (plan.backend != nullptr) {
      entry["region"] = layer.region() >= 0 ? Json(layer.region()) : Json();
      entry["refusal"] = layer.refusal;
    }
    json["operators"].push_back(entry);
  }
  json["backend"] = backend_word(o.backend);
  if (plan.backend != nullptr) json["regions"] = regions_json(graph, plan);
  json["parameters"] = graph.parameter_count();
  json["macs"] = total_macs(layers);
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

// Who runs how much, and the reasons of the rest, the most frequent first.
void print_division(const backends::Plan& plan, const std::vector<Layer>& layers) {
  std::map<std::string, int> counts;
  std::size_t taken = 0;
  std::int64_t taken_macs = 0;
  for (const Layer& layer : layers) {
    if (layer.region() >= 0) {
      ++taken;
      taken_macs += layer.macs;
    } else {
      ++counts[layer.refusal];
    }
  }
  const std::int64_t macs = total_macs(layers);
  std::printf("  backend     %s runs %zu of %zu layers, %.1f %% of the MACs, in %zu region%s", plan.backend, taken,
              layers.size(), macs > 0 ? 100.0 * static_cast<double>(taken_macs) / static_cast<double>(macs) : 0.0,
              plan.partition.regions.size(), plan.partition.regions.size() == 1 ? "" : "s");
  std::printf(taken == layers.size() ? "\n" : "; the CPU runs\n");
  std::vector<std::pair<std::string, int>> by_count(counts.begin(), counts.end());
  std::stable_sort(by_count.begin(), by_count.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [reason, count] : by_count) std::printf("              %d: %s\n", count, reason.c_str());
}

void print_layers(const graph::Graph& graph, const std::vector<Layer>& layers, bool divided) {
  std::printf("\n%4s  %-40s %-18s %-22s %10s  %s%s\n", "#", "layer", "operator", "output", "MACs",
              divided ? "region  " : "", "kernel");
  for (std::size_t n = 0; n < layers.size(); ++n) {
    const Layer& layer = layers[n];
    std::printf("%4zu  %-40.40s %-18s %-22s %10s  ", n, layer.node->name.c_str(),
                graph::node_display_name(graph, *layer.node),
                graph.value(layer.node->outputs[0]).type.shape.to_string().c_str(),
                layer.macs > 0 ? human_count(static_cast<double>(layer.macs)).c_str() : "");
    if (divided) std::printf("%-6s  ", layer.region() >= 0 ? std::to_string(layer.region()).c_str() : "");
    std::printf("%s%s\n", layer.step->kernel.c_str(), layer.refusal.empty() ? "" : (": " + layer.refusal).c_str());
  }
}

void print_summary(const InspectOptions& o, const Model& model, const backends::Plan& plan,
                   const std::vector<Layer>& layers) {
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
              human_count(static_cast<double>(total_macs(layers))).c_str(),
              human_bytes(static_cast<double>(plan.arena_bytes)).c_str(),
              human_bytes(static_cast<double>(plan.packed_bytes)).c_str(),
              human_bytes(static_cast<double>(model.file_bytes())).c_str());
  if (!graph.quantization.empty()) print_quantization(graph.quantization);
  if (plan.backend != nullptr) print_division(plan, layers);
  if (!o.layers) {
    std::printf("  (--layers lists every layer, --html FILE draws the memory plan)\n");
    return;
  }
  print_layers(graph, layers, plan.backend != nullptr);
}

Status inspect(const InspectOptions& o) {
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::load_file(o.model));
  backends::CompileOptions options;
  if (o.backend == BackendKind::kReference) options.isa = kernels::kIsaNone;
  if (!backend_available(o.backend))
    return unsupported("the XNNPACK backend is not in this build; configure it with -DDOTORI_XNNPACK=ON");
  const Backend* backend = o.backend == BackendKind::kXnnpack ? backends::xnnpack_backend() : nullptr;
  DOTORI_ASSIGN_OR_RETURN(const backends::Plan plan, backends::compile(model.graph(), options, backend));
  const std::vector<Layer> layers = layers_of(model.graph(), plan);
  if (!o.html.empty()) {
    const std::string page = html_report(model, plan);
    DOTORI_RETURN_IF_ERROR(graph::write_file_atomically(
        o.html, Span<const unsigned char>(reinterpret_cast<const unsigned char*>(page.data()), page.size())));
  }
  if (o.json) {
    print_json(inspect_json(o, model, plan, layers));
    return Status();
  }
  print_summary(o, model, plan, layers);
  if (!o.html.empty()) std::printf("  report      %s\n", o.html.c_str());
  return Status();
}

}  // namespace

void add_inspect(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("inspect", "Show a model's layers, shapes, parameters, cost and memory");
  auto o = std::make_shared<InspectOptions>();
  command->add_option("model", o->model, "MODEL.dtr")->required();
  command->add_flag("--layers", o->layers, "list every layer with its kernel");
  add_backend_option(*command, o->backend, AutoBackend::kRefused);
  command->add_option("--html", o->html, "write a page with all layers and a chart of the memory plan");
  command->add_flag("--json", o->json, "one JSON object on stdout");
  command->footer(
      "Examples:\n"
      "  dotori inspect mobilenet.dtr\n"
      "  dotori inspect mobilenet.dtr --layers\n"
      "  dotori inspect mobilenet.dtr --backend xnnpack --layers    # who runs what, and why not\n"
      "  dotori inspect mobilenet.dtr --html mobilenet.html");
  command->callback([o, &exit_code] {
    const Status status = inspect(*o);
    if (!status.ok()) exit_code = fail(status);
  });
}

}  // namespace dotori::cli
