// SPDX-License-Identifier: Apache-2.0
#include "quantize/encoding.h"

#include <algorithm>
#include <cmath>

namespace dotori::quantize {

std::int32_t quantize_one(double x, double scale, std::int32_t zero_point, std::int32_t low,
                          std::int32_t high) noexcept {
  const double q = std::nearbyint(x / scale) + zero_point;
  return static_cast<std::int32_t>(std::clamp(q, static_cast<double>(low), static_cast<double>(high)));
}

Encoding encode_range(double low, double high, graph::RangeMethod method) noexcept {
  low = std::min(low, 0.0);
  high = std::max(high, 0.0);
  // Below this a scale's reciprocal, or the product of two, would leave float32.
  constexpr double kLeastExtent = 1e-12;
  if (high - low < kLeastExtent) return {1, 0, method};
  const float scale = static_cast<float>((high - low) / 255);
  const double zero_point = std::nearbyint(-128 - low / static_cast<double>(scale));
  return {scale, static_cast<std::int32_t>(std::clamp(zero_point, -128.0, 127.0)), method};
}

}  // namespace dotori::quantize
