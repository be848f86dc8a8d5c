// SPDX-License-Identifier: Apache-2.0
// What the int8 paths of the operators have in common: scales and zero points of values that passed verify().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <dotori/status.h>

#include "backends/cpu/left_out.h"
#include "graph/graph.h"
#include "kernels/quantize/requantize.h"

namespace dotori::backends::cpu {

// A constant in a build of one precision, so that the code of the other is not reached (check_precision() ran before).
inline bool is_quantized(const graph::Value& value) noexcept {
  if constexpr (!kHasInt8) return false;
  if constexpr (!kHasFloat32) return true;
  return value.type.type == DataType::kInt8 && !value.quantization.empty();
}

// Of a value with one scale.
inline float tensor_scale(const graph::Value& value) noexcept {
  return value.quantization.scales[0];
}
inline std::int32_t tensor_zero_point(const graph::Value& value) noexcept {
  return value.quantization.zero_points[0];
}

// How results become elements of `out`, with the operator's fused activation (identity, relu, clip, leaky_relu).
kernels::QuantizedOutput make_quantized_output(const graph::Value& out, const graph::Activation& activation = {});

// The int8 element that stands for `real` in `value`: clamped, nearest, ties to even.
std::int8_t quantize_constant(float real, const graph::Value& value) noexcept;

// Requantisation factors of convolutions and fully_connected, one for each output channel: sx * sw[c] / sy, computed in
// double precision. An error names the channel whose factor is not a positive finite float.
Result<std::vector<float>> channel_scales(const graph::Value& x, const graph::Value& weights, const graph::Value& y);

// The int32 sum of channel `channel` cannot overflow, nor any part of it, in any order: 255 * sum |w - zero point| plus
// |bias| fits. `each` weights. kUnsupported names the channel otherwise.
Status prove_no_overflow(const std::int8_t* weights, std::int64_t each, std::int32_t weight_zero_point,
                         std::int32_t bias, std::int64_t channel);

}  // namespace dotori::backends::cpu
