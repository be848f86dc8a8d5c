// SPDX-License-Identifier: Apache-2.0
// A buffer with guard bands on both sides, so that a kernel that reads or writes beside its tensor is found out.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace dotori::testing {

// `count` elements of T, `offset_elems` elements away from a 64-byte boundary, between two bands of 256 bytes that hold
// a NaN pattern. guards_intact() tells whether the bands still hold it.
template <class T>
class GuardedBuffer {
 public:
  explicit GuardedBuffer(std::size_t count, std::size_t offset_elems = 0)
      : bytes_(kBand + offset_elems * sizeof(T) + count * sizeof(T) + kBand), count_(count) {
    memory_ = static_cast<unsigned char*>(std::aligned_alloc(64, (bytes_ + 63) / 64 * 64));
    std::memset(memory_, kPattern, bytes_);
    data_ = reinterpret_cast<T*>(memory_ + kBand) + offset_elems;
  }
  GuardedBuffer(std::size_t offset_elems, const std::vector<T>& values) : GuardedBuffer(values.size(), offset_elems) {
    std::memcpy(data_, values.data(), values.size() * sizeof(T));
  }
  ~GuardedBuffer() { std::free(memory_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return count_; }
  T& operator[](std::size_t i) { return data_[i]; }
  std::vector<T> values() const { return std::vector<T>(data_, data_ + count_); }
  bool guards_intact() const {
    const unsigned char* first = reinterpret_cast<const unsigned char*>(data_);
    const unsigned char* last = reinterpret_cast<const unsigned char*>(data_ + count_);
    for (const unsigned char* p = memory_; p < first; ++p)
      if (*p != kPattern) return false;
    for (const unsigned char* p = last; p < memory_ + bytes_; ++p)
      if (*p != kPattern) return false;
    return true;
  }

 private:
  static constexpr std::size_t kBand = 256;
  static constexpr unsigned char kPattern = 0xFF;  // float32 NaN
  std::size_t bytes_, count_;
  unsigned char* memory_ = nullptr;
  T* data_ = nullptr;
};

}  // namespace dotori::testing
