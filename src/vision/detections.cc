// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <dotori/vision.h>

namespace dotori::vision {
namespace {

constexpr std::size_t kMaxCandidates = 30'000;
constexpr std::int64_t kMaxMapSide = 1 << 15;

float sigmoid(float x) {
  return 1 / (1 + std::exp(-x));
}

// Collects boxes given in input pixels; keeps the best kMaxCandidates in a bounded memory.
class Candidates {
 public:
  Candidates(const PhotoTransform& transform, float threshold) : transform_(transform), threshold_(threshold) {}

  // False for NaN too.
  bool passes(float score) const { return score >= threshold_; }

  void add_corners(float x0, float y0, float x1, float y1, int class_index, float score) {
    if (!passes(score)) return;
    const Box box{
        transform_.photo_x(x0), transform_.photo_y(y0), transform_.photo_x(x1), transform_.photo_y(y1), class_index,
        std::min(score, 1.0f)};
    // A sum is not finite when a part is not; a double cannot overflow here.
    if (!std::isfinite(static_cast<double>(box.x0) + box.y0 + box.x1 + box.y1 + box.score)) return;
    found_.push_back({box, found_count_++});
    if (found_.size() >= 2 * kMaxCandidates) trim();
  }
  void add_centre(float x, float y, float width, float height, int class_index, float score) {
    add_corners(x - width / 2, y - height / 2, x + width / 2, y + height / 2, class_index, score);
  }

  // In the order they came, so that equal scores stay in the order of the cells.
  std::vector<Box> take() {
    trim();
    std::sort(found_.begin(), found_.end(), [](const Numbered& a, const Numbered& b) { return a.number < b.number; });
    std::vector<Box> boxes;
    boxes.reserve(found_.size());
    for (const Numbered& f : found_) boxes.push_back(f.box);
    return boxes;
  }

 private:
  struct Numbered {
    Box box;
    std::uint64_t number;
  };

  void trim() {
    if (found_.size() <= kMaxCandidates) return;
    std::nth_element(found_.begin(), found_.begin() + kMaxCandidates, found_.end(),
                     [](const Numbered& a, const Numbered& b) {
                       return a.box.score != b.box.score ? a.box.score > b.box.score : a.number < b.number;
                     });
    found_.resize(kMaxCandidates);
  }

