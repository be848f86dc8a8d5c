// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/ssd_post_process.h"

#include <cmath>
#include <string>

namespace dotori::graph {
namespace {

constexpr long long kMaxCount = 65536;

Status expect_scale(const char* what, float scale) {
  if (std::isfinite(scale) && scale > 0) return {};
  return invalid_argument(std::string(what) + " must be finite and positive, found " + std::to_string(scale));
}

Status check_attributes(const SsdPostProcess& op) {
  DOTORI_RETURN_IF_ERROR(expect_range("classes", op.classes, 1, kMaxCount));
  DOTORI_RETURN_IF_ERROR(expect_range("max_detections", op.max_detections, 1, kMaxCount));
  DOTORI_RETURN_IF_ERROR(expect_range("max_classes_per_detection", op.max_classes_per_detection, 1, kMaxCount));
  DOTORI_RETURN_IF_ERROR(expect_range("detections_per_class", op.detections_per_class, 1, kMaxCount));
  if (!std::isfinite(op.score_threshold)) {
    return invalid_argument("score_threshold must be finite, found " + std::to_string(op.score_threshold));
  }
  if (!(op.iou_threshold > 0 && op.iou_threshold <= 1)) {
    return invalid_argument("iou_threshold must be in (0, 1], found " + std::to_string(op.iou_threshold));
  }
  DOTORI_RETURN_IF_ERROR(expect_scale("scale_y", op.scale_y));
  DOTORI_RETURN_IF_ERROR(expect_scale("scale_x", op.scale_x));
  DOTORI_RETURN_IF_ERROR(expect_scale("scale_h", op.scale_h));
  return expect_scale("scale_w", op.scale_w);
}

}  // namespace

Status infer(const SsdPostProcess& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  constexpr const char* kNames[] = {"encodings", "scores", "anchors"};
  if (inputs.size() != 3 || outputs.size() != 4) {
    return invalid_argument("expected 3 inputs and 4 outputs, found " + std::to_string(inputs.size()) + " and " +
                            std::to_string(outputs.size()));
  }
  DOTORI_RETURN_IF_ERROR(check_attributes(op));
  for (std::size_t i = 0; i < 3; ++i) {
    DOTORI_RETURN_IF_ERROR(expect_type(inputs[i], kNames[i], DataType::kFloat32));
    DOTORI_RETURN_IF_ERROR(expect_rank(inputs[i], kNames[i], i < 2 ? 3 : 2));
  }
  const Shape& boxes = inputs[0].shape();
  const Shape& scores = inputs[1].shape();
  const Shape& anchors = inputs[2].shape();
  if (boxes[0] != 1 || boxes[2] != 4) {
    return invalid_argument("encodings must be [1,anchors,4], found " + boxes.to_string());
  }
  DOTORI_RETURN_IF_ERROR(expect_range("number of anchors", boxes[1], 1, 1 << 20));
  if (scores[0] != 1 || scores[1] != boxes[1] || (scores[2] != op.classes && scores[2] != op.classes + 1)) {
    return invalid_argument("scores must be [1," + std::to_string(boxes[1]) + "," + std::to_string(op.classes) +
                            "] or one class more, found " + scores.to_string());
  }
  if (anchors != Shape{boxes[1], 4}) {
    return invalid_argument("anchors must be " + Shape{boxes[1], 4}.to_string() + ", found " + anchors.to_string());
  }
  if (inputs[2].constant == nullptr) return invalid_argument("anchors must be a constant");
  const std::int64_t detections = std::int64_t{op.max_detections} * op.max_classes_per_detection;
  DOTORI_RETURN_IF_ERROR(expect_range("detections", detections, 1, 1 << 20));
  outputs[0] = {DataType::kFloat32, {1, detections, 4}};
  outputs[1] = {DataType::kFloat32, {1, detections}};
  outputs[2] = {DataType::kFloat32, {1, detections}};
  outputs[3] = {DataType::kFloat32, {1}};
  return {};
}

}  // namespace dotori::graph
