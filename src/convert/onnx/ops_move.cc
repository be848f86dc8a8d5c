// SPDX-License-Identifier: Apache-2.0
// Operators that pick, join or repeat elements.
#include <algorithm>
#include <limits>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

Dims zeros(const Tensor& t) {
  return Dims(t.dims.size(), 0);
}
Dims ones(const Tensor& t) {
  return Dims(t.dims.size(), 1);
}

}  // namespace

SliceAxis slice_axis(std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step) {
  constexpr std::int64_t kFar = std::int64_t{1} << 40;  // beyond any dimension; keeps the sums below from overflowing
  start = std::clamp(start, -kFar, kFar);
  end = std::clamp(end, -kFar, kFar);
  step = std::clamp(step, -kFar, kFar);
  if (start < 0) start += dim;
  if (end < 0) end += dim;
  if (step > 0) {
    start = std::clamp<std::int64_t>(start, 0, dim);
    end = std::clamp<std::int64_t>(end, 0, dim);
    return {start, end > start ? (end - start + step - 1) / step : 0, step};
  }
  start = std::clamp<std::int64_t>(start, -1, dim - 1);
  end = std::clamp<std::int64_t>(end, -1, dim - 1);
  return {start, start > end ? (start - end - step - 1) / -step : 0, step};
}

SliceNumbers slice_numbers(NodeContext& ctx, const Dims& dims) {
  Dims starts, ends, axes, steps;
  if (ctx.opset() < 10) {
    starts = ctx.attr_ints("starts", {});
    ends = ctx.attr_ints("ends", {});
    axes = ctx.attr_ints("axes", {});
  } else {
    starts = ctx.known_ints(1, "starts");
    ends = ctx.known_ints(2, "ends");
    axes = ctx.known_ints_or(3, "axes", {});
    steps = ctx.known_ints_or(4, "steps", {});
  }
  if (axes.empty()) {
    for (std::size_t k = 0; k < starts.size(); ++k) axes.push_back(static_cast<std::int64_t>(k));
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    ctx.corrupt("Slice has " + std::to_string(starts.size()) + " starts, " + std::to_string(ends.size()) + " ends, " +
                std::to_string(axes.size()) + " axes and " + std::to_string(steps.size()) + " steps");
  }
  const int rank = static_cast<int>(dims.size());
  ctx.axes(axes, rank);  // refuses repeated ones
  SliceNumbers numbers{Dims(dims.size(), 0), dims, Dims(dims.size(), 1)};
  for (std::size_t k = 0; k < starts.size(); ++k) {
    const auto axis = static_cast<std::size_t>(ctx.axis(axes[k], rank));
    if (steps[k] == 0) ctx.corrupt("Slice has a step of 0 on axis " + std::to_string(axis));
    const SliceAxis s = slice_axis(dims[axis], starts[k], ends[k], steps[k]);
    numbers.begin[axis] = s.begin;
    numbers.size[axis] = s.size;
    numbers.stride[axis] = s.size == 1 ? 1 : s.stride;
  }
  return numbers;
}

Dims split_sizes(NodeContext& ctx, std::int64_t dim) {
  Dims sizes = ctx.opset() < 13 ? ctx.attr_ints("split", {}) : ctx.known_ints_or(1, "the split sizes", {});
  const std::int64_t parts = ctx.opset() >= 18 ? ctx.attr_int("num_outputs", ctx.output_count()) : ctx.output_count();
  if (sizes.empty()) {
    if (parts < 1 || parts > 65536 || parts != ctx.output_count()) {
      ctx.corrupt("Split has " + std::to_string(ctx.output_count()) + " outputs and num_outputs is " +
                  std::to_string(parts));
    }
    // Opset 18 lets the last part be smaller.
    const std::int64_t size = (dim + parts - 1) / parts;
    if (ctx.opset() < 18 && size * parts != dim) {
      ctx.corrupt("Split of " + std::to_string(dim) + " elements into " + std::to_string(parts) + " equal parts");
    }
    sizes.assign(static_cast<std::size_t>(parts), size);
    sizes.back() = dim - size * (parts - 1);
  }
  std::int64_t sum = 0;
  for (std::int64_t s : sizes) {
    if (s < 0 || s > dim) ctx.corrupt("Split sizes " + dims_text(sizes) + " of a dimension of " + std::to_string(dim));
    sum += s;
  }
  if (sum != dim || static_cast<int>(sizes.size()) != ctx.output_count()) {
    ctx.corrupt("Split sizes " + dims_text(sizes) + " for " + std::to_string(ctx.output_count()) +
                " outputs do not add up to the dimension " + std::to_string(dim));
  }
  return sizes;
}

