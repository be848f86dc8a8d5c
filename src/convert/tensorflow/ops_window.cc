// SPDX-License-Identifier: Apache-2.0
// What looks at windows of an image: convolutions, pools, sizes.
#include <algorithm>
#include <limits>

#include "convert/tensorflow/node.h"

namespace dotori::convert::tensorflow {
namespace {

constexpr std::int64_t kMostWindow = 4096;

struct Window {
  int kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
};

// The two middle numbers of an attribute over [N,H,W,C].
Status read_pair(const NodeContext& c, const char* attr, int* h, int* w) {
  const Dims numbers = c.list(attr);
  if (numbers.empty()) return {};
  if (numbers.size() != 4 || numbers[0] != 1 || numbers[3] != 1)
    return unsupported(std::string(attr) + " " + dims_text(numbers) + " (expected [1,H,W,1])");
  if (numbers[1] < 1 || numbers[2] < 1 || numbers[1] > kMostWindow || numbers[2] > kMostWindow)
    return unsupported(std::string(attr) + " " + dims_text(numbers) + " (1 to " + std::to_string(kMostWindow) + ")");
  *h = static_cast<int>(numbers[1]);
  *w = static_cast<int>(numbers[2]);
  return {};
}

// TensorFlow's SAME: as many windows as the stride fits into the image, what is missing split, the odd pixel behind.
void pad_same(std::int64_t in, int kernel, int stride, int dilation, int* before, int* after) {
  const std::int64_t out = (in + stride - 1) / stride, reach = static_cast<std::int64_t>(kernel - 1) * dilation + 1;
  const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * stride + reach - in);
  *before = static_cast<int>(total / 2);
  *after = static_cast<int>(total - total / 2);
}

Status check_image(const NodeContext& c, const Tensor& x) {
  const std::string format = c.text("data_format");
  if (!format.empty() && format != "NHWC") return unsupported("data_format " + format + " (only NHWC is supported)");
  if (x.rank() != 4) return unsupported("an image of " + dims_text(x.dims) + ", expected [N,H,W,C]");
  return {};
}

// `h`, `w`: of the image that the windows move over.
Status read_window(const NodeContext& c, std::int64_t h, std::int64_t w, Window* window) {
  DOTORI_RETURN_IF_ERROR(read_pair(c, "strides", &window->stride_h, &window->stride_w));
  DOTORI_RETURN_IF_ERROR(read_pair(c, "dilations", &window->dilation_h, &window->dilation_w));
  const std::string padding = c.text("padding");
  if (padding == "SAME") {
    pad_same(h, window->kernel_h, window->stride_h, window->dilation_h, &window->pad_top, &window->pad_bottom);
    pad_same(w, window->kernel_w, window->stride_w, window->dilation_w, &window->pad_left, &window->pad_right);
  } else if (padding == "EXPLICIT") {
    const Dims pads = c.list("explicit_paddings");
    if (pads.size() != 8 || pads[0] != 0 || pads[1] != 0 || pads[6] != 0 || pads[7] != 0)
      return unsupported("explicit_paddings " + dims_text(pads) + " (expected eight numbers, none for N and C)");
    for (std::int64_t p : pads)
      if (p < 0 || p > kMostWindow) return unsupported("explicit_paddings " + dims_text(pads));
    window->pad_top = static_cast<int>(pads[2]);
    window->pad_bottom = static_cast<int>(pads[3]);
    window->pad_left = static_cast<int>(pads[4]);
    window->pad_right = static_cast<int>(pads[5]);
  } else if (padding != "VALID") {
    return corrupt_model("padding '" + padding + "' (expected SAME, VALID or EXPLICIT)");
  }
  return {};
}

template <class Op>
void set_window(const Window& window, Op* op) {
  op->kernel_h = window.kernel_h;
  op->kernel_w = window.kernel_w;
  op->stride_h = window.stride_h;
  op->stride_w = window.stride_w;
  op->dilation_h = window.dilation_h;
  op->dilation_w = window.dilation_w;
  op->pad_top = window.pad_top;
  op->pad_bottom = window.pad_bottom;
  op->pad_left = window.pad_left;
  op->pad_right = window.pad_right;
}

Result<const HostTensor*> read_filter(const NodeContext& c, std::size_t input, Window* window) {
  DOTORI_ASSIGN_OR_RETURN(const HostTensor* filter, c.known(input));
  if (!filter->is_real || filter->dims.size() != 4 || filter->count() == 0)
    return corrupt_model("a filter of shape " + dims_text(filter->dims));
  if (filter->dims[0] > kMostWindow || filter->dims[1] > kMostWindow)
    return unsupported("a filter of shape " + dims_text(filter->dims));
  window->kernel_h = static_cast<int>(filter->dims[0]);
  window->kernel_w = static_cast<int>(filter->dims[1]);
  return filter;
}

// [pixels, a, b] -> [b, pixels, a]
std::vector<float> last_first(const std::vector<float>& from, std::size_t pixels, std::size_t a, std::size_t b) {
  std::vector<float> to(from.size());
  for (std::size_t p = 0; p < pixels; ++p)
    for (std::size_t i = 0; i < a; ++i)
      for (std::size_t o = 0; o < b; ++o) to[(o * pixels + p) * a + i] = from[(p * a + i) * b + o];
  return to;
}

}  // namespace

