// SPDX-License-Identifier: Apache-2.0
// The detection figures of COCO, as pycocotools' COCOeval computes them for boxes:
// * Category by category and photo by photo, the best 100 boxes, best score first (equal scores: in the order given),
//   look for their object: among the objects of the category not taken yet, the one with the largest IoU of at least
//   the threshold; one that counts goes before an ignored one. A box on an ignored object counts neither way. A crowd
//   is never taken up, and IoU with it is intersection / area of the box.
// * Over all photos, best score first: precision = hits / (hits + misses), made non-increasing from the right;
//   read at recall 0, 0.01, …, 1 (0 where that recall is not reached); the mean of the 101 is the AP of a category.
// * AP: the mean over IoU thresholds 0.50, 0.55, …, 0.95 and the categories with at least one object that counts.
// * Small, medium and large: objects with an area outside the range are ignored, as are boxes without an object whose
//   own area is outside. Small: up to 32^2 pixels, medium: 32^2 to 96^2, large: from 96^2.
#pragma once

#include <vector>

#include <dotori/span.h>
#include <dotori/vision.h>

#include "evaluate/dataset.h"

namespace dotori::evaluate {

// One photo: what the detector found (Box::class_index is a category) and what is there.
struct DetectionExample {
  std::vector<vision::Box> boxes;
  std::vector<TruthBox> truth;
};

// In percent; NaN where no object counts.
struct AveragePrecision {
  double ap = 0;
  double ap50 = 0, ap75 = 0;  // at this IoU threshold alone
  double small = 0, medium = 0, large = 0;
};

// Categories outside [0, categories) are passed over.
AveragePrecision average_precision(Span<const DetectionExample> examples, int categories);

}  // namespace dotori::evaluate
