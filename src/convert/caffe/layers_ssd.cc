// SPDX-License-Identifier: Apache-2.0
// The end of an SSD as its fork of Caffe has it (Liu et al. 2016): anchors for every cell of several maps, and the
// selection of boxes. Formulas: prior_box_layer.cpp and detection_output_layer.cpp of that fork.
#include <algorithm>
#include <cmath>

#include "convert/caffe/builder.h"

namespace dotori::convert::caffe {

Result<std::vector<Tensor>> prior_box(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(2, 2));
  const dotori_caffe::PriorBox& p = c.layer.prior_box_param();
  const Tensor& map = c.bottoms[0];
  const Tensor& photo = c.bottoms[1];
  if (map.rank() != 4 || photo.rank() != 4)
    return corrupt_model("bottoms of " + dims_text(map.dims) + " and " + dims_text(photo.dims));
  if (p.min_size_size() == 0 || (p.max_size_size() != 0 && p.max_size_size() != p.min_size_size()))
    return corrupt_model(std::to_string(p.min_size_size()) + " min_size and " + std::to_string(p.max_size_size()) +
                         " max_size");
  if (p.has_code_type() && p.code_type() != dotori_caffe::CENTER_SIZE)
    return unsupported("code_type (only CENTER_SIZE is supported)");
  std::vector<float> ratios;
  for (float ratio : p.aspect_ratio()) {
    if (!(ratio > 0)) return corrupt_model("aspect_ratio " + std::to_string(ratio));
    const auto known = [&](float r) {
      return std::fabs(r - 1) < 1e-6f ||
             std::any_of(ratios.begin(), ratios.end(), [&](float q) { return std::fabs(q - r) < 1e-6f; });
    };
    if (known(ratio)) continue;
    ratios.push_back(ratio);
    if (p.flip() && !known(1 / ratio)) ratios.push_back(1 / ratio);
  }
  Priors priors;
  if (p.variance_size() == 4) priors.variance.assign(p.variance().begin(), p.variance().end());
  else if (p.variance_size() <= 1) priors.variance.assign(4, p.variance_size() == 1 ? p.variance(0) : 0.1f);
  else return corrupt_model(std::to_string(p.variance_size()) + " variance (expected 1 or 4)");
  const float photo_w = static_cast<float>(p.has_img_w() ? p.img_w() : p.has_img_size() ? p.img_size() : photo.dims[3]);
  const float photo_h = static_cast<float>(p.has_img_h() ? p.img_h() : p.has_img_size() ? p.img_size() : photo.dims[2]);
  const float step_w = p.has_step_w() ? p.step_w()
                       : p.has_step() ? p.step()
                                      : photo_w / static_cast<float>(map.dims[3]);
  const float step_h = p.has_step_h() ? p.step_h()
                       : p.has_step() ? p.step()
                                      : photo_h / static_cast<float>(map.dims[2]);
  if (!(photo_w > 0) || !(photo_h > 0) || !(step_w > 0) || !(step_h > 0)) return corrupt_model("an image or step of 0");
  const auto add = [&](float x, float y, float w, float h) {
    for (float edge : {(x - w / 2) / photo_w, (y - h / 2) / photo_h, (x + w / 2) / photo_w, (y + h / 2) / photo_h})
      priors.boxes.push_back(p.clip() ? std::min(std::max(edge, 0.0f), 1.0f) : edge);
  };
  for (std::int64_t i = 0; i < map.dims[2]; ++i)
    for (std::int64_t j = 0; j < map.dims[3]; ++j) {
      const float x = (static_cast<float>(j) + p.offset()) * step_w, y = (static_cast<float>(i) + p.offset()) * step_h;
      for (int s = 0; s < p.min_size_size(); ++s) {
        const float side = p.min_size(s);
        add(x, y, side, side);
        if (p.max_size_size() > 0) {
          const float larger = std::sqrt(side * p.max_size(s));
          add(x, y, larger, larger);
        }
        for (float ratio : ratios) add(x, y, side * std::sqrt(ratio), side / std::sqrt(ratio));
      }
    }
  if (c.layer.top_size() != 1) return corrupt_model("expected 1 top");
  c.builder.set_priors(c.layer.top(0), std::move(priors));
  return std::vector<Tensor>();
}