void import_concat(NodeContext& ctx) {
  std::vector<Tensor> parts;
  bool graph_tensor = false;
  for (int i = 0; i < ctx.input_count(); ++i) {
    const Tensor& t = ctx.input(i);
    if (t.rank() != ctx.input(0).rank()) {
      ctx.corrupt("Concat of shapes " + dims_text(ctx.input(0).dims) + " and " + dims_text(t.dims));
    }
    if (std::find(t.dims.begin(), t.dims.end(), 0) != t.dims.end()) continue;  // adds nothing
    parts.push_back(t);
    graph_tensor = graph_tensor || !t.is_host();
  }
  if (!graph_tensor) ctx.unsupported("Concat has no input that is computed");
  const int axis = ctx.axis(ctx.attr_int("axis", 1), parts[0].rank());
  ctx.set_output(0, ctx.builder().concat(parts, axis));
}

void import_slice(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const SliceNumbers n = slice_numbers(ctx, x.dims);
  for (std::int64_t size : n.size) {
    if (size < 1) ctx.unsupported("Slice of shape " + dims_text(x.dims) + " takes no elements: " + dims_text(n.size));
  }
  ctx.set_output(0, ctx.builder().slice(x, n.begin, n.size, n.stride));
}

void import_split(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const int axis = ctx.axis(ctx.attr_int("axis", 0), x.rank());
  const auto a = static_cast<std::size_t>(axis);
  const Dims sizes = split_sizes(ctx, x.dims[a]);
  Dims begin = zeros(x), size = x.dims;
  for (int i = 0; i < ctx.output_count(); ++i) {
    size[a] = sizes[static_cast<std::size_t>(i)];
    if (ctx.wants_output(i)) {
      if (size[a] == 0) ctx.unsupported("part " + std::to_string(i) + " of the Split is empty");
      ctx.set_output(i, ctx.builder().slice(x, begin, size, ones(x)));
    }
    begin[a] += size[a];
  }
}

void import_pad(NodeContext& ctx) {
  Tensor x = ctx.graph_input(0);
  const std::string mode = ctx.attr_string("mode", "constant");
  Dims pads, axes;
  float value = 0;
  if (ctx.opset() < 11) {
    pads = ctx.attr_ints("pads", {});
    value = ctx.attr_float("value", 0);
  } else {
    pads = ctx.known_ints(1, "the pads");
    if (ctx.has_input(2)) value = static_cast<float>(ctx.known_scalar(2, "the pad value"));
    if (const Quantization& q = ctx.builder().quantization(x); !q.empty() && mode == "constant") {
      // The graph's operator takes a real number.
      const HostTensor& stored = ctx.known(2, "the pad value of a quantised tensor");
      const std::int64_t offset = stored.element == Element::kUint8 ? 128 : 0;
      value = static_cast<float>(stored.integer(0) - offset - q.zero_points[0]) * q.scales[0];
    }
    axes = ctx.known_ints_or(3, "the axes", {});
  }
  if (axes.empty()) {
    for (int k = 0; k < x.rank(); ++k) axes.push_back(k);
  }
  ctx.axes(axes, x.rank());
  if (pads.size() != 2 * axes.size()) {
    ctx.corrupt("Pad has " + std::to_string(pads.size()) + " pads for " + std::to_string(axes.size()) + " axes");
  }
  graph::Pad op;
  op.value = value;
  if (mode == "constant") {
    op.mode = graph::PadMode::kConstant;
  } else if (mode == "reflect") {
    op.mode = graph::PadMode::kReflect;
  } else if (mode == "edge") {
    op.mode = graph::PadMode::kEdge;
  } else {
    ctx.unsupported("Pad mode '" + mode + "'; supported are constant, reflect and edge");
  }
  Dims before = zeros(x), after = zeros(x), begin = zeros(x), size = x.dims;
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const auto axis = static_cast<std::size_t>(ctx.axis(axes[k], x.rank()));
    const std::int64_t first = std::clamp(pads[k], -kMost, kMost);
    const std::int64_t last = std::clamp(pads[axes.size() + k], -kMost, kMost);
    before[axis] = std::max<std::int64_t>(first, 0);
    after[axis] = std::max<std::int64_t>(last, 0);
    // Negative pads cut elements off.
    begin[axis] = std::max<std::int64_t>(-first, 0);
    size[axis] -= begin[axis] + std::max<std::int64_t>(-last, 0);
    if (size[axis] < 1) ctx.corrupt("pads " + dims_text(pads) + " remove axis " + std::to_string(axis) + " altogether");
  }
  x = ctx.builder().slice(x, begin, size, ones(x));
  bool pads_nothing = true;
  for (int axis : x.order) {
    const auto a = static_cast<std::size_t>(axis);
    op.before.push_back(before[a]);
    op.after.push_back(after[a]);
    pads_nothing = pads_nothing && before[a] == 0 && after[a] == 0;
  }
  if (pads_nothing) return ctx.set_output(0, x);
  ctx.set_output(0, ctx.builder().add(op, {ctx.builder().physical(x)}, x.order));
}

