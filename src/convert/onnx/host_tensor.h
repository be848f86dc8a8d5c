// SPDX-License-Identifier: Apache-2.0
// HostTensor: a tensor whose elements the importer knows: weights, shapes, and whatever follows from them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <dotori/tensor.h>

#include "convert/onnx/error.h"
#include "dotori_onnx.pb.h"

namespace dotori::convert::onnx {

using Dims = std::vector<std::int64_t>;

// ONNX's float16 and bfloat16 are widened to kFloat32, its other integers to kInt64, when a file is read.
enum class Element : unsigned char { kFloat32, kFloat64, kInt8, kUint8, kInt32, kInt64, kBool };

std::size_t element_bytes(Element e) noexcept;
const char* element_name(Element e) noexcept;
inline bool is_float(Element e) noexcept {
  return e == Element::kFloat32 || e == Element::kFloat64;
}
// The graph's type of the same elements; kFloat64 becomes float32.
DataType graph_type(Element e) noexcept;

std::string dims_text(const Dims& dims);  // "[1,3,224,224]"
// The product. Throws kCorruptModel for a negative dimension, kOutOfMemory above 2^31 elements. 0 is allowed.
std::int64_t count_of(const Dims& dims);

// Dense, outermost axis first, in the source file's axis order. Any rank; a dimension may be 0. Copies share the
// elements, so these are written only while the maker holds the single copy.
struct HostTensor {
  Element element = Element::kFloat32;
  Dims dims;
  std::shared_ptr<std::vector<unsigned char>> bytes;
  // kFloat32 elements that are 8-bit numbers dequantised: real = scale * (stored - zero_point), stored in int8. Kept by
  // reshaped() and permuted(). Empty: any numbers.
  Quantization quantization;

  static HostTensor make(Element element, Dims dims);                    // zeros; throws as count_of
  static HostTensor from_ints(const std::vector<std::int64_t>& values);  // rank 1, kInt64
  static HostTensor scalar(float value);                                 // rank 0

  std::int64_t count() const noexcept { return static_cast<std::int64_t>(bytes->size() / element_bytes(element)); }
  // T must be the element's type; bool is std::uint8_t. Not checked.
  template <class T>
  const T* data() const noexcept {
    return reinterpret_cast<const T*>(bytes->data());
  }
  template <class T>
  T* data() noexcept {
    return reinterpret_cast<T*>(bytes->data());
  }
  // Element `i`, below count(), converted. integer() of a float truncates and saturates, NaN gives 0.
  double real(std::int64_t i) const noexcept;
  std::int64_t integer(std::int64_t i) const noexcept;
  // Converted to the element's type (integers wrap).
  void set_real(std::int64_t i, double v) noexcept;
  void set_integer(std::int64_t i, std::int64_t v) noexcept;

  // The counts must be equal; not checked. A quantisation by axis is lost where no axis of the result is that axis.
  HostTensor reshaped(Dims new_dims) const;
  // Axis k of the result is axis perm[k].
  HostTensor permuted(const std::vector<int>& perm) const;
  HostTensor cast(Element to) const;
};

// Reads an initializer or a constant attribute. Throws kCorruptModel or kUnsupported with what was wrong.
HostTensor host_tensor(const dotori_onnx::TensorProto& proto);

// Most elements of a tensor that the importer makes from smaller ones: bounds what a few bytes of a file can reserve.
constexpr std::int64_t kMostMadeElements = std::int64_t{1} << 26;

// The NumPy broadcast of two shapes; throws kCorruptModel showing both when they do not fit.
Dims broadcast_dims(const Dims& a, const Dims& b);

}  // namespace dotori::convert::onnx
