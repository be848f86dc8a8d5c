// SPDX-License-Identifier: Apache-2.0
// The end of an SSD detector: decodes boxes against anchors, drops weak ones and those that overlap a better one.
//   inputs: encodings [1,A,4] (centre y, centre x, height, width), scores [1,A,C] or [1,A,C+1] with a background class
//     first (C = classes), anchors [A,4] constant (as encodings, in parts of the image)
//   outputs: boxes [1,D,4] (top, left, bottom, right, in parts of the image), classes [1,D], scores [1,D], count [1];
//     D = max_detections * max_classes_per_detection. Behind the first `count` boxes all is 0. float32.
// A box: y = encoding.y / scale_y * anchor.h + anchor.y, x alike; height = exp(encoding.h / scale_h) * anchor.h, width
// alike. Fast suppression (the default) compares boxes by their best class, whichever it is, and reports the
// max_classes_per_detection best classes of each box kept, one after the other; `count` counts boxes. Regular
// suppression works on each class by itself (at most detections_per_class of it), then reports the max_detections best
// of all. A box is kept when its score >= score_threshold and its IoU with every kept better one <= iou_threshold. Of
// equal scores the lower class, then the lower anchor comes first.
// Source: TFLite's custom operator TFLite_Detection_PostProcess (lite/kernels/detection_postprocess.cc).
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct SsdPostProcess {
  int classes = 1;  // without the background
  int max_detections = 1;
  int max_classes_per_detection = 1;  // fast suppression
  int detections_per_class = 100;     // regular suppression
  bool regular_suppression = false;
  float score_threshold = 0;
  float iou_threshold = 0.5f;                                // in (0, 1]
  float scale_y = 1, scale_x = 1, scale_h = 1, scale_w = 1;  // above 0

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("classes", self.classes);
    f("max_detections", self.max_detections);
    f("max_classes_per_detection", self.max_classes_per_detection);
    f("detections_per_class", self.detections_per_class);
    f("regular_suppression", self.regular_suppression);
    f("score_threshold", self.score_threshold);
    f("iou_threshold", self.iou_threshold);
    f("scale_y", self.scale_y);
    f("scale_x", self.scale_x);
    f("scale_h", self.scale_h);
    f("scale_w", self.scale_w);
  }
};

Status infer(const SsdPostProcess& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
