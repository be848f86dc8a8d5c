// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include <dotori/vision.h>

#include "backends/backend.h"
#include "cli/cli.h"
#include "cli/engine_check.h"
#include "cli/import_source.h"
#include "cli/task_options.h"
#include "graph/passes/passes.h"
#include "graph/reader.h"
#include "graph/writer.h"

namespace dotori::cli {
namespace {

struct ConvertOptions {
  std::vector<std::string> sources;
  std::string out;
  std::vector<std::string> inputs;
  TaskOptions task;
  std::string verify;
  bool json = false;
};

Result<graph::Graph> import_model(const ConvertOptions& o) {
  convert::ImportOptions options;
  for (const std::string& input : o.inputs) DOTORI_RETURN_IF_ERROR(parse_input_shape(input, options));
  return import_source(o.sources, options);
}

// The task's own decoder on the outputs of a grey picture: a task description that does not fit the network is found
// here.
Status prove_task(Session& session) {
  const TaskInfo& task = session.model().task();
  if (task.task == Task::kNone) return Status();
  const vision::Image picture = vision::make_image(96, 64, {128, 128, 128});
  std::vector<TensorView> inputs;
  for (int i = 0; i < session.input_count(); ++i) inputs.push_back(session.input(i));
  DOTORI_ASSIGN_OR_RETURN(const vision::PhotoTransform transform,
                          vision::fill_inputs(picture, task.preprocess, inputs));
  DOTORI_RETURN_IF_ERROR(session.run());
  std::vector<TensorView> outputs;
  for (int i = 0; i < session.output_count(); ++i) outputs.push_back(session.output(i));
  switch (task.task) {
    case Task::kClassification:
      return vision::top_k(session.output(task.classification.output), 1, task.classification.apply_softmax).status();
    case Task::kDetection: return vision::decode_detections(task.detection, outputs, transform).status();
    case Task::kSegmentation:
      return vision::decode_mask(task.segmentation, session.output(task.segmentation.output), transform).status();
    default: return Status();
  }
}

// The bytes are loaded as any program would load them and run once on a seeded input: a file that cannot run is never
// written.
Status prove_runnable(const std::vector<unsigned char>& bytes, std::vector<std::string>& warnings) {
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::from_memory(bytes, "converted model"));
  DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model));
  for (int i = 0; i < session.input_count(); ++i) {
    const TensorView input = session.input(i);
    std::uint32_t state = 12345;
    for (std::int64_t e = 0; input.f32() != nullptr && e < input.elements(); ++e) {
      state = state * 1664525u + 1013904223u;
      input.f32()[e] = static_cast<float>(state >> 8) * (1.0f / 16777216.0f);
    }
  }
  DOTORI_RETURN_IF_ERROR(session.run());
  for (int i = 0; i < session.output_count(); ++i) {
    const TensorView output = session.output(i);
    for (std::int64_t e = 0; output.f32() != nullptr && e < output.elements(); ++e) {
      if (std::isfinite(output.f32()[e])) continue;
      warnings.push_back("output '" + model.outputs()[static_cast<std::size_t>(i)].name + "' holds " +
                         std::to_string(output.f32()[e]) + " for an input in [0, 1)");
      break;
    }
  }
  return prove_task(session).with_context("the task description does not fit the network");
}

// Every layer beside an independent engine, on a photo. Error: kInternal with the first layer that diverges.
Status verify(const ConvertOptions& o, const std::vector<unsigned char>& bytes, std::string& text, Json& json) {
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::from_memory(bytes, "converted model"));
  DOTORI_ASSIGN_OR_RETURN(const EngineCheck check, check_beside_engine(model, o.sources, o.inputs, o.verify));
  const Divergence& d = check.divergence;
  char line[300];
  if (d.first >= 0) {
    const LayerDifference& first = d.layers[static_cast<std::size_t>(d.first)];
    std::snprintf(line, sizeof line,
                  "layer '%.100s' (%.40s) differs from %s by %.2e of its maximum (%.1f dB); nothing written",
                  first.name.c_str(), first.op.c_str(), check.engine.c_str(), first.relative, first.sqnr_db);
    return internal_error(line);
  }
  double worst = 0, least_db = 200;
  for (const LayerDifference& layer : d.layers) {
    worst = std::max(worst, layer.relative);
    least_db = std::min(least_db, layer.sqnr_db);
  }
  if (d.by_noise)
    std::snprintf(line, sizeof line, "verified beside %s: %zu layers agree, the worst at %.1f dB of signal to noise",
                  check.engine.c_str(), d.layers.size(), least_db);
  else
    std::snprintf(line, sizeof line, "verified beside %s: %zu layers agree, the worst by %.1e of its maximum",
                  check.engine.c_str(), d.layers.size(), worst);
  text = line;
  json = {{"engine", check.engine}, {"layers", d.layers.size()}, {"largest_difference", worst}, {"least_db", least_db}};
  return Status();
}

