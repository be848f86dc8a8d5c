// SPDX-License-Identifier: Apache-2.0
#include <dotori/tensor.h>

#include <math.h>

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

namespace {

template <class T>
void to_real(const TensorView& view, std::vector<float>* values) {
  const T* stored = static_cast<const T*>(view.data);
  // In 64 bits: a zero point from a file may be any int32.
  for (std::size_t i = 0; i < values->size(); ++i)
    (*values)[i] = static_cast<float>(std::int64_t{stored[i]} - view.zero_point) * view.scale;
}

}  // namespace

Result<std::vector<float>> dequantize(const TensorView& view) {
  const std::string found = data_type_name(view.type) + view.shape.to_string();
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t elements, view.shape.checked_elements());
  const std::size_t count = static_cast<std::size_t>(elements);
  if (view.data == nullptr || view.size_bytes < count * data_type_bytes(view.type))
    return invalid_argument("the tensor's memory is smaller than its shape " + found);
  if (view.f32() != nullptr) return std::vector<float>(view.f32(), view.f32() + count);
  if (view.type != DataType::kInt8 && view.type != DataType::kUint8)
    return invalid_argument("expected float32 or quantised int8 or uint8, found " + found);
  if (!view.quantized() || !isfinite(view.scale))
    return invalid_argument("expected a finite scale above 0 for " + found + ", found " + std::to_string(view.scale));
  std::vector<float> values(count);
  if (view.type == DataType::kInt8) to_real<std::int8_t>(view, &values);
  else to_real<std::uint8_t>(view, &values);
  return values;
}

}  // namespace dotori
