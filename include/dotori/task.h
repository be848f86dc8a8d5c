// SPDX-License-Identifier: Apache-2.0
// What a model is for: how a photo becomes its input and how its output becomes an answer. Stored in the .dtr file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dotori {

// The numbers of all enumerations here are stored in .dtr files: never change or reuse one.
enum class Task : std::uint8_t { kNone = 0, kClassification = 1, kDetection = 2, kSegmentation = 3, kCount };

enum class ResizeMode : std::uint8_t {
  kStretch = 0,           // width and height scaled independently
  kCenterCrop = 1,        // the middle `crop_fraction` of the shorter side, squared, then scaled
  kLetterbox = 2,         // aspect kept, centred, the rest filled with `pad_value`
  kLetterboxTopLeft = 3,  // aspect kept, at the top left, the rest filled with `pad_value`
  kCount
};

enum class ChannelOrder : std::uint8_t { kRgb = 0, kBgr = 1, kGray = 2, kCount };

// Photo (8-bit RGB) -> input tensor: resized, channels ordered, then y = (x - mean[c]) * scale[c] with x in 0..255.
struct Preprocess {
  ResizeMode resize = ResizeMode::kStretch;
  float crop_fraction = 0.875f;  // kCenterCrop only, in (0, 1]
  float pad_value = 114.0f;      // 0..255, before mean and scale
  ChannelOrder order = ChannelOrder::kRgb;
  float mean[3] = {0, 0, 0};  // 0..255, in `order`
  float scale[3] = {1.0f / 255, 1.0f / 255, 1.0f / 255};
  bool image_max_norm = false;  // divide the resized photo by its own largest value first (U2-Net's training did)
};

enum class DetectionDecoder : std::uint8_t {
  kNone = 0,
  kRegion = 1,      // YOLOv2: sigmoid x, y, objectness; exp(w, h) * anchor; softmax classes
  kYolo = 2,        // YOLOv3 / YOLOv4: sigmoid x, y, objectness, classes; exp(w, h) * anchor
  kYolox = 3,       // anchor-free, [N, cells, 5 + classes], (x, y) + cell, exp(w, h), times stride
  kFastestDet = 4,  // one map [N, H, W, 5 + classes]: objectness, tanh x, y, sigmoid w, h, class scores
  kNanodet = 5,     // class scores and distance distributions, one pair of outputs a scale
  kSsd = 6,         // four outputs in this order: boxes, classes, scores, count; the network itself did the suppression
  kCount
};

// One scale of a detector.
struct DetectionScale {
  // Index of the model output that holds this scale's values (kNanodet: class scores; kSsd: boxes, the other three
  // follow it).
  int output = 0;
  int box_output = -1;         // kNanodet: index of the output with the distances; else -1
  int stride = 0;              // input pixels a cell; 0: input size / map size
  std::vector<float> anchors;  // width, height pairs, in input pixels
};

struct DetectionInfo {
  DetectionDecoder decoder = DetectionDecoder::kNone;
  int classes = 0;
  std::vector<DetectionScale> scales;
  float scale_x_y = 1.0f;   // YOLOv4: x = sigmoid(t) * s - (s - 1) / 2
  bool new_coords = false;  // Scaled-YOLOv4: outputs are already logistic, w = (2 t)^2 * anchor
  float score_threshold = 0.25f;
  float nms_iou = 0.45f;
};

enum class MaskDecoder : std::uint8_t {
  kNone = 0,
  kArgMax = 1,     // class = index of the largest channel
  kThreshold = 2,  // one channel; class 1 where value >= threshold
  kClassMap = 3,   // the output holds class indices already
  kCount
};

struct SegmentationInfo {
  MaskDecoder decoder = MaskDecoder::kNone;
  int output = 0;             // index of the model output that holds the map
  float threshold = 0.5f;     // kThreshold
  bool min_max_norm = false;  // kThreshold: stretch the map to 0..1 by its own least and largest value first
};

struct ClassificationInfo {
  int output = 0;
  bool apply_softmax = false;  // the output holds logits
};

// Everything a program needs to go from photo to answer. Plain data; copy it freely.
struct TaskInfo {
  Task task = Task::kNone;
  std::vector<std::string> labels;  // by class index; may be empty
  Preprocess preprocess;
  ClassificationInfo classification;
  DetectionInfo detection;
  SegmentationInfo segmentation;
};

const char* task_name(Task task) noexcept;               // "classification", …
const char* resize_mode_name(ResizeMode mode) noexcept;  // "stretch", "center-crop", "letterbox", "letterbox-top-left"
const char* channel_order_name(ChannelOrder order) noexcept;  // "rgb", "bgr", "gray"
// "region", "yolo", "yolox", "fastestdet", "nanodet", "ssd"
const char* detection_decoder_name(DetectionDecoder d) noexcept;
const char* mask_decoder_name(MaskDecoder d) noexcept;  // "argmax", "threshold", "class-map"

}  // namespace dotori
