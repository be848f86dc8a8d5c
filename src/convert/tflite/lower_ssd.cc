// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>
#include <utility>

#include "convert/tflite/codes.h"
#include "convert/tflite/flexbuffer.h"

namespace dotori::convert::tflite {
namespace {

// Missing options have TFLite's defaults.
class Options {
 public:
  explicit Options(std::map<std::string, double> numbers) : numbers_(std::move(numbers)) {}

  double number(const char* name, double otherwise) const {
    const auto found = numbers_.find(name);
    return found == numbers_.end() ? otherwise : found->second;
  }
  Result<int> count(const char* name, int otherwise) const {
    const double value = number(name, otherwise);
    if (!(value >= 1 && value <= 65536))
      return corrupt_model(std::string(name) + " must be in [1, 65536], found " + std::to_string(value));
    return static_cast<int>(value);
  }
  Result<float> required(const char* name) const {
    if (numbers_.count(name) == 0) return corrupt_model(std::string("option ") + name + " is missing");
    return static_cast<float>(number(name, 0));
  }

 private:
  std::map<std::string, double> numbers_;
};

}  // namespace

// Inputs: box encodings, class scores, anchors. Outputs: boxes, classes, scores, number of detections.
Status lower_ssd_post_process(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 3, 3));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 4));
  DOTORI_ASSIGN_OR_RETURN(auto numbers, read_flex_numbers(op.custom_options));
  const Options options(std::move(numbers));
  graph::SsdPostProcess node;
  DOTORI_ASSIGN_OR_RETURN(node.max_detections, options.count("max_detections", 0));
  DOTORI_ASSIGN_OR_RETURN(node.max_classes_per_detection, options.count("max_classes_per_detection", 0));
  DOTORI_ASSIGN_OR_RETURN(node.detections_per_class, options.count("detections_per_class", 100));
  DOTORI_ASSIGN_OR_RETURN(node.classes, options.count("num_classes", 0));
  node.regular_suppression = options.number("use_regular_nms", 0) != 0;
  DOTORI_ASSIGN_OR_RETURN(node.score_threshold, options.required("nms_score_threshold"));
  DOTORI_ASSIGN_OR_RETURN(node.iou_threshold, options.required("nms_iou_threshold"));
  DOTORI_ASSIGN_OR_RETURN(node.scale_y, options.required("y_scale"));
  DOTORI_ASSIGN_OR_RETURN(node.scale_x, options.required("x_scale"));
  DOTORI_ASSIGN_OR_RETURN(node.scale_h, options.required("h_scale"));
  DOTORI_ASSIGN_OR_RETURN(node.scale_w, options.required("w_scale"));
  std::vector<graph::ValueId> inputs;
  for (int i = 0; i < 3; ++i) {
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.real_input(op, i));
    inputs.push_back(x);
  }
  return builder.emit_outputs(op, node, std::move(inputs));
}

}  // namespace dotori::convert::tflite
