// SPDX-License-Identifier: Apache-2.0
// Layers that slide a window or read the whole image: convolutions, pools, inner products, resampling.
#include "convert/caffe/builder.h"

namespace dotori::convert::caffe {
namespace {

constexpr int kMaxWindow = 4096;

struct Window {
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1, pad_h = 0, pad_w = 0;
};

// A repeated number (one for both directions, or height and width) or the pair with _h and _w.
template <class Numbers>
Status read_pair(const char* what, const Numbers& both, bool has_h, std::uint32_t h, bool has_w, std::uint32_t w,
                 int least, int* out_h, int* out_w) {
  std::int64_t read_h = *out_h, read_w = *out_w;
  if (has_h != has_w) return corrupt_model(std::string(what) + ": _h and _w belong together");
  if (has_h && both.size() > 0) return corrupt_model(std::string(what) + " is stated twice");
  if (both.size() > 2)
    return unsupported(std::string(what) + ": " + std::to_string(both.size()) + " numbers (at most 2 are supported)");
  if (has_h) {
    read_h = h;
    read_w = w;
  } else if (both.size() > 0) {
    read_h = both.Get(0);
    read_w = both.Get(both.size() - 1);
  }
  if (read_h < least || read_w < least || read_h > kMaxWindow || read_w > kMaxWindow)
    return corrupt_model(std::string(what) + ": " + std::to_string(read_h) + " x " + std::to_string(read_w) +
                         " (expected " + std::to_string(least) + " to " + std::to_string(kMaxWindow) + ")");
  *out_h = static_cast<int>(read_h);
  *out_w = static_cast<int>(read_w);
  return {};
}

Result<Window> read_window(const dotori_caffe::Convolution& p) {
  Window w;
  if (p.kernel_size_size() == 0 && !p.has_kernel_h()) return corrupt_model("kernel_size is missing");
  if (p.axis() != 1) return unsupported("axis " + std::to_string(p.axis()) + " (only 1 is supported)");
  if (p.group() < 1 || p.num_output() < 1) return corrupt_model("num_output and group must be at least 1");
  DOTORI_RETURN_IF_ERROR(read_pair("kernel_size", p.kernel_size(), p.has_kernel_h(), p.kernel_h(), p.has_kernel_w(),
                                   p.kernel_w(), 1, &w.kernel_h, &w.kernel_w));
  DOTORI_RETURN_IF_ERROR(read_pair("stride", p.stride(), p.has_stride_h(), p.stride_h(), p.has_stride_w(), p.stride_w(),
                                   1, &w.stride_h, &w.stride_w));
  DOTORI_RETURN_IF_ERROR(
      read_pair("pad", p.pad(), p.has_pad_h(), p.pad_h(), p.has_pad_w(), p.pad_w(), 0, &w.pad_h, &w.pad_w));
  DOTORI_RETURN_IF_ERROR(read_pair("dilation", p.dilation(), false, 0, false, 0, 1, &w.dilation_h, &w.dilation_w));
  return w;
}

// [rows][columns][window] of Caffe to [O,kernel_h,kernel_w,I]; `at` gives the offset of output o, input i in Caffe's
// order.
template <class At>
std::vector<float> reorder(const std::vector<float>& from, std::int64_t outputs, std::int64_t inputs,
                           std::int64_t window, At at) {
  std::vector<float> to(from.size());
  for (std::int64_t o = 0; o < outputs; ++o)
    for (std::int64_t i = 0; i < inputs; ++i)
      for (std::int64_t k = 0; k < window; ++k)
        to[static_cast<std::size_t>((o * window + k) * inputs + i)] =
            from[static_cast<std::size_t>(at(o, i) * window + k)];
  return to;
}

template <class Op>
void set_window(const Window& w, Op* op) {
  op->kernel_h = w.kernel_h;
  op->kernel_w = w.kernel_w;
  op->stride_h = w.stride_h;
  op->stride_w = w.stride_w;
  op->pad_top = op->pad_bottom = w.pad_h;
  op->pad_left = op->pad_right = w.pad_w;
}

// Weights [O,kernel_h,kernel_w,C/groups] and the bias, when there is one, behind x.
Result<std::vector<graph::ValueId>> parameters(LayerContext& c, const Window& w, std::int64_t outputs,
                                               std::int64_t groups, bool transposed, bool with_bias) {
  const std::int64_t channels = c.x().dims[1], window = std::int64_t{w.kernel_h} * w.kernel_w;
  if (channels % groups != 0 || outputs % groups != 0)
    return corrupt_model(std::to_string(groups) + " groups do not divide " + std::to_string(channels) +
                         " channels and " + std::to_string(outputs) + " outputs");
  DOTORI_RETURN_IF_ERROR(c.expect_blobs(with_bias ? 2 : 1, with_bias ? 2 : 1));
  const std::int64_t inputs = channels / groups, per_group = outputs / groups;
  DOTORI_ASSIGN_OR_RETURN(const Blob* weights, c.blob(0, outputs * inputs * window, "weights"));
  std::vector<float> ordered = transposed ? reorder(weights->data, outputs, inputs, window,
                                                    [&](std::int64_t o, std::int64_t i) {
                                                      return (o / per_group * inputs + i) * per_group + o % per_group;
                                                    })
                                          : reorder(weights->data, outputs, inputs, window,
                                                    [&](std::int64_t o, std::int64_t i) { return o * inputs + i; });
  std::vector<graph::ValueId> values = {
      c.x().id,
      c.builder.constant(c.name() + "/weights", Shape{outputs, w.kernel_h, w.kernel_w, inputs}, std::move(ordered)).id};
  if (with_bias) {
    DOTORI_ASSIGN_OR_RETURN(const Blob* bias, c.blob(1, outputs, "bias"));
    values.push_back(c.builder.constant(c.name() + "/bias", Shape{outputs}, bias->data).id);
  }
  return values;
}

std::vector<Tensor> one(Tensor tensor) {
  return {std::move(tensor)};
}

}  // namespace

Result<std::vector<Tensor>> convolution(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(c.expect_rank(4));
  const dotori_caffe::Convolution& p = c.layer.convolution_param();
  DOTORI_ASSIGN_OR_RETURN(const Window w, read_window(p));
  graph::Conv2d op;
  set_window(w, &op);
  op.dilation_h = w.dilation_h;
  op.dilation_w = w.dilation_w;
  const bool depthwise = c.layer.type() != "Convolution" && !p.has_group();
  op.groups = depthwise ? static_cast<int>(c.x().dims[1]) : static_cast<int>(p.group());
  DOTORI_ASSIGN_OR_RETURN(std::vector<graph::ValueId> values,
                          parameters(c, w, p.num_output(), op.groups, false, p.bias_term()));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, std::move(values)));
  return one(std::move(y));
}

