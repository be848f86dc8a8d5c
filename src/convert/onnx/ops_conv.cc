// SPDX-License-Identifier: Apache-2.0
// Convolutions.
#include <algorithm>
#include <utility>

#include "convert/onnx/ops.h"
#include "convert/onnx/window.h"

namespace dotori::convert::onnx {
namespace {

constexpr std::int64_t kMostWindow = std::int64_t{1} << 30;

// ONNX weights of a convolution, [O,C/groups,kernel...]; of a sequence's, as rank 4.
HostTensor image_weights(NodeContext& ctx, const Tensor& x) {
  const HostTensor& weights = ctx.known(1, "the weights");
  if (static_cast<int>(weights.dims.size()) != x.rank()) {
    ctx.corrupt("weights of shape " + dims_text(weights.dims) + " for an input of shape " + dims_text(x.dims));
  }
  for (std::int64_t d : weights.dims) {
    if (d < 1) ctx.corrupt("weights of shape " + dims_text(weights.dims));
  }
  Dims dims = weights.dims;
  if (dims.size() == 3) dims.insert(dims.begin() + 2, 1);
  return weights.reshaped(dims);
}

Dims spatial(const Tensor& x, const HostTensor& weights) {
  return Dims(weights.dims.begin() + (x.rank() == 3 ? 3 : 2), weights.dims.end());
}

// The stored weights, and the bias where there is one.
void add_parameters(NodeContext& ctx, const HostTensor& weights, std::int64_t out_channels,
                    std::vector<graph::ValueId>* inputs) {
  Builder& b = ctx.builder();
  // [O,C,kernel...] -> [O,kernel...,C]
  inputs->push_back(
      b.constant(weights, channels_last_order(static_cast<int>(weights.dims.size())), ctx.proto().input(1)));
  if (!ctx.has_input(2)) return;
  const HostTensor& bias = ctx.known(2, "the bias");
  if (bias.count() != out_channels) {
    ctx.corrupt("a bias of shape " + dims_text(bias.dims) + " for " + std::to_string(out_channels) +
                " output channels");
  }
  inputs->push_back(b.constant(bias.reshaped({out_channels}), identity_order(1), ctx.proto().input(2)));
}

std::int64_t read_groups(NodeContext& ctx) {
  const std::int64_t groups = ctx.attr_int("group", 1);
  if (groups < 1 || groups > kMostWindow) ctx.corrupt("group must be at least 1, found " + std::to_string(groups));
  return groups;
}

// ONNX stores [C,O/groups,kernel...]; the graph wants [O,C/groups,kernel...] here (and permutes the rest later).
HostTensor transposed_weights(const HostTensor& weights, std::int64_t groups) {
  const std::int64_t c = weights.dims[0], o = weights.dims[1];
  const Dims kernel(weights.dims.begin() + 2, weights.dims.end());
  Dims split = {groups, c / groups, o}, joined = {groups * o, c / groups};
  split.insert(split.end(), kernel.begin(), kernel.end());
  joined.insert(joined.end(), kernel.begin(), kernel.end());
  Axes swap = identity_order(static_cast<int>(split.size()));
  std::swap(swap[1], swap[2]);
  return weights.reshaped(split).permuted(swap).reshaped(joined);
}

// Throws unless the kernel is the weights' own.
void check_kernel(NodeContext& ctx, const Window& w, const HostTensor& weights) {
  const std::size_t rank = weights.dims.size();
  for (std::size_t k = 2; k < rank; ++k) {
    if (w.kernel[k + 3 - rank] != weights.dims[k])
      ctx.corrupt("kernel_shape does not fit weights of shape " + dims_text(ctx.input(1).dims));
  }
}

}  // namespace

Tensor as_image(NodeContext& ctx, const Tensor& x) {
  if (x.rank() < 3 || x.rank() > 5) {
    ctx.unsupported(ctx.op_type() + " takes [N,C,L], [N,C,H,W] or [N,C,D,H,W], found shape " + dims_text(x.dims) +
                    "; other numbers of spatial axes are not supported");
  }
  Builder& b = ctx.builder();
  const Tensor image = x.rank() > 3 ? x : b.reshape(x, {x.dims[0], x.dims[1], 1, x.dims[2]});
  return b.in_order(image, channels_last_order(image.rank()));
}

Tensor like_input(NodeContext& ctx, const Tensor& y, const Tensor& x) {
  return x.rank() > 3 ? y : ctx.builder().reshape(y, {y.dims[0], y.dims[1], y.dims[3]});
}

void read_axes(NodeContext& ctx, const char* name, const Dims& fallback, int rank, std::int64_t neutral,
               std::int64_t axes[3]) {
  const Dims values = ctx.attr_ints(name, fallback);
  if (static_cast<int>(values.size()) != rank - 2) {
    ctx.corrupt(std::string(name) + " " + dims_text(values) + " must have " + std::to_string(rank - 2) + " numbers");
  }
  for (std::int64_t v : values) {
    if (v < -kMostWindow || v > kMostWindow) ctx.corrupt(std::string(name) + " " + dims_text(values) + " is too large");
  }
  const int first = first_axis(rank);
  for (int k = 0; k < 3; ++k) axes[k] = k < first ? neutral : values[static_cast<std::size_t>(k - first)];
}

Window read_window(NodeContext& ctx, const Tensor& x, const Dims& kernel) {
  const int rank = x.rank(), first = first_axis(rank);
  const Dims ones(static_cast<std::size_t>(rank - 2), 1);
  Window w;
  read_axes(ctx, "kernel_shape", kernel, rank, 1, w.kernel);
  read_axes(ctx, "strides", ones, rank, 1, w.stride);
  read_axes(ctx, "dilations", ones, rank, 1, w.dilation);
  for (int k = 0; k < 3; ++k) {
    if (w.kernel[k] < 1 || w.stride[k] < 1 || w.dilation[k] < 1 || w.dilation[k] > 65536 || w.kernel[k] > 65536) {
      ctx.corrupt("kernel, stride and dilation must be at least 1 and at most 65536");
    }
  }
  const std::string mode = ctx.attr_string("auto_pad", "NOTSET");
  const Dims pads = ctx.attr_ints("pads", Dims(2 * ones.size(), 0));
  if (mode == "NOTSET") {
    if (pads.size() != 2 * ones.size()) {
      ctx.corrupt("pads " + dims_text(pads) + " must have " + std::to_string(2 * ones.size()) + " numbers");
    }
    for (std::int64_t p : pads) {
      if (p < 0 || p > kMostWindow) ctx.unsupported("pads " + dims_text(pads) + ": negative pads are not supported");
    }
    for (int k = first; k < 3; ++k) {
      w.pad_begin[k] = pads[static_cast<std::size_t>(k - first)];
      w.pad_end[k] = pads[static_cast<std::size_t>(k - first) + ones.size()];
    }
  } else if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    // As many outputs as input / stride, rounded up; an odd pixel goes to the end (upper) or the beginning (lower).
    for (int k = first; k < 3; ++k) {
      const std::int64_t in = x.dims[static_cast<std::size_t>(k - first + 2)];
      const std::int64_t out = (in + w.stride[k] - 1) / w.stride[k];
      const std::int64_t total = std::max<std::int64_t>((out - 1) * w.stride[k] + w.extent(k) - in, 0);
      w.pad_begin[k] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      w.pad_end[k] = total - w.pad_begin[k];
    }
  } else if (mode != "VALID") {
    ctx.corrupt("auto_pad '" + mode + "'; there are NOTSET, SAME_UPPER, SAME_LOWER and VALID");
  }
  return w;
}

