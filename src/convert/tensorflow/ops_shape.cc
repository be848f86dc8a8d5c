// SPDX-License-Identifier: Apache-2.0
// What moves elements, of known tensors and of computed ones.
#include <algorithm>
#include <numeric>

#include "convert/space_to_batch.h"
#include "convert/tensorflow/node.h"

namespace dotori::convert::tensorflow {
namespace {

using Tensors = std::vector<Tensor>;

Shape to_shape(const Dims& dims) {
  return Shape(Span<const std::int64_t>(dims.data(), dims.size()));
}

// Steps between neighbours of each axis.
Dims steps_of(const Dims& dims) {
  Dims steps(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) steps[i - 1] = steps[i] * dims[i];
  return steps;
}

// Element i of a tensor of `dims` is element first + sum of position * steps of `from`.
HostTensor gather(const HostTensor& from, const Dims& dims, std::int64_t first, const Dims& steps) {
  HostTensor to;
  to.dims = dims;
  to.is_real = from.is_real;
  const std::int64_t count = element_count(dims);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t at = first, rest = i;
    for (std::size_t k = dims.size(); k-- > 0;) {
      at += rest % dims[k] * steps[k];
      rest /= dims[k];
    }
    if (from.is_real) to.reals.push_back(from.reals[static_cast<std::size_t>(at)]);
    else to.integers.push_back(from.integers[static_cast<std::size_t>(at)]);
  }
  return to;
}

Result<Tensors> reshaped(NodeContext& c, const Tensor& x, const Dims& dims) {
  if (element_count(dims) != element_count(x.dims))
    return corrupt_model(dims_text(x.dims) + " cannot become " + dims_text(dims));
  if (x.is_known()) {
    HostTensor y = *x.host;
    y.dims = dims;
    return Tensors{known_tensor(std::move(y))};
  }
  if (dims.empty() || dims.size() > kMaxRank) return unsupported("a computed tensor of shape " + dims_text(dims));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), graph::Reshape{to_shape(dims)}, {x.id}));
  return Tensors{std::move(y)};
}

// begin, size and stride for each axis; strides of a computed tensor are positive.
Result<Tensor> sliced(NodeContext& c, const std::string& name, const Tensor& x, const Dims& begin, const Dims& size,
                      const Dims& stride) {
  for (std::size_t i = 0; i < size.size(); ++i) {
    const std::int64_t last = begin[i] + (size[i] - 1) * stride[i];
    if (size[i] < 1 || begin[i] < 0 || begin[i] >= x.dims[i] || last < 0 || last >= x.dims[i])
      return corrupt_model("a slice of " + dims_text(size) + " from " + dims_text(begin) + " out of " +
                           dims_text(x.dims));
  }
  if (x.is_known()) {
    Dims steps = steps_of(x.dims);
    std::int64_t first = 0;
    for (std::size_t i = 0; i < size.size(); ++i) {
      first += begin[i] * steps[i];
      steps[i] *= stride[i];
    }
    return known_tensor(gather(*x.host, size, first, steps));
  }
  return c.builder.add(name, graph::Slice{to_shape(begin), to_shape(size), to_shape(stride)}, {x.id});
}

}  // namespace

Result<Tensors> identity(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(1, 1));
  return Tensors{c.inputs[0]};
}

Result<Tensors> shape(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(1, 1));
  HostTensor y;
  y.is_real = false;
  y.dims = {static_cast<std::int64_t>(c.inputs[0].rank())};
  y.integers = c.inputs[0].dims;
  return Tensors{known_tensor(std::move(y))};
}

Result<Tensors> reshape(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 2));
  DOTORI_ASSIGN_OR_RETURN(Dims dims, c.integers(1));
  const auto open = std::find(dims.begin(), dims.end(), -1);
  if (open != dims.end()) {
    *open = 1;
    const std::int64_t others = element_count(dims), all = element_count(c.inputs[0].dims);
    if (others < 1 || all % others != 0)
      return corrupt_model(dims_text(c.inputs[0].dims) + " cannot become " + dims_text(dims));
    *open = all / others;
  }
  return reshaped(c, c.inputs[0], dims);
}

Result<Tensors> squeeze(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(1, 1));
  const Tensor& x = c.inputs[0];
  std::vector<bool> drop(x.rank(), false);
  const Dims axes = c.list("squeeze_dims");
  for (std::int64_t written : axes) {
    DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(written, x.rank()));
    if (x.dims[static_cast<std::size_t>(axis)] != 1)
      return corrupt_model("axis " + std::to_string(written) + " of " + dims_text(x.dims) + " is not 1");
    drop[static_cast<std::size_t>(axis)] = true;
  }
  Dims dims;
  for (std::size_t i = 0; i < x.rank(); ++i)
    if (!(axes.empty() ? x.dims[i] == 1 : drop[i])) dims.push_back(x.dims[i]);
  return reshaped(c, x, dims);
}

