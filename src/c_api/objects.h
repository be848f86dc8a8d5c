// SPDX-License-Identifier: Apache-2.0
// What the C API's handles stand for, and how its functions take and give structures, text and errors.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include <dotori/c_api.h>
#include <dotori/dotori.h>
#include <dotori/vision.h>

#include "c_api/handles.h"

namespace dotori::c_api {

struct ModelObject final : Object {
  static constexpr Kind kKind = Kind::kModel;
  explicit ModelObject(Model m) : Object(kKind), model(std::move(m)) {}
  Model model;
};

struct SessionObject final : Object {
  static constexpr Kind kKind = Kind::kSession;
  explicit SessionObject(Session s) : Object(kKind), session(std::move(s)) {}
  Session session;
  std::atomic_flag in_use = ATOMIC_FLAG_INIT;
  vision::PhotoTransform photo;  // of the photo filled in last; photo_width 0: none
  bool has_run = false;
};

struct ImageObject final : Object {
  static constexpr Kind kKind = Kind::kImage;
  explicit ImageObject(vision::Image i) : Object(kKind), image(std::move(i)) {}
  vision::Image image;
};

// Writes `status` into `error` (if any) and returns its code.
std::int32_t answer(const Status& status, dotori_error* error) noexcept;

// Copies text with a final zero, cut between UTF-8 characters. `size_bytes` 0: nothing is written.
void copy_text(const char* text, std::size_t length, char* out, std::size_t size_bytes) noexcept;
// For functions that hand text out.
Status give_text(const std::string& text, char* out, std::size_t size_bytes, std::size_t* needed);

// The size a structure had in the first version of the ABI: what programs have at least.
template <class T>
constexpr std::size_t kFirstSize = sizeof(T);
template <>
inline constexpr std::size_t kFirstSize<dotori_session_options> = offsetof(dotori_session_options, cores);
template <>
inline constexpr std::size_t kFirstSize<dotori_session_info> = offsetof(dotori_session_info, core_mask);

// `found` must be between the two.
Status check_struct_size(const char* name, std::size_t found, std::size_t first, std::size_t latest);

// A structure of the caller's, which may be NULL: then all zero.
template <class T>
Status take_struct(const char* name, const T* from, T* to) {
  std::memset(to, 0, sizeof *to);
  if (from == nullptr) return {};
  DOTORI_RETURN_IF_ERROR(check_struct_size(name, from->struct_size, kFirstSize<T>, sizeof *to));
  std::memcpy(to, from, from->struct_size);
  return {};
}
// To a structure of the caller's.
template <class T>
Status give_struct(const char* name, T value, T* out) {
  if (out == nullptr) return invalid_argument(std::string(name) + " is NULL");
  DOTORI_RETURN_IF_ERROR(check_struct_size(name, out->struct_size, kFirstSize<T>, sizeof value));
  value.struct_size = out->struct_size;
  std::memcpy(out, &value, value.struct_size);
  return {};
}

inline const char* kind_name(Kind kind) noexcept {
  return kind == Kind::kModel ? "model" : kind == Kind::kSession ? "session" : "image";
}

Status not_open(Kind kind, std::uint64_t id);

// Calls use(object) with what the handle stands for.
template <class T, class F>
Status with(std::uint64_t id, F&& use) {
  const Pinned<T> object(id);
  if (!object) return not_open(T::kKind, id);
  return use(*object);
}
// The same for a session, which one thread at a time may use.
template <class F>
Status with_session(std::uint64_t id, F&& use) {
  return with<SessionObject>(id, [&](SessionObject& s) -> Status {
    if (s.in_use.test_and_set(std::memory_order_acquire)) {
      return Status(StatusCode::kBusy, "another thread is using the session");
    }
    Status status = use(s);
    s.in_use.clear(std::memory_order_release);
    return status;
  });
}

// Opens a handle for a new object and writes it to *out.
template <class T, class H, class V>
Status give_handle(V value, H* out) {
  const std::uint64_t id = open_handle(std::make_unique<T>(std::move(value)));
  if (id == 0) return out_of_memory("a handle");
  out->id = id;
  return {};
}

template <class T, class H>
std::int32_t close(H handle, dotori_error* error) noexcept {
  const bool done = handle.id == 0 || close_handle(handle.id, T::kKind);
  return answer(done ? Status() : not_open(T::kKind, handle.id), error);
}

Status check_pointer(const char* name, const void* pointer);

// `data` stays NULL.
dotori_tensor describe(const TensorInfo& info);

}  // namespace dotori::c_api
