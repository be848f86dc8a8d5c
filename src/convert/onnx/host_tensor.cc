// SPDX-License-Identifier: Apache-2.0
#include "convert/onnx/host_tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace dotori::convert::onnx {
namespace {

using dotori_onnx::TensorProto;

constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;

float float_from_bits(std::uint32_t bits) {
  float v;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}

std::int64_t saturated(double v) {
  constexpr double kTwoTo63 = 9223372036854775808.0;
  if (std::isnan(v)) return 0;
  if (v >= kTwoTo63) return std::numeric_limits<std::int64_t>::max();
  if (v <= -kTwoTo63) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(v);
}

// IEEE 754 binary16.
float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
  const std::uint32_t exponent = (h >> 10) & 0x1Fu, mantissa = h & 0x3FFu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * (1.0f / 16777216.0f);
    return sign != 0 ? -magnitude : magnitude;
  }
  if (exponent == 31) return float_from_bits(sign | 0x7F800000u | (mantissa << 13));
  return float_from_bits(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

// How one ONNX element type is stored in a file and kept here.
struct Storage {
  int data_type;
  std::size_t raw_bytes;
  Element element;
};

constexpr Storage kStorages[] = {
    {TensorProto::FLOAT, 4, Element::kFloat32},   {TensorProto::UINT8, 1, Element::kUint8},
    {TensorProto::INT8, 1, Element::kInt8},       {TensorProto::UINT16, 2, Element::kInt64},
    {TensorProto::INT16, 2, Element::kInt64},     {TensorProto::INT32, 4, Element::kInt32},
    {TensorProto::INT64, 8, Element::kInt64},     {TensorProto::BOOL, 1, Element::kBool},
    {TensorProto::FLOAT16, 2, Element::kFloat32}, {TensorProto::DOUBLE, 8, Element::kFloat64},
    {TensorProto::UINT32, 4, Element::kInt64},    {TensorProto::UINT64, 8, Element::kInt64},
    {TensorProto::BFLOAT16, 2, Element::kFloat32}};

template <class T>
T read_raw(const std::string& raw, std::int64_t i) {
  T v;
  std::memcpy(&v, raw.data() + static_cast<std::size_t>(i) * sizeof(T), sizeof v);
  return v;
}

void fill_from_raw(int data_type, const std::string& raw, HostTensor* tensor) {
  const std::int64_t n = tensor->count();
  switch (data_type) {
    case TensorProto::UINT16:
      for (std::int64_t i = 0; i < n; ++i) tensor->set_integer(i, read_raw<std::uint16_t>(raw, i));
      return;
    case TensorProto::INT16:
      for (std::int64_t i = 0; i < n; ++i) tensor->set_integer(i, read_raw<std::int16_t>(raw, i));
      return;
    case TensorProto::UINT32:
      for (std::int64_t i = 0; i < n; ++i) tensor->set_integer(i, read_raw<std::uint32_t>(raw, i));
      return;
    case TensorProto::BOOL:
      for (std::int64_t i = 0; i < n; ++i) tensor->set_integer(i, raw[static_cast<std::size_t>(i)] != 0);
      return;
    case TensorProto::FLOAT16:
      for (std::int64_t i = 0; i < n; ++i) tensor->data<float>()[i] = half_to_float(read_raw<std::uint16_t>(raw, i));
      return;
    case TensorProto::BFLOAT16:
      for (std::int64_t i = 0; i < n; ++i) {
        tensor->data<float>()[i] = float_from_bits(static_cast<std::uint32_t>(read_raw<std::uint16_t>(raw, i)) << 16);
      }
      return;
    default:  // the same bytes in the file and here (UINT64 wraps)
      if (n > 0) std::memcpy(tensor->bytes->data(), raw.data(), raw.size());
  }
}

void fill_from_fields(const TensorProto& proto, HostTensor* tensor) {
  const int type = proto.data_type();
  const std::int64_t n = tensor->count();
  const auto expect = [&](int found, const char* field) {
    if (found != n) {
      fail(corrupt_model("tensor '" + proto.name() + "' " + dims_text(tensor->dims) + " needs " + std::to_string(n) +
                         " elements, " + field + " has " + std::to_string(found)));
    }
  };
  switch (type) {
    case TensorProto::FLOAT:
      expect(proto.float_data_size(), "float_data");
      for (std::int64_t i = 0; i < n; ++i) tensor->data<float>()[i] = proto.float_data(static_cast<int>(i));
      return;
    case TensorProto::DOUBLE:
      expect(proto.double_data_size(), "double_data");
      for (std::int64_t i = 0; i < n; ++i) tensor->data<double>()[i] = proto.double_data(static_cast<int>(i));
      return;
    case TensorProto::INT64:
      expect(proto.int64_data_size(), "int64_data");
      for (std::int64_t i = 0; i < n; ++i) tensor->set_integer(i, proto.int64_data(static_cast<int>(i)));
      return;
    case TensorProto::UINT32:
    case TensorProto::UINT64:
      expect(proto.uint64_data_size(), "uint64_data");
      for (std::int64_t i = 0; i < n; ++i) {
        tensor->set_integer(i, static_cast<std::int64_t>(proto.uint64_data(static_cast<int>(i))));
      }
      return;
    default: break;
  }
  expect(proto.int32_data_size(), "int32_data");
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int32_t v = proto.int32_data(static_cast<int>(i));
    const auto bits = static_cast<std::uint16_t>(v);
    if (type == TensorProto::FLOAT16) {
      tensor->data<float>()[i] = half_to_float(bits);
    } else if (type == TensorProto::BFLOAT16) {
      tensor->data<float>()[i] = float_from_bits(static_cast<std::uint32_t>(bits) << 16);
    } else {
      tensor->set_integer(i, v);
    }
  }
}

}  // namespace

