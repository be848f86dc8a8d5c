// SPDX-License-Identifier: Apache-2.0
// How good a model is: its answers for the photos of a dataset against the right ones.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <dotori/model.h>
#include <dotori/session.h>
#include <dotori/status.h>
#include <dotori/vision.h>

#include "evaluate/average_precision.h"
#include "evaluate/dataset.h"
#include "evaluate/segmentation.h"

namespace dotori::evaluate {

struct EvaluateOptions {
  int threads = 1;                    // of the session; 0: one a core
  CoreClass cores = CoreClass::kAll;  // as SessionOptions::cores, ::core_mask
  std::uint64_t core_mask = 0;
  BackendKind backend = BackendKind::kCpu;
  std::size_t limit = 0;  // photos, spread evenly over the dataset; 0: all
  // Classification: added to every label. -1: 1 for a model of 1001 classes whose class 0 means none (labels stay below
  // 1000), else 0.
  int class_offset = -1;
  // Segmentation: masks are binary, and mean this one of the model's classes. -1: masks speak of all classes.
  int foreground = -1;
  std::vector<vision::PhotoFilter> filters;  // applied to every photo first
  std::function<void()> progress;            // after every photo; may be empty
};

struct ClassificationFigures {
  double top1 = 0, top5 = 0;  // percent of the photos
};

struct Metrics {
  Task task = Task::kNone;
  std::size_t photos = 0;
  double seconds = 0;                    // for everything: reading photos, running, scoring
  ClassificationFigures classification;  // the figures of the model's task are filled
  AveragePrecision detection;            // of all boxes with a score from 0.001 on, after the model's own suppression
  SegmentationFigures segmentation;
  std::vector<std::string> notes;  // choices made, for the reader
};

// Errors: kInvalidArgument (the dataset's truth is not of the model's task), those of load_image() and the session. The
// first photo that fails ends it.
Result<Metrics> evaluate(const Model& model, const Dataset& dataset, const EvaluateOptions& options = {});

}  // namespace dotori::evaluate
