// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "cli/backend_option.h"
#include "cli/cli.h"
#include "cli/cores_option.h"
#include "cli/filter_option.h"
#include "evaluate/evaluate.h"

namespace dotori::cli {
namespace {

struct EvalOptions {
  std::string model, images, labels, annotations, masks;
  std::string class_offset = "auto";
  evaluate::EvaluateOptions evaluate;
  bool json = false;
};

Result<evaluate::Dataset> load_dataset(const EvalOptions& o) {
  const int given = (o.labels.empty() ? 0 : 1) + (o.annotations.empty() ? 0 : 1) + (o.masks.empty() ? 0 : 1);
  if (given != 1) return invalid_argument("expected one of --labels, --annotations and --masks");
  if (!o.labels.empty()) return evaluate::load_labels(o.images, o.labels);
  if (!o.masks.empty()) return evaluate::load_masks(o.images, o.masks);
  std::error_code error;
  return std::filesystem::is_directory(o.annotations, error) ? evaluate::load_voc(o.images, o.annotations)
                                                             : evaluate::load_coco(o.images, o.annotations);
}

// Name for JSON, name for people, value in percent.
struct Figure {
  const char* key;
  const char* title;
  double value;
};

std::vector<Figure> figures_of(const evaluate::Metrics& m) {
  switch (m.task) {
    case Task::kClassification:
      return {{"top1", "top-1", m.classification.top1}, {"top5", "top-5", m.classification.top5}};
    case Task::kDetection:
      return {{"ap50", "AP50", m.detection.ap50},
              {"ap", "AP50:95", m.detection.ap},
              {"ap75", "AP75", m.detection.ap75},
              {"ap_small", "AP small", m.detection.small},
              {"ap_medium", "AP medium", m.detection.medium},
              {"ap_large", "AP large", m.detection.large}};
    default:
      return {{"iou", "mean IoU", m.segmentation.iou},
              {"dice", "Dice", m.segmentation.dice},
              {"pixel_accuracy", "pixel accuracy", m.segmentation.pixel_accuracy},
              {"foreground_iou", "foreground IoU", m.segmentation.foreground_iou}};
  }
}

Status eval(const EvalOptions& o) {
  DOTORI_ASSIGN_OR_RETURN(const Model model, Model::load_file(o.model));
  DOTORI_ASSIGN_OR_RETURN(const evaluate::Dataset dataset, load_dataset(o));
  evaluate::EvaluateOptions options = o.evaluate;
  if (o.class_offset != "auto") options.class_offset = o.class_offset == "1" ? 1 : 0;
  const std::size_t all = dataset.examples.size();
  evaluate::Metrics metrics;
  {
    ProgressBar bar("photos", options.limit == 0 ? all : std::min(options.limit, all));
    options.progress = [&bar] { bar.advance(); };
    DOTORI_ASSIGN_OR_RETURN(metrics, evaluate::evaluate(model, dataset, options));
  }
  const std::vector<Figure> figures = figures_of(metrics);
  if (o.json) {
    Json json = {{"model", o.model}, {"task", task_name(metrics.task)}};
    for (const Figure& f : figures) json[f.key] = std::isfinite(f.value) ? Json(f.value) : Json();
    json["photos"] = metrics.photos;
    json["seconds"] = metrics.seconds;
    json["notes"] = metrics.notes;
    print_json(json);
    return Status();
  }
  std::printf("%s: %zu photos in %.1f s\n", o.model.c_str(), metrics.photos, metrics.seconds);
  for (const std::string& note : metrics.notes) std::printf("  (%s)\n", note.c_str());
  for (const Figure& f : figures) {
    if (std::isfinite(f.value)) std::printf("  %-15s %6.2f %%\n", f.title, f.value);
    else std::printf("  %-15s %6s    (no such object)\n", f.title, "-");
  }
  return Status();
}

}  // namespace

void add_eval(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("eval", "Measure a model's accuracy on photos with known answers");
  auto o = std::make_shared<EvalOptions>();
  command->add_option("model", o->model, "MODEL.dtr")->required();
  command->add_option("--images", o->images, "folder of photos")->required();
  command->add_option("--labels", o->labels, "classification: a CSV file with lines 'photo,class index'");
  command->add_option("--annotations", o->annotations,
                      "detection: COCO's instances.json, or a folder of Pascal VOC's XML files");
  command->add_option("--masks", o->masks, "segmentation: folder of masks with the photos' names");
  command->add_option("--limit", o->evaluate.limit, "photos, spread evenly over the set; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--class-offset", o->class_offset,
                   "classification: added to each label; auto: 1 for models with a background class 0")
      ->check(CLI::IsMember({"auto", "0", "1"}))
      ->capture_default_str();
  command
      ->add_option("--foreground", o->evaluate.foreground,
                   "segmentation: the masks are binary and mean this class of the model")
      ->check(CLI::Range(0, 255));
  command->add_option("--threads", o->evaluate.threads, "0: one a core")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  add_cores_option(*command, o->evaluate.cores, o->evaluate.core_mask);
  add_filter_option(*command, o->evaluate.filters);
  add_backend_option(*command, o->evaluate.backend);
  command->add_flag("--json", o->json, "one JSON object on stdout");
  command->footer(
      "Examples:\n"
      "  dotori eval mobilenet.dtr --images photos --labels labels.csv\n"
      "  dotori eval yolox.dtr --images val2017 --annotations instances.json --limit 500\n"
      "  dotori eval cells.dtr --images JPEGImages --annotations Annotations\n"
      "  dotori eval unet.dtr --images photos --masks masks --json\n"
      "  dotori eval unet.dtr --images photos --masks masks --backend xnnpack\n"
      "  dotori eval deeplab.dtr --images photos --masks people --foreground 15");
  command->callback([o, &exit_code] {
    const Status status = eval(*o);
    if (!status.ok()) exit_code = fail(status);
  });
}

}  // namespace dotori::cli
