// SPDX-License-Identifier: Apache-2.0
#include "jni/call.h"

namespace dotori::jni {
namespace {

dotori_session session_of(jlong handle) noexcept {
  return {static_cast<std::uint64_t>(handle)};
}

// A list of answers as rows of doubles. The C API does not say how many there are: a full list is asked for again,
// longer, up to `most`.
template <class Row, class Get, class Write>
jdoubleArray rows(JNIEnv* env, std::size_t most, int width, Get get, Write write) {
  Call call(env);
  for (std::size_t capacity = most < 256 ? most : 256;; capacity = 4 * capacity < most ? 4 * capacity : most) {
    const Buffer<Row> list(env, capacity);
    if (list.data() == nullptr) return nullptr;
    std::size_t count = 0;
    if (!call.ok(get(list.data(), capacity, &count, call.error()))) return nullptr;
    if (count == capacity && capacity < most) continue;
    const Buffer<double> numbers(env, count * static_cast<std::size_t>(width));
    if (numbers.data() == nullptr) return nullptr;
    for (std::size_t i = 0; i < count; ++i) write(list.data()[i], numbers.data() + i * static_cast<std::size_t>(width));
    return double_array(env, numbers.data(), count * static_cast<std::size_t>(width));
  }
}

constexpr std::size_t kMost = std::size_t{1} << 20;

jdoubleArray classes(JNIEnv* env, jclass, jlong session, jint most) {
  const std::size_t wanted = static_cast<std::size_t>(most) < kMost ? static_cast<std::size_t>(most) : kMost;
  return rows<dotori_class>(
      env, wanted, 2,
      [&](dotori_class* list, std::size_t capacity, std::size_t* count, dotori_error* error) {
        return dotori_session_classes(session_of(session), list, capacity, count, error);
      },
      [](const dotori_class& c, double* row) {
        row[0] = c.index;
        row[1] = static_cast<double>(c.score);
      });
}

jdoubleArray boxes(JNIEnv* env, jclass, jlong session, jfloat score_threshold, jfloat nms_iou) {
  dotori_detect_options options;
  DOTORI_INIT(options);
  options.score_threshold = score_threshold;
  options.nms_iou = nms_iou;
  return rows<dotori_box>(
      env, kMost, 6,
      [&](dotori_box* list, std::size_t capacity, std::size_t* count, dotori_error* error) {
        return dotori_session_boxes(session_of(session), &options, list, capacity, count, error);
      },
      [](const dotori_box& b, double* row) {
        const float sides[] = {b.x0, b.y0, b.x1, b.y1};
        for (int i = 0; i < 4; ++i) row[i] = static_cast<double>(sides[i]);
        row[4] = b.class_index;
        row[5] = static_cast<double>(b.score);
      });
}

jintArray photo_size(JNIEnv* env, jclass, jlong session) {
  Call call(env);
  std::int32_t sides[2] = {0, 0};
  if (!call.ok(dotori_session_photo_size(session_of(session), &sides[0], &sides[1], call.error()))) return nullptr;
  return int_array(env, sides, 2);
}

jbyteArray mask(JNIEnv* env, jclass, jlong session) {
  Call call(env);
  std::int32_t width = 0, height = 0;
  if (!call.ok(dotori_session_photo_size(session_of(session), &width, &height, call.error()))) return nullptr;
  const std::size_t size = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  const Buffer<std::uint8_t> buffer(env, size);
  if (buffer.data() == nullptr) return nullptr;
  if (!call.ok(dotori_session_mask(session_of(session), buffer.data(), size, call.error()))) return nullptr;
  return byte_array(env, buffer.data(), size);
}

jdoubleArray regions(JNIEnv* env, jclass, jlong session, jlong min_pixels) {
  return rows<dotori_region>(
      env, kMost, 9,
      [&](dotori_region* list, std::size_t capacity, std::size_t* count, dotori_error* error) {
        return dotori_session_regions(session_of(session), min_pixels, list, capacity, count, error);
      },
      [](const dotori_region& r, double* row) {
        const std::int32_t whole[] = {r.class_index, r.x0, r.y0, r.x1, r.y1};
        for (int i = 0; i < 5; ++i) row[i] = whole[i];
        row[5] = static_cast<double>(r.pixels);
        row[6] = static_cast<double>(r.centre_x);
        row[7] = static_cast<double>(r.centre_y);
        row[8] = static_cast<double>(r.equivalent_diameter);
      });
}

const JNINativeMethod kMethods[] = {
    {const_cast<char*>("classes"), const_cast<char*>("(JI)[D"), reinterpret_cast<void*>(classes)},
    {const_cast<char*>("boxes"), const_cast<char*>("(JFF)[D"), reinterpret_cast<void*>(boxes)},
    {const_cast<char*>("photoSize"), const_cast<char*>("(J)[I"), reinterpret_cast<void*>(photo_size)},
    {const_cast<char*>("mask"), const_cast<char*>("(J)[B"), reinterpret_cast<void*>(mask)},
    {const_cast<char*>("regions"), const_cast<char*>("(JJ)[D"), reinterpret_cast<void*>(regions)},
};

}  // namespace

Methods answer_methods() noexcept {
  return {kMethods, sizeof kMethods / sizeof kMethods[0]};
}

}  // namespace dotori::jni
