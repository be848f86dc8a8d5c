// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "convert/tflite/codes.h"

namespace dotori::convert::tflite {
namespace {

graph::Slice whole(const Shape& shape) {
  graph::Slice slice;
  slice.begin.resize(shape.rank(), 0);
  slice.size = shape;
  slice.stride.resize(shape.rank(), 1);
  return slice;
}

Status split(Builder& builder, const Operator& op, int x_index, int axis, const std::vector<std::int64_t>& sizes) {
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, x_index));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, x_index));
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    graph::Slice slice = whole(from);
    slice.begin[axis] = begin;
    slice.size[axis] = sizes[i];
    begin += sizes[i];
    const std::string suffix = i == 0 ? "" : "/" + std::to_string(i);
    DOTORI_ASSIGN_OR_RETURN(const graph::ValueId part, builder.emit(op, suffix, slice, {x}));
    DOTORI_RETURN_IF_ERROR(builder.bind(op, static_cast<int>(i), part));
  }
  return {};
}

}  // namespace

// x, begin, size; size -1: up to the end.
Status lower_slice(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 3, 3));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> begin, builder.integers(op, 1, "begin"));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> size, builder.integers(op, 2, "size"));
  const std::size_t rank = static_cast<std::size_t>(from.rank());
  if (begin.size() != rank || size.size() != rank)
    return corrupt_model("begin has " + std::to_string(begin.size()) + " and size " + std::to_string(size.size()) +
                         " numbers for an input " + from.to_string());
  graph::Slice node = whole(from);
  for (int k = 0; k < from.rank(); ++k) {
    const std::int64_t b = begin[static_cast<std::size_t>(k)];
    std::int64_t s = size[static_cast<std::size_t>(k)];
    if (b < 0 || b >= from[k])
      return corrupt_model("begin " + std::to_string(b) + " lies outside dimension " + std::to_string(k) + " of " +
                           from.to_string());
    if (s == -1) s = from[k] - b;
    node.begin[k] = b;
    node.size[k] = s;
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  return builder.emit_output(op, node, {x});
}

// x, begin, end, strides. StridedSliceOptions: bit masks begin, end (take the whole side), ellipsis, new_axis,
// shrink_axis (take one index and drop the dimension).
Status lower_strided_slice(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 4, 4));
  DOTORI_RETURN_IF_ERROR(builder.expect_outputs(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const FlatTable options, builder.options(op, OptionsType::kStridedSlice));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> begin, builder.integers(op, 1, "begin"));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> end, builder.integers(op, 2, "end"));
  DOTORI_ASSIGN_OR_RETURN(const std::vector<std::int64_t> stride, builder.integers(op, 3, "strides"));
  const std::uint32_t begin_mask = options.number<std::uint32_t>(0);
  const std::uint32_t end_mask = options.number<std::uint32_t>(1);
  const std::uint32_t shrink_mask = options.number<std::uint32_t>(4);
  if (options.number<std::uint32_t>(2) != 0 || options.number<std::uint32_t>(3) != 0)
    return unsupported("an ellipsis_mask or new_axis_mask");
  if (options.boolean(5)) return unsupported("offset = true");
  if (begin.size() > static_cast<std::size_t>(from.rank()) || end.size() != begin.size() ||
      stride.size() != begin.size())
    return corrupt_model("begin, end and strides have " + std::to_string(begin.size()) + ", " +
                         std::to_string(end.size()) + " and " + std::to_string(stride.size()) +
                         " numbers for an input " + from.to_string());
  graph::Slice node = whole(from);
  Shape kept;
  for (int k = 0; k < from.rank(); ++k) {
    const std::size_t i = static_cast<std::size_t>(k);
    if (i >= begin.size()) {
      kept.push_back(from[k]);
      continue;
    }
    const std::int64_t dim = from[k];
    const std::int64_t step = stride[i];
    const std::uint32_t bit = std::uint32_t{1} << k;
    if (step == 0 || step < -dim * 2 || step > (std::int64_t{1} << 31))
      return corrupt_model("stride " + std::to_string(step) + " in dimension " + std::to_string(k) + " of " +
                           from.to_string());
    const auto clamp = [&](std::int64_t index) {
      if (index < 0) index = std::max<std::int64_t>(index, -dim - 1) + dim;
      return step > 0 ? std::min(std::max<std::int64_t>(index, 0), dim)
                      : std::min(std::max<std::int64_t>(index, -1), dim - 1);
    };
    std::int64_t first = (begin_mask & bit) != 0 ? (step > 0 ? 0 : dim - 1) : clamp(begin[i]);
    std::int64_t last = (end_mask & bit) != 0 ? (step > 0 ? dim : -1) : clamp(end[i]);
    std::int64_t size;
    if ((shrink_mask & bit) != 0) {
      first = begin[i] < 0 ? begin[i] + dim : begin[i];
      if (first < 0 || first >= dim)
        return corrupt_model("index " + std::to_string(begin[i]) + " lies outside dimension " + std::to_string(k) +
                             " of " + from.to_string());
      size = 1;
    } else {
      size = step > 0 ? (last - first + step - 1) / step : (first - last - step - 1) / -step;
      if (size < 1) return unsupported("an empty slice in dimension " + std::to_string(k) + " of " + from.to_string());
      kept.push_back(size);
    }
    node.begin[k] = first;
    node.size[k] = size;
    node.stride[k] = size == 1 ? 1 : step;
  }
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId x, builder.input(op, 0));
  if (shrink_mask == 0 || kept.rank() == from.rank()) return builder.emit_output(op, node, {x});
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId part, builder.emit(op, "/slice", node, {x}));
  return builder.emit_output(op, graph::Reshape{kept}, {part});
}

