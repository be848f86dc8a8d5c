// SPDX-License-Identifier: Apache-2.0
#include "analyse.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>

#include <dotori/vision.h>

#include "png.h"

namespace dotori::edge {
namespace {

using Json = nlohmann::ordered_json;

// Photos may be decoded at a fraction of their size as long as the model's input stays below it by this factor.
constexpr int kOversampling = 2;
constexpr std::size_t kMaxRegions = 100;  // the largest ones

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string label_of(const TaskInfo& task, int index) {
  const std::size_t i = static_cast<std::size_t>(index);
  return index >= 0 && i < task.labels.size() ? task.labels[i] : "class " + std::to_string(index);
}

// A text that may hold any bytes must not end the answer: replaced where it is no UTF-8.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Json> classes_json(Session& session, int top) {
  const TaskInfo& task = session.model().task();
  DOTORI_ASSIGN_OR_RETURN(
      const std::vector<vision::ClassScore> best,
      vision::top_k(session.output(task.classification.output), top, task.classification.apply_softmax));
  Json list = Json::array();
  for (const vision::ClassScore& c : best)
    list.push_back({{"index", c.index}, {"label", label_of(task, c.index)}, {"score", c.score}});
  return list;
}

Result<Json> boxes_json(Session& session, const vision::PhotoTransform& transform) {
  const TaskInfo& task = session.model().task();
  std::vector<TensorView> outputs;
  for (int i = 0; i < session.output_count(); ++i) outputs.push_back(session.output(i));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<vision::Box> boxes,
                          vision::decode_detections(task.detection, outputs, transform));
  Json list = Json::array();
  for (const vision::Box& b : boxes)
    list.push_back({{"x0", b.x0},
                    {"y0", b.y0},
                    {"x1", b.x1},
                    {"y1", b.y1},
                    {"class", b.class_index},
                    {"label", label_of(task, b.class_index)},
                    {"score", b.score}});
  return list;
}

Json regions_json(const TaskInfo& task, const vision::Mask& mask) {
  Json list = Json::array();
  for (const vision::Region& r : vision::connected_regions(mask)) {
    if (list.size() == kMaxRegions) break;
    list.push_back({{"class", r.class_index},
                    {"label", label_of(task, r.class_index)},
                    {"pixels", r.pixels},
                    {"x0", r.x0},
                    {"y0", r.y0},
                    {"x1", r.x1},
                    {"y1", r.y1},
                    {"centre_x", r.centre_x},
                    {"centre_y", r.centre_y},
                    {"equivalent_diameter", r.equivalent_diameter}});
  }
  return list;
}

// From the photo as decoded to the photo as sent.
void enlarge(vision::PhotoTransform& transform, const vision::Image& decoded, const vision::PhotoSize& size) {
  const float x = static_cast<float>(size.width) / static_cast<float>(decoded.width);
  const float y = static_cast<float>(size.height) / static_cast<float>(decoded.height);
  transform.scale_x *= x;
  transform.offset_x *= x;
  transform.scale_y *= y;
  transform.offset_y *= y;
  transform.photo_width = size.width;
  transform.photo_height = size.height;
}

}  // namespace

Answer error_answer(int status, const std::string& why) {
  return {status, "application/json", dump({{"error", why}})};
}

Result<Session*> Analyser::session_for(const Request& request) {
  if (generation_ != request.generation->number) {
    sessions_.clear();
    generation_ = request.generation->number;
  }
  auto found = sessions_.find(request.model->name);
  if (found == sessions_.end()) {
    DOTORI_ASSIGN_OR_RETURN(Session session, Session::create(request.model->model));
    found = sessions_.emplace(request.model->name, std::move(session)).first;
  }
  return &found->second;
}

Answer Analyser::analyse(const Request& request, double queue_ms) {
  try {
    const double start = now_ms();
    const Result<Session*> prepared = session_for(request);
    if (!prepared.ok()) return error_answer(500, request.model->name + ": " + prepared.status().message());
    Session& session = **prepared;
    const TaskInfo& task = session.model().task();
    std::vector<TensorView> inputs;
    int side = 0;
    for (int i = 0; i < session.input_count(); ++i) {
      inputs.push_back(session.input(i));
      const Shape& s = inputs.back().shape;
      if (s.rank() == 4) side = std::max<int>(side, static_cast<int>(std::max(s[1], s[2])));
    }
    vision::DecodeOptions decode;
    decode.max_pixels = request.max_pixels;
    decode.min_side = kOversampling * side;
    const auto* bytes = reinterpret_cast<const unsigned char*>(request.photo.data());
    vision::PhotoSize size;
    const Result<vision::Image> photo = vision::decode_image({bytes, request.photo.size()}, decode, &size);
    if (!photo.ok())
      return error_answer(photo.status().code() == StatusCode::kOutOfMemory ? 413 : 400, photo.status().message());
    const double decoded = now_ms();
    Result<vision::PhotoTransform> transform = vision::fill_inputs(*photo, task.preprocess, inputs);
    if (!transform.ok()) return error_answer(500, request.model->name + ": " + transform.status().message());
    enlarge(*transform, *photo, size);
    const double filled = now_ms();
    const Status ran = session.run();
    if (!ran.ok()) return error_answer(500, request.model->name + ": " + ran.message());
    const double run = now_ms();

    Json json;
    json["model"] = request.model->name;
    json["width"] = size.width;
    json["height"] = size.height;
    Result<Json> answer = Json();
    if (task.task == Task::kClassification) {
      answer = classes_json(session, request.top);
      if (answer.ok()) json["classes"] = *answer;
    } else if (task.task == Task::kDetection) {
      answer = boxes_json(session, *transform);
      if (answer.ok()) json["boxes"] = *answer;
    } else {
      const Result<vision::Mask> mask =
          vision::decode_mask(task.segmentation, session.output(task.segmentation.output), *transform);
      if (!mask.ok()) return error_answer(500, request.model->name + ": " + mask.status().message());
      std::string png = gray_png(mask->width, mask->height, mask->classes.data());
      if (png.empty()) return error_answer(500, "no memory for the mask");
      if (request.mask_as_png) return {200, "image/png", std::move(png)};
      json["labels"] = task.labels;
      json["regions"] = regions_json(task, *mask);
      json["mask_png"] = base64(png);
    }
    if (!answer.ok()) return error_answer(500, request.model->name + ": " + answer.status().message());
    const double end = now_ms();
    json["timing_ms"] = {{"queue", queue_ms},   {"decode", decoded - start}, {"preprocess", filled - decoded},
                         {"run", run - filled}, {"answer", end - run},       {"total", queue_ms + end - start}};
    return {200, "application/json", dump(json)};
  } catch (const std::bad_alloc&) {
    return error_answer(503, "no memory for this photo");
  } catch (const std::exception& e) {
    return error_answer(500, e.what());
  }
}

}  // namespace dotori::edge
