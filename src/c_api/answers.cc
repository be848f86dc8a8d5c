// SPDX-License-Identifier: Apache-2.0
// Photo in, answer out.
#include <algorithm>
#include <cmath>

#include "c_api/image.h"

namespace dotori::c_api {
namespace {

std::vector<TensorView> inputs_of(Session& session) {
  std::vector<TensorView> views;
  for (int i = 0; i < session.input_count(); ++i) views.push_back(session.input(i));
  return views;
}

std::vector<TensorView> outputs_of(Session& session) {
  std::vector<TensorView> views;
  for (int i = 0; i < session.output_count(); ++i) views.push_back(session.output(i));
  return views;
}

Status fill(SessionObject& s, const vision::Image& image) {
  s.photo = {};  // whatever follows, the inputs are no longer the last photo's
  const std::vector<TensorView> inputs = inputs_of(s.session);
  DOTORI_ASSIGN_OR_RETURN(s.photo, vision::fill_inputs(image, s.session.model().task().preprocess, inputs));
  return {};
}

Status check_task(const SessionObject& s, Task wanted, bool needs_photo) {
  const Task found = s.session.model().task().task;
  if (found != wanted) {
    return unsupported("model '" + s.session.model().name() + "' is for " + task_name(found) + ", not for " +
                       task_name(wanted));
  }
  if (!s.has_run) return invalid_argument("the session has not run: there is no answer yet");
  if (needs_photo && s.photo.photo_width == 0) {
    return invalid_argument("no photo was filled in: the answer has no place");
  }
  return {};
}

// Copies the first `capacity` of `from`.
template <class From, class To, class F>
Status give_list(const char* name, const std::vector<From>& from, To* to, std::size_t capacity, std::size_t* count,
                 F&& convert) {
  DOTORI_RETURN_IF_ERROR(check_pointer("count", count));
  if (capacity > 0) DOTORI_RETURN_IF_ERROR(check_pointer(name, to));
  const std::size_t n = std::min(capacity, from.size());
  for (std::size_t i = 0; i < n; ++i) to[i] = convert(from[i]);
  *count = n;
  return {};
}

// 0: the model's. Anything else must be a part of 1.
Status override_part(const char* name, float given, float* value) {
  if (given == 0) return {};
  if (!(given > 0 && given <= 1)) {
    return invalid_argument(std::string(name) + " is " + std::to_string(given) + ", expected above 0, at most 1");
  }
  *value = given;
  return {};
}

Result<vision::Mask> mask_of(SessionObject& s) {
  DOTORI_RETURN_IF_ERROR(check_task(s, Task::kSegmentation, true));
  const SegmentationInfo& info = s.session.model().task().segmentation;
  return vision::decode_mask(info, s.session.output(info.output), s.photo);
}

}  // namespace
}  // namespace dotori::c_api

using namespace dotori;
using namespace dotori::c_api;

extern "C" {

int32_t dotori_session_fill_image(dotori_session session, dotori_image image, dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) {
    return with<ImageObject>(image.id, [&](ImageObject& i) { return fill(s, i.image); });
  });
  return answer(status, error);
}

int32_t dotori_session_fill_yuv(dotori_session session, const dotori_yuv* photo, int32_t rotation_degrees,
                                dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) -> Status {
    DOTORI_ASSIGN_OR_RETURN(const vision::YuvPhoto yuv, yuv_photo(photo));
    s.photo = {};
    const std::vector<TensorView> inputs = inputs_of(s.session);
    DOTORI_ASSIGN_OR_RETURN(
        s.photo, vision::fill_inputs_yuv(yuv, rotation_degrees, s.session.model().task().preprocess, inputs));
    return {};
  });
  return answer(status, error);
}

int32_t dotori_session_fill_argb(dotori_session session, const uint32_t* pixels, size_t pixel_count, int32_t width,
                                 int32_t height, size_t row_stride, dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) -> Status {
    DOTORI_ASSIGN_OR_RETURN(const vision::Image image, argb_image(pixels, pixel_count, width, height, row_stride));
    return fill(s, image);
  });
  return answer(status, error);
}

