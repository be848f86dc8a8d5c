// SPDX-License-Identifier: Apache-2.0
// Element types, shapes and non-owning tensor views. Images are NHWC: batch, row, column, channel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <dotori/span.h>
#include <dotori/status.h>

namespace dotori {

// The numbers are stored in .dtr files: never change or reuse one.
enum class DataType : std::uint8_t {
  kFloat32 = 0,
  kInt8 = 1,
  kUint8 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kBool = 5,  // one byte, 0 or 1
  kCount
};

std::size_t data_type_bytes(DataType type) noexcept;  // 1, 4 or 8
const char* data_type_name(DataType type) noexcept;   // "float32", …; static storage

constexpr int kMaxRank = 6;

// Up to kMaxRank dimensions, outermost first. Rank 0 is a scalar of one element. Also used for lists of per-axis
// numbers.
class Shape {
 public:
  Shape() = default;
  // `dims` must hold at most kMaxRank numbers; further ones are dropped.
  Shape(std::initializer_list<std::int64_t> dims) {
    for (std::int64_t d : dims) push_back(d);
  }
  explicit Shape(Span<const std::int64_t> dims) {
    for (std::int64_t d : dims) push_back(d);
  }

  int rank() const noexcept { return rank_; }
  bool empty() const noexcept { return rank_ == 0; }
  // `axis` must be in [0, rank()); not checked.
  std::int64_t operator[](int axis) const noexcept { return dims_[axis]; }
  std::int64_t& operator[](int axis) noexcept { return dims_[axis]; }
  const std::int64_t* begin() const noexcept { return dims_; }
  const std::int64_t* end() const noexcept { return dims_ + rank_; }
  // False, and nothing changes, when the rank is kMaxRank already.
  bool push_back(std::int64_t dim) noexcept {
    if (rank_ == kMaxRank) return false;
    dims_[rank_++] = dim;
    return true;
  }
  void resize(int rank, std::int64_t fill = 1) noexcept {
    if (rank > kMaxRank) rank = kMaxRank;
    for (int i = rank_; i < rank; ++i) dims_[i] = fill;
    rank_ = rank;
  }
  // Product of the dimensions; only meaningful for a checked shape (see checked_elements).
  std::int64_t elements() const noexcept {
    std::int64_t n = 1;
    for (std::int64_t d : *this) n *= d;
    return n;
  }
  // The product, or an error when a dimension is below 1 or the product passes 2^40.
  Result<std::int64_t> checked_elements() const;
  std::string to_string() const;  // "[1,224,224,3]"

  friend bool operator==(const Shape& a, const Shape& b) noexcept {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a.dims_[i] != b.dims_[i]) return false;
    return true;
  }
  friend bool operator!=(const Shape& a, const Shape& b) noexcept { return !(a == b); }

 private:
  std::int64_t dims_[kMaxRank] = {};
  int rank_ = 0;
};

// real = scale * (stored - zero_point). Empty `scales`: not quantised. One entry: per tensor; several: one for each
// index along `axis`.
struct Quantization {
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;  // as many as scales
  int axis = 0;

  bool empty() const noexcept { return scales.empty(); }
  friend bool operator==(const Quantization& a, const Quantization& b) {
    return a.scales == b.scales && a.zero_points == b.zero_points && a.axis == b.axis;
  }
};

// What a model's input or output looks like.
struct TensorInfo {
  std::string name;
  DataType type = DataType::kFloat32;
  Shape shape;
  Quantization quantization;
  // For axis i of `shape`, the axis of the source file's tensor it came from: {0,2,3,1} for a tensor that was NCHW
  // there and is NHWC here. Empty: same order.
  Shape source_order;
};

// A view of a tensor's elements, dense, outermost dimension first. Owns nothing.
struct TensorView {
  DataType type = DataType::kFloat32;
  Shape shape;
  void* data = nullptr;
  std::size_t size_bytes = 0;
  // int8 and uint8 elements that stand for real numbers: real = scale * (stored - zero_point). 0: not quantised.
  float scale = 0;
  std::int32_t zero_point = 0;

  // Only when `type` is the type asked for; nullptr otherwise.
  float* f32() const noexcept { return type == DataType::kFloat32 ? static_cast<float*>(data) : nullptr; }
  std::int32_t* i32() const noexcept { return type == DataType::kInt32 ? static_cast<std::int32_t*>(data) : nullptr; }
  std::int64_t* i64() const noexcept { return type == DataType::kInt64 ? static_cast<std::int64_t*>(data) : nullptr; }
  std::int64_t elements() const noexcept { return shape.elements(); }
  // Whether the elements are 8-bit numbers with a scale.
  bool quantized() const noexcept { return (type == DataType::kInt8 || type == DataType::kUint8) && scale > 0; }
};

// The elements as real numbers: float32 as it is, int8 and uint8 as float(stored - zero_point) * scale. Errors:
// kInvalidArgument (another type; an 8-bit view without a finite scale above 0; memory smaller than the shape).
Result<std::vector<float>> dequantize(const TensorView& view);

}  // namespace dotori
