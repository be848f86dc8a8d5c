// SPDX-License-Identifier: Apache-2.0
#include "evaluate/average_precision.h"

#include <algorithm>
#include <array>
#include <limits>

namespace dotori::evaluate {
namespace {

constexpr std::size_t kMaxBoxesPerPhoto = 100;
constexpr std::size_t kThresholds = 10;
constexpr int kRecallPoints = 101;

struct AreaRange {
  double low, high;
};
constexpr AreaRange kAreas[] = {{0, 1e10}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, 1e10}};
constexpr std::size_t kAreaCount = 4;

// In the roundings of pycocotools (numpy.linspace), so that an IoU at a threshold falls on the same side.
double threshold(std::size_t index) {
  return index + 1 == kThresholds ? 0.95 : 0.5 + static_cast<double>(index) * ((0.95 - 0.5) / 9);
}

double area_of(const vision::Box& b) {
  return (static_cast<double>(b.x1) - b.x0) * (static_cast<double>(b.y1) - b.y0);
}

double overlap(const vision::Box& b, const TruthBox& t) {
  const double width = std::min<double>(b.x1, t.x + t.width) - std::max<double>(b.x0, t.x);
  const double height = std::min<double>(b.y1, t.y + t.height) - std::max<double>(b.y0, t.y);
  if (!(width > 0) || !(height > 0)) return 0;
  const double common = width * height;
  return common / (t.crowd ? area_of(b) : area_of(b) + t.width * t.height - common);
}

enum class Verdict : std::uint8_t { kMiss, kHit, kIgnored };

// A box of any photo, judged at every threshold.
struct Judged {
  float score;
  std::array<Verdict, kThresholds> verdicts;
};

// One category of one photo.
struct Scene {
  std::vector<vision::Box> boxes;  // best first
  std::vector<TruthBox> truth;
  std::vector<double> ious;  // boxes x truth
};

Scene make_scene(const DetectionExample& example, int category) {
  Scene scene;
  for (const vision::Box& b : example.boxes)
    if (b.class_index == category) scene.boxes.push_back(b);
  std::stable_sort(scene.boxes.begin(), scene.boxes.end(),
                   [](const vision::Box& a, const vision::Box& b) { return a.score > b.score; });
  if (scene.boxes.size() > kMaxBoxesPerPhoto) scene.boxes.resize(kMaxBoxesPerPhoto);
  for (const TruthBox& t : example.truth)
    if (t.category == category) scene.truth.push_back(t);
  for (const vision::Box& b : scene.boxes)
    for (const TruthBox& t : scene.truth) scene.ious.push_back(overlap(b, t));
  return scene;
}

// Adds the scene's boxes to `judged`; returns how many objects count.
std::size_t judge(const Scene& scene, const AreaRange& range, std::vector<Judged>* judged) {
  const std::size_t objects = scene.truth.size();
  std::vector<bool> ignored(objects);
  std::vector<std::size_t> order;  // objects that count first
  for (std::size_t i = 0; i < objects; ++i) {
    ignored[i] = scene.truth[i].ignore || scene.truth[i].area < range.low || scene.truth[i].area > range.high;
    if (!ignored[i]) order.push_back(i);
  }
  const std::size_t counting = order.size();
  for (std::size_t i = 0; i < objects; ++i)
    if (ignored[i]) order.push_back(i);

  const std::size_t first = judged->size();
  for (const vision::Box& b : scene.boxes) judged->push_back({b.score, {}});
  for (std::size_t at = 0; at < kThresholds; ++at) {
    std::vector<bool> taken(objects, false);
    for (std::size_t b = 0; b < scene.boxes.size(); ++b) {
      // As large as the threshold is enough, also where rounding left a hair less than 1.
      double best_iou = std::min(threshold(at), 1 - 1e-10);
      std::size_t best = objects;
      for (std::size_t i : order) {
        if (taken[i] && !scene.truth[i].crowd) continue;
        if (best != objects && !ignored[best] && ignored[i]) break;
        const double iou = scene.ious[b * objects + i];
        if (iou < best_iou) continue;
        best_iou = iou;
        best = i;
      }
      Verdict& verdict = (*judged)[first + b].verdicts[at];
      if (best != objects) {
        taken[best] = true;
        verdict = ignored[best] ? Verdict::kIgnored : Verdict::kHit;
      } else {
        const double area = area_of(scene.boxes[b]);
        verdict = area < range.low || area > range.high ? Verdict::kIgnored : Verdict::kMiss;
      }
    }
  }
  return counting;
}

// Of one category at one threshold; `judged` best first.
double precision_mean(const std::vector<Judged>& judged, std::size_t at, std::size_t objects) {
  std::vector<double> recall, precision;
  double hits = 0, misses = 0;
  for (const Judged& j : judged) {
    if (j.verdicts[at] == Verdict::kIgnored) continue;
    (j.verdicts[at] == Verdict::kHit ? hits : misses) += 1;
    recall.push_back(hits / static_cast<double>(objects));
    precision.push_back(hits / (hits + misses));
  }
  for (std::size_t i = precision.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
  double sum = 0;
  for (int point = 0; point < kRecallPoints; ++point) {
    const auto reached = std::lower_bound(recall.begin(), recall.end(), point * 0.01);
    if (reached != recall.end()) sum += precision[static_cast<std::size_t>(reached - recall.begin())];
  }
  return sum / kRecallPoints;
}

struct Mean {
  double sum = 0;
  std::size_t count = 0;
  void add(double value) {
    sum += value;
    ++count;
  }
  double percent() const {
    return count == 0 ? std::numeric_limits<double>::quiet_NaN() : 100 * sum / static_cast<double>(count);
  }
};

}  // namespace

AveragePrecision average_precision(Span<const DetectionExample> examples, int categories) {
  Mean means[kAreaCount][kThresholds], overall[kAreaCount];
  std::vector<Scene> scenes;
  std::vector<Judged> judged;
  for (int category = 0; category < categories; ++category) {
    scenes.clear();
    for (const DetectionExample& example : examples) scenes.push_back(make_scene(example, category));
    for (std::size_t area = 0; area < kAreaCount; ++area) {
      judged.clear();
      std::size_t objects = 0;
      for (const Scene& scene : scenes) objects += judge(scene, kAreas[area], &judged);
      if (objects == 0) continue;
      std::stable_sort(judged.begin(), judged.end(),
                       [](const Judged& a, const Judged& b) { return a.score > b.score; });
      for (std::size_t at = 0; at < kThresholds; ++at) {
        const double mean = precision_mean(judged, at, objects);
        means[area][at].add(mean);
        overall[area].add(mean);
      }
    }
  }
  AveragePrecision result;
  result.ap = overall[0].percent();
  result.ap50 = means[0][0].percent();
  result.ap75 = means[0][5].percent();
  result.small = overall[1].percent();
  result.medium = overall[2].percent();
  result.large = overall[3].percent();
  return result;
}

}  // namespace dotori::evaluate