  const PhotoTransform& transform_;
  float threshold_;
  std::vector<Numbered> found_;
  std::uint64_t found_count_ = 0;
};

struct Decoding {
  const DetectionInfo& info;
  Span<const TensorView> outputs;
  const PhotoTransform& transform;
  Candidates& candidates;
};

std::string describe(const TensorView& t) {
  return data_type_name(t.type) + t.shape.to_string();
}

Result<TensorView> find_output(Span<const TensorView> outputs, int index) {
  if (index < 0 || static_cast<std::size_t>(index) >= outputs.size())
    return invalid_argument("the detector's output " + std::to_string(index) + " does not exist: the model has " +
                            std::to_string(outputs.size()));
  const TensorView& t = outputs[static_cast<std::size_t>(index)];
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t elements, t.shape.checked_elements());
  if (t.f32() == nullptr || t.size_bytes < static_cast<std::size_t>(elements) * sizeof(float))
    return invalid_argument("output " + std::to_string(index) +
                            " must be float32, or int8 or uint8 with a scale, found " + describe(t));
  return t;
}

Status wrong_shape(int output, const std::string& expected, const TensorView& found) {
  return invalid_argument("output " + std::to_string(output) + " must be " + expected + ", found " + describe(found));
}

// A map [1,height,width,depth] whose cells are strides apart in the input.
struct CellMap {
  const float* data = nullptr;
  int height = 0, width = 0, depth = 0;
  float stride_x = 0, stride_y = 0;
};

Result<CellMap> find_map(const Decoding& d, const DetectionScale& scale, std::int64_t depth) {
  DOTORI_ASSIGN_OR_RETURN(const TensorView t, find_output(d.outputs, scale.output));
  const std::string expected = "[1,height,width," + std::to_string(depth) + "]";
  if (t.shape.rank() != 4 || t.shape[0] != 1 || t.shape[3] != depth || t.shape[1] > kMaxMapSide ||
      t.shape[2] > kMaxMapSide)
    return wrong_shape(scale.output, expected, t);
  CellMap map{t.f32(), static_cast<int>(t.shape[1]), static_cast<int>(t.shape[2]), static_cast<int>(depth), 0, 0};
  map.stride_x = static_cast<float>(d.transform.input_width) / static_cast<float>(map.width);
  map.stride_y = static_cast<float>(d.transform.input_height) / static_cast<float>(map.height);
  if (scale.stride > 0) {
    const auto fits = [&](int cells, int pixels) { return cells == (pixels + scale.stride - 1) / scale.stride; };
    if (!fits(map.width, d.transform.input_width) || !fits(map.height, d.transform.input_height))
      return wrong_shape(scale.output,
                         expected + " with stride " + std::to_string(scale.stride) + " for an input of " +
                             std::to_string(d.transform.input_width) + "x" + std::to_string(d.transform.input_height),
                         t);
    map.stride_x = map.stride_y = static_cast<float>(scale.stride);
  }
  return map;
}

// What one anchor of one cell says apart from its classes. Each class that passes becomes a candidate of its own.
struct YoloBox {
  float x, y, width, height, objectness;
};

void add_region_classes(const Decoding& d, const float* classes, const YoloBox& box) {
  float largest = -std::numeric_limits<float>::infinity(), sum = 0;
  for (int c = 0; c < d.info.classes; ++c) largest = std::max(largest, classes[c]);
  for (int c = 0; c < d.info.classes; ++c) sum += std::exp(classes[c] - largest);
  for (int c = 0; c < d.info.classes; ++c) {
    const float score = box.objectness * (std::exp(classes[c] - largest) / sum);
    d.candidates.add_centre(box.x, box.y, box.width, box.height, c, score);
  }
}

void add_yolo_classes(const Decoding& d, const float* classes, const YoloBox& box) {
  for (int c = 0; c < d.info.classes; ++c) {
    const float score = box.objectness * (d.info.new_coords ? classes[c] : sigmoid(classes[c]));
    if (d.candidates.passes(score)) d.candidates.add_centre(box.x, box.y, box.width, box.height, c, score);
  }
}

// Redmon & Farhadi, "YOLO9000" (2016) eq. 4; YOLOv4's scale_x_y and Scaled-YOLOv4's coordinates as in Darknet's yolo
// layer.
Status decode_anchors(const Decoding& d, const DetectionScale& scale) {
  const std::size_t anchors = scale.anchors.size() / 2;
  if (anchors == 0 || scale.anchors.size() % 2 != 0)
    return invalid_argument("a scale needs pairs of anchors, found " + std::to_string(scale.anchors.size()) +
                            " numbers");
  const int values = 5 + d.info.classes;
  DOTORI_ASSIGN_OR_RETURN(const CellMap map, find_map(d, scale, static_cast<std::int64_t>(anchors) * values));
  const bool region = d.info.decoder == DetectionDecoder::kRegion;
  const bool logistic_already = !region && d.info.new_coords;
  const float spread = region ? 1.0f : d.info.scale_x_y;
  const float* t = map.data;
  for (int row = 0; row < map.height; ++row)
    for (int column = 0; column < map.width; ++column)
      for (std::size_t a = 0; a < anchors; ++a, t += values) {
        YoloBox box;
        box.objectness = logistic_already ? t[4] : sigmoid(t[4]);
        // Class probabilities are 1 at most.
        if (!d.candidates.passes(box.objectness)) continue;
        const float x = (logistic_already ? t[0] : sigmoid(t[0])) * spread - (spread - 1) / 2;
        const float y = (logistic_already ? t[1] : sigmoid(t[1])) * spread - (spread - 1) / 2;
        box.x = (x + static_cast<float>(column)) * map.stride_x;
        box.y = (y + static_cast<float>(row)) * map.stride_y;
        box.width = (logistic_already ? 4 * t[2] * t[2] : std::exp(t[2])) * scale.anchors[2 * a];
        box.height = (logistic_already ? 4 * t[3] * t[3] : std::exp(t[3])) * scale.anchors[2 * a + 1];
        if (region) add_region_classes(d, t + 5, box);
        else add_yolo_classes(d, t + 5, box);
      }
  return {};
}

// The best class; NaN never wins.
int best_class(const float* scores, int classes) {
  int best = 0;
  for (int c = 1; c < classes; ++c)
    if (scores[c] > scores[best] || std::isnan(scores[best])) best = c;
  return best;
}

// Ge et al., "YOLOX" (2021), with the raw export: boxes relative to their cells, scores behind the sigmoid.
Status decode_yolox(const Decoding& d) {
  const int output = d.info.scales[0].output, values = 5 + d.info.classes;
  std::int64_t cells = 0;
  for (const DetectionScale& scale : d.info.scales) {
    if (scale.output != output) return invalid_argument("a YOLOX detector has all scales in one output");
    if (scale.stride < 1) return invalid_argument("a YOLOX detector needs the stride of each scale");
    cells += std::int64_t{d.transform.input_width / scale.stride} * (d.transform.input_height / scale.stride);
  }
  DOTORI_ASSIGN_OR_RETURN(const TensorView t, find_output(d.outputs, output));
  const int rank = t.shape.rank();
  if (rank < 2 || t.shape[rank - 1] != values || t.shape.elements() != cells * values)
    return wrong_shape(output, "[1," + std::to_string(cells) + "," + std::to_string(values) + "]", t);
  const float* o = t.f32();
  for (const DetectionScale& scale : d.info.scales) {
    const float stride = static_cast<float>(scale.stride);
    for (int row = 0; row < d.transform.input_height / scale.stride; ++row)
      for (int column = 0; column < d.transform.input_width / scale.stride; ++column, o += values) {
        if (!d.candidates.passes(o[4])) continue;
        const int best = best_class(o + 5, d.info.classes);
        d.candidates.add_centre((o[0] + static_cast<float>(column)) * stride, (o[1] + static_cast<float>(row)) * stride,
                                std::exp(o[2]) * stride, std::exp(o[3]) * stride, best, o[4] * o[5 + best]);
      }
  }
  return {};
}

Status decode_fastest_det(const Decoding& d) {
  for (const DetectionScale& scale : d.info.scales) {
    DOTORI_ASSIGN_OR_RETURN(const CellMap map, find_map(d, scale, 5 + d.info.classes));
    const float input_width = static_cast<float>(d.transform.input_width);
    const float input_height = static_cast<float>(d.transform.input_height);
    const float* o = map.data;
    for (int row = 0; row < map.height; ++row)
      for (int column = 0; column < map.width; ++column, o += map.depth) {
        const int best = best_class(o + 5, d.info.classes);
        const float score = std::pow(o[0], 0.6f) * std::pow(o[5 + best], 0.4f);
        if (!d.candidates.passes(score)) continue;
        // Centres relative to the cell's corner, sides relative to the whole input.
        d.candidates.add_centre((std::tanh(o[1]) + static_cast<float>(column)) * map.stride_x,
                                (std::tanh(o[2]) + static_cast<float>(row)) * map.stride_y, sigmoid(o[3]) * input_width,
                                sigmoid(o[4]) * input_height, best, score);
      }
  }
  return {};
}

// The mean of a softmax distribution over 0, 1, …, bins - 1 (Li et al., "Generalized Focal Loss", 2020, eq. 5).
float expected_bin(const float* logits, int bins) {
  float largest = logits[0], sum = 0, weighted = 0;
  for (int i = 1; i < bins; ++i) largest = std::max(largest, logits[i]);
  for (int i = 0; i < bins; ++i) {
    const float e = std::exp(logits[i] - largest);
    sum += e;
    weighted += e * static_cast<float>(i);
  }
  return weighted / sum;
}

Status decode_nanodet(const Decoding& d, const DetectionScale& scale) {
  if (scale.stride < 1) return invalid_argument("a NanoDet detector needs the stride of each scale");
  const int columns = (d.transform.input_width + scale.stride - 1) / scale.stride;
  const int rows = (d.transform.input_height + scale.stride - 1) / scale.stride;
  const std::int64_t cells = std::int64_t{columns} * rows;
  DOTORI_ASSIGN_OR_RETURN(const TensorView scores, find_output(d.outputs, scale.output));
  DOTORI_ASSIGN_OR_RETURN(const TensorView distances, find_output(d.outputs, scale.box_output));
  const Shape& s = scores.shape;
  const Shape& b = distances.shape;
  if (s.rank() < 2 || s[s.rank() - 1] != d.info.classes || s.elements() != cells * d.info.classes)
    return wrong_shape(scale.output, "[1," + std::to_string(cells) + "," + std::to_string(d.info.classes) + "]",
                       scores);
  const std::int64_t depth = b.rank() < 2 ? 0 : b[b.rank() - 1];
  if (depth < 8 || depth % 4 != 0 || b.elements() != cells * depth)
    return wrong_shape(scale.box_output, "[1," + std::to_string(cells) + ",4*(m+1)]", distances);

  const int bins = static_cast<int>(depth / 4);
  const float stride = static_cast<float>(scale.stride);
  const float* score = scores.f32();
  const float* logits = distances.f32();
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column, score += d.info.classes, logits += depth) {
      const float x = (static_cast<float>(column) + 0.5f) * stride, y = (static_cast<float>(row) + 0.5f) * stride;
      float side[4];
      bool measured = false;
      for (int c = 0; c < d.info.classes; ++c) {
        if (!d.candidates.passes(score[c])) continue;
        for (int i = 0; i < 4 && !measured; ++i) side[i] = expected_bin(logits + i * bins, bins) * stride;
        measured = true;
        d.candidates.add_corners(x - side[0], y - side[1], x + side[2], y + side[3], c, score[c]);
      }
    }
  return {};
}

