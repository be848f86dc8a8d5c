// SPDX-License-Identifier: Apache-2.0
// How alike two models answer, such as a network and its 8-bit version: percent for each photo, without right answers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <dotori/model.h>
#include <dotori/status.h>
#include <dotori/vision.h>

#include "evaluate/predictor.h"

namespace dotori::evaluate {

// 100 * 2 * pairs / (boxes of a + boxes of b); 100 when neither has any. A pair is a box of each with the same class
// and an IoU of at least 0.5, each box in one pair at most; best score of `a` first, each with the best overlap left.
// `pairs`, when given, receives indices into a and b.
double box_agreement(Span<const vision::Box> a, Span<const vision::Box> b,
                     std::vector<std::pair<std::size_t, std::size_t>>* pairs = nullptr);

// Over all photos. The variance is the sample's (divided by count - 1; 0 for one photo), sd its root.
struct Statistics {
  std::size_t count = 0;
  double mean = 0, sd = 0, variance = 0, min = 0, max = 0;
};
Statistics statistics(Span<const double> values);

struct PhotoAgreement {
  std::string photo;
  // Classification: 100 when the best class is the same, else 0. Detection: box_agreement(). Segmentation: percent of
  // the photo's pixels with the same class.
  double percent = 0;
  double top5 = 0;  // classification: percent of the best five (of those there are) in both lists
  double iou = 0;   // segmentation: mean IoU of the classes in either mask, percent
};

struct Agreement {
  Task task = Task::kNone;
  Statistics percent;        // of PhotoAgreement::percent
  double top5 = 0, iou = 0;  // means over the photos
  std::vector<PhotoAgreement> photos;
};

struct AgreementOptions {
  int threads = 1;                    // of each session; 0: one a core
  CoreClass cores = CoreClass::kAll;  // as SessionOptions::cores, ::core_mask
  std::uint64_t core_mask = 0;
  std::size_t limit = 0;                     // photos, spread evenly; 0: all
  std::vector<vision::PhotoFilter> filters;  // applied to every photo first
  // After every photo, which is the filtered one; a failure ends the comparison. May be empty.
  std::function<Status(const vision::Image& photo, const Answer& a, const Answer& b, const PhotoAgreement& result)>
      each;
};

// Each model answers with its own preprocessing and thresholds. Errors: kInvalidArgument (the tasks differ, no photos),
// those of load_image() and the sessions.
Result<Agreement> agreement(const Model& a, const Model& b, std::vector<std::string> photos,
                            const AgreementOptions& options = {});

}  // namespace dotori::evaluate
