// SPDX-License-Identifier: Apache-2.0
#include "graph/verify_task.h"

#include <cmath>
#include <string>

#include "graph/ops/checks.h"

namespace dotori::graph {
namespace {

constexpr std::size_t kMaxLabels = 100000;
constexpr std::size_t kMaxScales = 64;
constexpr std::size_t kMaxAnchorNumbers = 2 * 64;
constexpr int kMaxStride = 65536;

// Written so that a NaN is out of range.
Status expect_number(const char* what, float value, float low, float high) {
  if (value >= low && value <= high) return {};
  return invalid_argument(std::string(what) + " must be in [" + std::to_string(low) + ", " + std::to_string(high) +
                          "], found " + std::to_string(value));
}

Status expect_finite(const char* what, float value) {
  if (std::isfinite(value)) return {};
  return invalid_argument(std::string(what) + " must be finite, found " + std::to_string(value));
}

Status expect_positive(const char* what, float value) {
  if (std::isfinite(value) && value > 0) return {};
  return invalid_argument(std::string(what) + " must be finite and positive, found " + std::to_string(value));
}

Status check_preprocess(const Preprocess& p) {
  DOTORI_RETURN_IF_ERROR(check_enum("resize", p.resize));
  DOTORI_RETURN_IF_ERROR(check_enum("channel order", p.order));
  DOTORI_RETURN_IF_ERROR(expect_positive("crop_fraction", p.crop_fraction));
  DOTORI_RETURN_IF_ERROR(expect_number("crop_fraction", p.crop_fraction, 0, 1));
  DOTORI_RETURN_IF_ERROR(expect_number("pad_value", p.pad_value, 0, 255));
  for (int c = 0; c < 3; ++c) {
    DOTORI_RETURN_IF_ERROR(expect_finite("mean", p.mean[c]));
    DOTORI_RETURN_IF_ERROR(expect_finite("scale", p.scale[c]));
  }
  return {};
}

Status check_scale(const DetectionScale& scale, DetectionDecoder decoder, int last_output) {
  DOTORI_RETURN_IF_ERROR(expect_range("output", scale.output, 0, last_output));
  DOTORI_RETURN_IF_ERROR(
      expect_range("box_output", scale.box_output, decoder == DetectionDecoder::kNanodet ? 0 : -1, last_output));
  DOTORI_RETURN_IF_ERROR(expect_range("stride", scale.stride, 0, kMaxStride));
  const std::size_t numbers = scale.anchors.size();
  if (numbers % 2 != 0 || numbers > kMaxAnchorNumbers) {
    return invalid_argument("anchors must be at most " + std::to_string(kMaxAnchorNumbers / 2) + " pairs, found " +
                            std::to_string(numbers) + " numbers");
  }
  if (numbers == 0 && (decoder == DetectionDecoder::kRegion || decoder == DetectionDecoder::kYolo)) {
    return invalid_argument(std::string(detection_decoder_name(decoder)) + " needs anchors, found none");
  }
  for (float anchor : scale.anchors) DOTORI_RETURN_IF_ERROR(expect_positive("anchors", anchor));
  return {};
}

Status check_detection(const DetectionInfo& d, bool in_use, int last_output) {
  DOTORI_RETURN_IF_ERROR(check_enum("decoder", d.decoder));
  const bool decodes = in_use && d.decoder != DetectionDecoder::kNone;
  if (in_use && !decodes) return invalid_argument("a detector needs a decoder, found none");
  DOTORI_RETURN_IF_ERROR(expect_range("classes", d.classes, decodes ? 1 : 0, kMaxLabels));
  DOTORI_RETURN_IF_ERROR(
      expect_range("number of scales", static_cast<long long>(d.scales.size()), decodes ? 1 : 0, kMaxScales));
  for (std::size_t i = 0; i < d.scales.size(); ++i) {
    DOTORI_RETURN_IF_ERROR(check_scale(d.scales[i], d.decoder, last_output).with_context("scale " + std::to_string(i)));
  }
  DOTORI_RETURN_IF_ERROR(expect_positive("scale_x_y", d.scale_x_y));
  DOTORI_RETURN_IF_ERROR(expect_number("score_threshold", d.score_threshold, 0, 1));
  return expect_number("nms_iou", d.nms_iou, 0, 1);
}

Status check_segmentation(const SegmentationInfo& s, bool in_use, int last_output) {
  DOTORI_RETURN_IF_ERROR(check_enum("decoder", s.decoder));
  if (in_use && s.decoder == MaskDecoder::kNone) return invalid_argument("a segmenter needs a decoder, found none");
  DOTORI_RETURN_IF_ERROR(expect_range("output", s.output, 0, last_output));
  return expect_number("threshold", s.threshold, 0, 1);
}

}  // namespace

Status verify_task(const TaskInfo& task, std::size_t output_count) {
  DOTORI_RETURN_IF_ERROR(check_enum("task", task.task));
  DOTORI_RETURN_IF_ERROR(expect_range("number of labels", static_cast<long long>(task.labels.size()), 0, kMaxLabels));
  DOTORI_RETURN_IF_ERROR(check_preprocess(task.preprocess).with_context("preprocess"));
  const int last_output = static_cast<int>(output_count) - 1;
  DOTORI_RETURN_IF_ERROR(
      expect_range("output", task.classification.output, 0, last_output).with_context("classification"));
  DOTORI_RETURN_IF_ERROR(
      check_detection(task.detection, task.task == Task::kDetection, last_output).with_context("detection"));
  return check_segmentation(task.segmentation, task.task == Task::kSegmentation, last_output)
      .with_context("segmentation");
}

}  // namespace dotori::graph