std::size_t element_bytes(Element e) noexcept {
  switch (e) {
    case Element::kFloat64:
    case Element::kInt64: return 8;
    case Element::kFloat32:
    case Element::kInt32: return 4;
    default: return 1;
  }
}

const char* element_name(Element e) noexcept {
  switch (e) {
    case Element::kFloat32: return "float32";
    case Element::kFloat64: return "float64";
    case Element::kInt8: return "int8";
    case Element::kUint8: return "uint8";
    case Element::kInt32: return "int32";
    case Element::kInt64: return "int64";
    case Element::kBool: return "bool";
  }
  return "unknown";
}

DataType graph_type(Element e) noexcept {
  switch (e) {
    case Element::kInt8: return DataType::kInt8;
    case Element::kUint8: return DataType::kUint8;
    case Element::kInt32: return DataType::kInt32;
    case Element::kInt64: return DataType::kInt64;
    case Element::kBool: return DataType::kBool;
    default: return DataType::kFloat32;
  }
}

std::string dims_text(const Dims& dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i > 0) text += ',';
    if (i == 16) return text + "...]";
    text += std::to_string(dims[i]);
  }
  return text + "]";
}

std::int64_t count_of(const Dims& dims) {
  std::int64_t n = 1;
  bool empty = false;
  for (std::int64_t d : dims) {
    if (d < 0) fail(corrupt_model("shape " + dims_text(dims) + " has a negative dimension"));
    if (d == 0) {
      empty = true;
    } else if (n > kMaxElements / d) {
      fail(out_of_memory("shape " + dims_text(dims) + " has more than 2^31 elements"));
    } else {
      n *= d;
    }
  }
  return empty ? 0 : n;
}

HostTensor HostTensor::make(Element element, Dims dims) {
  HostTensor t;
  t.element = element;
  t.bytes =
      std::make_shared<std::vector<unsigned char>>(static_cast<std::size_t>(count_of(dims)) * element_bytes(element));
  t.dims = std::move(dims);
  return t;
}