// Conv2D: filter [h,w,C/groups,O]. DepthwiseConv2dNative: filter [h,w,C,M], output channel c * M + m.
Result<std::vector<Tensor>> convolution(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 2));
  const Tensor& x = c.inputs[0];
  DOTORI_RETURN_IF_ERROR(check_image(c, x));
  Window window;
  DOTORI_ASSIGN_OR_RETURN(const HostTensor* filter, read_filter(c, 1, &window));
  DOTORI_RETURN_IF_ERROR(read_window(c, x.dims[1], x.dims[2], &window));
  const std::int64_t channels = x.dims[3], third = filter->dims[2], last = filter->dims[3];
  const bool depthwise = c.op() != "Conv2D";
  if (depthwise ? third != channels : channels % third != 0)
    return corrupt_model("a filter of shape " + dims_text(filter->dims) + " for " + std::to_string(channels) +
                         " channels");
  const std::int64_t pixels = filter->dims[0] * filter->dims[1], outputs = depthwise ? third * last : last;
  graph::Conv2d op;
  set_window(window, &op);
  op.groups = static_cast<int>(channels / (depthwise ? 1 : third));
  // Depthwise: [pixels, 1, C * M], one input for each group.
  std::vector<float> weights =
      depthwise ? last_first(filter->reals, static_cast<std::size_t>(pixels), 1, static_cast<std::size_t>(outputs))
                : last_first(filter->reals, static_cast<std::size_t>(pixels), static_cast<std::size_t>(third),
                             static_cast<std::size_t>(last));
  const graph::ValueId w = c.builder.constant(
      c.name() + "/weights", {outputs, window.kernel_h, window.kernel_w, depthwise ? 1 : third}, std::move(weights));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId image, c.builder.value(c.name() + "/x", x));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {image, w}));
  return std::vector<Tensor>{std::move(y)};
}

// Inputs: the output's shape, filter [h,w,O,C], image. The gradient of a convolution that would make the image from the
// output.
Result<std::vector<Tensor>> transposed_convolution(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(3, 3));
  const Tensor& x = c.inputs[2];
  DOTORI_RETURN_IF_ERROR(check_image(c, x));
  DOTORI_ASSIGN_OR_RETURN(const Dims sizes, c.integers(0));
  Window window;
  DOTORI_ASSIGN_OR_RETURN(const HostTensor* filter, read_filter(c, 1, &window));
  if (sizes.size() != 4 || sizes[1] < 1 || sizes[2] < 1 || sizes[3] != filter->dims[2] || filter->dims[3] != x.dims[3])
    return corrupt_model("an output of " + dims_text(sizes) + " with a filter of " + dims_text(filter->dims));
  DOTORI_RETURN_IF_ERROR(read_window(c, sizes[1], sizes[2], &window));
  graph::ConvTranspose2d op;
  set_window(window, &op);
  const auto missing = [](std::int64_t out, std::int64_t in, int stride, int kernel, int dilation, int pads) {
    return out - ((in - 1) * stride + static_cast<std::int64_t>(kernel - 1) * dilation + 1 - pads);
  };
  const std::int64_t more_h = missing(sizes[1], x.dims[1], window.stride_h, window.kernel_h, window.dilation_h,
                                      window.pad_top + window.pad_bottom);
  const std::int64_t more_w = missing(sizes[2], x.dims[2], window.stride_w, window.kernel_w, window.dilation_w,
                                      window.pad_left + window.pad_right);
  if (more_h < 0 || more_w < 0 || more_h >= window.stride_h || more_w >= window.stride_w)
    return corrupt_model("an output of " + dims_text(sizes) + " from an image of " + dims_text(x.dims));
  op.output_pad_h = static_cast<int>(more_h);
  op.output_pad_w = static_cast<int>(more_w);
  const auto pixels = static_cast<std::size_t>(filter->dims[0] * filter->dims[1]);
  const auto outputs = static_cast<std::size_t>(filter->dims[2]), channels = static_cast<std::size_t>(filter->dims[3]);
  std::vector<float> weights(filter->reals.size());
  for (std::size_t p = 0; p < pixels; ++p)
    for (std::size_t o = 0; o < outputs; ++o)
      for (std::size_t i = 0; i < channels; ++i)
        weights[(o * pixels + p) * channels + i] = filter->reals[(p * outputs + o) * channels + i];
  const graph::ValueId w = c.builder.constant(
      c.name() + "/weights", {filter->dims[2], window.kernel_h, window.kernel_w, filter->dims[3]}, std::move(weights));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId image, c.builder.value(c.name() + "/x", x));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {image, w}));
  return std::vector<Tensor>{std::move(y)};
}

