// SPDX-License-Identifier: Apache-2.0
#include "evaluate/anchors.h"

#include <algorithm>
#include <string>

namespace dotori::evaluate {
namespace {

constexpr int kStarts = 20, kMostRounds = 300, kIdleRounds = 4;
constexpr double kLeastGain = 1e-7;  // of the mean IoU in a round

// Numerical Recipes' generator: std::random distributions differ between libraries.
class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed) {}
  double next() {  // [0, 1)
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<double>(state_ >> 8) / 16777216.0;
  }

 private:
  std::uint32_t state_;
};

struct Closest {
  std::size_t anchor = 0;
  double iou = 0;
};

Closest closest(const BoxSize& box, const std::vector<BoxSize>& anchors) {
  Closest best;
  for (std::size_t k = 0; k < anchors.size(); ++k) {
    const double iou = size_iou(box, anchors[k]);
    if (iou > best.iou) best = {k, iou};
  }
  return best;
}

// k-means++: each next one is a box, chosen with a probability that grows with the square of its distance.
std::vector<BoxSize> choose_start(Span<const BoxSize> boxes, int count, Random& random) {
  std::vector<BoxSize> anchors = {boxes[static_cast<std::size_t>(random.next() * static_cast<double>(boxes.size()))]};
  std::vector<double> weights(boxes.size(), 1.0);
  while (anchors.size() < static_cast<std::size_t>(count)) {
    double sum = 0;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const double distance = 1 - size_iou(boxes[i], anchors.back());
      weights[i] = std::min(weights[i], distance * distance);
      sum += weights[i];
    }
    double at = random.next() * sum;
    std::size_t chosen = boxes.size() - 1;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      at -= weights[i];
      if (at >= 0 || weights[i] == 0) continue;
      chosen = i;
      break;
    }
    anchors.push_back(boxes[chosen]);
  }
  return anchors;
}

AnchorSet refine(Span<const BoxSize> boxes, std::vector<BoxSize> anchors) {
  // The mean box of a group need not be the one with the best IoU: a round may lose, so the best one is kept.
  std::vector<BoxSize> best_anchors = anchors;
  double best_iou = -1;
  for (int round = 0, idle = 0; round < kMostRounds && idle < kIdleRounds; ++round) {
    double now = 0;
    std::vector<BoxSize> sums(anchors.size());
    std::vector<std::size_t> counts(anchors.size());
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const Closest best = closest(boxes[i], anchors);
      const std::size_t k = best.anchor;
      now += best.iou / static_cast<double>(boxes.size());
      sums[k].width += boxes[i].width;
      sums[k].height += boxes[i].height;
      ++counts[k];
    }
    idle = now > best_iou + kLeastGain ? 0 : idle + 1;
    if (now > best_iou) {
      best_iou = now;
      best_anchors = anchors;
    }
    for (std::size_t k = 0; k < anchors.size(); ++k) {
      const double n = static_cast<double>(counts[k]);
      if (counts[k] != 0) anchors[k] = {sums[k].width / n, sums[k].height / n};
    }
  }
  anchors = std::move(best_anchors);
  std::sort(anchors.begin(), anchors.end(),
            [](const BoxSize& a, const BoxSize& b) { return a.width * a.height < b.width * b.height; });
  AnchorSet set;
  for (const BoxSize& size : anchors) set.anchors.push_back({size, 0});
  for (const BoxSize& box : boxes) {
    const Closest best = closest(box, anchors);
    ++set.anchors[best.anchor].boxes;
    set.mean_iou += best.iou / static_cast<double>(boxes.size());
    set.recall_50 += (best.iou >= 0.5 ? 1.0 : 0.0) / static_cast<double>(boxes.size());
  }
  return set;
}

}  // namespace

double size_iou(const BoxSize& a, const BoxSize& b) noexcept {
  const double inner = std::min(a.width, b.width) * std::min(a.height, b.height);
  return inner / (a.width * a.height + b.width * b.height - inner);
}

Result<AnchorSet> find_anchors(Span<const BoxSize> boxes, int count, std::uint32_t seed) {
  if (count < 1) return invalid_argument("the number of anchors must be at least 1, found " + std::to_string(count));
  std::vector<BoxSize> different(boxes.begin(), boxes.end());
  for (const BoxSize& box : different)
    if (!(box.width > 0) || !(box.height > 0))
      return invalid_argument("a box of " + std::to_string(box.width) + " x " + std::to_string(box.height));
  std::sort(different.begin(), different.end(), [](const BoxSize& a, const BoxSize& b) {
    return a.width != b.width ? a.width < b.width : a.height < b.height;
  });
  different.erase(
      std::unique(different.begin(), different.end(),
                  [](const BoxSize& a, const BoxSize& b) { return a.width == b.width && a.height == b.height; }),
      different.end());
  if (different.size() < static_cast<std::size_t>(count))
    return invalid_argument("expected at least " + std::to_string(count) +
                            " boxes of different sizes, one for each anchor, found " +
                            std::to_string(different.size()));
  AnchorSet best;
  Random random(seed);
  for (int start = 0; start < kStarts; ++start) {
    AnchorSet found = refine(boxes, choose_start(boxes, count, random));
    if (start == 0 || found.mean_iou > best.mean_iou) best = std::move(found);
  }
  return best;
}

}  // namespace dotori::evaluate