Result<std::vector<Tensor>> deconvolution(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(c.expect_rank(4));
  const dotori_caffe::Convolution& p = c.layer.convolution_param();
  DOTORI_ASSIGN_OR_RETURN(const Window w, read_window(p));
  graph::ConvTranspose2d op;
  set_window(w, &op);
  op.dilation_h = w.dilation_h;
  op.dilation_w = w.dilation_w;
  op.groups = static_cast<int>(p.group());
  DOTORI_ASSIGN_OR_RETURN(std::vector<graph::ValueId> values,
                          parameters(c, w, p.num_output(), op.groups, true, p.bias_term()));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, std::move(values)));
  return one(std::move(y));
}

// Caffe rounds the number of windows up, and drops a last one that would start in the padding only where there is
// padding.
Result<std::vector<Tensor>> pooling(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(c.expect_rank(4));
  const dotori_caffe::Pooling& p = c.layer.pooling_param();
  if (p.pool() == dotori_caffe::Pooling::STOCHASTIC) return unsupported("pool: STOCHASTIC (supported: MAX, AVE)");
  const bool average = p.pool() == dotori_caffe::Pooling::AVE;
  if (p.global_pooling()) {
    const graph::Reduce op{average ? graph::ReduceFunction::kMean : graph::ReduceFunction::kMax, Shape{1, 2}, true};
    DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {c.x().id}));
    return one(std::move(y));
  }
  struct One {
    bool stated;
    std::uint32_t value;
    int size() const { return stated ? 1 : 0; }
    std::uint32_t Get(int) const { return value; }
  };
  Window w;
  if (!p.has_kernel_size() && !p.has_kernel_h()) return corrupt_model("kernel_size is missing");
  DOTORI_RETURN_IF_ERROR(read_pair("kernel_size", One{p.has_kernel_size(), p.kernel_size()}, p.has_kernel_h(),
                                   p.kernel_h(), p.has_kernel_w(), p.kernel_w(), 1, &w.kernel_h, &w.kernel_w));
  DOTORI_RETURN_IF_ERROR(read_pair("stride", One{p.has_stride(), p.stride()}, p.has_stride_h(), p.stride_h(),
                                   p.has_stride_w(), p.stride_w(), 1, &w.stride_h, &w.stride_w));
  DOTORI_RETURN_IF_ERROR(read_pair("pad", One{p.has_pad(), p.pad()}, p.has_pad_h(), p.pad_h(), p.has_pad_w(), p.pad_w(),
                                   0, &w.pad_h, &w.pad_w));
  const bool ceil_mode = p.ceil_mode() && p.round_mode() == dotori_caffe::Pooling::CEIL;
  const bool padded = w.pad_h > 0 || w.pad_w > 0;
  const auto starts_outside = [&](std::int64_t size, int kernel, int stride, int pad) {
    const std::int64_t windows = (size + 2 * pad - kernel + stride - 1) / stride + 1;
    return (windows - 1) * stride >= size + pad;
  };
  if (ceil_mode && !padded &&
      (starts_outside(c.x().dims[2], w.kernel_h, w.stride_h, 0) ||
       starts_outside(c.x().dims[3], w.kernel_w, w.stride_w, 0)))
    return unsupported("its last window would lie outside of its bottom " + dims_text(c.x().dims) +
                       " (stride larger than kernel_size)");
  Result<Tensor> y = [&]() -> Result<Tensor> {
    if (average) {
      graph::AveragePool2d op;
      set_window(w, &op);
      op.ceil_mode = ceil_mode;
      op.count_include_pad = true;
      return c.builder.add(c.name(), op, {c.x().id});
    }
    graph::MaxPool2d op;
    set_window(w, &op);
    op.ceil_mode = ceil_mode;
    return c.builder.add(c.name(), op, {c.x().id});
  }();
  if (!y.ok()) return y.status();
  return one(std::move(*y));
}