// TFLite_Detection_PostProcess: corners as parts of the input's sides; the first `count` rows are boxes, each with its
// best class, overlaps gone.
Status decode_ssd(const Decoding& d) {
  if (d.info.scales.size() != 1) return invalid_argument("an SSD detector has one scale");
  const int first = d.info.scales[0].output;
  TensorView t[4];
  for (int i = 0; i < 4; ++i) {
    DOTORI_ASSIGN_OR_RETURN(t[i], find_output(d.outputs, first + i));
  }
  const std::int64_t rows = t[1].elements();
  if (t[0].shape.rank() < 2 || t[0].shape[t[0].shape.rank() - 1] != 4 || t[0].elements() != rows * 4)
    return wrong_shape(first, "[1," + std::to_string(rows) + ",4]", t[0]);
  if (t[2].elements() != rows) return wrong_shape(first + 2, "[1," + std::to_string(rows) + "]", t[2]);
  if (t[3].elements() != 1) return wrong_shape(first + 3, "[1]", t[3]);
  // Not below the count: false for NaN too.
  const float count = t[3].f32()[0];
  const float width = static_cast<float>(d.transform.input_width),
              height = static_cast<float>(d.transform.input_height);
  for (std::int64_t i = 0; i < rows && static_cast<float>(i) < count; ++i) {
    const float* box = t[0].f32() + 4 * i;
    const float class_index = t[1].f32()[i];
    if (!(class_index >= 0 && class_index < static_cast<float>(d.info.classes))) continue;
    d.candidates.add_corners(box[1] * width, box[0] * height, box[3] * width, box[2] * height,
                             static_cast<int>(class_index), t[2].f32()[i]);
  }
  return {};
}

