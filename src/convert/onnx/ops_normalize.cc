// SPDX-License-Identifier: Apache-2.0
// Normalisations.
#include <algorithm>
#include <cmath>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

using graph::BinaryFunction;

std::vector<double> channel_values(NodeContext& ctx, int input, const char* what, std::int64_t channels) {
  const HostTensor& t = ctx.known(input, what);
  if (t.count() != channels) {
    ctx.corrupt(std::string(what) + " has shape " + dims_text(t.dims) + ", the input has " + std::to_string(channels) +
                " channels");
  }
  std::vector<double> values;
  for (std::int64_t i = 0; i < channels; ++i) values.push_back(t.real(i));
  return values;
}

// Shaped [1,C,1,..] for an input of `rank` axes.
Tensor per_channel(const std::vector<double>& values, int rank) {
  Dims dims(static_cast<std::size_t>(rank), 1);
  dims[1] = static_cast<std::int64_t>(values.size());
  HostTensor t = HostTensor::make(Element::kFloat32, dims);
  for (std::size_t i = 0; i < values.size(); ++i) t.set_real(static_cast<std::int64_t>(i), values[i]);
  return host_result(std::move(t));
}

// x over source `axes` brought to mean 0 and variance 1.
struct Normalised {
  Tensor mean, inverse, y;  // inverse: 1 / sqrt(variance + epsilon)
};

Normalised normalise(Builder& b, const Tensor& x, const Axes& axes, float epsilon) {
  graph::Reduce over;
  for (int k = 0; k < x.rank(); ++k)
    if (std::find(axes.begin(), axes.end(), x.order[static_cast<std::size_t>(k)]) != axes.end()) over.axes.push_back(k);
  Normalised n;
  n.mean = b.add(over, {b.physical(x)}, x.order, "mean");
  const Tensor shifted = b.add_binary(BinaryFunction::kSub, x, n.mean, "shift");
  const Tensor squares = b.add_unary(graph::Function::kSquare, shifted, 0, 0, "square");
  const Tensor variance = b.add(over, {b.physical(squares)}, squares.order, "variance");
  const Tensor guarded =
      b.add_binary(BinaryFunction::kAdd, variance, host_result(HostTensor::scalar(epsilon)), "epsilon");
  n.inverse = b.add_unary(graph::Function::kRsqrt, guarded, 0, 0, "rsqrt");
  n.y = b.add_binary(BinaryFunction::kMul, shifted, n.inverse, "normalised");
  return n;
}

Axes axes_from(int first, int rank) {
  Axes axes;
  for (int axis = first; axis < rank; ++axis) axes.push_back(axis);
  return axes;
}

}  // namespace

// y = x * scale / sqrt(variance + epsilon) + (bias - mean * scale / sqrt(variance + epsilon)), by channel.
void import_batch_normalization(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  if (x.rank() < 2) ctx.unsupported("BatchNormalization takes [N,C,..], found shape " + dims_text(x.dims));
  const double epsilon = static_cast<double>(ctx.attr_float("epsilon", 1e-5f));
  ctx.ignore_attr("momentum");
  if (ctx.attr_int("training_mode", 0) != 0) ctx.unsupported("BatchNormalization in training mode");
  if (ctx.opset() < 9 && ctx.attr_int("spatial", 1) != 1) ctx.unsupported("BatchNormalization with spatial = 0");
  for (int i = 1; i < ctx.output_count(); ++i) {
    if (ctx.wants_output(i)) ctx.unsupported("output " + std::to_string(i) + " of BatchNormalization (training)");
  }
  const std::int64_t channels = x.dims[1];
  const std::vector<double> scale = channel_values(ctx, 1, "the scale", channels);
  const std::vector<double> bias = channel_values(ctx, 2, "the bias", channels);
  const std::vector<double> mean = channel_values(ctx, 3, "the mean", channels);
  const std::vector<double> variance = channel_values(ctx, 4, "the variance", channels);
  std::vector<double> factor, offset;
  for (std::size_t c = 0; c < scale.size(); ++c) {
    factor.push_back(scale[c] / std::sqrt(variance[c] + epsilon));
    offset.push_back(bias[c] - mean[c] * factor[c]);
  }
  Builder& b = ctx.builder();
  const Tensor y = b.add_binary(BinaryFunction::kMul, x, per_channel(factor, x.rank()), "scale");
  ctx.set_output(0, b.add_binary(BinaryFunction::kAdd, y, per_channel(offset, x.rank())));
}