Result<Tensors> expand_dims(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 2));
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t written, c.integer(1));
  DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(written, c.inputs[0].rank() + 1));
  Dims dims = c.inputs[0].dims;
  dims.insert(dims.begin() + axis, 1);
  return reshaped(c, c.inputs[0], dims);
}

Result<Tensors> transpose(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 2));
  const Tensor& x = c.inputs[0];
  DOTORI_ASSIGN_OR_RETURN(const Dims perm, c.integers(1));
  Dims sorted = perm, dims, steps;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (sorted.size() != x.rank() || sorted[i] != static_cast<std::int64_t>(i))
      return corrupt_model("a permutation " + dims_text(perm) + " of " + std::to_string(x.rank()) + " axes");
  const Dims own = steps_of(x.dims);
  for (std::int64_t p : perm) {
    dims.push_back(x.dims[static_cast<std::size_t>(p)]);
    steps.push_back(own[static_cast<std::size_t>(p)]);
  }
  if (x.is_known()) return Tensors{known_tensor(gather(*x.host, dims, 0, steps))};
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), graph::Transpose{to_shape(perm)}, {x.id}));
  return Tensors{std::move(y)};
}

// ConcatV2 has the axis behind the tensors, Concat before them.
Result<Tensors> concat(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 1025));
  const bool first = c.op() == "Concat";
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t written, c.integer(first ? 0 : c.inputs.size() - 1));
  const std::vector<Tensor> parts(c.inputs.begin() + (first ? 1 : 0), c.inputs.end() - (first ? 0 : 1));
  DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(written, parts[0].rank()));
  const bool known = std::all_of(parts.begin(), parts.end(), [](const Tensor& t) { return t.is_known(); });
  if (known) {
    // Lists of numbers, as shapes are put together; nothing else is made of constants alone.
    HostTensor y;
    y.is_real = parts[0].host->is_real;
    y.dims = {0};
    for (const Tensor& part : parts) {
      if (part.rank() != 1 || part.host->is_real != y.is_real)
        return unsupported("constants of shape " + dims_text(part.dims));
      y.reals.insert(y.reals.end(), part.host->reals.begin(), part.host->reals.end());
      y.integers.insert(y.integers.end(), part.host->integers.begin(), part.host->integers.end());
      y.dims[0] += part.dims[0];
    }
    return Tensors{known_tensor(std::move(y))};
  }
  std::vector<graph::ValueId> ids;
  for (const Tensor& part : parts) {
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId id, c.builder.value(c.name() + "/constant", part));
    ids.push_back(id);
  }
  graph::Concat op;
  op.axis = axis;
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, std::move(ids)));
  return Tensors{std::move(y)};
}

Result<Tensors> pack(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(1, 1024));
  const Tensor& x = c.inputs[0];
  DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(c.integer("axis", 0), x.rank() + 1));
  Dims dims = x.dims;
  dims.insert(dims.begin() + axis, 1);
  const bool known = std::all_of(c.inputs.begin(), c.inputs.end(), [](const Tensor& t) { return t.is_known(); });
  if (known) {
    HostTensor y;
    y.is_real = x.host->is_real;
    y.dims = {static_cast<std::int64_t>(c.inputs.size())};
    for (const Tensor& part : c.inputs) {
      if (part.rank() != 0 || part.host->is_real != y.is_real)
        return unsupported("constants of shape " + dims_text(part.dims));
      if (y.is_real) y.reals.push_back(part.host->reals[0]);
      else y.integers.push_back(part.host->integers[0]);
    }
    return Tensors{known_tensor(std::move(y))};
  }
  std::vector<graph::ValueId> ids;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    if (c.inputs[i].dims != x.dims)
      return corrupt_model("tensors of " + dims_text(x.dims) + " and " + dims_text(c.inputs[i].dims));
    const std::string name = c.name() + "/" + std::to_string(i);
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId id, c.builder.value(name, c.inputs[i]));
    DOTORI_ASSIGN_OR_RETURN(const Tensor part, c.builder.add(name, graph::Reshape{to_shape(dims)}, {id}));
    ids.push_back(part.id);
  }
  graph::Concat op;
  op.axis = axis;
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, std::move(ids)));
  return Tensors{std::move(y)};
}