// The weights' columns follow [C,H,W]; an image lies in memory as [H,W,C].
Result<std::vector<Tensor>> inner_product(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  const dotori_caffe::InnerProduct& p = c.layer.inner_product_param();
  const Tensor& x = c.x();
  DOTORI_ASSIGN_OR_RETURN(const int axis, c.axis(p.axis(), x.rank()));
  if (axis != 1)
    return unsupported("axis " + std::to_string(p.axis()) + " of " + dims_text(x.dims) + " (only 1 is supported)");
  if (p.num_output() < 1) return corrupt_model("num_output must be at least 1");
  const std::int64_t outputs = p.num_output(), inputs = count(x.dims, 1);
  DOTORI_RETURN_IF_ERROR(c.expect_blobs(p.bias_term() ? 2 : 1, p.bias_term() ? 2 : 1));
  DOTORI_ASSIGN_OR_RETURN(const Blob* weights, c.blob(0, outputs * inputs, "weights"));
  const std::int64_t channels = x.dims[1], area = inputs / channels;
  const bool image = x.rank() == 4;
  std::vector<float> ordered(weights->data.size());
  for (std::int64_t o = 0; o < outputs; ++o)
    for (std::int64_t i = 0; i < inputs; ++i) {
      const std::int64_t from = image ? i % channels * area + i / channels : i;
      ordered[static_cast<std::size_t>(o * inputs + i)] =
          weights->data[static_cast<std::size_t>(p.transpose() ? from * outputs + o : o * inputs + from)];
    }
  graph::ValueId flat = x.id;
  if (x.rank() != 2) {
    DOTORI_ASSIGN_OR_RETURN(
        flat, c.builder.graph().add_node(c.name() + "/flatten", graph::Reshape{Shape{x.dims[0], inputs}}, {x.id}));
  }
  std::vector<graph::ValueId> values = {
      flat, c.builder.constant(c.name() + "/weights", Shape{outputs, inputs}, std::move(ordered)).id};
  if (p.bias_term()) {
    DOTORI_ASSIGN_OR_RETURN(const Blob* bias, c.blob(1, outputs, "bias"));
    values.push_back(c.builder.constant(c.name() + "/bias", Shape{outputs}, bias->data).id);
  }
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), graph::FullyConnected{}, std::move(values)));
  return one(std::move(y));
}

Result<std::vector<Tensor>> upsample(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(c.expect_rank(4));
  const std::int64_t scale = c.layer.upsample_param().scale();
  if (scale < 1 || scale > 64) return unsupported("scale " + std::to_string(scale) + " (1 to 64 are supported)");
  graph::Resize2d op;
  op.filter = graph::ResizeFilter::kNearest;
  op.coordinates = graph::CoordinateRule::kAsymmetric;
  op.nearest = graph::NearestRule::kFloor;
  op.out_h = static_cast<int>(c.x().dims[2] * scale);
  op.out_w = static_cast<int>(c.x().dims[3] * scale);
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {c.x().id}));
  return one(std::move(y));
}

// Bilinear with equal corners, as in DeepLab's and PSPNet's forks of Caffe.
Result<std::vector<Tensor>> interp(LayerContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_bottoms(1, 1));
  DOTORI_RETURN_IF_ERROR(c.expect_rank(4));
  const dotori_caffe::Interp& p = c.layer.interp_param();
  if (p.pad_beg() != 0 || p.pad_end() != 0) return unsupported("pad_beg and pad_end (only 0 is supported)");
  const auto size = [&](std::int64_t in, std::uint32_t stated) -> std::int64_t {
    if (p.height() > 0 && p.width() > 0) return stated;
    std::int64_t out = in;
    if (p.shrink_factor() > 1) out = (out - 1) / p.shrink_factor() + 1;
    if (p.zoom_factor() > 1) out = out + (out - 1) * (std::int64_t{p.zoom_factor()} - 1);
    return out;
  };
  const std::int64_t h = size(c.x().dims[2], p.height()), w = size(c.x().dims[3], p.width());
  if (h < 1 || w < 1 || h > 65536 || w > 65536)
    return unsupported("an output of " + std::to_string(h) + " x " + std::to_string(w) + " pixels");
  graph::Resize2d op;
  op.filter = graph::ResizeFilter::kBilinear;
  op.coordinates = graph::CoordinateRule::kAlignCorners;
  op.out_h = static_cast<int>(h);
  op.out_w = static_cast<int>(w);
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {c.x().id}));
  return one(std::move(y));
}

}  // namespace dotori::convert::caffe
