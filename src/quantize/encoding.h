// SPDX-License-Identifier: Apache-2.0
// What the parts of this library share: how a value is to be quantised.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/quantization_report.h"

namespace dotori::quantize {

// real = scale * (q - zero_point), q in [-128, 127]. Scale 0: not known.
struct Encoding {
  float scale = 0;
  std::int32_t zero_point = 0;
  graph::RangeMethod range = graph::RangeMethod::kNone;

  bool known() const noexcept { return scale > 0; }
  friend bool operator==(const Encoding& a, const Encoding& b) noexcept {
    return a.scale == b.scale && a.zero_point == b.zero_point;
  }
};

// By value of a graph.
using Encodings = std::vector<Encoding>;

// What int8 layers use instead of weights rounded to nearest and of their own biases; by node name. Layers that stay
// float32 use their own.
struct Adjustments {
  std::map<std::string, std::vector<std::int8_t>> weights;  // quantised with weight_scales()
  std::map<std::string, std::vector<float>> biases;
};

inline std::size_t index(graph::ValueId id) noexcept {
  return static_cast<std::size_t>(id.index);
}

// The encoding of [low, high], widened to hold zero, which is represented exactly. A range without extent gets scale
// 1. Both ends must be finite.
Encoding encode_range(double low, double high, graph::RangeMethod method) noexcept;
// clamp(rne(x / scale) + zero_point); `x` not NaN.
std::int32_t quantize_one(double x, double scale, std::int32_t zero_point, std::int32_t low = -128,
                          std::int32_t high = 127) noexcept;

}  // namespace dotori::quantize
