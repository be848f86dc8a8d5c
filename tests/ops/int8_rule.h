// SPDX-License-Identifier: Apache-2.0
// The arithmetic of int8 results in plain C++, for tests.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include <dotori/tensor.h>

#include "support/int8_inputs.h"
#include "support/random.h"

namespace dotori::testing {

using Bytes = std::vector<std::int8_t>;

// One rounding of a value that a double holds exactly, or with far more bits than a float.
inline float rounded(double v) {
  return static_cast<float>(v);
}

// quantize_real for the full range, or [low, high].
inline std::int8_t to_byte(float v, const Quantization& q, int low = -128, int high = 127) {
  const double whole = std::nearbyint(static_cast<double>(v)) + q.zero_points[0];
  return static_cast<std::int8_t>(std::fmin(std::fmax(whole, low), high));
}

inline double scale_of(const Quantization& q) {
  return static_cast<double>(q.scales[0]);
}

inline Bytes inputs_for(const Shape& shape, std::uint64_t seed = 1) {
  Random random(seed);
  return int8_inputs(random, static_cast<std::size_t>(shape.elements()));
}

}  // namespace dotori::testing
