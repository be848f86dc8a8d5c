// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "convert/tflite/codes.h"

namespace dotori::convert::tflite {
namespace {

// Shape arithmetic is about a handful of numbers; anything larger is data and stays in the graph.
constexpr std::size_t kMaxElements = 4096;
constexpr int kFloorDiv = 90, kReduceProd = 81;

// A scalar (rank 0) or a list (rank 1): the only ranks of shape arithmetic.
struct Integers {
  bool scalar = false;
  std::vector<std::int64_t> values;
};

bool is_integer(const Tensor& tensor) {
  return tensor.type == TensorType::kInt32 || tensor.type == TensorType::kInt64;
}

// Product, sum … with an answer only where it fits.
bool compute(int code, std::int64_t a, std::int64_t b, std::int64_t* result) {
  switch (code) {
    case kAdd: return !__builtin_add_overflow(a, b, result);
    case kSub: return !__builtin_sub_overflow(a, b, result);
    case kMul: return !__builtin_mul_overflow(a, b, result);
    case kMinimum: *result = std::min(a, b); return true;
    case kMaximum: *result = std::max(a, b); return true;
    case kDiv:
    case kFloorDiv:
      if (b == 0 || (a == std::numeric_limits<std::int64_t>::min() && b == -1)) return false;
      *result = a / b;
      if (code == kFloorDiv && a % b != 0 && (a < 0) != (b < 0)) --*result;
      return true;
    default: return false;
  }
}

bool fold_binary(int code, const Integers& a, const Integers& b, Integers* out) {
  const std::size_t n = std::max(a.values.size(), b.values.size());
  if ((a.values.size() != n && a.values.size() != 1) || (b.values.size() != n && b.values.size() != 1)) return false;
  out->scalar = a.scalar && b.scalar;
  for (std::size_t i = 0; i < n; ++i) {
    std::int64_t value = 0;
    if (!compute(code, a.values[a.values.size() == 1 ? 0 : i], b.values[b.values.size() == 1 ? 0 : i], &value))
      return false;
    out->values.push_back(value);
  }
  return true;
}

// x[begin:end:stride] of a list, or x[begin] when the axis is dropped.
bool fold_strided_slice(const FlatTable& options, const std::vector<Integers>& in, Integers* out) {
  if (in.size() != 4 || in[0].scalar || options.number<std::int32_t>(2) != 0 || options.number<std::int32_t>(3) != 0)
    return false;
  for (int k = 1; k < 4; ++k)
    if (in[static_cast<std::size_t>(k)].values.size() != 1) return false;
  const std::int64_t dim = static_cast<std::int64_t>(in[0].values.size());
  const bool shrink = options.number<std::int32_t>(4) != 0;
  std::int64_t first = in[1].values[0], last = in[2].values[0];
  if (in[3].values[0] != 1) return false;
  const auto clamp = [dim](std::int64_t i) {
    return i < 0 ? std::max<std::int64_t>(std::max(i, -dim) + dim, 0) : std::min(i, dim);
  };
  first = options.number<std::int32_t>(0) != 0 ? 0 : clamp(first);
  last = shrink ? first + 1 : options.number<std::int32_t>(1) != 0 ? dim : clamp(last);
  if (first >= last || last > dim) return false;
  out->scalar = shrink;
  out->values.assign(in[0].values.begin() + first, in[0].values.begin() + last);
  return true;
}

bool fold_gather(const std::vector<Integers>& in, Integers* out) {
  if (in.size() != 2 || in[0].scalar) return false;
  out->scalar = in[1].scalar;
  for (std::int64_t i : in[1].values) {
    if (i < 0 || i >= static_cast<std::int64_t>(in[0].values.size())) return false;
    out->values.push_back(in[0].values[static_cast<std::size_t>(i)]);
  }
  return true;
}

bool fold(const Operator& op, const std::vector<Integers>& in, Integers* out) {
  switch (op.code) {
    case kAdd:
    case kSub:
    case kMul:
    case kDiv:
    case kFloorDiv:
    case kMinimum:
    case kMaximum: return in.size() == 2 && fold_binary(op.code, in[0], in[1], out);
    case kStridedSlice: return fold_strided_slice(op.options, in, out);
    case kGather: return fold_gather(in, out);
    case kPack:
    case kConcatenation:
      for (const Integers& part : in) {
        if (part.scalar != (op.code == kPack)) return false;
        out->values.insert(out->values.end(), part.values.begin(), part.values.end());
      }
      return true;
    case kReduceProd: {
      std::int64_t product = 1;
      for (std::int64_t v : in[0].values)
        if (!compute(kMul, product, v, &product)) return false;
      out->scalar = !op.options.boolean(0);
      out->values = {product};
      return true;
    }
    case kCast: *out = in[0]; return true;
    case kSqueeze:
      *out = in[0];
      out->scalar = out->scalar || out->values.size() == 1;
      return true;
    case kExpandDims:
      *out = in[0];
      if (!out->scalar) return false;
      out->scalar = false;
      return true;
    case kReshape:
      if (in.size() != 2 || in[1].values.size() > 1 || in[1].scalar) return false;
      *out = in[0];
      out->scalar = in[1].values.empty();
      return true;
    default: return false;
  }
}

}  // namespace

Result<bool> fold_integers(Builder& builder, const Operator& op) {
  if (op.outputs.size() != 1 || op.inputs.empty()) return false;
  Tensor& to = builder.output_tensor(op, 0);
  if (!is_integer(to)) return false;
  Integers out;
  if (op.code == kShape) {
    DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 1, 1));
    DOTORI_ASSIGN_OR_RETURN(const Shape shape, builder.input_shape(op, 0));
    out.values.assign(shape.begin(), shape.end());
  } else {
    std::vector<Integers> in;
    for (int i = 0; i < static_cast<int>(op.inputs.size()); ++i) {
      if (!builder.has_input(op, i)) return false;
      const Tensor& tensor = builder.input_tensor(op, i);
      if (!tensor.is_constant() || tensor.sparse || !is_integer(tensor) || tensor.is_quantized() ||
          tensor.shape.rank() > 1)
        return false;
      Integers one;
      one.scalar = tensor.shape.rank() == 0;
      DOTORI_ASSIGN_OR_RETURN(one.values, builder.integers(op, i, "an input"));
      if (one.values.size() > kMaxElements) return false;
      in.push_back(std::move(one));
    }
    if (!fold(op, in, &out)) return false;
  }
  if (out.values.empty() || out.values.size() > kMaxElements) return false;
  const Shape shape = out.scalar ? Shape{} : Shape{static_cast<std::int64_t>(out.values.size())};
  if (to.type == TensorType::kInt64) {
    DOTORI_RETURN_IF_ERROR(builder.make_constant(to, to.type, shape, out.values.data(), out.values.size() * 8));
    return true;
  }
  std::vector<std::int32_t> narrow;
  for (std::int64_t v : out.values) {
    if (v < std::numeric_limits<std::int32_t>::min() || v > std::numeric_limits<std::int32_t>::max()) return false;
    narrow.push_back(static_cast<std::int32_t>(v));
  }
  DOTORI_RETURN_IF_ERROR(builder.make_constant(to, to.type, shape, narrow.data(), narrow.size() * 4));
  return true;
}

}  // namespace dotori::convert::tflite
