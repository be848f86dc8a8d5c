// SPDX-License-Identifier: Apache-2.0
#include <dotori/tensor.h>

namespace dotori {

std::size_t data_type_bytes(DataType type) noexcept {
  switch (type) {
    case DataType::kFloat32:
    case DataType::kInt32: return 4;
    case DataType::kInt64: return 8;
    default: return 1;
  }
}

const char* data_type_name(DataType type) noexcept {
  switch (type) {
    case DataType::kFloat32: return "float32";
    case DataType::kInt8: return "int8";
    case DataType::kUint8: return "uint8";
    case DataType::kInt32: return "int32";
    case DataType::kInt64: return "int64";
    case DataType::kBool: return "bool";
    case DataType::kCount: break;
  }
  return "unknown";
}

Result<std::int64_t> Shape::checked_elements() const {
  constexpr std::int64_t kLimit = std::int64_t{1} << 40;
  std::int64_t n = 1;
  for (std::int64_t d : *this) {
    if (d < 1) return invalid_argument("shape " + to_string() + " has a dimension below 1");
    if (d > kLimit / n) return invalid_argument("shape " + to_string() + " has more than 2^40 elements");
    n *= d;
  }
  return n;
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i > 0) text += ',';
    text += std::to_string(dims_[i]);
  }
  return text + "]";
}

}  // namespace dotori