HostTensor HostTensor::from_ints(const std::vector<std::int64_t>& values) {
  HostTensor t = make(Element::kInt64, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), t.data<std::int64_t>());
  return t;
}

HostTensor HostTensor::scalar(float value) {
  HostTensor t = make(Element::kFloat32, {});
  t.data<float>()[0] = value;
  return t;
}

double HostTensor::real(std::int64_t i) const noexcept {
  if (element == Element::kFloat32) return static_cast<double>(data<float>()[i]);
  if (element == Element::kFloat64) return data<double>()[i];
  return static_cast<double>(integer(i));
}

std::int64_t HostTensor::integer(std::int64_t i) const noexcept {
  switch (element) {
    case Element::kInt8: return data<std::int8_t>()[i];
    case Element::kUint8:
    case Element::kBool: return data<std::uint8_t>()[i];
    case Element::kInt32: return data<std::int32_t>()[i];
    case Element::kInt64: return data<std::int64_t>()[i];
    default: break;
  }
  return saturated(real(i));
}

void HostTensor::set_real(std::int64_t i, double v) noexcept {
  if (element == Element::kFloat32) {
    data<float>()[i] = static_cast<float>(v);
  } else if (element == Element::kFloat64) {
    data<double>()[i] = v;
  } else if (element == Element::kBool) {
    data<std::uint8_t>()[i] = v != 0;
  } else {
    set_integer(i, saturated(v));
  }
}

void HostTensor::set_integer(std::int64_t i, std::int64_t v) noexcept {
  switch (element) {
    case Element::kInt8: data<std::int8_t>()[i] = static_cast<std::int8_t>(v); return;
    case Element::kUint8: data<std::uint8_t>()[i] = static_cast<std::uint8_t>(v); return;
    case Element::kBool: data<std::uint8_t>()[i] = v != 0; return;
    case Element::kInt32: data<std::int32_t>()[i] = static_cast<std::int32_t>(v); return;
    case Element::kInt64: data<std::int64_t>()[i] = v; return;
    case Element::kFloat32: data<float>()[i] = static_cast<float>(v); return;
    case Element::kFloat64: data<double>()[i] = static_cast<double>(v); return;
  }
}

HostTensor HostTensor::reshaped(Dims new_dims) const {
  HostTensor t = *this;
  t.dims = std::move(new_dims);
  if (quantization.scales.size() < 2) return t;
  // The same axis has as many elements as before, and as many in front of it.
  const auto elements_before = [](const Dims& d, std::size_t axis) {
    std::int64_t n = 1;
    for (std::size_t k = 0; k < axis; ++k) n *= d[k];
    return n;
  };
  const auto axis = static_cast<std::size_t>(quantization.axis);
  for (std::size_t k = 0; k < t.dims.size(); ++k) {
    if (t.dims[k] != dims[axis] || elements_before(t.dims, k) != elements_before(dims, axis)) continue;
    t.quantization.axis = static_cast<int>(k);
    return t;
  }
  t.quantization = {};
  return t;
}

HostTensor HostTensor::permuted(const std::vector<int>& perm) const {
  const std::size_t rank = dims.size();
  bool same = true;
  Dims out_dims(rank);
  for (std::size_t k = 0; k < rank; ++k) {
    out_dims[k] = dims[static_cast<std::size_t>(perm[k])];
    same = same && perm[k] == static_cast<int>(k);
  }
  if (same) return *this;
  Dims strides(rank, 1);
  for (std::size_t k = rank - 1; k > 0; --k) strides[k - 1] = strides[k] * dims[k];
  HostTensor out = make(element, out_dims);
  out.quantization = quantization;
  for (std::size_t k = 0; k < rank; ++k) {
    if (perm[k] == quantization.axis) out.quantization.axis = static_cast<int>(k);
  }
  const std::size_t size = element_bytes(element);
  const std::int64_t n = out.count();
  Dims index(rank, 0);
  std::int64_t from = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    std::memcpy(out.bytes->data() + static_cast<std::size_t>(i) * size,
                bytes->data() + static_cast<std::size_t>(from) * size, size);
    for (std::size_t k = rank; k-- > 0;) {
      const std::int64_t stride = strides[static_cast<std::size_t>(perm[k])];
      from += stride;
      if (++index[k] < out_dims[k]) break;
      from -= stride * out_dims[k];
      index[k] = 0;
    }
  }
  return out;
}

