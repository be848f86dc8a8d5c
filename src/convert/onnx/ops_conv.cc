// SPDX-License-Identifier: Apache-2.0
// Convolutions.
#include <algorithm>

#include "convert/onnx/ops.h"
#include "convert/onnx/window.h"

namespace dotori::convert::onnx {
namespace {

constexpr std::int64_t kMostWindow = std::int64_t{1} << 30;

// ONNX weights of a convolution, [O,C/groups,kh,kw] or [O,C/groups,k], as rank 4.
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
  // [O,C,kh,kw] -> [O,kh,kw,C]
  inputs->push_back(b.constant(weights, channels_last_order(4), ctx.proto().input(1)));
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

// ONNX stores [C,O/groups,kh,kw]; the graph wants [O,C/groups,kh,kw] here (and permutes the rest later).
HostTensor transposed_weights(const HostTensor& weights, std::int64_t groups) {
  const std::int64_t c = weights.dims[0], o = weights.dims[1], kh = weights.dims[2], kw = weights.dims[3];
  const HostTensor split = weights.reshaped({groups, c / groups, o, kh, kw});
  return split.permuted({0, 2, 1, 3, 4}).reshaped({groups * o, c / groups, kh, kw});
}

}  // namespace

Tensor as_image(NodeContext& ctx, const Tensor& x) {
  if (x.rank() != 4 && x.rank() != 3) {
    ctx.unsupported(ctx.op_type() + " takes [N,C,H,W] or [N,C,L], found shape " + dims_text(x.dims) +
                    "; other numbers of spatial axes are not supported");
  }
  Builder& b = ctx.builder();
  const Tensor image = x.rank() == 4 ? x : b.reshape(x, {x.dims[0], x.dims[1], 1, x.dims[2]});
  return b.in_order(image, channels_last_order(4));
}

Tensor like_input(NodeContext& ctx, const Tensor& y, const Tensor& x) {
  return x.rank() == 4 ? y : ctx.builder().reshape(y, {y.dims[0], y.dims[1], y.dims[3]});
}

void read_pair(NodeContext& ctx, const char* name, const Dims& fallback, int rank, std::int64_t neutral,
               std::int64_t pair[2]) {
  const Dims values = ctx.attr_ints(name, fallback);
  if (static_cast<int>(values.size()) != rank - 2) {
    ctx.corrupt(std::string(name) + " " + dims_text(values) + " must have " + std::to_string(rank - 2) + " numbers");
  }
  for (std::int64_t v : values) {
    if (v < -kMostWindow || v > kMostWindow) ctx.corrupt(std::string(name) + " " + dims_text(values) + " is too large");
  }
  pair[0] = rank == 4 ? values[0] : neutral;
  pair[1] = values.back();
}

Window read_window(NodeContext& ctx, const Tensor& x, const Dims& kernel) {
  const int rank = x.rank();
  const Dims ones(static_cast<std::size_t>(rank - 2), 1);
  Window w;
  read_pair(ctx, "kernel_shape", kernel, rank, 1, w.kernel);
  read_pair(ctx, "strides", ones, rank, 1, w.stride);
  read_pair(ctx, "dilations", ones, rank, 1, w.dilation);
  for (int k = 0; k < 2; ++k) {
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
    const int first = rank == 4 ? 0 : 1;
    for (int k = first; k < 2; ++k) {
      w.pad_begin[k] = pads[static_cast<std::size_t>(k - first)];
      w.pad_end[k] = pads[static_cast<std::size_t>(k - first) + ones.size()];
    }
  } else if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    // As many outputs as input / stride, rounded up; an odd pixel goes to the end (upper) or the beginning (lower).
    for (int k = rank == 4 ? 0 : 1; k < 2; ++k) {
      const std::int64_t in = x.dims[static_cast<std::size_t>(rank == 4 ? k + 2 : 2)];
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
  if (window.kernel[0] != weights.dims[2] || window.kernel[1] != weights.dims[3]) {
    ctx.corrupt("kernel_shape does not fit weights of shape " + dims_text(ctx.input(1).dims));
  }
  graph::Conv2d op;
  set_window(window, &op);
  op.groups = small_int(read_groups(ctx), "group");
  if (weights.dims[1] * op.groups != x.dims[1]) {
    ctx.corrupt("weights of shape " + dims_text(ctx.input(1).dims) + " with group " + std::to_string(op.groups) +
                " do not fit an input of shape " + dims_text(x.dims));
  }
  std::vector<graph::ValueId> inputs = {ctx.builder().physical(image)};
  add_parameters(ctx, weights, weights.dims[0], &inputs);
  ctx.set_output(0, like_input(ctx, ctx.builder().add(op, std::move(inputs), image.order), x));
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
  if (w.kernel[0] != weights.dims[2] || w.kernel[1] != weights.dims[3]) {
    ctx.corrupt("kernel_shape does not fit weights of shape " + dims_text(ctx.input(1).dims));
  }
  std::int64_t extra[2], wanted[2] = {0, 0};
  read_pair(ctx, "output_padding", Dims(static_cast<std::size_t>(x.rank() - 2), 0), x.rank(), 0, extra);
  const bool sized = ctx.has_attr("output_shape");
  if (sized) read_pair(ctx, "output_shape", {}, x.rank(), 1, wanted);
  for (int k = x.rank() == 4 ? 0 : 1; k < 2; ++k) {
    if (!sized && mode != "SAME_UPPER" && mode != "SAME_LOWER") continue;
    const std::int64_t in = image.dims[static_cast<std::size_t>(k + 2)];
    const std::int64_t out = sized ? wanted[k] : in * w.stride[k];
    const std::int64_t total = (in - 1) * w.stride[k] + extra[k] + w.extent(k) - out;
    if (out < 1) ctx.corrupt("output_shape must be positive, found " + std::to_string(out));
    // A larger output than the taps reach has rows or columns of bias alone at its end.
    extra[k] += std::max<std::int64_t>(-total, 0);
    const std::int64_t cut = std::max<std::int64_t>(total, 0);
    w.pad_begin[k] = mode == "SAME_UPPER" ? cut / 2 : cut - cut / 2;
    w.pad_end[k] = cut - w.pad_begin[k];
  }
  graph::ConvTranspose2d op;
  set_window(w, &op);
  op.output_pad_h = small_int(extra[0], "output_padding");
  op.output_pad_w = small_int(extra[1], "output_padding");
  op.groups = small_int(groups, "group");
  std::vector<graph::ValueId> inputs = {ctx.builder().physical(image)};
  add_parameters(ctx, transposed_weights(weights, groups), weights.dims[1] * groups, &inputs);
  ctx.set_output(0, like_input(ctx, ctx.builder().add(op, std::move(inputs), image.order), x));
}

}  // namespace dotori::convert::onnx
