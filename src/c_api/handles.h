// SPDX-License-Identifier: Apache-2.0
// Numbers for objects: how the C API survives handles that are closed, made up or of another kind.
#pragma once

#include <cstdint>
#include <memory>

namespace dotori::c_api {

enum class Kind : std::uint8_t { kModel, kSession, kImage };

class Object {
 public:
  explicit Object(Kind kind) noexcept : kind_(kind) {}
  virtual ~Object() = default;
  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_;
};

// The table of open handles is the process's, guarded by a lock held for a few instructions. A number is never given
// out twice, but after 2^32 uses of one slot.

// 0: out of memory.
std::uint64_t open_handle(std::unique_ptr<Object> object) noexcept;
// Null when `id` is not open or of another kind. What it returns lives until unpin(id).
Object* pin(std::uint64_t id, Kind kind) noexcept;
void unpin(std::uint64_t id) noexcept;
// False when `id` is not open or of another kind. The object goes with the last pin.
bool close_handle(std::uint64_t id, Kind kind) noexcept;

// A pinned object, for the length of one call.
template <class T>
class Pinned {
 public:
  explicit Pinned(std::uint64_t id) noexcept : id_(id), object_(static_cast<T*>(pin(id, T::kKind))) {}
  ~Pinned() {
    if (object_ != nullptr) unpin(id_);
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  explicit operator bool() const noexcept { return object_ != nullptr; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }

 private:
  std::uint64_t id_;
  T* object_;
};

}  // namespace dotori::c_api