// SplitOptions: num_splits. Inputs: axis, x.
Status lower_split(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 2, 2));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 1));
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t wanted, builder.integer(op, 0, "the axis"));
  DOTORI_ASSIGN_OR_RETURN(const int axis, builder.axis(wanted, from.rank()));
  const std::int64_t count = static_cast<std::int64_t>(op.outputs.size());
  if (from[axis] % count != 0)
    return corrupt_model("dimension " + std::to_string(axis) + " of " + from.to_string() + " does not divide into " +
                         std::to_string(count) + " outputs");
  return split(builder, op, 1, axis, std::vector<std::int64_t>(op.outputs.size(), from[axis] / count));
}

// x, sizes (one may be -1: the rest), axis.
Status lower_split_v(Builder& builder, const Operator& op) {
  DOTORI_RETURN_IF_ERROR(builder.expect_inputs(op, 3, 3));
  DOTORI_ASSIGN_OR_RETURN(const Shape from, builder.input_shape(op, 0));
  DOTORI_ASSIGN_OR_RETURN(std::vector<std::int64_t> sizes, builder.integers(op, 1, "the list of sizes"));
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t wanted, builder.integer(op, 2, "the axis"));
  DOTORI_ASSIGN_OR_RETURN(const int axis, builder.axis(wanted, from.rank()));
  if (sizes.size() != op.outputs.size())
    return corrupt_model(std::to_string(sizes.size()) + " sizes for " + std::to_string(op.outputs.size()) + " outputs");
  std::int64_t sum = 0;
  std::int64_t* rest = nullptr;
  for (std::int64_t& size : sizes) {
    if (size == -1 && rest == nullptr) {
      rest = &size;
    } else if (size < 1 || size > from[axis]) {
      return corrupt_model("a size of " + std::to_string(size) + " along axis " + std::to_string(axis) + " of " +
                           from.to_string());
    } else {
      sum += size;
    }
  }
  if (rest != nullptr) *rest = from[axis] - sum;
  if (rest != nullptr ? *rest < 1 : sum != from[axis])
    return corrupt_model("the sizes do not add up to dimension " + std::to_string(axis) + " of " + from.to_string());
  return split(builder, op, 0, axis, sizes);
}

}  // namespace dotori::convert::tflite
