// SPDX-License-Identifier: Apache-2.0
// Layers that compute element by element, or normalise over channels.
#include <cmath>

#include "convert/caffe/builder.h"

namespace dotori::convert::caffe {
namespace {

using graph::Activation;
using graph::BinaryFunction;
using graph::Function;

std::vector<Tensor> one(Tensor tensor) {
  return {std::move(tensor)};
}

Result<Tensor> apply(LayerContext& c, const std::string& name, const Tensor& x, Activation activation) {
  return c.builder.add(name, graph::Unary{activation}, {x.id});
}

Result<Tensor> combine(LayerContext& c, const std::string& name, BinaryFunction function, const Tensor& a,
                       const Tensor& b) {
  graph::Binary op;
  op.function = function;
  return c.builder.add(name, op, {a.id, b.id});
}

// x by a number.
Result<Tensor> with_number(LayerContext& c, const std::string& name, BinaryFunction function, const Tensor& x,
                           float number) {
  return combine(c, name, function, x, c.builder.constant(name + "/number", Shape{1}, {number}));
}

// x by one number a channel, which stands last in memory for ranks 2 and 4.
Result<Tensor> with_channels(LayerContext& c, const std::string& name, BinaryFunction function, const Tensor& x,
                             std::vector<float> numbers) {
  const std::int64_t channels = static_cast<std::int64_t>(numbers.size());
  return combine(c, name, function, x, c.builder.constant(name + "/channels", Shape{channels}, std::move(numbers)));
}

Status expect_channels_last(const LayerContext& c) {
  if (c.x().rank() == 2 || c.x().rank() == 4) return {};
  return unsupported("its bottom is " + dims_text(c.x().dims) + " (rank 2 and 4 are supported)");
}

// scale * x + shift, leaving out what does nothing.
Result<Tensor> affine(LayerContext& c, Tensor x, float scale, float shift) {
  if (scale != 1) {
    DOTORI_ASSIGN_OR_RETURN(x, with_number(c, c.name() + "/scale", BinaryFunction::kMul, x, scale));
  }
  if (shift != 0) {
    DOTORI_ASSIGN_OR_RETURN(x, with_number(c, c.name() + "/shift", BinaryFunction::kAdd, x, shift));
  }
  return x;
}

}  // namespace

Result<std::vector<Tensor>> unary(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const std::string& type = c.layer.type();
  Activation a;
  if (type == "ReLU") {
    const float slope = c.layer.relu_param().negative_slope();
    a = slope == 0 ? Activation{Function::kRelu, 0, 0} : Activation{Function::kLeakyRelu, slope, 0};
  } else if (type == "ReLU6") {
    a = {Function::kClip, 0, c.layer.relu6_param().threshold()};
  } else if (type == "ELU") {
    a = {Function::kElu, c.layer.elu_param().alpha(), 0};
  } else if (type == "Sigmoid") {
    a = {Function::kSigmoid, 0, 0};
  } else if (type == "TanH") {
    a = {Function::kTanh, 0, 0};
  } else if (type == "AbsVal") {
    a = {Function::kAbs, 0, 0};
  } else if (type == "BNLL") {
    a = {Function::kSoftplus, 0, 0};
  } else {  // Swish: x * sigmoid(beta * x)
    if (c.layer.swish_param().beta() != 1)
      return unsupported("swish_param.beta " + std::to_string(c.layer.swish_param().beta()) + " (only 1 is supported)");
    a = {Function::kSilu, 0, 0};
  }
  DOTORI_ASSIGN_OR_RETURN(Tensor y, apply(c, c.name(), c.x(), a));
  return one(std::move(y));
}

Result<std::vector<Tensor>> prelu(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(expect_channels_last(c));
  DOTORI_RETURN_IF_ERROR(c.expect_blobs(1, 1));
  const std::int64_t slopes = c.layer.prelu_param().channel_shared() ? 1 : c.x().dims[1];
  DOTORI_ASSIGN_OR_RETURN(const Blob* blob, c.blob(0, slopes, "slopes"));
  const Tensor slope = c.builder.constant(c.name() + "/slope", Shape{slopes}, blob->data);
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), graph::Prelu{}, {c.x().id, slope.id}));
  return one(std::move(y));
}