// Views of float32 only: 8-bit outputs with a scale are replaced by their real numbers, which `real` keeps.
Result<std::vector<TensorView>> real_outputs(Span<const TensorView> outputs, std::vector<std::vector<float>>* real) {
  std::vector<TensorView> views(outputs.begin(), outputs.end());
  for (TensorView& view : views) {
    if (!view.quantized()) continue;
    DOTORI_ASSIGN_OR_RETURN(std::vector<float> values, dequantize(view));
    real->push_back(std::move(values));
    view = {DataType::kFloat32, view.shape, real->back().data(), real->back().size() * sizeof(float)};
  }
  return views;
}

Status check(const DetectionInfo& info, const PhotoTransform& t) {
  constexpr int kMaxClasses = 1 << 16;
  if (info.classes < 1 || info.classes > kMaxClasses)
    return invalid_argument("a detector has 1.." + std::to_string(kMaxClasses) + " classes, found " +
                            std::to_string(info.classes));
  if (info.scales.empty()) return invalid_argument("the detector has no scales");
  if (!std::isfinite(info.score_threshold) || !std::isfinite(info.nms_iou) || !std::isfinite(info.scale_x_y))
    return invalid_argument("the detector's thresholds and scale_x_y must be finite");
  if (t.input_width < 1 || t.input_height < 1 || t.photo_width < 1 || t.photo_height < 1 || !(t.scale_x > 0) ||
      !(t.scale_y > 0) || !std::isfinite(t.scale_x + t.scale_y + t.offset_x + t.offset_y))
    return invalid_argument("not a PhotoTransform from fill_input()");
  return {};
}