void import_gather(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  Builder& b = ctx.builder();
  const int axis = ctx.axis(ctx.attr_int("axis", 0), x.rank());
  const auto a = static_cast<std::size_t>(axis);
  const HostTensor& indices = ctx.known(1, "the indices");
  const std::int64_t dim = x.dims[a], n = indices.count();
  if (n < 1) ctx.unsupported("Gather with no indices");
  std::vector<std::int64_t> index;
  bool steps_of_one = true;
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t v = indices.integer(i);
    if (v < -dim || v >= dim) {
      ctx.corrupt("index " + std::to_string(v) + " is not in [" + std::to_string(-dim) + ", " + std::to_string(dim) +
                  ")");
    }
    if (v < 0) v += dim;
    steps_of_one = steps_of_one && v == (index.empty() ? v : index[0] + i);
    index.push_back(v);
  }
  Tensor picked;
  if (steps_of_one) {
    Dims begin = zeros(x), size = x.dims;
    begin[a] = index[0];
    size[a] = n;
    picked = b.slice(x, begin, size, ones(x));
  } else {
    const HostTensor list = HostTensor::from_ints(index);
    picked = b.add(graph::Gather{x.stored_axis(axis)},
                   {b.physical(x), b.constant(list, identity_order(1), ctx.name() + "/indices")}, x.order);
  }
  // The indices' shape takes the axis' place.
  Dims dims(x.dims.begin(), x.dims.begin() + axis);
  dims.insert(dims.end(), indices.dims.begin(), indices.dims.end());
  dims.insert(dims.end(), x.dims.begin() + axis + 1, x.dims.end());
  ctx.set_output(0, b.reshape(picked, dims));
}

void import_expand(NodeContext& ctx) {
  Tensor x = ctx.graph_input(0);
  const Dims wanted = ctx.known_ints(1, "the shape");
  const Dims dims = broadcast_dims(x.dims, wanted);
  if (dims.size() > 64) ctx.corrupt("Expand to rank " + std::to_string(dims.size()));
  count_of(dims);
  const Dims lifted = ctx.builder().lift(x, static_cast<int>(dims.size())).dims;
  if (lifted == dims) return ctx.set_output(0, ctx.builder().reshape(x, dims));
  // x * 1 is x, also for NaN and infinities; the ones have only the axes that grow.
  Dims grown(dims.size(), 1);
  for (std::size_t k = 0; k < dims.size(); ++k) {
    if (lifted[k] != dims[k]) grown[k] = dims[k];
  }
  if (count_of(grown) > kMostMadeElements) ctx.unsupported("Expand of " + dims_text(x.dims) + " to " + dims_text(dims));
  HostTensor ones_tensor = HostTensor::make(Element::kFloat32, grown);
  for (std::int64_t i = 0, n = ones_tensor.count(); i < n; ++i) ones_tensor.data<float>()[i] = 1;
  if (x.type == DataType::kInt32) ones_tensor = ones_tensor.cast(Element::kInt32);
  if (x.type == DataType::kInt64) ones_tensor = ones_tensor.cast(Element::kInt64);
  ctx.set_output(0, ctx.builder().add_binary(graph::BinaryFunction::kMul, x, host_result(std::move(ones_tensor))));
}

void import_tile(NodeContext& ctx) {
  Tensor x = ctx.graph_input(0);
  const Dims repeats = ctx.known_ints(1, "the repeats");
  if (repeats.size() != x.dims.size()) {
    ctx.corrupt("Tile has repeats " + dims_text(repeats) + " for shape " + dims_text(x.dims));
  }
  for (std::size_t k = 0; k < repeats.size(); ++k) {
    if (repeats[k] < 1 || repeats[k] > 1024) ctx.unsupported("repeats must be in 1..1024, found " + dims_text(repeats));
    if (repeats[k] == 1) continue;
    x = ctx.builder().concat(std::vector<Tensor>(static_cast<std::size_t>(repeats[k]), x), static_cast<int>(k));
  }
  ctx.set_output(0, x);
}

void import_depth_to_space(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  ctx.expect_rank(x, 4);
  const std::string mode = ctx.attr_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") ctx.corrupt("DepthToSpace mode '" + mode + "'; there are DCR and CRD");
  graph::DepthToSpace op;
  op.block = small_int(ctx.attr_int("blocksize", 0), "blocksize");
  op.column_first = mode == "CRD";
  const Axes order = channels_last_order(4);
  ctx.set_output(0, ctx.builder().add(op, {ctx.builder().physical(ctx.builder().in_order(x, order))}, order));
}

void import_space_to_depth(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  ctx.expect_rank(x, 4);
  graph::SpaceToDepth op;
  op.block = small_int(ctx.attr_int("blocksize", 0), "blocksize");
  const Axes order = channels_last_order(4);
  ctx.set_output(0, ctx.builder().add(op, {ctx.builder().physical(ctx.builder().in_order(x, order))}, order));
}

}  // namespace dotori::convert::onnx
