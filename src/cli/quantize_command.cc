// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/calibration.h"
#include "cli/cli.h"
#include "cli/cores_option.h"
#include "cli/filter_option.h"
#include "cli/quantization_report.h"
#include "evaluate/agreement.h"
#include "evaluate/evaluate.h"
#include "graph/writer.h"
#include "quantize/quantize.h"

namespace dotori::cli {
namespace {

namespace fs = std::filesystem;

struct QuantizeOptions {
  std::string model, out, calibration, html;
  std::string images, labels, annotations, masks, agree, class_offset = "auto";
  int foreground = -1;
  std::size_t limit = 64, measure_limit = 0;
  std::string observer = "auto", input_type = "float32", output_type = "float32";
  std::vector<std::string> keep_fp32;
  double max_drop = -1;
  std::vector<vision::PhotoFilter> filters;
  bool no_equalize = false, no_bias_correction = false, adaround = false, force = false, json = false;
  int threads = 0;
  CoreClass cores = CoreClass::kAll;
  std::uint64_t core_mask = 0;
};

// The dataset, the metric's name and the figure.
Status set_metric(const QuantizeOptions& o, const Model& model, quantize::Options* options) {
  const int given = (o.labels.empty() ? 0 : 1) + (o.annotations.empty() ? 0 : 1) + (o.masks.empty() ? 0 : 1) +
                    (o.agree.empty() ? 0 : 1);
  if (given == 0) {
    if (o.max_drop >= 0) {
      return invalid_argument(
          "--max-drop needs photos to measure with: --images with --labels, --annotations or "
          "--masks, or --agree");
    }
    return {};
  }
  if (given > 1) return invalid_argument("expected one of --labels, --annotations, --masks and --agree");
  if (!o.agree.empty()) {
    DOTORI_ASSIGN_OR_RETURN(std::vector<std::string> photos, evaluate::list_photos(o.agree));
    evaluate::keep_spread(&photos, o.measure_limit);
    const bool masks = model.task().task == Task::kSegmentation;
    options->metric_name = masks ? "mask IoU with float32" : "agreement with float32";
    options->metric_samples = static_cast<int>(photos.size());
    options->metric = [=](const graph::Graph& graph) -> Result<double> {
      ProgressBar bar("measuring", photos.size());
      DOTORI_ASSIGN_OR_RETURN(const Model other, Model::from_graph(graph));
      evaluate::AgreementOptions agreement_options;
      agreement_options.threads = o.threads;
      agreement_options.cores = o.cores;
      agreement_options.core_mask = o.core_mask;
      agreement_options.filters = o.filters;
      agreement_options.each = [&bar](const auto&, const auto&, const auto&, const auto&) {
        bar.advance();
        return Status();
      };
      DOTORI_ASSIGN_OR_RETURN(const evaluate::Agreement found,
                              evaluate::agreement(model, other, photos, agreement_options));
      return masks ? found.iou : found.percent.mean;
    };
    return {};
  }
  if (o.images.empty()) return invalid_argument("--images is missing: the folder of the photos to measure with");
  evaluate::Dataset dataset;
  if (!o.labels.empty()) {
    DOTORI_ASSIGN_OR_RETURN(dataset, evaluate::load_labels(o.images, o.labels));
  } else if (!o.masks.empty()) {
    DOTORI_ASSIGN_OR_RETURN(dataset, evaluate::load_masks(o.images, o.masks));
  } else if (std::error_code error; fs::is_directory(o.annotations, error)) {
    DOTORI_ASSIGN_OR_RETURN(dataset, evaluate::load_voc(o.images, o.annotations));
  } else {
    DOTORI_ASSIGN_OR_RETURN(dataset, evaluate::load_coco(o.images, o.annotations));
  }
  evaluate::keep_spread(&dataset.examples, o.measure_limit);
  const Task task = model.task().task;
  const int foreground = o.foreground;
  options->metric_name = task == Task::kClassification ? "top-1"
                         : task == Task::kDetection    ? "AP50"
                         : foreground >= 0             ? "foreground IoU"
                                                       : "mean IoU";
  options->metric_samples = static_cast<int>(dataset.examples.size());
  evaluate::EvaluateOptions evaluate_options;
  evaluate_options.threads = o.threads;
  evaluate_options.cores = o.cores;
  evaluate_options.core_mask = o.core_mask;
  evaluate_options.foreground = foreground;
  evaluate_options.filters = o.filters;
  if (o.class_offset != "auto") evaluate_options.class_offset = o.class_offset == "1" ? 1 : 0;
  options->metric = [=](const graph::Graph& graph) -> Result<double> {
    ProgressBar bar("measuring", dataset.examples.size());
    evaluate::EvaluateOptions with_bar = evaluate_options;
    with_bar.progress = [&bar] { bar.advance(); };
    DOTORI_ASSIGN_OR_RETURN(const Model candidate, Model::from_graph(graph));
    DOTORI_ASSIGN_OR_RETURN(const evaluate::Metrics m, evaluate::evaluate(candidate, dataset, with_bar));
    if (task == Task::kClassification) return m.classification.top1;
    if (task == Task::kDetection) return m.detection.ap50;
    return foreground >= 0 ? m.segmentation.foreground_iou : m.segmentation.iou;
  };
  return {};
}

DataType data_type_of(const std::string& name) {
  return name == "int8" ? DataType::kInt8 : name == "uint8" ? DataType::kUint8 : DataType::kFloat32;
}

quantize::Observer observer_of(const std::string& name) {
  using quantize::Observer;
  if (name == "minmax") return Observer::kMinMax;
  if (name == "average") return Observer::kAverage;
  if (name == "percentile") return Observer::kPercentile;
  if (name == "kl") return Observer::kEntropy;
  return name == "mse" ? Observer::kMse : Observer::kAuto;
}

// A bar for each stage that the library names.
class Stages {
 public:
  void advance(const char* stage, std::size_t total) {
    if (!bar_ || stage != name_) {
      bar_.reset();
      name_ = stage;
      bar_ = std::make_unique<ProgressBar>(name_, total);
    }
    bar_->advance();
  }

