// SPDX-License-Identifier: Apache-2.0
#include "cli/task_options.h"

#include <algorithm>
#include <cmath>

#include "cli/cli.h"
#include "cli/presets.h"

namespace dotori::cli {
namespace {

// The enumerator whose name is `text`; all names in the message otherwise.
template <class E>
Result<E> parse_enum(const char* option, const std::string& text, const char* (*name_of)(E) noexcept) {
  std::string known;
  for (int i = 0; i < static_cast<int>(E::kCount); ++i) {
    const E e = static_cast<E>(i);
    if (text == name_of(e)) return e;
    known += std::string(known.empty() ? "" : ", ") + name_of(e);
  }
  return invalid_argument(std::string(option) + " is '" + text + "', expected one of: " + known);
}

Status set_float(const char* option, const std::string& text, float& value) {
  if (text.empty()) return Status();
  auto parsed = parse_float(text);
  if (!parsed.ok()) return parsed.status().with_context(option);
  value = *parsed;
  return Status();
}

// One number for all channels, or three.
Status set_channels(const char* option, const std::string& text, float (&values)[3]) {
  if (text.empty()) return Status();
  auto parsed = parse_floats(text);
  if (!parsed.ok()) return parsed.status().with_context(option);
  if (parsed->size() != 1 && parsed->size() != 3)
    return invalid_argument(std::string(option) + " has " + std::to_string(parsed->size()) +
                            " numbers, expected 1 or 3");
  for (std::size_t c = 0; c < 3; ++c) values[c] = (*parsed)[parsed->size() == 1 ? 0 : c];
  return Status();
}

Status apply_preprocess(const TaskOptions& o, Preprocess& p) {
  if (!o.resize.empty()) {
    DOTORI_ASSIGN_OR_RETURN(p.resize, parse_enum("--resize", o.resize, resize_mode_name));
  }
  if (!o.order.empty()) {
    DOTORI_ASSIGN_OR_RETURN(p.order, parse_enum("--order", o.order, channel_order_name));
  }
  DOTORI_RETURN_IF_ERROR(set_float("--crop", o.crop, p.crop_fraction));
  DOTORI_RETURN_IF_ERROR(set_float("--pad-value", o.pad_value, p.pad_value));
  DOTORI_RETURN_IF_ERROR(set_channels("--mean", o.mean, p.mean));
  DOTORI_RETURN_IF_ERROR(set_channels("--scale", o.scale, p.scale));
  if (!o.std_dev.empty()) {
    float deviation[3];
    DOTORI_RETURN_IF_ERROR(set_channels("--std", o.std_dev, deviation));
    for (int c = 0; c < 3; ++c) {
      if (deviation[c] == 0) return invalid_argument("--std is 0, expected another number");
      p.scale[c] = 1 / deviation[c];
    }
  }
  return Status();
}

// Anchor sets of the scales are separated by ';', numbers by ','.
Status apply_scales(const TaskOptions& o, DetectionInfo& d) {
  if (o.strides.empty() && o.anchors.empty()) return Status();
  std::vector<float> strides;
  if (!o.strides.empty()) {
    auto parsed = parse_floats(o.strides);
    if (!parsed.ok()) return parsed.status().with_context("--strides");
    strides = *parsed;
    for (float stride : strides)
      if (stride < 1 || stride > 4096 || stride != std::floor(stride))
        return invalid_argument("--strides '" + o.strides + "': expected whole numbers from 1 to 4096");
  }
  const std::vector<std::string> sets = o.anchors.empty() ? std::vector<std::string>() : split(o.anchors, ';');
  if (!strides.empty() && !sets.empty() && strides.size() != sets.size())
    return invalid_argument("--anchors has " + std::to_string(sets.size()) + " sets but --strides has " +
                            std::to_string(strides.size()) + " scales");
  const std::size_t count = std::max(strides.size(), sets.size());
  d.scales.assign(count, DetectionScale());
  const bool own_output = d.decoder == DetectionDecoder::kRegion || d.decoder == DetectionDecoder::kYolo;
  for (std::size_t i = 0; i < count; ++i) {
    DetectionScale& level = d.scales[i];
    level.output = own_output ? static_cast<int>(i) : 0;
    if (d.decoder == DetectionDecoder::kNanodet) {
      level.output = static_cast<int>(i);
      level.box_output = static_cast<int>(i + count);
    }
    if (i < strides.size()) level.stride = static_cast<int>(strides[i]);
    if (i < sets.size()) {
      auto parsed = parse_floats(sets[i]);
      if (!parsed.ok()) return parsed.status().with_context("--anchors");
      level.anchors = *parsed;
    }
  }
  return Status();
}

Status apply_detection(const TaskOptions& o, DetectionInfo& d) {
  if (!o.decoder.empty()) {
    DOTORI_ASSIGN_OR_RETURN(d.decoder, parse_enum("--decoder", o.decoder, detection_decoder_name));
    if (d.decoder == DetectionDecoder::kFastestDet || d.decoder == DetectionDecoder::kSsd)
      d.scales.assign(1, DetectionScale());
  }
  if (o.classes > 0) d.classes = o.classes;
  DOTORI_RETURN_IF_ERROR(set_float("--score-threshold", o.score_threshold, d.score_threshold));
  DOTORI_RETURN_IF_ERROR(set_float("--iou", o.iou, d.nms_iou));
  return apply_scales(o, d);
}

Status check_complete(const graph::Graph& graph) {
  const TaskInfo& t = graph.task;
  if (t.task == Task::kDetection) {
    if (t.detection.decoder == DetectionDecoder::kNone)
      return invalid_argument(
          "a detector needs --decoder (region, yolo, yolox, fastestdet, nanodet or ssd) or a --preset");
    if (t.detection.classes < 1) return invalid_argument("a detector needs --classes N, --labels FILE or a --preset");
    if (t.detection.scales.empty())
      return invalid_argument("a detector needs --strides and, for region and yolo, --anchors");
  }
  if (t.task == Task::kSegmentation && t.segmentation.decoder == MaskDecoder::kNone)
    return invalid_argument("a segmentation network needs --mask (argmax, threshold or class-map) or a --preset");
  return Status();
}

}  // namespace

void TaskOptions::add_to(CLI::App& command) {
  std::string preset_help = "ready-made task description:";
  for (const Preset& p : presets()) preset_help += std::string("\n") + p.name + ": " + p.summary;
  const char* group = "Task";
  command.add_option("--preset", preset, preset_help)->group(group);
  command.add_option("--task", task, "classification, detection, segmentation or none")->group(group);
  command.add_option("--labels", labels, "class names: one a line, or a JSON array")->group(group);
  command.add_option("--output", output, "index of the output that holds the answer")
      ->check(CLI::Range(0, 1023))
      ->group(group);
  group = "Photo to input";
  command.add_option("--resize", resize, "stretch, center-crop, letterbox or letterbox-top-left")->group(group);
  command.add_option("--crop", crop, "center-crop: part of the shorter side, 0..1 (0.875)")->group(group);
  command.add_option("--pad-value", pad_value, "letterbox: grey level of the border, 0..255 (114)")->group(group);
  command.add_option("--order", order, "rgb, bgr or gray")->group(group);
  command.add_option("--mean", mean, "subtracted first, in 0..255: one number or three with commas")->group(group);
  command.add_option("--scale", scale, "multiplied afterwards: one number or three")->group(group);
  command.add_option("--std", std_dev, "divided afterwards, instead of --scale")->group(group);
  group = "Classification";
  command.add_flag("--logits", logits, "the output holds logits: softmax is applied to the scores")->group(group);
  group = "Detection";
  command.add_option("--decoder", decoder, "region (YOLOv2), yolo (v3, v4), yolox, fastestdet, nanodet or ssd")
      ->group(group);
  command.add_option("--classes", classes, "number of classes")->check(CLI::Range(1, 100000))->group(group);
  command.add_option("--strides", strides, "pixels a cell of each scale, such as 32,16,8")->group(group);
  command.add_option("--anchors", anchors, "w,h,w,h… in input pixels; ';' between scales")->group(group);
  command.add_option("--score-threshold", score_threshold, "least score of a box (0.25)")->group(group);
  command.add_option("--iou", iou, "overlap above which the weaker box is dropped (0.45)")->group(group);
  group = "Segmentation";
  command.add_option("--mask", mask, "argmax, threshold or class-map")->group(group);
  command.add_option("--mask-threshold", mask_threshold, "threshold: value from which a pixel counts (0.5)")
      ->group(group);
  command.add_flag("--min-max-norm", min_max_norm, "threshold: stretch the map to 0..1 first")->group(group);
}

Status TaskOptions::apply(graph::Graph& graph) const {
  TaskInfo& t = graph.task;
  if (!preset.empty()) {
    const Preset* found = find_preset(preset);
    if (found == nullptr)
      return invalid_argument("--preset '" + preset + "' does not exist; see dotori convert --help");
    t = found->make();
  }
  if (!task.empty()) {
    DOTORI_ASSIGN_OR_RETURN(t.task, parse_enum("--task", task, task_name));
  }
  if (t.task == Task::kNone && task.empty()) {
    if (!decoder.empty()) t.task = Task::kDetection;
    else if (!mask.empty()) t.task = Task::kSegmentation;
    else if (!labels.empty()) t.task = Task::kClassification;
  }
  if (!labels.empty()) {
    DOTORI_ASSIGN_OR_RETURN(t.labels, load_labels(labels));
  }
  DOTORI_RETURN_IF_ERROR(apply_preprocess(*this, t.preprocess));
  DOTORI_RETURN_IF_ERROR(apply_detection(*this, t.detection));
  if (t.task == Task::kDetection && !t.labels.empty()) {
    const int count = static_cast<int>(t.labels.size());
    if (t.detection.classes == 0) t.detection.classes = count;
    if (t.detection.classes != count)
      return invalid_argument("the detector has " + std::to_string(t.detection.classes) + " classes, but there are " +
                              std::to_string(count) + " labels");
  }
  if (logits) t.classification.apply_softmax = true;
  if (!mask.empty()) {
    DOTORI_ASSIGN_OR_RETURN(t.segmentation.decoder, parse_enum("--mask", mask, mask_decoder_name));
  }
  DOTORI_RETURN_IF_ERROR(set_float("--mask-threshold", mask_threshold, t.segmentation.threshold));
  if (min_max_norm) t.segmentation.min_max_norm = true;
  if (output >= 0) {
    t.classification.output = output;
    t.segmentation.output = output;
    for (DetectionScale& level : t.detection.scales)
      if (t.detection.decoder == DetectionDecoder::kYolox || t.detection.decoder == DetectionDecoder::kFastestDet ||
          t.detection.decoder == DetectionDecoder::kSsd)
        level.output = output;
  }
  return check_complete(graph);
}

Result<std::vector<std::string>> load_labels(const std::string& path) {
  DOTORI_ASSIGN_OR_RETURN(const std::string text, read_text(path));
  std::vector<std::string> labels;
  if (text.find_first_not_of(" \t\r\n") != std::string::npos && text[text.find_first_not_of(" \t\r\n")] == '[') {
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_array()) return invalid_argument(path + ": not a JSON array of strings");
    for (const Json& item : json) {
      if (!item.is_string())
        return invalid_argument(path + ": entry " + std::to_string(labels.size()) + " is not a string");
      labels.push_back(item.get<std::string>());
    }
    return labels;
  }
  labels = split(text, '\n');
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  if (labels.empty()) return invalid_argument(path + ": holds no labels");
  return labels;
}

}  // namespace dotori::cli
