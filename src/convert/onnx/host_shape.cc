// SPDX-License-Identifier: Apache-2.0
// Host evaluation of the operators that move, count or make elements. Byte-wise: any element type.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

HostTensor make_bounded(NodeContext& ctx, Element element, Dims dims) {
  if (count_of(dims) > kMostMadeElements) {
    ctx.unsupported(ctx.op_type() + " makes a constant of shape " + dims_text(dims) + ": more than 2^26 elements");
  }
  return HostTensor::make(element, std::move(dims));
}

// Calls visit(i, index) for each element of `dims` in order.
template <class Visit>
void for_each_index(const Dims& dims, const Visit& visit) {
  Dims index(dims.size(), 0);
  for (std::int64_t i = 0, n = count_of(dims); i < n; ++i) {
    visit(i, index);
    for (std::size_t k = dims.size(); k-- > 0;) {
      if (++index[k] < dims[k]) break;
      index[k] = 0;
    }
  }
}

// out[index] = x[source(index)], `source` giving an index of x by axis.
template <class Source>
HostTensor pick(NodeContext& ctx, const HostTensor& x, const Dims& dims, const Source& source) {
  HostTensor out = make_bounded(ctx, x.element, dims);
  const std::size_t size = element_bytes(x.element);
  Dims from(x.dims.size());
  for_each_index(dims, [&](std::int64_t i, const Dims& index) {
    source(index, &from);
    std::int64_t flat = 0;
    for (std::size_t k = 0; k < from.size(); ++k) flat = flat * x.dims[k] + from[k];
    std::memcpy(out.bytes->data() + static_cast<std::size_t>(i) * size,
                x.bytes->data() + static_cast<std::size_t>(flat) * size, size);
  });
  return out;
}

HostTensor slice(NodeContext& ctx, const HostTensor& x, const SliceNumbers& n) {
  return pick(ctx, x, n.size, [&](const Dims& index, Dims* from) {
    for (std::size_t k = 0; k < index.size(); ++k) (*from)[k] = n.begin[k] + index[k] * n.stride[k];
  });
}

HostTensor broadcast(NodeContext& ctx, const HostTensor& x, const Dims& dims) {
  if (x.dims == dims) return x;
  const std::size_t added = dims.size() - x.dims.size();
  return pick(ctx, x, dims, [&](const Dims& index, Dims* from) {
    for (std::size_t k = 0; k < from->size(); ++k) (*from)[k] = x.dims[k] == 1 ? 0 : index[k + added];
  });
}

HostTensor gather(NodeContext& ctx, const HostTensor& x, const HostTensor& indices) {
  const int axis = ctx.axis(ctx.attr_int("axis", 0), static_cast<int>(x.dims.size()));
  const auto a = static_cast<std::size_t>(axis);
  Dims dims(x.dims.begin(), x.dims.begin() + axis);
  dims.insert(dims.end(), indices.dims.begin(), indices.dims.end());
  dims.insert(dims.end(), x.dims.begin() + axis + 1, x.dims.end());
  for (std::int64_t i = 0; i < indices.count(); ++i) {
    if (indices.integer(i) < -x.dims[a] || indices.integer(i) >= x.dims[a]) {
      ctx.corrupt("index " + std::to_string(indices.integer(i)) + " is outside axis " + std::to_string(axis) +
                  " of shape " + dims_text(x.dims));
    }
  }
  const std::size_t index_rank = indices.dims.size();
  return pick(ctx, x, dims, [&](const Dims& index, Dims* from) {
    std::int64_t flat = 0;
    for (std::size_t k = 0; k < index_rank; ++k) flat = flat * indices.dims[k] + index[a + k];
    for (std::size_t k = 0; k < a; ++k) (*from)[k] = index[k];
    (*from)[a] = indices.integer(flat) + (indices.integer(flat) < 0 ? x.dims[a] : 0);
    for (std::size_t k = a + 1; k < from->size(); ++k) (*from)[k] = index[k + index_rank - 1];
  });
}

