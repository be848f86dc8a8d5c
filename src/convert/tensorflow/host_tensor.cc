// SPDX-License-Identifier: Apache-2.0
#include "convert/tensorflow/host_tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace dotori::convert::tensorflow {
namespace {

// types.proto
enum : int {
  kFloat = 1,
  kDouble = 2,
  kInt32 = 3,
  kUint8 = 4,
  kInt16 = 5,
  kInt8 = 6,
  kInt64 = 9,
  kBool = 10,
  kBfloat16 = 14,
  kHalf = 19
};

constexpr std::int64_t kMostElements = std::int64_t{1} << 31;

float from_bits(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16, exponent = half >> 10 & 31u,
                      fraction = half & 1023u;
  if (exponent == 31) return from_bits(sign | 0x7F800000u | fraction << 13);
  const float magnitude = exponent == 0
                              ? std::ldexp(static_cast<float>(fraction), -24)
                              : std::ldexp(static_cast<float>(fraction + 1024), static_cast<int>(exponent) - 25);
  return sign != 0 ? -magnitude : magnitude;
}

// The elements as they lie in tensor_content.
template <class Stored, class Element, class Convert>
Status read_content(const std::string& content, std::size_t count, std::vector<Element>& to, const Convert& convert) {
  if (content.size() != count * sizeof(Stored))
    return corrupt_model("tensor_content has " + std::to_string(content.size()) + " bytes, expected " +
                         std::to_string(count * sizeof(Stored)));
  to.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, content.data() + i * sizeof(Stored), sizeof(Stored));
    to[i] = convert(stored);
  }
  return {};
}

// A list of values; the last one stands for all that are left out.
template <class List, class Element, class Convert>
Status read_list(const List& list, std::size_t count, std::vector<Element>& to, const Convert& convert) {
  if (static_cast<std::size_t>(list.size()) > count)
    return corrupt_model(std::to_string(list.size()) + " values for " + std::to_string(count) + " elements");
  to.assign(count, Element{});
  for (std::size_t i = 0; i < count && list.size() > 0; ++i)
    to[i] = convert(list.Get(static_cast<int>(std::min(i, static_cast<std::size_t>(list.size()) - 1))));
  return {};
}

template <class Stored, class List, class Element, class Convert>
Status read_elements(const dotori_tensorflow::Tensor& proto, const List& list, std::size_t count,
                     std::vector<Element>& to, const Convert& convert) {
  if (!proto.tensor_content().empty()) return read_content<Stored>(proto.tensor_content(), count, to, convert);
  return read_list(list, count, to, [&](auto value) { return convert(static_cast<Stored>(value)); });
}

}  // namespace

std::string dims_text(const Dims& dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(dims[i]);
  return text + "]";
}

std::int64_t element_count(const Dims& dims) {
  std::int64_t n = 1;
  for (std::int64_t d : dims) {
    if (d <= 0) return 0;
    n = n > kMostElements / d ? kMostElements : n * d;
  }
  return n;
}

Result<HostTensor> read_tensor(const dotori_tensorflow::Tensor& proto) {
  HostTensor tensor;
  for (const auto& dim : proto.tensor_shape().dim()) {
    if (dim.size() < 0) return corrupt_model("a constant with dimension " + std::to_string(dim.size()));
    tensor.dims.push_back(dim.size());
  }
  const std::int64_t elements = tensor.count();
  if (elements >= kMostElements) return corrupt_model("a constant of shape " + dims_text(tensor.dims));
  const auto count = static_cast<std::size_t>(elements);
  const auto real = [](auto v) { return static_cast<float>(v); };
  const auto whole = [](auto v) { return static_cast<std::int64_t>(v); };
  tensor.is_real = false;
  Status status;
  switch (proto.dtype()) {
    case kFloat: status = read_elements<float>(proto, proto.float_val(), count, tensor.reals, real); break;
    case kDouble: status = read_elements<double>(proto, proto.double_val(), count, tensor.reals, real); break;
    case kHalf: status = read_elements<std::uint16_t>(proto, proto.half_val(), count, tensor.reals, from_half); break;
    case kBfloat16:
      status = read_elements<std::uint16_t>(proto, proto.half_val(), count, tensor.reals, [](std::uint16_t v) {
        return from_bits(static_cast<std::uint32_t>(v) << 16);
      });
      break;
    case kInt32: status = read_elements<std::int32_t>(proto, proto.int_val(), count, tensor.integers, whole); break;
    case kInt64: status = read_elements<std::int64_t>(proto, proto.int64_val(), count, tensor.integers, whole); break;
    case kInt16: status = read_elements<std::int16_t>(proto, proto.int_val(), count, tensor.integers, whole); break;
    case kInt8: status = read_elements<std::int8_t>(proto, proto.int_val(), count, tensor.integers, whole); break;
    case kUint8: status = read_elements<std::uint8_t>(proto, proto.int_val(), count, tensor.integers, whole); break;
    case kBool: status = read_elements<std::uint8_t>(proto, proto.bool_val(), count, tensor.integers, whole); break;
    default:
      return unsupported("a constant of type " + std::to_string(proto.dtype()) + " (numbers and bool are supported)");
  }
  if (!status.ok()) return status;
  tensor.is_real =
      proto.dtype() == kFloat || proto.dtype() == kDouble || proto.dtype() == kHalf || proto.dtype() == kBfloat16;
  return tensor;
}

}  // namespace dotori::convert::tensorflow