Status decode_all_scales(const Decoding& d) {
  switch (d.info.decoder) {
    case DetectionDecoder::kRegion:
    case DetectionDecoder::kYolo:
      for (const DetectionScale& scale : d.info.scales) DOTORI_RETURN_IF_ERROR(decode_anchors(d, scale));
      return {};
    case DetectionDecoder::kYolox: return decode_yolox(d);
    case DetectionDecoder::kFastestDet: return decode_fastest_det(d);
    case DetectionDecoder::kNanodet:
      for (const DetectionScale& scale : d.info.scales) DOTORI_RETURN_IF_ERROR(decode_nanodet(d, scale));
      return {};
    case DetectionDecoder::kSsd: return decode_ssd(d);
    case DetectionDecoder::kNone:
    case DetectionDecoder::kCount: break;
  }
  return invalid_argument("the model says no detection decoder");
}

}  // namespace

Result<std::vector<Box>> decode_detections(const DetectionInfo& info, Span<const TensorView> outputs,
                                           const PhotoTransform& transform) {
  DOTORI_RETURN_IF_ERROR(check(info, transform));
  std::vector<std::vector<float>> real;
  DOTORI_ASSIGN_OR_RETURN(const std::vector<TensorView> views, real_outputs(outputs, &real));
  Candidates candidates(transform, info.score_threshold);
  DOTORI_RETURN_IF_ERROR(decode_all_scales({info, views, transform, candidates}));
  std::vector<Box> boxes = candidates.take();
  if (info.decoder == DetectionDecoder::kSsd)
    std::stable_sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.score > b.score; });
  else boxes = non_maximum_suppression(std::move(boxes), info.nms_iou);

  const float width = static_cast<float>(transform.photo_width), height = static_cast<float>(transform.photo_height);
  for (Box& b : boxes) {
    b.x0 = std::clamp(b.x0, 0.0f, width);
    b.x1 = std::clamp(b.x1, 0.0f, width);
    b.y0 = std::clamp(b.y0, 0.0f, height);
    b.y1 = std::clamp(b.y1, 0.0f, height);
  }
  boxes.erase(std::remove_if(boxes.begin(), boxes.end(), [](const Box& b) { return !(b.x0 < b.x1 && b.y0 < b.y1); }),
              boxes.end());
  return boxes;
}

}  // namespace dotori::vision