 private:
  std::string name_;
  std::unique_ptr<ProgressBar> bar_;
};

// The file holds its own size: written once to learn it.
Result<std::vector<unsigned char>> write_model(graph::Graph* graph) {
  graph->quantization.bytes_after = 1;
  DOTORI_ASSIGN_OR_RETURN(const std::vector<unsigned char> first, graph::write_graph(*graph));
  graph->quantization.bytes_after = first.size();
  DOTORI_ASSIGN_OR_RETURN(std::vector<unsigned char> bytes, graph::write_graph(*graph));
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::from_memory(bytes, "quantised model"));
  DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(model));
  DOTORI_RETURN_IF_ERROR(session.run());
  return bytes;
}

void print_result(const QuantizeOptions& o, const quantize::Quantized& q, double ms) {
  const graph::QuantizationReport& r = q.graph.quantization;
  std::size_t int8 = 0;
  for (const graph::QuantizedNode& n : r.nodes) int8 += n.bits == 8 ? 1 : 0;
  std::printf("%s: %s, %zu of %zu layers int8, %.2f of the size; %.1f s\n", o.out.c_str(),
              human_bytes(static_cast<double>(r.bytes_after)).c_str(), int8, r.nodes.size(),
              static_cast<double>(r.bytes_after) / static_cast<double>(std::max<std::uint64_t>(1, r.bytes_before)),
              ms / 1000);
  std::printf("  method    %s\n  accuracy  %s\n", r.method.c_str(), accuracy_text(r).c_str());
  if (!q.kept.empty()) {
    std::printf("  float32   ");
    for (std::size_t i = 0; i < q.kept.size(); ++i) std::printf("%s%s", i == 0 ? "" : ", ", q.kept[i].c_str());
    std::printf("\n");
  }
  if (!q.worst.empty()) {
    std::printf("  noisiest  ");
    for (std::size_t i = 0; i < q.worst.size(); ++i) {
      const auto entry = std::find_if(r.nodes.begin(), r.nodes.end(),
                                      [&](const graph::QuantizedNode& n) { return n.name == q.worst[i].name; });
      std::printf("%s%s %.1f dB", i == 0 ? "" : ", ", q.worst[i].name.c_str(), static_cast<double>(entry->sqnr_db));
    }
    std::printf("\n");
  }
  if (!o.html.empty()) std::printf("  report    %s\n", o.html.c_str());
}

