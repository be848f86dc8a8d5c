// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include <dotori/vision.h>

namespace dotori::vision {
namespace {

// Bounds the quadratic part of the work.
constexpr std::size_t kMaxBoxesPerClass = 1000;

bool finite(const Box& b) {
  return std::isfinite(b.x0) && std::isfinite(b.y0) && std::isfinite(b.x1) && std::isfinite(b.y1) &&
         std::isfinite(b.score);
}

}  // namespace

float box_iou(const Box& a, const Box& b) noexcept {
  // In double: sides of any float's size multiply without overflow.
  const double width = static_cast<double>(std::min(a.x1, b.x1)) - std::max(a.x0, b.x0);
  const double height = static_cast<double>(std::min(a.y1, b.y1)) - std::max(a.y0, b.y0);
  if (!(width > 0) || !(height > 0)) return 0;
  const double common = width * height;
  const double area_a = (static_cast<double>(a.x1) - a.x0) * (static_cast<double>(a.y1) - a.y0);
  const double area_b = (static_cast<double>(b.x1) - b.x0) * (static_cast<double>(b.y1) - b.y0);
  return static_cast<float>(common / (area_a + area_b - common));
}

std::vector<Box> non_maximum_suppression(std::vector<Box> boxes, float iou_threshold) {
  boxes.erase(std::remove_if(boxes.begin(), boxes.end(), [](const Box& b) { return !finite(b); }), boxes.end());
  std::stable_sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.score > b.score; });
  // Indices grouped by class, each group best first.
  std::vector<std::size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return boxes[a].class_index < boxes[b].class_index; });

  std::vector<std::size_t> kept;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    const int class_index = boxes[order[begin]].class_index;
    while (end < order.size() && boxes[order[end]].class_index == class_index) ++end;
    const std::size_t first_kept = kept.size();
    for (std::size_t i = begin; i < std::min(end, begin + kMaxBoxesPerClass); ++i) {
      const Box& candidate = boxes[order[i]];
      const bool falls = std::any_of(kept.begin() + static_cast<std::ptrdiff_t>(first_kept), kept.end(),
                                     [&](std::size_t k) { return box_iou(boxes[k], candidate) > iou_threshold; });
      if (!falls) kept.push_back(order[i]);
    }
  }
  std::sort(kept.begin(), kept.end());
  std::vector<Box> result;
  result.reserve(kept.size());
  for (std::size_t k : kept) result.push_back(boxes[k]);
  return result;
}

}  // namespace dotori::vision