// Split: axis, x; num_split equal parts. SplitV: x, sizes, axis.
Result<Tensors> split(NodeContext& c) {
  const bool listed = c.op() == "SplitV";
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(listed ? 3 : 2, listed ? 3 : 2));
  const Tensor& x = c.inputs[listed ? 0 : 1];
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t written, c.integer(listed ? 2 : 0));
  DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(written, x.rank()));
  const std::int64_t whole = x.dims[static_cast<std::size_t>(axis)];
  Dims sizes;
  if (listed) {
    DOTORI_ASSIGN_OR_RETURN(sizes, c.integers(1));
    std::int64_t sum = 0;
    for (std::int64_t s : sizes) sum += s;
    for (std::int64_t& s : sizes)
      if (s == -1) s = whole - sum - 1;
  } else {
    const std::int64_t parts = c.integer("num_split", 0);
    if (parts < 1 || parts > 1024 || whole % parts != 0)
      return corrupt_model(std::to_string(parts) + " parts of " + dims_text(x.dims));
    sizes.assign(static_cast<std::size_t>(parts), whole / parts);
  }
  Tensors outputs;
  Dims begin(x.rank(), 0);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    Dims size = x.dims;
    size[static_cast<std::size_t>(axis)] = sizes[i];
    const std::string name = i == 0 ? c.name() : c.name() + ":" + std::to_string(i);
    DOTORI_ASSIGN_OR_RETURN(Tensor part, sliced(c, name, x, begin, size, Dims(x.rank(), 1)));
    outputs.push_back(std::move(part));
    begin[static_cast<std::size_t>(axis)] += sizes[i];
  }
  if (begin[static_cast<std::size_t>(axis)] != whole)
    return corrupt_model("parts of " + dims_text(sizes) + " out of " + dims_text(x.dims));
  return outputs;
}

Result<Tensors> strided_slice(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(4, 4));
  const Tensor& x = c.inputs[0];
  DOTORI_ASSIGN_OR_RETURN(const Dims begins, c.integers(1));
  DOTORI_ASSIGN_OR_RETURN(const Dims ends, c.integers(2));
  DOTORI_ASSIGN_OR_RETURN(const Dims strides, c.integers(3));
  if (begins.size() != ends.size() || begins.size() != strides.size() || begins.size() > x.rank())
    return corrupt_model("begin " + dims_text(begins) + ", end " + dims_text(ends) + ", strides " + dims_text(strides) +
                         " for " + dims_text(x.dims));
  if (c.integer("ellipsis_mask", 0) != 0 || c.integer("new_axis_mask", 0) != 0)
    return unsupported("ellipsis_mask and new_axis_mask (only 0 is supported)");
  const auto bit = [&](const char* mask, std::size_t i) { return (c.integer(mask, 0) >> i & 1) != 0; };
  Dims begin(x.rank(), 0), size = x.dims, stride(x.rank(), 1), kept;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    bool dropped = false;
    if (i < begins.size()) {
      const std::int64_t d = x.dims[i], s = strides[i];
      if (s == 0 || s > d * 2 + 1 || s < -d * 2 - 1) return unsupported("strides " + dims_text(strides));
      const auto clamped = [&](std::int64_t v) {
        if (v < 0) v = std::max<std::int64_t>(v, -d - 1) + d;
        return s > 0 ? std::clamp<std::int64_t>(v, 0, d) : std::clamp<std::int64_t>(v, -1, d - 1);
      };
      dropped = bit("shrink_axis_mask", i);
      stride[i] = dropped ? 1 : s;
      begin[i] = !dropped && bit("begin_mask", i) ? (s > 0 ? 0 : d - 1) : clamped(begins[i]);
      const std::int64_t end = bit("end_mask", i) ? (s > 0 ? d : -1) : clamped(ends[i]);
      size[i] = dropped ? 1 : s > 0 ? (end - begin[i] + s - 1) / s : (begin[i] - end - s - 1) / -s;
    }
    if (!dropped) kept.push_back(size[i]);
  }
  const bool reshapes = kept.size() != x.rank();
  DOTORI_ASSIGN_OR_RETURN(const Tensor y, sliced(c, reshapes ? c.name() + "/slice" : c.name(), x, begin, size, stride));
  return reshapes ? reshaped(c, y, kept) : Result<Tensors>(Tensors{y});
}

