// SPDX-License-Identifier: Apache-2.0
#include "graph/ops/resize2d.h"

#include <cmath>

#include "graph/ops/checks.h"

namespace dotori::graph {
namespace {

constexpr int kMaxSize = 65536;

constexpr const char* kFilterNames[] = {"nearest", "bilinear"};
constexpr const char* kCoordinateNames[] = {"half_pixel", "pytorch_half_pixel",   "align_corners",
                                            "asymmetric", "tf_half_pixel_for_nn", "half_pixel_symmetric"};
constexpr const char* kNearestNames[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
static_assert(sizeof kFilterNames / sizeof kFilterNames[0] == static_cast<std::size_t>(ResizeFilter::kCount));
static_assert(sizeof kCoordinateNames / sizeof kCoordinateNames[0] == static_cast<std::size_t>(CoordinateRule::kCount));
static_assert(sizeof kNearestNames / sizeof kNearestNames[0] == static_cast<std::size_t>(NearestRule::kCount));

// A stated scale must be the one that led to the output size, give or take the rounding of the size. Together with the
// limits this keeps every source position below 2^18, so that it converts to int.
Status check_scale(const char* axis, float scale, std::int64_t in, int out) {
  if (scale == 0) return {};
  constexpr float kMaxScale = kMaxSize;
  if (!(scale >= 1 / kMaxScale && scale <= kMaxScale)) {
    return invalid_argument(std::string(axis) + ": scale must be 0 or in [2^-16, 2^16], found " +
                            std::to_string(scale));
  }
  const double expected = static_cast<double>(scale) * static_cast<double>(in);
  if (std::fabs(expected - out) > 1.01) {
    return invalid_argument(std::string(axis) + ": scale " + std::to_string(scale) + " of " + std::to_string(in) +
                            " pixels gives " + std::to_string(expected) + ", the output size is " +
                            std::to_string(out));
  }
  return {};
}

}  // namespace

const char* resize_filter_name(ResizeFilter f) noexcept {
  return f < ResizeFilter::kCount ? kFilterNames[static_cast<std::size_t>(f)] : "unknown";
}
const char* coordinate_rule_name(CoordinateRule r) noexcept {
  return r < CoordinateRule::kCount ? kCoordinateNames[static_cast<std::size_t>(r)] : "unknown";
}
const char* nearest_rule_name(NearestRule r) noexcept {
  return r < NearestRule::kCount ? kNearestNames[static_cast<std::size_t>(r)] : "unknown";
}

Status infer(const Resize2d& op, Span<const Operand> inputs, Span<TensorType> outputs) {
  DOTORI_RETURN_IF_ERROR(expect_arity(inputs, outputs, 1, 1));
  DOTORI_RETURN_IF_ERROR(check_enum("filter", op.filter));
  DOTORI_RETURN_IF_ERROR(check_enum("coordinate rule", op.coordinates));
  DOTORI_RETURN_IF_ERROR(check_enum("nearest rule", op.nearest));
  DOTORI_RETURN_IF_ERROR(expect_real(inputs[0], "x"));
  DOTORI_RETURN_IF_ERROR(expect_rank(inputs[0], "x", 4));
  const Shape& x = inputs[0].shape();
  DOTORI_RETURN_IF_ERROR(expect_range("input height", x[1], 1, kMaxSize));
  DOTORI_RETURN_IF_ERROR(expect_range("input width", x[2], 1, kMaxSize));
  DOTORI_RETURN_IF_ERROR(expect_range("out_h", op.out_h, 1, kMaxSize));
  DOTORI_RETURN_IF_ERROR(expect_range("out_w", op.out_w, 1, kMaxSize));
  DOTORI_RETURN_IF_ERROR(check_scale("height", op.scale_h, x[1], op.out_h));
  DOTORI_RETURN_IF_ERROR(check_scale("width", op.scale_w, x[2], op.out_w));
  return set_output(outputs, inputs[0].type.type, {x[0], op.out_h, op.out_w, x[3]});
}

float resize_source_position(CoordinateRule rule, float scale, int in_size, int out_size, int i) noexcept {
  const float in = static_cast<float>(in_size), out = static_cast<float>(out_size), index = static_cast<float>(i);
  const float s = scale == 0 ? out / in : scale;
  switch (rule) {
    case CoordinateRule::kHalfPixel: return (index + 0.5f) / s - 0.5f;
    case CoordinateRule::kPytorchHalfPixel: return out_size == 1 ? 0.0f : (index + 0.5f) / s - 0.5f;
    case CoordinateRule::kAlignCorners: return out_size == 1 ? 0.0f : index * (in - 1) / (out - 1);
    case CoordinateRule::kAsymmetric: return index / s;
    case CoordinateRule::kTfHalfPixelForNn: return (index + 0.5f) / s;
    case CoordinateRule::kHalfPixelSymmetric: {
      // The share of the exact output that the rounded size keeps moves the image centre by this much.
      const float offset = in / 2 * (1 - out / (s * in));
      return offset + (index + 0.5f) / s - 0.5f;
    }
    case CoordinateRule::kCount: break;
  }
  return 0;
}

int resize_nearest_index(NearestRule rule, float position, int in_size) noexcept {
  float rounded = 0;
  switch (rule) {
    case NearestRule::kRoundPreferFloor: rounded = std::ceil(position - 0.5f); break;
    // Ties away from zero are ties upwards for every position that is not clamped to 0. floor(position + 0.5f) would
    // round the float just below 0.5 up.
    case NearestRule::kRoundPreferCeil: rounded = std::round(position); break;
    case NearestRule::kFloor: rounded = std::floor(position); break;
    case NearestRule::kCeil: rounded = std::ceil(position); break;
    case NearestRule::kCount: break;
  }
  const float last = static_cast<float>(in_size - 1);
  if (!(rounded > 0)) return 0;
  return rounded < last ? static_cast<int>(rounded) : in_size - 1;
}

}  // namespace dotori::graph
