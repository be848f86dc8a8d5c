// SPDX-License-Identifier: Apache-2.0
#include <dotori/task.h>

namespace dotori {

const char* task_name(Task task) noexcept {
  switch (task) {
    case Task::kClassification: return "classification";
    case Task::kDetection: return "detection";
    case Task::kSegmentation: return "segmentation";
    default: return "none";
  }
}

const char* resize_mode_name(ResizeMode mode) noexcept {
  switch (mode) {
    case ResizeMode::kStretch: return "stretch";
    case ResizeMode::kCenterCrop: return "center-crop";
    case ResizeMode::kLetterbox: return "letterbox";
    case ResizeMode::kLetterboxTopLeft: return "letterbox-top-left";
    case ResizeMode::kCount: break;
  }
  return "unknown";
}

const char* channel_order_name(ChannelOrder order) noexcept {
  switch (order) {
    case ChannelOrder::kRgb: return "rgb";
    case ChannelOrder::kBgr: return "bgr";
    case ChannelOrder::kGray: return "gray";
    case ChannelOrder::kCount: break;
  }
  return "unknown";
}

const char* detection_decoder_name(DetectionDecoder d) noexcept {
  switch (d) {
    case DetectionDecoder::kRegion: return "region";
    case DetectionDecoder::kYolo: return "yolo";
    case DetectionDecoder::kYolox: return "yolox";
    case DetectionDecoder::kFastestDet: return "fastestdet";
    case DetectionDecoder::kNanodet: return "nanodet";
    case DetectionDecoder::kSsd: return "ssd";
    default: return "none";
  }
}

const char* mask_decoder_name(MaskDecoder d) noexcept {
  switch (d) {
    case MaskDecoder::kArgMax: return "argmax";
    case MaskDecoder::kThreshold: return "threshold";
    case MaskDecoder::kClassMap: return "class-map";
    default: return "none";
  }
}

}  // namespace dotori