Result<Tensors> slice(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(3, 3));
  const Tensor& x = c.inputs[0];
  DOTORI_ASSIGN_OR_RETURN(const Dims begin, c.integers(1));
  DOTORI_ASSIGN_OR_RETURN(Dims size, c.integers(2));
  if (begin.size() != x.rank() || size.size() != x.rank())
    return corrupt_model("begin " + dims_text(begin) + ", size " + dims_text(size) + " for " + dims_text(x.dims));
  for (std::size_t i = 0; i < size.size(); ++i)
    if (size[i] == -1) size[i] = x.dims[i] - begin[i];
  DOTORI_ASSIGN_OR_RETURN(Tensor y, sliced(c, c.name(), x, begin, size, Dims(x.rank(), 1)));
  return Tensors{std::move(y)};
}

// Inputs: x, [rank,2] numbers of elements, PadV2 the value.
Result<Tensors> pad(NodeContext& c) {
  const bool valued = c.op() == "PadV2";
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(valued ? 3 : 2, valued ? 3 : 2));
  const Tensor& x = c.inputs[0];
  DOTORI_ASSIGN_OR_RETURN(const Dims pads, c.integers(1));
  if (pads.size() != 2 * x.rank()) return corrupt_model("paddings " + dims_text(pads) + " for " + dims_text(x.dims));
  Dims before, after;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    before.push_back(pads[2 * i]);
    after.push_back(pads[2 * i + 1]);
  }
  graph::Pad op;
  op.before = to_shape(before);
  op.after = to_shape(after);
  if (c.op() == "MirrorPad") {
    const std::string mode = c.text("mode");
    if (mode != "REFLECT" && mode != "SYMMETRIC")
      return corrupt_model("mode '" + mode + "' (expected REFLECT or SYMMETRIC)");
    op.mode = mode == "REFLECT" ? graph::PadMode::kReflect : graph::PadMode::kSymmetric;
  } else if (valued) {
    DOTORI_ASSIGN_OR_RETURN(const HostTensor* value, c.known(2));
    if (!value->is_real || value->count() != 1) return corrupt_model("a value of shape " + dims_text(value->dims));
    op.value = value->reals[0];
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId id, c.builder.value(c.name() + "/x", x));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {id}));
  return Tensors{std::move(y)};
}

Result<Tensors> fill(NodeContext& c) {
  constexpr std::int64_t kMost = std::int64_t{1} << 26;
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 2));
  DOTORI_ASSIGN_OR_RETURN(const Dims dims, c.integers(0));
  DOTORI_ASSIGN_OR_RETURN(const HostTensor* value, c.known(1));
  if (value->count() != 1 || element_count(dims) > kMost) return unsupported("a constant of shape " + dims_text(dims));
  HostTensor y;
  y.dims = dims;
  y.is_real = value->is_real;
  const auto count = static_cast<std::size_t>(element_count(dims));
  if (y.is_real) y.reals.assign(count, value->reals[0]);
  else y.integers.assign(count, value->integers[0]);
  return Tensors{known_tensor(std::move(y))};
}

Result<Tensors> block(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(1, 1));
  const std::string format = c.text("data_format");
  if (!format.empty() && format != "NHWC") return unsupported("data_format " + format + " (only NHWC is supported)");
  const std::int64_t size = c.integer("block_size", 0);
  if (size < 1 || size > 64) return corrupt_model("block_size " + std::to_string(size));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, c.builder.value(c.name() + "/x", c.inputs[0]));
  graph::Op op;
  if (c.op() == "DepthToSpace") {
    graph::DepthToSpace d;
    d.block = static_cast<int>(size);
    op = d;
  } else {
    graph::SpaceToDepth s;
    s.block = static_cast<int>(size);
    op = s;
  }
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {x}));
  return Tensors{std::move(y)};
}

// x, block factors [2], paddings or crops [2,2].
Result<Tensors> batch_blocks(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(3, 3));
  DOTORI_ASSIGN_OR_RETURN(const Dims block, c.integers(1));
  DOTORI_ASSIGN_OR_RETURN(const Dims margins, c.integers(2));
  const Shape x = to_shape(c.inputs[0].dims);
  DOTORI_ASSIGN_OR_RETURN(const std::vector<Move> moves, c.op() == "SpaceToBatchND"
                                                             ? space_to_batch(x, block, margins)
                                                             : batch_to_space(x, block, margins));
  Tensor y = c.inputs[0];
  for (const Move& move : moves) {
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId id, c.builder.value(c.name() + "/x", y));
    DOTORI_ASSIGN_OR_RETURN(y, c.builder.add(c.name() + move.suffix, move.op, {id}));
  }
  return Tensors{std::move(y)};
}

}  // namespace dotori::convert::tensorflow