void import_conv(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const Tensor image = as_image(ctx, x);
  const HostTensor weights = image_weights(ctx, x);
  const Window window = read_window(ctx, x, spatial(x, weights));
  check_kernel(ctx, window, weights);
  const int groups = small_int(read_groups(ctx), "group");
  if (weights.dims[1] * groups != x.dims[1]) {
    ctx.corrupt("weights of shape " + dims_text(ctx.input(1).dims) + " with group " + std::to_string(groups) +
                " do not fit an input of shape " + dims_text(x.dims));
  }
  std::vector<graph::ValueId> inputs = {ctx.builder().physical(image)};
  add_parameters(ctx, weights, weights.dims[0], &inputs);
  const auto add = [&](auto op) {
    op.groups = groups;
    ctx.set_output(0, like_input(ctx, ctx.builder().add(op, std::move(inputs), image.order), x));
  };
  if (image.rank() == 5) {
    graph::Conv3d op;
    set_window_3d(window, &op);
    add(op);
  } else {
    graph::Conv2d op;
    set_window(window, &op);
    add(op);
  }
}

void import_conv_transpose(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const Tensor image = as_image(ctx, x);
  const HostTensor weights = image_weights(ctx, x);
  const std::int64_t groups = read_groups(ctx);
  if (weights.dims[0] != x.dims[1] || x.dims[1] % groups != 0) {
    ctx.corrupt("weights of shape " + dims_text(ctx.input(1).dims) + " with group " + std::to_string(groups) +
                " do not fit an input of shape " + dims_text(x.dims));
  }
  const std::string mode = ctx.attr_string("auto_pad", "NOTSET");
  Window w = read_window(ctx, x, spatial(x, weights));
  check_kernel(ctx, w, weights);
  std::int64_t extra[3], wanted[3] = {0, 0, 0};
  read_axes(ctx, "output_padding", Dims(static_cast<std::size_t>(x.rank() - 2), 0), x.rank(), 0, extra);
  const bool sized = ctx.has_attr("output_shape");
  if (sized) read_axes(ctx, "output_shape", {}, x.rank(), 1, wanted);
  for (int k = first_axis(x.rank()); k < 3; ++k) {
    if (!sized && mode != "SAME_UPPER" && mode != "SAME_LOWER") continue;
    const std::int64_t in = x.dims[static_cast<std::size_t>(k - first_axis(x.rank()) + 2)];
    const std::int64_t out = sized ? wanted[k] : in * w.stride[k];
    const std::int64_t total = (in - 1) * w.stride[k] + extra[k] + w.extent(k) - out;
    if (out < 1) ctx.corrupt("output_shape must be positive, found " + std::to_string(out));
    // A larger output than the taps reach has rows or columns of bias alone at its end.
    extra[k] += std::max<std::int64_t>(-total, 0);
    const std::int64_t cut = std::max<std::int64_t>(total, 0);
    w.pad_begin[k] = mode == "SAME_UPPER" ? cut / 2 : cut - cut / 2;
    w.pad_end[k] = cut - w.pad_begin[k];
  }
  std::vector<graph::ValueId> inputs = {ctx.builder().physical(image)};
  add_parameters(ctx, transposed_weights(weights, groups), weights.dims[1] * groups, &inputs);
  const auto add = [&](auto op) {
    op.output_pad_h = small_int(extra[1], "output_padding");
    op.output_pad_w = small_int(extra[2], "output_padding");
    op.groups = small_int(groups, "group");
    ctx.set_output(0, like_input(ctx, ctx.builder().add(op, std::move(inputs), image.order), x));
  };
  if (image.rank() == 5) {
    graph::ConvTranspose3d op;
    set_window_3d(w, &op);
    op.output_pad_d = small_int(extra[0], "output_padding");
    add(op);
  } else {
    graph::ConvTranspose2d op;
    set_window(w, &op);
    add(op);
  }
}

}  // namespace dotori::convert::onnx
