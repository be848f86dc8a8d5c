// SPDX-License-Identifier: Apache-2.0
// Resize and its predecessor Upsample.
#include <algorithm>
#include <cmath>

#include "convert/onnx/ops.h"

namespace dotori::convert::onnx {
namespace {

using graph::CoordinateRule;
using graph::NearestRule;

// What the node asks of each source axis.
struct AxisSizes {
  Dims sizes;
  std::vector<float> scales;  // 0: size / dimension
};

constexpr double kMostSize = 65536;

CoordinateRule coordinate_rule(NodeContext& ctx, const std::string& mode) {
  if (mode == "half_pixel") return CoordinateRule::kHalfPixel;
  if (mode == "half_pixel_symmetric") return CoordinateRule::kHalfPixelSymmetric;
  if (mode == "pytorch_half_pixel") return CoordinateRule::kPytorchHalfPixel;
  if (mode == "align_corners") return CoordinateRule::kAlignCorners;
  if (mode == "asymmetric") return CoordinateRule::kAsymmetric;
  if (mode == "tf_half_pixel_for_nn") return CoordinateRule::kTfHalfPixelForNn;
  ctx.unsupported(
      "coordinate_transformation_mode '" + mode +
      "'; supported are half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners, asymmetric and "
      "tf_half_pixel_for_nn");
}

NearestRule nearest_rule(NodeContext& ctx, const std::string& mode) {
  if (mode == "round_prefer_floor") return NearestRule::kRoundPreferFloor;
  if (mode == "round_prefer_ceil") return NearestRule::kRoundPreferCeil;
  if (mode == "floor") return NearestRule::kFloor;
  if (mode == "ceil") return NearestRule::kCeil;
  ctx.unsupported("nearest_mode '" + mode + "'; supported are round_prefer_floor, round_prefer_ceil, floor and ceil");
}

graph::ResizeFilter filter(NodeContext& ctx) {
  const std::string mode = ctx.attr_string("mode", "nearest");
  if (mode == "nearest") return graph::ResizeFilter::kNearest;
  if (mode == "linear" || mode == "bilinear") return graph::ResizeFilter::kBilinear;
  ctx.unsupported("mode '" + mode + "'; supported are nearest and linear");
}

AxisSizes from_scales(NodeContext& ctx, const Dims& dims, const std::vector<float>& scales, const Axes& axes) {
  AxisSizes out{dims, std::vector<float>(dims.size(), 1)};
  if (scales.size() != axes.size()) {
    ctx.corrupt(std::to_string(scales.size()) + " scales for " + std::to_string(axes.size()) + " axes");
  }
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const auto a = static_cast<std::size_t>(axes[k]);
    // A float product, floored: 3.9999998 must not become 4 here when it does not elsewhere.
    const float size = std::floor(static_cast<float>(dims[a]) * scales[k]);
    if (!(scales[k] > 0) || !(size >= 1) || static_cast<double>(size) > kMostSize) {
      ctx.unsupported("scale " + std::to_string(scales[k]) + " of an axis of " + std::to_string(dims[a]) +
                      " elements; sizes from 1 to 65536 are supported");
    }
    out.scales[a] = scales[k];
    out.sizes[a] = static_cast<std::int64_t>(size);
  }
  return out;
}

AxisSizes from_sizes(NodeContext& ctx, const Dims& dims, const Dims& sizes, const Axes& axes,
                     const std::string& policy) {
  AxisSizes out{dims, std::vector<float>(dims.size(), 1)};
  if (sizes.size() != axes.size()) {
    ctx.corrupt(std::to_string(sizes.size()) + " sizes for " + std::to_string(axes.size()) + " axes");
  }
  for (std::size_t k = 0; k < axes.size(); ++k) {
    if (sizes[k] < 1 || static_cast<double>(sizes[k]) > kMostSize) {
      ctx.unsupported("size " + std::to_string(sizes[k]) + "; sizes from 1 to 65536 are supported");
    }
  }
  if (policy == "stretch") {
    for (std::size_t k = 0; k < axes.size(); ++k) {
      const auto a = static_cast<std::size_t>(axes[k]);
      out.sizes[a] = sizes[k];
      out.scales[a] = sizes[k] == dims[a] ? 1.0f : 0.0f;
    }
    return out;
  }
  if (policy != "not_larger" && policy != "not_smaller") ctx.unsupported("keep_aspect_ratio_policy '" + policy + "'");
  float scale = 0;
  for (std::size_t k = 0; k < axes.size(); ++k) {
    const float s = static_cast<float>(sizes[k]) / static_cast<float>(dims[static_cast<std::size_t>(axes[k])]);
    scale = k == 0 ? s : policy == "not_larger" ? std::min(scale, s) : std::max(scale, s);
  }
  for (int axis : axes) {
    const auto a = static_cast<std::size_t>(axis);
    out.sizes[a] = std::max<std::int64_t>(std::llround(static_cast<double>(scale) * static_cast<double>(dims[a])), 1);
    out.scales[a] = scale;
  }
  return out;
}

std::vector<float> known_floats(NodeContext& ctx, int input, const char* what) {
  const HostTensor& t = ctx.known(input, what);
  std::vector<float> values;
  for (std::int64_t i = 0; i < t.count(); ++i) values.push_back(static_cast<float>(t.real(i)));
  return values;
}

void resize(NodeContext& ctx, const Tensor& x, graph::Resize2d op, const AxisSizes& to) {
  ctx.expect_rank(x, 4);
  Builder& b = ctx.builder();
  // The two image axes: the last two, or the middle two where a channels-last source resizes those.
  const auto changes = [&](std::size_t axis) { return to.sizes[axis] != x.dims[axis] || (to.scales[axis] != 1); };
  const bool middle = changes(1) && !changes(3);
  const int h = middle ? 1 : 2, w = middle ? 2 : 3;
  for (std::size_t k = 0; k < 4; ++k) {
    if (static_cast<int>(k) != h && static_cast<int>(k) != w && changes(k)) {
      ctx.unsupported("Resize of shape " + dims_text(x.dims) + " to " + dims_text(to.sizes) +
                      ": only two neighbouring axes (height and width) may change");
    }
  }
  const Axes order = middle ? identity_order(4) : channels_last_order(4);
  const auto ih = static_cast<std::size_t>(h), iw = static_cast<std::size_t>(w);
  op.out_h = static_cast<int>(to.sizes[ih]);
  op.out_w = static_cast<int>(to.sizes[iw]);
  op.scale_h = to.scales[ih];
  op.scale_w = to.scales[iw];
  if (!changes(ih) && !changes(iw)) return ctx.set_output(0, x);
  ctx.set_output(0, b.add(op, {b.physical(b.in_order(x, order))}, order));
}

// Upsample, and Resize of opset 10: coordinates i / scale; nearest rounds down when enlarging, up when reducing.
graph::Resize2d old_rule(NodeContext& ctx, const std::vector<float>& scales) {
  graph::Resize2d op;
  op.filter = filter(ctx);
  op.coordinates = CoordinateRule::kAsymmetric;
  const bool reduces = std::any_of(scales.begin(), scales.end(), [](float s) { return s < 1; });
  const bool enlarges = std::any_of(scales.begin(), scales.end(), [](float s) { return s > 1; });
  if (reduces && enlarges && op.filter == graph::ResizeFilter::kNearest) {
    ctx.unsupported(ctx.op_type() + " (opset " + std::to_string(ctx.opset()) +
                    ") enlarges one axis and reduces another");
  }
  op.nearest = reduces ? NearestRule::kCeil : NearestRule::kFloor;
  return op;
}

}  // namespace