int32_t dotori_session_classes(dotori_session session, dotori_class* classes, size_t capacity, size_t* count,
                               dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) -> Status {
    DOTORI_RETURN_IF_ERROR(check_task(s, Task::kClassification, false));
    const ClassificationInfo& info = s.session.model().task().classification;
    const int k = static_cast<int>(std::min<std::size_t>(std::max<std::size_t>(capacity, 1), 1u << 20));
    DOTORI_ASSIGN_OR_RETURN(const std::vector<vision::ClassScore> top,
                            vision::top_k(s.session.output(info.output), k, info.apply_softmax));
    return give_list("classes", top, classes, capacity, count, [](const vision::ClassScore& c) {
      return dotori_class{c.index, c.score};
    });
  });
  return answer(status, error);
}

int32_t dotori_session_boxes(dotori_session session, const dotori_detect_options* options, dotori_box* boxes,
                             size_t capacity, size_t* count, dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) -> Status {
    DOTORI_RETURN_IF_ERROR(check_task(s, Task::kDetection, true));
    dotori_detect_options o;
    DOTORI_RETURN_IF_ERROR(take_struct("options", options, &o));
    DetectionInfo info = s.session.model().task().detection;
    DOTORI_RETURN_IF_ERROR(override_part("options.score_threshold", o.score_threshold, &info.score_threshold));
    DOTORI_RETURN_IF_ERROR(override_part("options.nms_iou", o.nms_iou, &info.nms_iou));
    const std::vector<TensorView> outputs = outputs_of(s.session);
    DOTORI_ASSIGN_OR_RETURN(const std::vector<vision::Box> found, vision::decode_detections(info, outputs, s.photo));
    return give_list("boxes", found, boxes, capacity, count,
                     [](const vision::Box& b) { return dotori_box{b.x0, b.y0, b.x1, b.y1, b.class_index, b.score}; });
  });
  return answer(status, error);
}

int32_t dotori_session_photo_size(dotori_session session, int32_t* width, int32_t* height, dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) -> Status {
    DOTORI_RETURN_IF_ERROR(check_pointer("width", width));
    DOTORI_RETURN_IF_ERROR(check_pointer("height", height));
    if (s.photo.photo_width == 0) return invalid_argument("no photo was filled in");
    *width = s.photo.photo_width;
    *height = s.photo.photo_height;
    return {};
  });
  return answer(status, error);
}

int32_t dotori_session_mask(dotori_session session, uint8_t* classes, size_t size_bytes, dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) -> Status {
    DOTORI_RETURN_IF_ERROR(check_task(s, Task::kSegmentation, true));
    DOTORI_RETURN_IF_ERROR(check_pointer("classes", classes));
    const std::size_t expected =
        static_cast<std::size_t>(s.photo.photo_width) * static_cast<std::size_t>(s.photo.photo_height);
    if (size_bytes != expected) {
      return invalid_argument("the mask has " + std::to_string(expected) + " bytes, found a buffer of " +
                              std::to_string(size_bytes));
    }
    DOTORI_ASSIGN_OR_RETURN(const vision::Mask mask, mask_of(s));
    std::memcpy(classes, mask.classes.data(), size_bytes);
    return {};
  });
  return answer(status, error);
}

int32_t dotori_session_regions(dotori_session session, int64_t min_pixels, dotori_region* regions, size_t capacity,
                               size_t* count, dotori_error* error) {
  const Status status = with_session(session.id, [&](SessionObject& s) -> Status {
    DOTORI_ASSIGN_OR_RETURN(const vision::Mask mask, mask_of(s));
    const std::vector<vision::Region> found = vision::connected_regions(mask, std::max<std::int64_t>(1, min_pixels));
    return give_list("regions", found, regions, capacity, count, [](const vision::Region& r) {
      return dotori_region{r.class_index,        r.x0, r.y0, r.x1, r.y1, r.pixels, r.centre_x, r.centre_y,
                           r.equivalent_diameter};
    });
  });
  return answer(status, error);
}

}  // extern "C"