// Bottoms: encodings [1,A*4] (x, y, w, h), probabilities [1,A*classes], anchors.
Result<std::vector<Tensor>> detection_output(LayerContext& c) {
  const dotori_caffe::DetectionOutput& p = c.layer.detection_output_param();
  if (c.bottoms.size() != 2 || c.layer.bottom_size() != 3)
    return corrupt_model("expected encodings, probabilities and anchors of PriorBox");
  const Priors* priors = c.builder.find_priors(c.layer.bottom(2));
  if (priors == nullptr) return corrupt_model("'" + c.layer.bottom(2) + "' holds no anchors of PriorBox");
  if (p.code_type() != dotori_caffe::CENTER_SIZE) return unsupported("code_type (only CENTER_SIZE is supported)");
  if (!p.share_location() || p.background_label_id() != 0 || p.variance_encoded_in_target() || p.num_classes() < 2 ||
      p.num_classes() > 65536)
    return unsupported(
        "only share_location: true, background_label_id: 0, variance_encoded_in_target: false, num_classes of 2 or "
        "more are supported");
  if (p.nms_param().has_eta() && p.nms_param().eta() != 1) return unsupported("nms_param.eta (only 1 is supported)");
  const std::int64_t anchors = static_cast<std::int64_t>(priors->boxes.size()) / 4, classes = p.num_classes();
  if (count(c.bottoms[0].dims) != 4 * anchors || count(c.bottoms[1].dims) != classes * anchors)
    return corrupt_model("bottoms of " + dims_text(c.bottoms[0].dims) + " and " + dims_text(c.bottoms[1].dims) +
                         " for " + std::to_string(anchors) + " anchors and " + std::to_string(classes) + " classes");
  const std::vector<float>& v = priors->variance;
  if (!(v[0] > 0) || !(v[1] > 0) || !(v[2] > 0) || !(v[3] > 0)) return corrupt_model("a variance of 0");
  graph::SsdPostProcess op;
  op.classes = static_cast<int>(classes) - 1;
  op.regular_suppression = true;
  op.iou_threshold = p.nms_param().nms_threshold();
  op.detections_per_class =
      p.nms_param().has_top_k() && p.nms_param().top_k() > 0 ? p.nms_param().top_k() : static_cast<int>(anchors);
  op.max_detections = p.keep_top_k() > 0 ? p.keep_top_k() : 200;
  op.score_threshold = p.confidence_threshold();
  op.scale_x = 1 / v[0];
  op.scale_y = 1 / v[1];
  op.scale_w = 1 / v[2];
  op.scale_h = 1 / v[3];
  std::vector<float> centred;
  for (std::size_t i = 0; i < priors->boxes.size(); i += 4) {
    const float* b = &priors->boxes[i];
    centred.insert(centred.end(), {(b[1] + b[3]) / 2, (b[0] + b[2]) / 2, b[3] - b[1], b[2] - b[0]});
  }
  graph::Graph& graph = c.builder.graph();
  DOTORI_ASSIGN_OR_RETURN(
      graph::ValueId encodings,
      graph.add_node(c.name() + "/encodings", graph::Reshape{Shape{1, anchors, 4}}, {c.bottoms[0].id}));
  const std::int32_t order[4] = {1, 0, 3, 2};
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId swap,
                          graph.add_constant(c.name() + "/order", DataType::kInt32, Shape{4}, order, sizeof order));
  DOTORI_ASSIGN_OR_RETURN(encodings, graph.add_node(c.name() + "/y_x_h_w", graph::Gather{2}, {encodings, swap}));
  DOTORI_ASSIGN_OR_RETURN(
      const graph::ValueId scores,
      graph.add_node(c.name() + "/scores", graph::Reshape{Shape{1, anchors, classes}}, {c.bottoms[1].id}));
  const Tensor boxes = c.builder.constant(c.name() + "/anchors", Shape{anchors, 4}, std::move(centred));
  DOTORI_ASSIGN_OR_RETURN(std::vector<graph::ValueId> outputs,
                          graph.add_node_outputs(c.name(), op, {encodings, scores, boxes.id}, 4));
  c.builder.set_outputs(std::move(outputs));
  TaskInfo& task = graph.task;
  task.task = Task::kDetection;
  task.preprocess.resize = ResizeMode::kStretch;
  task.preprocess.order = ChannelOrder::kBgr;
  task.detection.decoder = DetectionDecoder::kSsd;
  task.detection.classes = op.classes;
  task.detection.scales = {DetectionScale{}};
  return std::vector<Tensor>();
}

}  // namespace dotori::convert::caffe