// (shift + scale * x) ^ power
Result<std::vector<Tensor>> power(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const dotori_caffe::Power& p = c.layer.power_param();
  DOTORI_ASSIGN_OR_RETURN(Tensor y, affine(c, c.x(), p.scale(), p.shift()));
  if (p.power() == 2) {
    DOTORI_ASSIGN_OR_RETURN(y, apply(c, c.name(), y, {Function::kSquare, 0, 0}));
  } else if (p.power() == 0.5f) {
    DOTORI_ASSIGN_OR_RETURN(y, apply(c, c.name(), y, {Function::kSqrt, 0, 0}));
  } else if (p.power() == -1) {
    DOTORI_ASSIGN_OR_RETURN(y, apply(c, c.name(), y, {Function::kReciprocal, 0, 0}));
  } else if (p.power() != 1) {
    DOTORI_ASSIGN_OR_RETURN(y, with_number(c, c.name(), BinaryFunction::kPow, y, p.power()));
  }
  return one(std::move(y));
}

// base ^ (shift + scale * x); a base of -1 is e.
Result<std::vector<Tensor>> exponential(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const dotori_caffe::Exp& p = c.layer.exp_param();
  if (p.base() != -1 && !(p.base() > 0))
    return corrupt_model("base " + std::to_string(p.base()) + " (expected -1 or above 0)");
  const float factor = p.base() == -1 ? 1.0f : std::log(p.base());
  DOTORI_ASSIGN_OR_RETURN(Tensor y, affine(c, c.x(), p.scale() * factor, p.shift() * factor));
  DOTORI_ASSIGN_OR_RETURN(y, apply(c, c.name(), y, {Function::kExp, 0, 0}));
  return one(std::move(y));
}

// log_base(shift + scale * x)
Result<std::vector<Tensor>> logarithm(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const dotori_caffe::Exp& p = c.layer.log_param();
  if (p.base() != -1 && (!(p.base() > 0) || p.base() == 1))
    return corrupt_model("base " + std::to_string(p.base()) + " (expected -1 or above 0, and not 1)");
  DOTORI_ASSIGN_OR_RETURN(Tensor y, affine(c, c.x(), p.scale(), p.shift()));
  DOTORI_ASSIGN_OR_RETURN(y, apply(c, c.name(), y, {Function::kLog, 0, 0}));
  if (p.base() != -1) {
    DOTORI_ASSIGN_OR_RETURN(y, with_number(c, c.name() + "/base", BinaryFunction::kMul, y, 1 / std::log(p.base())));
  }
  return one(std::move(y));
}

// Blobs: sums of means and of variances, and the factor that both were summed with.
Result<std::vector<Tensor>> batch_norm(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(expect_channels_last(c));
  const dotori_caffe::BatchNorm& p = c.layer.batch_norm_param();
  if (p.has_use_global_stats() && !p.use_global_stats())
    return unsupported("use_global_stats: false, which normalises by the batch it sees");
  DOTORI_RETURN_IF_ERROR(c.expect_blobs(3, 3));
  const std::int64_t channels = c.x().dims[1];
  DOTORI_ASSIGN_OR_RETURN(const Blob* mean, c.blob(0, channels, "mean"));
  DOTORI_ASSIGN_OR_RETURN(const Blob* variance, c.blob(1, channels, "variance"));
  DOTORI_ASSIGN_OR_RETURN(const Blob* factor, c.blob(2, 1, "factor"));
  const double norm = factor->data[0] == 0 ? 0 : 1.0 / static_cast<double>(factor->data[0]);
  std::vector<float> gain, shift;
  for (std::size_t i = 0; i < mean->data.size(); ++i) {
    const double v = static_cast<double>(variance->data[i]) * norm + static_cast<double>(p.eps());
    if (!(v > 0)) return corrupt_model("channel " + std::to_string(i) + " has a variance of " + std::to_string(v));
    const double g = 1 / std::sqrt(v);
    gain.push_back(static_cast<float>(g));
    shift.push_back(static_cast<float>(-static_cast<double>(mean->data[i]) * norm * g));
  }
  DOTORI_ASSIGN_OR_RETURN(Tensor y, with_channels(c, c.name() + "/gain", BinaryFunction::kMul, c.x(), std::move(gain)));
  DOTORI_ASSIGN_OR_RETURN(y, with_channels(c, c.name(), BinaryFunction::kAdd, y, std::move(shift)));
  return one(std::move(y));
}