HostTensor HostTensor::cast(Element to) const {
  if (to == element) return *this;
  HostTensor out = make(to, dims);
  const bool real_source = is_float(element);
  for (std::int64_t i = 0, n = count(); i < n; ++i) {
    if (real_source) {
      out.set_real(i, real(i));
    } else {
      out.set_integer(i, integer(i));
    }
  }
  return out;
}

HostTensor host_tensor(const TensorProto& proto) {
  const std::string name = "tensor '" + proto.name() + "'";
  if (proto.data_location() == TensorProto::EXTERNAL || proto.external_data_size() > 0) {
    fail(unsupported(name + ": its data is in another file (external data), and there is no folder to look in"));
  }
  if (proto.has_segment()) fail(unsupported(name + ": segmented tensors are not supported"));
  const auto* storage = std::find_if(std::begin(kStorages), std::end(kStorages),
                                     [&](const Storage& s) { return s.data_type == proto.data_type(); });
  if (storage == std::end(kStorages)) {
    fail(unsupported(name + ": element type " + std::to_string(proto.data_type()) +
                     " is not supported; supported are float, float16, bfloat16, double, integers and bool"));
  }
  Dims dims(proto.dims().begin(), proto.dims().end());
  if (dims.size() > 64) fail(corrupt_model(name + " has rank " + std::to_string(dims.size())));
  std::int64_t n = 0;
  try {
    n = count_of(dims);
  } catch (const ImportError& error) {
    fail(error.status().with_context(name));
  }
  const std::int64_t fields = std::int64_t{proto.float_data_size()} + proto.int32_data_size() +
                              proto.int64_data_size() + proto.double_data_size() + proto.uint64_data_size();
  if (!proto.raw_data().empty()) {
    if (fields > 0) fail(corrupt_model(name + " has both raw and typed data"));
    const auto needed = static_cast<std::size_t>(n) * storage->raw_bytes;
    if (proto.raw_data().size() != needed) {
      fail(corrupt_model(name + " " + dims_text(dims) + " needs " + std::to_string(needed) + " bytes, raw_data has " +
                         std::to_string(proto.raw_data().size())));
    }
  } else if (n > fields) {
    // Checked before any memory is reserved: the dimensions are the file's word only.
    fail(corrupt_model(name + " " + dims_text(dims) + " needs " + std::to_string(n) + " elements, the file has " +
                       std::to_string(fields)));
  }
  HostTensor tensor = HostTensor::make(storage->element, std::move(dims));
  if (!proto.raw_data().empty()) {
    fill_from_raw(proto.data_type(), proto.raw_data(), &tensor);
  } else {
    fill_from_fields(proto, &tensor);
  }
  return tensor;
}

Dims broadcast_dims(const Dims& a, const Dims& b) {
  Dims out(std::max(a.size(), b.size()));
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::size_t from_end = out.size() - k;
    const std::int64_t da = from_end > a.size() ? 1 : a[a.size() - from_end];
    const std::int64_t db = from_end > b.size() ? 1 : b[b.size() - from_end];
    if (da != db && da != 1 && db != 1) {
      fail(corrupt_model("shapes " + dims_text(a) + " and " + dims_text(b) + " do not broadcast"));
    }
    out[k] = da == 1 ? db : da;
  }
  return out;
}

}  // namespace dotori::convert::onnx