Status quantize_model(const QuantizeOptions& o) {
  const double start = now_ms();
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::load_file(o.model));
  DOTORI_ASSIGN_OR_RETURN(CalibrationSamples samples,
                          CalibrationSamples::load(o.calibration, o.limit, model.task().preprocess, o.filters));
  quantize::Options options;
  options.observer = observer_of(o.observer);
  options.equalize = !o.no_equalize;
  options.bias_correction = !o.no_bias_correction;
  options.adaround = o.adaround;
  options.keep_fp32.insert(o.keep_fp32.begin(), o.keep_fp32.end());
  options.input_type = data_type_of(o.input_type);
  options.output_type = data_type_of(o.output_type);
  options.num_threads = o.threads;
  options.cores = o.cores;
  options.core_mask = o.core_mask;
  options.max_drop = o.max_drop;
  options.accept_any_drop = o.force;
  DOTORI_RETURN_IF_ERROR(set_metric(o, model, &options));
  Stages stages;
  options.progress = [&stages](const char* stage, std::size_t, std::size_t total) { stages.advance(stage, total); };
  quantize::Calibration calibration;
  calibration.samples = samples.size();
  calibration.fill = [&samples](Session& session, std::size_t i) { return samples.fill(session, i); };

  DOTORI_ASSIGN_OR_RETURN(quantize::Quantized result, [&]() -> Result<quantize::Quantized> {
    auto quantized = quantize::quantize(model.graph(), calibration, options);
    if (!quantized.ok()) return quantized.status().with_context(o.model);
    return quantized;
  }());
  stages = Stages();
  result.graph.quantization.bytes_before = model.file_bytes();
  DOTORI_ASSIGN_OR_RETURN(const std::vector<unsigned char> bytes, write_model(&result.graph));
  DOTORI_RETURN_IF_ERROR(graph::write_file_atomically(o.out, bytes));
  if (!o.html.empty()) {
    const std::string page =
        quantization_page(model.name().empty() ? "model" : model.name(), result.graph.quantization, result.worst);
    DOTORI_RETURN_IF_ERROR(graph::write_file_atomically(
        o.html, Span<const unsigned char>(reinterpret_cast<const unsigned char*>(page.data()), page.size())));
  }
  if (!o.json) {
    print_result(o, result, now_ms() - start);
    return {};
  }
  Json json = {{"model", o.model}, {"out", o.out}};
  json["quantization"] = quantization_json(result.graph.quantization);
  json["kept_float32"] = result.kept;
  json["metric_evaluations"] = result.metric_evaluations;
  json["ms"] = now_ms() - start;
  print_json(json);
  return {};
}

}  // namespace