// x times learned numbers, one a channel, or times a second bottom whose axes begin at `axis`.
Result<std::vector<Tensor>> scale(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 2));
  DOTORI_RETURN_IF_ERROR(expect_channels_last(c));
  const dotori_caffe::Scale& p = c.layer.scale_param();
  DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(p.axis(), c.x().rank()));
  const std::int64_t channels = c.x().dims[1];
  const bool computed = c.bottoms.size() == 2;
  const int bias_at = computed ? 0 : 1, blobs = bias_at + (p.bias_term() ? 1 : 0);
  DOTORI_RETURN_IF_ERROR(c.expect_blobs(blobs, blobs));
  Tensor y;
  if (computed) {
    // Squeeze-and-excitation: [N,C] or [N,C,1,1] at axis 0.
    const Tensor& factor = c.bottoms[1];
    if (axis != 0 || factor.rank() < 2 || factor.dims[0] != c.x().dims[0] || factor.dims[1] != channels ||
        count(factor.dims, 2) != 1)
      return unsupported("a second bottom of " + dims_text(factor.dims) + " at axis " + std::to_string(p.axis()) +
                         " ([N,C] or [N,C,1,1] at axis 0 is supported)");
    Tensor fitting = factor;
    if (c.x().rank() == 4 && factor.rank() != 4) {
      DOTORI_ASSIGN_OR_RETURN(
          fitting,
          c.builder.add(c.name() + "/factor", graph::Reshape{Shape{c.x().dims[0], 1, 1, channels}}, {factor.id}));
    }
    DOTORI_ASSIGN_OR_RETURN(y, combine(c, c.name(), BinaryFunction::kMul, c.x(), fitting));
  } else {
    if (axis != 1 || p.num_axes() != 1)
      return unsupported("axis " + std::to_string(p.axis()) + ", num_axes " + std::to_string(p.num_axes()) +
                         " (only 1 and 1 are supported)");
    DOTORI_ASSIGN_OR_RETURN(const Blob* factor, c.blob(0, channels, "factors"));
    DOTORI_ASSIGN_OR_RETURN(y, with_channels(c, c.name(), BinaryFunction::kMul, c.x(), factor->data));
  }
  if (p.bias_term()) {
    DOTORI_ASSIGN_OR_RETURN(const Blob* shift, c.blob(bias_at, channels, "bias"));
    DOTORI_ASSIGN_OR_RETURN(y, with_channels(c, c.name() + "/bias", BinaryFunction::kAdd, y, shift->data));
  }
  return one(std::move(y));
}

Result<std::vector<Tensor>> bias(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(expect_channels_last(c));
  DOTORI_RETURN_IF_ERROR(c.expect_blobs(1, 1));
  const dotori_caffe::Bias& p = c.layer.bias_param();
  if (p.axis() != 1 || p.num_axes() != 1)
    return unsupported("axis " + std::to_string(p.axis()) + ", num_axes " + std::to_string(p.num_axes()) +
                       " (only 1 and 1 are supported)");
  DOTORI_ASSIGN_OR_RETURN(const Blob* shift, c.blob(0, c.x().dims[1], "bias"));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, with_channels(c, c.name(), BinaryFunction::kAdd, c.x(), shift->data));
  return one(std::move(y));
}

Result<std::vector<Tensor>> eltwise(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(2, 1024));
  const dotori_caffe::Eltwise& p = c.layer.eltwise_param();
  if (p.coeff_size() != 0 &&
      (p.operation() != dotori_caffe::Eltwise::SUM || p.coeff_size() != static_cast<int>(c.bottoms.size())))
    return corrupt_model(std::to_string(p.coeff_size()) + " coeff for " + std::to_string(c.bottoms.size()) +
                         " bottoms (a SUM takes one for each)");
  const BinaryFunction function = p.operation() == dotori_caffe::Eltwise::PROD  ? BinaryFunction::kMul
                                  : p.operation() == dotori_caffe::Eltwise::MAX ? BinaryFunction::kMax
                                                                                : BinaryFunction::kAdd;
  Tensor sum;
  for (std::size_t i = 0; i < c.bottoms.size(); ++i) {
    Tensor part = c.bottoms[i];
    if (part.dims != c.x().dims)
      return corrupt_model("bottoms of " + dims_text(c.x().dims) + " and " + dims_text(part.dims));
    const float coeff = p.coeff_size() == 0 ? 1 : p.coeff(static_cast<int>(i));
    const std::string number = "/" + std::to_string(i);
    if (coeff != 1) {
      DOTORI_ASSIGN_OR_RETURN(part, with_number(c, c.name() + "/coeff" + number, BinaryFunction::kMul, part, coeff));
    }
    if (i == 0) {
      sum = part;
      continue;
    }
    DOTORI_ASSIGN_OR_RETURN(sum,
                            combine(c, i + 1 == c.bottoms.size() ? c.name() : c.name() + number, function, sum, part));
  }
  return one(std::move(sum));
}