Result<std::vector<Tensor>> pool(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(1, 1));
  const Tensor& x = c.inputs[0];
  DOTORI_RETURN_IF_ERROR(check_image(c, x));
  Window window;
  DOTORI_RETURN_IF_ERROR(read_pair(c, "ksize", &window.kernel_h, &window.kernel_w));
  DOTORI_RETURN_IF_ERROR(read_window(c, x.dims[1], x.dims[2], &window));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId image, c.builder.value(c.name() + "/x", x));
  graph::Op op;
  if (c.op() == "MaxPool") {
    graph::MaxPool2d max;
    set_window(window, &max);
    op = max;
  } else {
    graph::AveragePool2d average;
    set_window(window, &average);
    op = average;
  }
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {image}));
  return std::vector<Tensor>{std::move(y)};
}

// [N,K] times known [K,M], or [M,K] with transpose_b.
Result<std::vector<Tensor>> matmul(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 2));
  const Tensor& x = c.inputs[0];
  if (x.rank() != 2 || c.flag("transpose_a", false))
    return unsupported("a left side of " + dims_text(x.dims) + " (expected [N,K], not transposed)");
  DOTORI_ASSIGN_OR_RETURN(const HostTensor* matrix, c.known(1));
  if (!matrix->is_real || matrix->dims.size() != 2) return unsupported("a right side of " + dims_text(matrix->dims));
  const bool transposed = c.flag("transpose_b", false);
  const std::int64_t k = matrix->dims[transposed ? 1 : 0], m = matrix->dims[transposed ? 0 : 1];
  if (k != x.dims[1] || m < 1)
    return corrupt_model("a product of " + dims_text(x.dims) + " and " + dims_text(matrix->dims));
  std::vector<float> weights =
      transposed ? matrix->reals
                 : last_first(matrix->reals, 1, static_cast<std::size_t>(k), static_cast<std::size_t>(m));
  const graph::ValueId w = c.builder.constant(c.name() + "/weights", {m, k}, std::move(weights));
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId left, c.builder.value(c.name() + "/x", x));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), graph::FullyConnected{}, {left, w}));
  return std::vector<Tensor>{std::move(y)};
}

Result<std::vector<Tensor>> resize(NodeContext& c) {
  DOTORI_RETURN_IF_ERROR(c.expect_inputs(2, 2));
  const Tensor& x = c.inputs[0];
  DOTORI_RETURN_IF_ERROR(check_image(c, x));
  DOTORI_ASSIGN_OR_RETURN(const Dims size, c.integers(1));
  constexpr std::int64_t kMostSide = 65536;
  if (size.size() != 2 || size[0] < 1 || size[1] < 1 || size[0] > kMostSide || size[1] > kMostSide)
    return corrupt_model("a size of " + dims_text(size));
  const bool nearest = c.op() == "ResizeNearestNeighbor", corners = c.flag("align_corners", false),
             centers = c.flag("half_pixel_centers", false);
  graph::Resize2d op;
  op.filter = nearest ? graph::ResizeFilter::kNearest : graph::ResizeFilter::kBilinear;
  op.coordinates = corners              ? graph::CoordinateRule::kAlignCorners
                   : centers && nearest ? graph::CoordinateRule::kTfHalfPixelForNn
                   : centers            ? graph::CoordinateRule::kHalfPixel
                                        : graph::CoordinateRule::kAsymmetric;
  op.nearest = corners ? graph::NearestRule::kRoundPreferCeil : graph::NearestRule::kFloor;
  op.out_h = static_cast<int>(size[0]);
  op.out_w = static_cast<int>(size[1]);
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId image, c.builder.value(c.name() + "/x", x));
  DOTORI_ASSIGN_OR_RETURN(Tensor y, c.builder.add(c.name(), op, {image}));
  return std::vector<Tensor>{std::move(y)};
}

}  // namespace dotori::convert::tensorflow