HostTensor concat(NodeContext& ctx) {
  const HostTensor& first = ctx.known(0, "inputs");
  const int axis = ctx.axis(ctx.attr_int("axis", 1), static_cast<int>(first.dims.size()));
  const auto a = static_cast<std::size_t>(axis);
  Dims dims = first.dims;
  dims[a] = 0;
  for (int i = 0; i < ctx.input_count(); ++i) {
    const HostTensor& part = ctx.known(i, "inputs");
    Dims expected = first.dims;
    if (part.dims.size() == expected.size()) expected[a] = part.dims[a];
    if (part.dims != expected || part.element != first.element) {
      ctx.corrupt("Concat of " + std::string(element_name(first.element)) + dims_text(first.dims) + " and " +
                  element_name(part.element) + dims_text(part.dims) + " along axis " + std::to_string(axis));
    }
    dims[a] += part.dims[a];
  }
  HostTensor out = make_bounded(ctx, first.element, dims);
  const std::int64_t outer = count_of(Dims(dims.begin(), dims.begin() + axis));
  const std::int64_t inner = count_of(Dims(dims.begin() + axis + 1, dims.end()));
  unsigned char* to = out.bytes->data();
  for (std::int64_t o = 0; o < outer; ++o) {
    for (int i = 0; i < ctx.input_count(); ++i) {
      const HostTensor& part = ctx.known(i, "inputs");
      const auto run = static_cast<std::size_t>(part.dims[a] * inner) * element_bytes(part.element);
      if (run > 0) std::memcpy(to, part.bytes->data() + static_cast<std::size_t>(o) * run, run);
      to += run;
    }
  }
  return out;
}

HostTensor constant(NodeContext& ctx) {
  if (const auto* value = ctx.attr_tensor("value")) return host_tensor(*value);
  if (ctx.has_attr("value_float")) return HostTensor::scalar(ctx.attr_float("value_float", 0));
  if (ctx.has_attr("value_int")) {
    return HostTensor::from_ints({ctx.attr_int("value_int", 0)}).reshaped({});
  }
  if (ctx.has_attr("value_ints")) return HostTensor::from_ints(ctx.attr_ints("value_ints", {}));
  if (ctx.has_attr("value_floats")) {
    const std::vector<float> values = ctx.attr_floats("value_floats");
    HostTensor out = HostTensor::make(Element::kFloat32, {static_cast<std::int64_t>(values.size())});
    std::copy(values.begin(), values.end(), out.data<float>());
    return out;
  }
  ctx.unsupported("a Constant needs one of value, value_float, value_floats, value_int and value_ints");
}

HostTensor constant_of_shape(NodeContext& ctx) {
  HostTensor value = HostTensor::make(Element::kFloat32, {1});
  if (const auto* given = ctx.attr_tensor("value")) value = host_tensor(*given);
  if (value.count() != 1) ctx.corrupt("the value must be one element, found shape " + dims_text(value.dims));
  const Dims dims = ctx.known_ints(0, "the shape");
  if (dims.size() > 64) ctx.corrupt("a shape of rank " + std::to_string(dims.size()));
  return broadcast(ctx, value.reshaped({}), dims);
}

HostTensor range(NodeContext& ctx) {
  const HostTensor &first = ctx.known(0, "start"), &last = ctx.known(1, "limit"), &step = ctx.known(2, "delta");
  const double start = ctx.known_scalar(0, "start"), limit = ctx.known_scalar(1, "limit");
  const double delta = ctx.known_scalar(2, "delta");
  if (last.element != first.element || step.element != first.element) ctx.corrupt("Range mixes element types");
  if (delta == 0) ctx.corrupt("Range has a delta of 0");
  const double n = std::max(std::ceil((limit - start) / delta), 0.0);
  if (!(n <= static_cast<double>(kMostMadeElements))) ctx.unsupported("Range makes more than 2^26 elements");
  HostTensor out = make_bounded(ctx, first.element, {static_cast<std::int64_t>(n)});
  for (std::int64_t i = 0; i < out.count(); ++i) {
    if (is_float(out.element)) {
      out.set_real(i, start + static_cast<double>(i) * delta);
    } else {
      // Every element lies between start and limit, but unsigned arithmetic also survives a hostile delta.
      const auto value = static_cast<std::uint64_t>(first.integer(0)) +
                         static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(step.integer(0));
      out.set_integer(i, static_cast<std::int64_t>(value));
    }
  }
  return out;
}

HostTensor tile(NodeContext& ctx, const HostTensor& x) {
  const Dims repeats = ctx.known_ints(1, "the repeats");
  if (repeats.size() != x.dims.size()) {
    ctx.corrupt("Tile has repeats " + dims_text(repeats) + " for shape " + dims_text(x.dims));
  }
  Dims dims = x.dims;
  for (std::size_t k = 0; k < dims.size(); ++k) {
    if (repeats[k] < 0 || repeats[k] > kMostMadeElements) ctx.unsupported("repeats of " + dims_text(repeats));
    count_of({dims[k], repeats[k]});
    dims[k] *= repeats[k];
  }
  return pick(ctx, x, dims, [&](const Dims& index, Dims* from) {
    for (std::size_t k = 0; k < index.size(); ++k) (*from)[k] = index[k] % x.dims[k];
  });
}

