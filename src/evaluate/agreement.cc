// SPDX-License-Identifier: Apache-2.0
#include "evaluate/agreement.h"

#include <algorithm>
#include <cmath>

#include "evaluate/dataset.h"
#include "evaluate/segmentation.h"

namespace dotori::evaluate {
namespace {

constexpr float kSameBox = 0.5f;

Result<PhotoAgreement> compare(Task task, const Answer& a, const Answer& b) {
  PhotoAgreement result;
  if (task == Task::kClassification) {
    const bool both_empty = a.top.empty() && b.top.empty();
    const bool same = !a.top.empty() && !b.top.empty() && a.top[0].index == b.top[0].index;
    result.percent = both_empty || same ? 100 : 0;
    std::size_t shared = 0;
    for (const vision::ClassScore& c : a.top)
      shared += std::any_of(b.top.begin(), b.top.end(),
                            [&](const vision::ClassScore& other) { return other.index == c.index; })
                    ? 1
                    : 0;
    const std::size_t listed = std::max(a.top.size(), b.top.size());
    result.top5 = listed == 0 ? 100 : 100 * static_cast<double>(shared) / static_cast<double>(listed);
  } else if (task == Task::kDetection) {
    result.percent = box_agreement(a.boxes, b.boxes);
  } else {
    DOTORI_ASSIGN_OR_RETURN(const MaskAgreement masks, compare_masks(a.mask, b.mask));
    result.percent = masks.same;
    result.iou = masks.iou;
  }
  return result;
}

}  // namespace

double box_agreement(Span<const vision::Box> a, Span<const vision::Box> b,
                     std::vector<std::pair<std::size_t, std::size_t>>* pairs) {
  if (a.empty() && b.empty()) return 100;
  std::vector<std::size_t> order(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return a[i].score > a[j].score; });
  std::vector<bool> taken(b.size(), false);
  std::size_t found = 0;
  for (std::size_t i : order) {
    std::size_t best = b.size();
    float best_iou = kSameBox;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const float iou = taken[j] || a[i].class_index != b[j].class_index ? 0 : vision::box_iou(a[i], b[j]);
      if (iou < best_iou || (best != b.size() && iou == best_iou)) continue;
      best_iou = iou;
      best = j;
    }
    if (best == b.size()) continue;
    taken[best] = true;
    ++found;
    if (pairs != nullptr) pairs->emplace_back(i, best);
  }
  return 100 * 2 * static_cast<double>(found) / static_cast<double>(a.size() + b.size());
}

Statistics statistics(Span<const double> values) {
  Statistics s;
  s.count = values.size();
  if (values.empty()) return s;
  s.min = s.max = values[0];
  for (double v : values) {
    s.mean += v / static_cast<double>(values.size());
    s.min = std::min(s.min, v);
    s.max = std::max(s.max, v);
  }
  if (values.size() < 2) return s;
  for (double v : values) s.variance += (v - s.mean) * (v - s.mean) / static_cast<double>(values.size() - 1);
  s.sd = std::sqrt(s.variance);
  return s;
}

Result<Agreement> agreement(const Model& a, const Model& b, std::vector<std::string> photos,
                            const AgreementOptions& options) {
  Agreement result;
  result.task = a.task().task;
  if (b.task().task != result.task)
    return invalid_argument(a.name() + " is for " + task_name(result.task) + ", " + b.name() + " for " +
                            task_name(b.task().task));
  SessionOptions session_options;
  session_options.num_threads = options.threads;
  session_options.cores = options.cores;
  session_options.core_mask = options.core_mask;
  DOTORI_ASSIGN_OR_RETURN(Predictor first, Predictor::create(a, session_options));
  DOTORI_ASSIGN_OR_RETURN(Predictor second, Predictor::create(b, session_options));
  keep_spread(&photos, options.limit);
  if (photos.empty()) return invalid_argument("no photos to compare the models on");
  std::vector<double> percents;
  for (const std::string& path : photos) {
    DOTORI_ASSIGN_OR_RETURN(vision::Image photo, vision::load_image(path));
    DOTORI_RETURN_IF_ERROR(vision::apply_filters(photo, options.filters).with_context(path));
    DOTORI_ASSIGN_OR_RETURN(const Answer answer_a, first.answer(photo, path));
    DOTORI_ASSIGN_OR_RETURN(const Answer answer_b, second.answer(photo, path));
    DOTORI_ASSIGN_OR_RETURN(PhotoAgreement one, compare(result.task, answer_a, answer_b));
    one.photo = path;
    if (options.each) DOTORI_RETURN_IF_ERROR(options.each(photo, answer_a, answer_b, one));
    percents.push_back(one.percent);
    result.top5 += one.top5 / static_cast<double>(photos.size());
    result.iou += one.iou / static_cast<double>(photos.size());
    result.photos.push_back(std::move(one));
  }
  result.percent = statistics(percents);
  return result;
}

}  // namespace dotori::evaluate
