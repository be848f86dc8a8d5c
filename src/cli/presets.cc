// SPDX-License-Identifier: Apache-2.0
#include "cli/presets.h"

namespace dotori::cli {
namespace {

void set_scale(Preprocess& p, float mean0, float mean1, float mean2, float scale0, float scale1, float scale2) {
  const float mean[3] = {mean0, mean1, mean2}, scale[3] = {scale0, scale1, scale2};
  for (int c = 0; c < 3; ++c) {
    p.mean[c] = mean[c];
    p.scale[c] = scale[c];
  }
}

// x / 127.5 - 1, as TensorFlow's MobileNets were trained.
TaskInfo mobilenet_tf() {
  TaskInfo t;
  t.task = Task::kClassification;
  t.preprocess.resize = ResizeMode::kCenterCrop;
  set_scale(t.preprocess, 127.5f, 127.5f, 127.5f, 1 / 127.5f, 1 / 127.5f, 1 / 127.5f);
  return t;
}

// ImageNet mean and standard deviation of torchvision, in 0..255.
TaskInfo imagenet_torch() {
  TaskInfo t;
  t.task = Task::kClassification;
  t.classification.apply_softmax = true;
  t.preprocess.resize = ResizeMode::kCenterCrop;
  set_scale(t.preprocess, 0.485f * 255, 0.456f * 255, 0.406f * 255, 1 / (0.229f * 255), 1 / (0.224f * 255),
            1 / (0.225f * 255));
  return t;
}

// Blue-green-red minus the ImageNet mean, as Caffe's networks were trained.
TaskInfo caffe() {
  TaskInfo t;
  t.task = Task::kClassification;
  t.preprocess.resize = ResizeMode::kCenterCrop;
  t.preprocess.order = ChannelOrder::kBgr;
  set_scale(t.preprocess, 104, 117, 123, 1, 1, 1);
  return t;
}

TaskInfo detector(DetectionDecoder decoder) {
  TaskInfo t;
  t.task = Task::kDetection;
  t.labels = coco80_labels();
  t.detection.decoder = decoder;
  t.detection.classes = 80;
  return t;
}

TaskInfo yolov2_tiny_coco() {
  TaskInfo t = detector(DetectionDecoder::kRegion);
  t.preprocess.resize = ResizeMode::kLetterbox;
  t.preprocess.pad_value = 127.5f;
  t.detection.score_threshold = 0.4f;
  DetectionScale scale;
  scale.stride = 32;
  // Darknet's yolov2-tiny.cfg, in cells of 32 pixels.
  for (float cells :
       {0.57273f, 0.677385f, 1.87446f, 2.06253f, 3.33843f, 5.47434f, 7.88282f, 3.52778f, 9.77052f, 9.16828f})
    scale.anchors.push_back(cells * 32);
  t.detection.scales.push_back(scale);
  return t;
}

TaskInfo yolox() {
  TaskInfo t = detector(DetectionDecoder::kYolox);
  t.preprocess.resize = ResizeMode::kLetterboxTopLeft;
  t.preprocess.order = ChannelOrder::kBgr;
  set_scale(t.preprocess, 0, 0, 0, 1, 1, 1);
  for (int stride : {8, 16, 32}) {
    DetectionScale scale;
    scale.stride = stride;
    t.detection.scales.push_back(scale);
  }
  return t;
}

TaskInfo fastest_det() {
  TaskInfo t = detector(DetectionDecoder::kFastestDet);
  t.preprocess.order = ChannelOrder::kBgr;
  t.detection.score_threshold = 0.65f;
  t.detection.scales.emplace_back();
  return t;
}

TaskInfo nanodet() {
  TaskInfo t = detector(DetectionDecoder::kNanodet);
  t.preprocess.order = ChannelOrder::kBgr;
  // The training's mean and standard deviation, blue-green-red.
  set_scale(t.preprocess, 103.53f, 116.28f, 123.675f, 1 / 57.375f, 1 / 57.12f, 1 / 58.395f);
  t.detection.score_threshold = 0.4f;
  // The class scores of all scales come first, then the distances.
  int output = 0;
  for (int stride : {8, 16, 32}) {
    DetectionScale scale;
    scale.output = output;
    scale.box_output = output + 3;
    scale.stride = stride;
    t.detection.scales.push_back(scale);
    ++output;
  }
  return t;
}

// As trained with TensorFlow's object detection API: 90 COCO ids, of which ten were never used. x / 128 - 1 is the
// stored number itself for an 8-bit input of scale 1/128 and zero point 128.
TaskInfo ssd_tflite() {
  TaskInfo t = detector(DetectionDecoder::kSsd);
  set_scale(t.preprocess, 128, 128, 128, 1 / 128.0f, 1 / 128.0f, 1 / 128.0f);
  const std::vector<std::string> used = coco80_labels();
  t.labels.clear();
  std::size_t next = 0;
  for (int id = 1; id <= 90; ++id) {
    bool unused = false;
    for (int gap : {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}) unused = unused || id == gap;
    t.labels.push_back(unused ? "n/a" : used[next++]);
  }
  t.detection.classes = 90;
  t.detection.score_threshold = 0.5f;
  t.detection.scales.push_back(DetectionScale());
  return t;
}

TaskInfo u2net() {
  TaskInfo t;
  t.task = Task::kSegmentation;
  t.labels = {"background", "object"};
  t.preprocess.image_max_norm = true;
  set_scale(t.preprocess, 0.485f * 255, 0.456f * 255, 0.406f * 255, 1 / (0.229f * 255), 1 / (0.224f * 255),
            1 / (0.225f * 255));
  t.segmentation.decoder = MaskDecoder::kThreshold;
  t.segmentation.min_max_norm = true;
  return t;
}

TaskInfo portrait() {
  TaskInfo t;
  t.task = Task::kSegmentation;
  t.labels = {"background", "person"};
  t.segmentation.decoder = MaskDecoder::kThreshold;
  return t;
}

TaskInfo deeplab() {
  TaskInfo t = mobilenet_tf();
  t.task = Task::kSegmentation;
  t.preprocess.resize = ResizeMode::kStretch;
  t.labels = {"background", "aeroplane", "bicycle",     "bird",  "boat",        "bottle", "bus",
              "car",        "cat",       "chair",       "cow",   "diningtable", "dog",    "horse",
              "motorbike",  "person",    "pottedplant", "sheep", "sofa",        "train",  "tvmonitor"};
  t.segmentation.decoder = MaskDecoder::kArgMax;
  return t;
}

constexpr Preset kPresets[] = {
    {"mobilenet-tf", "classifier, RGB x/127.5-1, centre crop 87.5 % (TensorFlow's MobileNets)", mobilenet_tf},
    {"imagenet-torch", "classifier, RGB minus mean over deviation, logits (torchvision)", imagenet_torch},
    {"caffe", "classifier, BGR minus 104,117,123 (Caffe's networks)", caffe},
    {"yolov2-tiny", "detector, 80 COCO classes, letterbox, RGB/255, five anchors", yolov2_tiny_coco},
    {"yolox", "detector, 80 COCO classes, letterbox top-left, BGR 0..255, strides 8,16,32", yolox},
    {"fastestdet", "detector, 80 COCO classes, stretch, BGR/255", fastest_det},
    {"nanodet",
     "detector, 80 COCO classes, stretch, BGR normalised, three outputs with scores, then three with distances",
     nanodet},
    {"ssd-tflite", "detector, 90 COCO classes, stretch, RGB x/128-1, ends in TFLite_Detection_PostProcess", ssd_tflite},
    {"u2net", "segmentation, salient object, threshold 0.5 after min-max", u2net},
    {"portrait", "segmentation, person / background, RGB/255, threshold 0.5", portrait},
    {"deeplab", "segmentation, 21 PASCAL VOC classes, x/127.5-1, arg-max", deeplab},
};

}  // namespace

Span<const Preset> presets() {
  return Span<const Preset>(kPresets);
}

const Preset* find_preset(const std::string& name) {
  for (const Preset& preset : kPresets)
    if (name == preset.name) return &preset;
  return nullptr;
}

std::vector<std::string> coco80_labels() {
  return {
      "person",         "bicycle",    "car",           "motorbike",     "aeroplane",   "bus",           "train",
      "truck",          "boat",       "traffic light", "fire hydrant",  "stop sign",   "parking meter", "bench",
      "bird",           "cat",        "dog",           "horse",         "sheep",       "cow",           "elephant",
      "bear",           "zebra",      "giraffe",       "backpack",      "umbrella",    "handbag",       "tie",
      "suitcase",       "frisbee",    "skis",          "snowboard",     "sports ball", "kite",          "baseball bat",
      "baseball glove", "skateboard", "surfboard",     "tennis racket", "bottle",      "wine glass",    "cup",
      "fork",           "knife",      "spoon",         "bowl",          "banana",      "apple",         "sandwich",
      "orange",         "broccoli",   "carrot",        "hot dog",       "pizza",       "donut",         "cake",
      "chair",          "sofa",       "pottedplant",   "bed",           "diningtable", "toilet",        "tvmonitor",
      "laptop",         "mouse",      "remote",        "keyboard",      "cell phone",  "microwave",     "oven",
      "toaster",        "sink",       "refrigerator",  "book",          "clock",       "vase",          "scissors",
      "teddy bear",     "hair drier", "toothbrush"};
}

}  // namespace dotori::cli