void import_resize(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const Axes all = identity_order(x.rank());
  if (ctx.opset() < 11) {
    const std::vector<float> scales = known_floats(ctx, 1, "the scales");
    return resize(ctx, x, old_rule(ctx, scales), from_scales(ctx, x.dims, scales, all));
  }
  graph::Resize2d op;
  op.filter = filter(ctx);
  op.coordinates = coordinate_rule(ctx, ctx.attr_string("coordinate_transformation_mode", "half_pixel"));
  op.nearest = nearest_rule(ctx, ctx.attr_string("nearest_mode", "round_prefer_floor"));
  ctx.ignore_attr("cubic_coeff_a");        // mode cubic only
  ctx.ignore_attr("exclude_outside");      // mode cubic only
  ctx.ignore_attr("extrapolation_value");  // coordinate mode tf_crop_and_resize only
  Axes axes = all;
  if (ctx.has_attr("axes")) {
    axes.clear();
    const Dims listed = ctx.attr_ints("axes", {});
    ctx.axes(listed, x.rank());
    for (std::int64_t axis : listed) axes.push_back(ctx.axis(axis, x.rank()));  // in the order of the scales
  }
  const std::string policy = ctx.attr_string("keep_aspect_ratio_policy", "stretch");
  const bool sized = ctx.has_input(3) && ctx.known(3, "the sizes").count() > 0;
  const AxisSizes to = sized ? from_sizes(ctx, x.dims, ctx.known_ints(3, "the sizes"), axes, policy)
                             : from_scales(ctx, x.dims, known_floats(ctx, 2, "the scales"), axes);
  if (ctx.attr_int("antialias", 0) != 0 && op.filter == graph::ResizeFilter::kBilinear) {
    for (std::size_t k = 0; k < to.sizes.size(); ++k) {
      if (to.sizes[k] < x.dims[k])
        ctx.unsupported("antialias when reducing; use AveragePool, or export without antialias");
    }
  }
  resize(ctx, x, op, to);
}

void import_upsample(NodeContext& ctx) {
  const Tensor x = ctx.graph_input(0);
  const std::vector<float> scales = ctx.opset() < 9 ? ctx.attr_floats("scales") : known_floats(ctx, 1, "the scales");
  resize(ctx, x, old_rule(ctx, scales), from_scales(ctx, x.dims, scales, identity_order(x.rank())));
}

}  // namespace dotori::convert::onnx