// x / (k + alpha / n * sum of squares) ^ beta, the sum over n neighbouring channels or over an n x n window.
Result<std::vector<Tensor>> lrn(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(c.expect_rank(4));
  const dotori_caffe::Lrn& p = c.layer.lrn_param();
  const int n = static_cast<int>(p.local_size());
  if (n < 1 || n > 255 || n % 2 == 0)
    return corrupt_model("local_size " + std::to_string(p.local_size()) + " (expected an odd number up to 255)");
  DOTORI_ASSIGN_OR_RETURN(const Tensor square, apply(c, c.name() + "/square", c.x(), {Function::kSquare, 0, 0}));
  Tensor sum;
  float base = p.k();
  if (p.norm_region() == dotori_caffe::Lrn::ACROSS_CHANNELS) {
    const std::int64_t channels = c.x().dims[1];
    std::vector<float> band(static_cast<std::size_t>(channels * channels));
    for (std::int64_t o = 0; o < channels; ++o)
      for (std::int64_t i = 0; i < channels; ++i)
        if (std::abs(static_cast<int>(o - i)) <= n / 2)
          band[static_cast<std::size_t>(o * channels + i)] = p.alpha() / static_cast<float>(n);
    const Tensor weights = c.builder.constant(c.name() + "/band", Shape{channels, 1, 1, channels}, std::move(band));
    DOTORI_ASSIGN_OR_RETURN(sum, c.builder.add(c.name() + "/sum", graph::Conv2d{}, {square.id, weights.id}));
  } else {
    graph::AveragePool2d op;
    op.kernel_h = op.kernel_w = n;
    op.stride_h = op.stride_w = 1;
    op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = n / 2;
    op.count_include_pad = true;
    DOTORI_ASSIGN_OR_RETURN(sum, c.builder.add(c.name() + "/mean", op, {square.id}));
    DOTORI_ASSIGN_OR_RETURN(sum, with_number(c, c.name() + "/alpha", BinaryFunction::kMul, sum, p.alpha()));
    base = 1;  // Caffe takes k for channels only
  }
  DOTORI_ASSIGN_OR_RETURN(sum, with_number(c, c.name() + "/k", BinaryFunction::kAdd, sum, base));
  DOTORI_ASSIGN_OR_RETURN(sum, with_number(c, c.name() + "/power", BinaryFunction::kPow, sum, p.beta()));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, combine(c, c.name(), BinaryFunction::kDiv, c.x(), sum));
  return one(std::move(y));
}

// x / sqrt(sum of squares over the channels + eps), times learned numbers (SSD's conv4_3).
Result<std::vector<Tensor>> normalize(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(c.expect_rank(4));
  const dotori_caffe::Normalize& p = c.layer.norm_param();
  if (p.across_spatial()) return unsupported("across_spatial: true (only false is supported)");
  DOTORI_RETURN_IF_ERROR(c.expect_blobs(1, 1));
  const std::int64_t channels = c.x().dims[1];
  DOTORI_ASSIGN_OR_RETURN(const Blob* factor, c.blob(0, p.channel_shared() ? 1 : channels, "factors"));
  DOTORI_ASSIGN_OR_RETURN(Tensor norm, apply(c, c.name() + "/square", c.x(), {Function::kSquare, 0, 0}));
  DOTORI_ASSIGN_OR_RETURN(
      norm, c.builder.add(c.name() + "/sum", graph::Reduce{graph::ReduceFunction::kSum, Shape{3}, true}, {norm.id}));
  DOTORI_ASSIGN_OR_RETURN(norm, with_number(c, c.name() + "/eps", BinaryFunction::kAdd, norm, p.eps()));
  DOTORI_ASSIGN_OR_RETURN(norm, apply(c, c.name() + "/root", norm, {Function::kSqrt, 0, 0}));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, combine(c, c.name() + "/unit", BinaryFunction::kDiv, c.x(), norm));
  DOTORI_ASSIGN_OR_RETURN(y, with_channels(c, c.name(), BinaryFunction::kMul, y, factor->data));
  return one(std::move(y));
}

Result<std::vector<Tensor>> softmax(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(c.layer.softmax_param().axis(), c.x().rank()));
  graph::Softmax op;
  op.axis = stored_axis(axis, c.x().rank());
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {c.x().id}));
  return one(std::move(y));
}

}  // namespace dotori::convert::caffe
