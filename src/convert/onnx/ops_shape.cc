// SPDX-License-Identifier: Apache-2.0
// Operators that only rename the axes of a tensor.
#include <algorithm>
#include <numeric>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {

Dims reshape_target(NodeContext& ctx, const Dims& dims) {
  const bool allow_zero = ctx.attr_int("allowzero", 0) != 0;
  Dims target = ctx.known_ints(1, "the shape");
  int open = -1;
  for (std::size_t k = 0; k < target.size(); ++k) {
    if (target[k] == 0 && !allow_zero) {
      if (k >= dims.size()) {
        ctx.corrupt("shape " + dims_text(target) + " copies axis " + std::to_string(k) + " of a tensor of shape " +
                    dims_text(dims));
      }
      target[k] = dims[k];
    } else if (target[k] == -1) {
      if (open >= 0) ctx.corrupt("shape " + dims_text(target) + " leaves more than one dimension open");
      open = static_cast<int>(k);
    }
  }
  const std::int64_t count = count_of(dims);
  if (open >= 0) {
    target[static_cast<std::size_t>(open)] = 1;
    const std::int64_t rest = count_of(target);
    if (rest == 0 || count % rest != 0) {
      ctx.corrupt("shape " + dims_text(ctx.known_ints(1, "the shape")) + " does not divide a tensor of shape " +
                  dims_text(dims));
    }
    target[static_cast<std::size_t>(open)] = count / rest;
  }
  if (count_of(target) != count) {
    ctx.corrupt("a tensor of shape " + dims_text(dims) + " cannot take shape " + dims_text(target));
  }
  return target;
}

Dims flatten_target(NodeContext& ctx, const Dims& dims) {
  const int rank = static_cast<int>(dims.size());
  std::int64_t axis = ctx.attr_int("axis", 1);
  if (axis < -rank || axis > rank) {
    ctx.corrupt("axis " + std::to_string(axis) + " does not fit shape " + dims_text(dims));
  }
  if (axis < 0) axis += rank;
  return {count_of(Dims(dims.begin(), dims.begin() + axis)), count_of(Dims(dims.begin() + axis, dims.end()))};
}

namespace {

Dims listed_axes(NodeContext& ctx, const char* what) {
  return ctx.opset() < 13 ? ctx.attr_ints("axes", {}) : ctx.known_ints_or(1, what, {});
}

}  // namespace

Dims squeeze_target(NodeContext& ctx, const Dims& dims) {
  const Dims listed = listed_axes(ctx, "the axes");
  const Axes axes = ctx.axes(listed, static_cast<int>(dims.size()));
  Dims target;
  for (std::size_t k = 0; k < dims.size(); ++k) {
    const bool named = std::find(axes.begin(), axes.end(), static_cast<int>(k)) != axes.end();
    if (named && dims[k] != 1) {
      ctx.corrupt("axis " + std::to_string(k) + " of shape " + dims_text(dims) + " cannot be squeezed");
    }
    if (!named && !(axes.empty() && dims[k] == 1)) target.push_back(dims[k]);
  }
  return target;
}

Dims unsqueeze_target(NodeContext& ctx, const Dims& dims) {
  const Dims listed = listed_axes(ctx, "the axes");
  if (listed.size() > 64) ctx.corrupt("Unsqueeze adds " + std::to_string(listed.size()) + " axes");
  const std::size_t rank = dims.size() + listed.size();
  const Axes axes = ctx.axes(listed, static_cast<int>(rank));
  Dims target;
  std::size_t next = 0;
  for (std::size_t k = 0; k < rank; ++k) {
    const bool added = std::find(axes.begin(), axes.end(), static_cast<int>(k)) != axes.end();
    target.push_back(added ? 1 : dims[next++]);
  }
  return target;
}

Axes transpose_perm(NodeContext& ctx, int rank) {
  Dims reversed(static_cast<std::size_t>(rank));
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  const Dims perm = ctx.attr_ints("perm", reversed);
  Dims sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  std::reverse(reversed.begin(), reversed.end());
  if (sorted != reversed) {
    ctx.corrupt("perm " + dims_text(perm) + " is not a permutation of the axes of a tensor of rank " +
                std::to_string(rank));
  }
  return Axes(perm.begin(), perm.end());
}

// Every dimension is fixed, so the shape of a graph tensor is known.
void import_shape(NodeContext& ctx) {
  const Dims& dims = ctx.input(0).dims;
  if (ctx.op_type() == "Size") {
    HostTensor size = HostTensor::make(Element::kInt64, {});
    size.set_integer(0, count_of(dims));
    return ctx.set_output(0, size);
  }
  const auto rank = static_cast<std::int64_t>(dims.size());
  const auto position = [&](std::int64_t p) { return std::clamp<std::int64_t>(p < 0 ? p + rank : p, 0, rank); };
  const std::int64_t start = position(ctx.attr_int("start", 0));
  const std::int64_t end = std::max(start, position(ctx.attr_int("end", rank)));
  ctx.set_output(0, HostTensor::from_ints(Dims(dims.begin() + start, dims.begin() + end)));
}

void import_reshape(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  ctx.set_output(0, ctx.builder().reshape(x, reshape_target(ctx, x.dims)));
}

void import_flatten(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  ctx.set_output(0, ctx.builder().reshape(x, flatten_target(ctx, x.dims)));
}

void import_squeeze(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  ctx.set_output(0, ctx.builder().reshape(x, squeeze_target(ctx, x.dims)));
}

void import_unsqueeze(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  ctx.set_output(0, ctx.builder().reshape(x, unsqueeze_target(ctx, x.dims)));
}

void import_transpose(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  ctx.set_output(0, ctx.builder().transpose(x, transpose_perm(ctx, x.rank())));
}

}  // namespace dotori::convert::onnx
