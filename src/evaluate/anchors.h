// SPDX-License-Identifier: Apache-2.0
// Anchor boxes for a detector: k-means over the sizes of a label set's boxes, with 1 - IoU as the distance (Redmon and
// Farhadi, "YOLO9000", 2017: sizes in pixels would favour large boxes) and a k-means++ start (Arthur and Vassilvitskii
// 2007), best of several starts.
#pragma once

#include <cstdint>
#include <vector>

#include <dotori/span.h>
#include <dotori/status.h>

namespace dotori::evaluate {

struct BoxSize {
  double width = 0, height = 0;  // input pixels, above 0
};

struct Anchor {
  BoxSize size;
  std::size_t boxes = 0;  // that are closest to it
};

struct AnchorSet {
  std::vector<Anchor> anchors;  // by area, smallest first
  double mean_iou = 0;          // of each box with its closest anchor
  double recall_50 = 0;         // boxes whose closest anchor has an IoU of at least 0.5; 0..1
};

// IoU of two boxes with a common corner.
double size_iou(const BoxSize& a, const BoxSize& b) noexcept;

// The same boxes, count and seed give the same anchors on every machine. Errors: kInvalidArgument (count below 1, fewer
// different boxes than anchors, a box without area).
Result<AnchorSet> find_anchors(Span<const BoxSize> boxes, int count, std::uint32_t seed);

}  // namespace dotori::evaluate