// Each channel of each image is brought to mean 0 and variance 1, then scaled and shifted.
void import_instance_normalization(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  if (x.rank() < 3) ctx.unsupported("InstanceNormalization takes [N,C,H,W], found shape " + dims_text(x.dims));
  const float epsilon = ctx.attr_float("epsilon", 1e-5f);
  const std::vector<double> scale = channel_values(ctx, 1, "the scale", x.dims[1]);
  const std::vector<double> bias = channel_values(ctx, 2, "the bias", x.dims[1]);
  Builder& b = ctx.builder();
  const Tensor y = normalise(b, x, axes_from(2, x.rank()), epsilon).y;
  const Tensor z = b.add_binary(BinaryFunction::kMul, y, per_channel(scale, x.rank()), "scale");
  ctx.set_output(0, b.add_binary(BinaryFunction::kAdd, z, per_channel(bias, x.rank())));
}

// All axes from `axis` on together.
void import_layer_normalization(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const int axis = ctx.axis(ctx.attr_int("axis", -1), x.rank());
  const float epsilon = ctx.attr_float("epsilon", 1e-5f);
  ctx.ignore_attr("stash_type");
  Builder& b = ctx.builder();
  const Normalised n = normalise(b, x, axes_from(axis, x.rank()), epsilon);
  for (int i = 1; i < std::min(ctx.input_count(), 3); ++i) {
    if (!ctx.has_input(i)) continue;
    const Tensor& factor = ctx.input(i);
    if (factor.rank() > x.rank() || broadcast_dims(x.dims, factor.dims) != x.dims)
      ctx.corrupt("a scale or bias of shape " + dims_text(factor.dims) + " does not broadcast to " + dims_text(x.dims));
  }
  Tensor y = b.add_binary(BinaryFunction::kMul, n.y, ctx.input(1), "scale");
  if (ctx.has_input(2)) y = b.add_binary(BinaryFunction::kAdd, y, ctx.input(2));
  ctx.set_output(0, y);
  if (ctx.wants_output(1)) ctx.set_output(1, n.mean);
  if (ctx.wants_output(2)) ctx.set_output(2, n.inverse);
}

// The channels of a group together with all pixels; a scale and a bias for each channel (each group before opset 21).
void import_group_normalization(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const float epsilon = ctx.attr_float("epsilon", 1e-5f);
  const std::int64_t groups = ctx.attr_int("num_groups", 0);
  ctx.ignore_attr("stash_type");
  if (x.rank() < 3) ctx.unsupported("GroupNormalization takes [N,C,..], found shape " + dims_text(x.dims));
  const std::int64_t channels = x.dims[1];
  if (groups < 1 || channels % groups != 0)
    ctx.corrupt("num_groups " + std::to_string(groups) + " does not divide " + std::to_string(channels) + " channels");
  std::vector<double> factors[2];
  for (int i : {1, 2}) {
    const std::int64_t numbers = ctx.opset() < 21 ? groups : channels;
    const std::vector<double> given = channel_values(ctx, i, i == 1 ? "the scale" : "the bias", numbers);
    for (std::int64_t c = 0; c < channels; ++c)
      factors[i - 1].push_back(given[static_cast<std::size_t>(c / (channels / numbers))]);
  }
  Dims grouped = {x.dims[0], groups, channels / groups};
  grouped.insert(grouped.end(), x.dims.begin() + 2, x.dims.end());
  Builder& b = ctx.builder();
  const Tensor split = b.reshape(x, grouped);
  const Tensor y = b.reshape(normalise(b, split, axes_from(2, split.rank()), epsilon).y, x.dims);
  const Tensor z = b.add_binary(BinaryFunction::kMul, y, per_channel(factors[0], x.rank()), "scale");
  ctx.set_output(0, b.add_binary(BinaryFunction::kAdd, z, per_channel(factors[1], x.rank())));
}

// (x - mean) / (deviation + 1e-9) over `axes`.
void import_mean_variance_normalization(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const Axes axes = ctx.axes(ctx.attr_ints("axes", {0, 2, 3}), x.rank());
  ctx.set_output(0, normalise(ctx.builder(), x, axes, 1e-18f).y);
}

}  // namespace dotori::convert::onnx