HostTensor where(NodeContext& ctx) {
  const HostTensor &condition = ctx.known(0, "the condition"), &x = ctx.known(1, "x"), &y = ctx.known(2, "y");
  if (x.element != y.element) ctx.corrupt("Where picks from different element types");
  const Dims dims = broadcast_dims(condition.dims, broadcast_dims(x.dims, y.dims));
  const HostTensor yes = broadcast(ctx, condition, dims), a = broadcast(ctx, x, dims), b = broadcast(ctx, y, dims);
  HostTensor out = make_bounded(ctx, x.element, dims);
  const std::size_t size = element_bytes(x.element);
  for (std::int64_t i = 0, n = out.count(); i < n; ++i) {
    const auto offset = static_cast<std::size_t>(i) * size;
    std::memcpy(out.bytes->data() + offset, (yes.integer(i) != 0 ? a : b).bytes->data() + offset, size);
  }
  return out;
}

HostTensor non_zero(const HostTensor& x) {
  std::vector<Dims> hits;
  for_each_index(x.dims, [&](std::int64_t i, const Dims& index) {
    if (x.real(i) != 0) hits.push_back(index);
  });
  const auto n = static_cast<std::int64_t>(hits.size()), rank = static_cast<std::int64_t>(x.dims.size());
  HostTensor out = HostTensor::make(Element::kInt64, {rank, n});
  for (std::int64_t k = 0; k < rank; ++k) {
    for (std::int64_t i = 0; i < n; ++i) {
      out.set_integer(k * n + i, hits[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)]);
    }
  }
  return out;
}

void split(NodeContext& ctx, const HostTensor& x) {
  const int axis = ctx.axis(ctx.attr_int("axis", 0), static_cast<int>(x.dims.size()));
  const auto a = static_cast<std::size_t>(axis);
  const Dims sizes = split_sizes(ctx, x.dims[a]);
  SliceNumbers n{Dims(x.dims.size(), 0), x.dims, Dims(x.dims.size(), 1)};
  for (int i = 0; i < ctx.output_count(); ++i) {
    n.size[a] = sizes[static_cast<std::size_t>(i)];
    ctx.set_output(i, slice(ctx, x, n));
    n.begin[a] += n.size[a];
  }
}

}  // namespace

bool evaluate_shape(NodeContext& ctx) {
  const std::string& op = ctx.op_type();
  if (op == "Constant") {
    ctx.set_output(0, constant(ctx));
    return true;
  }
  if (ctx.input_count() == 0) return false;
  const auto x = [&]() -> const HostTensor& { return ctx.known(0, "the input"); };
  if (op == "Shape" || op == "Size") {
    import_shape(ctx);
  } else if (op == "Identity" || op == "Dropout") {
    import_identity(ctx);
  } else if (op == "Gather") {
    ctx.set_output(0, gather(ctx, x(), ctx.known(1, "the indices")));
  } else if (op == "Concat") {
    ctx.set_output(0, concat(ctx));
  } else if (op == "Reshape") {
    ctx.set_output(0, x().reshaped(reshape_target(ctx, x().dims)));
  } else if (op == "Flatten") {
    ctx.set_output(0, x().reshaped(flatten_target(ctx, x().dims)));
  } else if (op == "Squeeze") {
    ctx.set_output(0, x().reshaped(squeeze_target(ctx, x().dims)));
  } else if (op == "Unsqueeze") {
    ctx.set_output(0, x().reshaped(unsqueeze_target(ctx, x().dims)));
  } else if (op == "Transpose") {
    ctx.set_output(0, x().permuted(transpose_perm(ctx, static_cast<int>(x().dims.size()))));
  } else if (op == "Slice") {
    ctx.set_output(0, slice(ctx, x(), slice_numbers(ctx, x().dims)));
  } else if (op == "Split") {
    split(ctx, x());
  } else if (op == "ConstantOfShape") {
    ctx.set_output(0, constant_of_shape(ctx));
  } else if (op == "Range") {
    ctx.set_output(0, range(ctx));
  } else if (op == "Expand") {
    const Dims dims = broadcast_dims(x().dims, ctx.known_ints(1, "the shape"));
    if (dims.size() > 64) ctx.corrupt("Expand to rank " + std::to_string(dims.size()));
    ctx.set_output(0, broadcast(ctx, x(), dims));
  } else if (op == "Tile") {
    ctx.set_output(0, tile(ctx, x()));
  } else if (op == "Where") {
    ctx.set_output(0, where(ctx));
  } else if (op == "NonZero") {
    ctx.set_output(0, non_zero(x()));
  } else {
    return false;
  }
  return true;
}

}  // namespace dotori::convert::onnx