void add_quantize(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("quantize", "Turn a float32 .dtr model into an int8 one: a quarter of the size, quicker");
  auto o = std::make_shared<QuantizeOptions>();
  command->add_option("model", o->model, "MODEL.dtr, as convert writes it")->required();
  command->add_option("-o,--out", o->out, "the model to write")->required();
  command
      ->add_option("--calibration", o->calibration,
                   "folder of photos like those the network will see (no answers needed), or of folders with "
                   "input_N.npy as 'run --dump' writes them")
      ->required();
  command->add_option("--limit", o->limit, "calibration photos, spread evenly; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_filter_option(*command, o->filters);

  command->add_option("--images", o->images, "photos to measure accuracy with; others than for calibration")
      ->group("Accuracy");
  command->add_option("--labels", o->labels, "classification: a CSV file with lines 'photo,class index'")
      ->group("Accuracy");
  command
      ->add_option("--annotations", o->annotations, "detection: COCO's instances.json, or a folder of Pascal VOC XML")
      ->group("Accuracy");
  command->add_option("--masks", o->masks, "segmentation: folder of masks with the photos' names")->group("Accuracy");
  command->add_option("--agree", o->agree, "folder of photos without answers: measures how alike both models answer")
      ->group("Accuracy");
  command->add_option("--measure-limit", o->measure_limit, "photos to measure with, spread evenly; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->group("Accuracy")
      ->capture_default_str();
  command
      ->add_option("--max-drop", o->max_drop,
                   "points the figure may fall; the most harmful layers stay float32 until it holds, and nothing is "
                   "written when that cannot be")
      ->check(CLI::Range(0.0, 100.0))
      ->group("Accuracy");
  command->add_flag("--force", o->force, "write the best model found even when --max-drop is missed")
      ->group("Accuracy");
  command->add_option("--class-offset", o->class_offset, "as for eval")
      ->check(CLI::IsMember({"auto", "0", "1"}))
      ->group("Accuracy")
      ->capture_default_str();
  command->add_option("--foreground", o->foreground, "as for eval")->check(CLI::Range(0, 255))->group("Accuracy");

  command->add_option("--observer", o->observer, "how ranges are chosen: auto, minmax, average, percentile, kl or mse")
      ->check(CLI::IsMember({"auto", "minmax", "average", "percentile", "kl", "mse"}))
      ->group("Method")
      ->capture_default_str();
  command->add_flag("--no-equalize", o->no_equalize, "leave the ranges of neighbouring layers as they are")
      ->group("Method");
  command->add_flag("--no-bias-correction", o->no_bias_correction, "leave the biases as they are")->group("Method");
  command->add_flag("--adaround", o->adaround, "choose each weight's rounding by the layer's error; slower")
      ->group("Method");
  command->add_option("--keep-fp32", o->keep_fp32, "a layer that stays float32 (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("Method");
  command->add_option("--input-type", o->input_type, "of the model's inputs: float32, int8 or uint8")
      ->check(CLI::IsMember({"float32", "int8", "uint8"}))
      ->group("Method")
      ->capture_default_str();
  command->add_option("--output-type", o->output_type, "of the model's outputs: float32, int8 or uint8")
      ->check(CLI::IsMember({"float32", "int8", "uint8"}))
      ->group("Method")
      ->capture_default_str();

  command->add_option("--threads", o->threads, "0: one a core")->check(CLI::Range(0, 64))->capture_default_str();
  add_cores_option(*command, o->cores, o->core_mask);
  command->add_option("--report", o->html, "write a page with every layer's noise and the noisiest layers drawn");
  command->add_flag("--json", o->json, "one JSON object on stdout");
  command->footer(
      "Accuracy before and after is stored in the file; 'inspect' shows it.\n"
      "Examples:\n"
      "  dotori quantize mobilenet.dtr -o mobilenet_int8.dtr --calibration photos\n"
      "  dotori quantize mobilenet.dtr -o mobilenet_int8.dtr --calibration train --images val --labels val.csv "
      "--max-drop 0.5\n"
      "  dotori quantize yolo.dtr -o yolo_int8.dtr --calibration photos --images val --annotations instances.json "
      "--max-drop 1 --report yolo.html\n"
      "  dotori quantize unet.dtr -o unet_int8.dtr --calibration photos --agree more_photos --max-drop 2");
  command->callback([o, &exit_code] {
    const Status status = quantize_model(*o);
    if (!status.ok()) exit_code = fail(status);
  });
}

}  // namespace dotori::cli
