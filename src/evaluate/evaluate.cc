// SPDX-License-Identifier: Apache-2.0
#include "evaluate/evaluate.h"

#include <algorithm>
#include <chrono>

#include "evaluate/categories.h"
#include "evaluate/predictor.h"

namespace dotori::evaluate {
namespace {

// Low enough that precision is known up to every recall the model can reach.
constexpr float kLowestScore = 0.001f;

struct Run {
  Predictor& predictor;
  const std::vector<Example>& examples;
  const EvaluateOptions& options;

  // Calls score(example, photo's answer) for every photo in turn.
  template <class Score>
  Status each(const Score& score) const {
    for (const Example& example : examples) {
      DOTORI_ASSIGN_OR_RETURN(vision::Image photo, vision::load_image(example.photo));
      DOTORI_RETURN_IF_ERROR(vision::apply_filters(photo, options.filters).with_context(example.photo));
      DOTORI_ASSIGN_OR_RETURN(const Answer answer, predictor.answer(photo, example.photo));
      DOTORI_RETURN_IF_ERROR(score(example, answer));
      if (options.progress) options.progress();
    }
    return {};
  }
};

Status classify(const Run& run, Metrics* metrics) {
  const std::int64_t classes = run.predictor.scores();
  int largest = 0;
  for (const Example& example : run.examples) largest = std::max(largest, example.label);
  int offset = run.options.class_offset;
  if (offset < 0) {
    offset = classes == 1001 && largest < 1000 ? 1 : 0;
    if (offset == 1)
      metrics->notes.push_back("the model has 1001 classes and no label is above 999: class = label + 1");
  }
  if (std::int64_t{largest} + offset >= classes)
    return invalid_argument("label " + std::to_string(largest) + " means class " + std::to_string(largest + offset) +
                            ", but the model has " + std::to_string(classes));
  std::size_t first = 0, among = 0;
  DOTORI_RETURN_IF_ERROR(run.each([&](const Example& example, const Answer& answer) {
    for (std::size_t i = 0; i < answer.top.size(); ++i) {
      if (answer.top[i].index != example.label + offset) continue;
      ++among;
      if (i == 0) ++first;
    }
    return Status();
  }));
  const double photos = static_cast<double>(run.examples.size());
  metrics->classification.top1 = 100 * static_cast<double>(first) / photos;
  metrics->classification.top5 = 100 * static_cast<double>(among) / photos;
  return {};
}

Status detect(const Run& run, const std::vector<std::string>& categories, Metrics* metrics) {
  const TaskInfo& task = run.predictor.task();
  DOTORI_ASSIGN_OR_RETURN(const CategoryMap map, match_categories(categories, task.labels, task.detection.classes));
  if (!map.note.empty()) metrics->notes.push_back(map.note);
  run.predictor.set_score_threshold(kLowestScore);
  std::vector<DetectionExample> scored;
  DOTORI_RETURN_IF_ERROR(run.each([&](const Example& example, const Answer& answer) {
    DetectionExample one;
    for (vision::Box box : answer.boxes) {
      box.class_index = map.category_of_class[static_cast<std::size_t>(box.class_index)];
      if (box.class_index >= 0) one.boxes.push_back(box);
    }
    for (const TruthBox& box : example.boxes)
      if (map.known[static_cast<std::size_t>(box.category)]) one.truth.push_back(box);
    scored.push_back(std::move(one));
    return Status();
  }));
  metrics->detection = average_precision(scored, static_cast<int>(categories.size()));
  return {};
}

Status segment(const Run& run, Metrics* metrics) {
  const TaskInfo& task = run.predictor.task();
  const int foreground = run.options.foreground;
  const bool binary = foreground >= 0 || task.segmentation.decoder == MaskDecoder::kThreshold;
  if (foreground >= 0)
    metrics->notes.push_back("binary masks against class " + std::to_string(foreground) + " of the model");
  Confusion confusion;
  std::size_t scaled = 0;
  DOTORI_RETURN_IF_ERROR(run.each([&](const Example& example, const Answer& answer) {
    DOTORI_ASSIGN_OR_RETURN(vision::Mask truth,
                            read_truth_mask(example.mask, binary ? MaskKind::kBinary : MaskKind::kIndices));
    if (truth.width != answer.mask.width || truth.height != answer.mask.height) {
      auto fitted = scale_mask(truth, answer.mask.width, answer.mask.height);
      if (!fitted.ok()) return fitted.status().with_context(example.mask);
      truth = std::move(*fitted);
      ++scaled;
    }
    vision::Mask mask = answer.mask;
    if (foreground >= 0)
      for (std::uint8_t& c : mask.classes) c = c == foreground ? 1 : 0;
    return confusion.add(mask, truth).with_context(example.mask);
  }));
  if (scaled > 0)
    metrics->notes.push_back("masks of another size than their photo, scaled to it: " + std::to_string(scaled));
  metrics->segmentation = confusion.figures();
  return {};
}

Status check_truth(Task task, Truth truth) {
  constexpr struct {
    Task task;
    Truth truth;
    const char* name;
  } kPairs[] = {{Task::kClassification, Truth::kLabels, "labels"},
                {Task::kDetection, Truth::kBoxes, "boxes"},
                {Task::kSegmentation, Truth::kMasks, "masks"}};
  const char *wanted = "nothing", *found = "nothing";
  for (const auto& pair : kPairs) {
    if (pair.task == task) wanted = pair.name;
    if (pair.truth == truth) found = pair.name;
  }
  if (wanted == found) return {};
  return invalid_argument(std::string("a model for ") + task_name(task) + " is judged by " + wanted +
                          ", but the dataset has " + found);
}

}  // namespace

Result<Metrics> evaluate(const Model& model, const Dataset& dataset, const EvaluateOptions& options) {
  SessionOptions session_options;
  session_options.num_threads = options.threads;
  session_options.cores = options.cores;
  session_options.core_mask = options.core_mask;
  session_options.backend = options.backend;
  DOTORI_ASSIGN_OR_RETURN(Predictor predictor, Predictor::create(model, session_options));
  Metrics metrics;
  metrics.task = model.task().task;
  DOTORI_RETURN_IF_ERROR(check_truth(metrics.task, dataset.truth));
  std::vector<Example> examples = dataset.examples;
  keep_spread(&examples, options.limit);
  if (examples.empty()) return invalid_argument("the dataset has no photos");
  metrics.photos = examples.size();

  const Run run{predictor, examples, options};
  const auto start = std::chrono::steady_clock::now();
  switch (metrics.task) {
    case Task::kClassification: DOTORI_RETURN_IF_ERROR(classify(run, &metrics)); break;
    case Task::kDetection: DOTORI_RETURN_IF_ERROR(detect(run, dataset.categories, &metrics)); break;
    default: DOTORI_RETURN_IF_ERROR(segment(run, &metrics)); break;
  }
  metrics.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return metrics;
}

}  // namespace dotori::evaluate