Status convert_model(const ConvertOptions& o) {
  const double start = now_ms();
  DOTORI_ASSIGN_OR_RETURN(graph::Graph graph, import_model(o));
  const std::size_t source_nodes = graph.nodes().size();
  DOTORI_RETURN_IF_ERROR(o.task.apply(graph));
  DOTORI_RETURN_IF_ERROR(graph::optimize(graph, backends::evaluate_node).with_context(o.sources[0]));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<unsigned char> bytes, graph::write_graph(graph));
  std::vector<std::string> warnings;
  DOTORI_RETURN_IF_ERROR(prove_runnable(bytes, warnings).with_context(o.sources[0]));
  std::string verified;
  Json verification;
  if (!o.verify.empty()) DOTORI_RETURN_IF_ERROR(verify(o, bytes, verified, verification).with_context(o.sources[0]));
  DOTORI_RETURN_IF_ERROR(graph::write_file_atomically(o.out, bytes));
  const auto reloaded = Model::load_file(o.out);
  if (!reloaded.ok()) {
    std::error_code ignored;
    std::filesystem::remove(o.out, ignored);
    return reloaded.status();
  }

  std::int64_t macs = 0;
  for (const graph::Node& node : graph.nodes()) macs += graph::node_macs(graph, node);
  if (o.json) {
    Json json;
    json["model"] = o.out;
    json["source"] = graph.source;
    json["task"] = task_name(graph.task.task);
    json["source_operators"] = source_nodes;
    json["operators"] = graph.nodes().size();
    json["parameters"] = graph.parameter_count();
    json["macs"] = macs;
    json["file_bytes"] = bytes.size();
    json["ms"] = now_ms() - start;
    json["warnings"] = warnings;
    json["verified"] = verification;
    print_json(json);
    return Status();
  }
  std::printf("%s: %s, %zu operators (%zu before folding and fusing), %s parameters, %s MACs, %s\n", o.out.c_str(),
              task_name(graph.task.task), graph.nodes().size(), source_nodes,
              human_count(static_cast<double>(graph.parameter_count())).c_str(),
              human_count(static_cast<double>(macs)).c_str(), human_bytes(static_cast<double>(bytes.size())).c_str());
  for (const std::string& warning : warnings) std::printf("warning: %s\n", warning.c_str());
  if (!verified.empty()) std::printf("%s\n", verified.c_str());
  std::printf("loaded back and run once; %.0f ms\n", now_ms() - start);
  return Status();
}

}  // namespace

void add_convert(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("convert", "Turn a trained network (ONNX, TFLite, Darknet, Caffe) into a .dtr model");
  auto o = std::make_shared<ConvertOptions>();
  command
      ->add_option("in", o->sources,
                   "NET.onnx, NET.tflite, NET.pb, NET.cfg NET.weights, or NET.prototxt NET.caffemodel")
      ->required()
      ->expected(1, 2);
  command->add_option("-o,--out", o->out, "the model to write")->required();
  command->add_option("--input", o->inputs, "fixes an input's dynamic dimensions: NAME:1x3x224x224 (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--verify", o->verify,
                      "PHOTO: run the source file in ONNX Runtime, LiteRT or OpenCV too and compare every layer");
  command->add_flag("--json", o->json, "one JSON object on stdout");
  o->task.add_to(*command);
  command->footer(
      "Nothing is written unless the whole network converts, loads back and runs.\n"
      "Examples:\n"
      "  dotori convert mobilenet_v1.tflite -o mobilenet.dtr --preset mobilenet-tf --labels labels.txt\n"
      "  dotori convert yolov4-tiny.cfg yolov4-tiny.weights -o yolo.dtr --labels coco.names\n"
      "  dotori convert deploy.prototxt net.caffemodel -o net.dtr --preset caffe\n"
      "  dotori convert net.onnx -o net.dtr --preset imagenet-torch --verify street.jpg\n"
      "  dotori convert u2netp.onnx -o u2netp.dtr --preset u2net\n"
      "  dotori convert net.onnx -o net.dtr --input image:1x3x320x320 --decoder yolo --classes 3 \\\n"
      "      --strides 32,16 --anchors \"81,82,135,169,344,319;10,14,23,27,37,58\"");
  command->callback([o, &exit_code] {
    const Status status = convert_model(*o);
    if (!status.ok()) exit_code = fail(status);
  });
}

}  // namespace dotori::cli
