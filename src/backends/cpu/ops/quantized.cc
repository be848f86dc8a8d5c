// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/quantized.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dotori::backends::cpu {
namespace {

// real / scale + zero point as an element. Infinite bounds of a clip end at the type's.
std::int32_t element_of(float real, float scale, std::int32_t zero_point) noexcept {
  const kernels::QuantizedOutput whole = {1.0f, zero_point, -128, 127};
  return kernels::quantize_real(real / scale, whole);
}

}  // namespace

kernels::QuantizedOutput make_quantized_output(const graph::Value& out, const graph::Activation& activation) {
  const float scale = tensor_scale(out);
  const std::int32_t zero_point = tensor_zero_point(out);
  kernels::QuantizedOutput output = {1.0f, zero_point, -128, 127};
  switch (activation.function) {
    case graph::Function::kRelu: output.low = zero_point; break;
    case graph::Function::kClip:
      output.low = element_of(activation.alpha, scale, zero_point);
      output.high = element_of(activation.beta, scale, zero_point);
      break;
    case graph::Function::kLeakyRelu: output.slope = activation.alpha; break;
    default: break;
  }
  return output;
}

std::int8_t quantize_constant(float real, const graph::Value& value) noexcept {
  return static_cast<std::int8_t>(element_of(real, tensor_scale(value), tensor_zero_point(value)));
}

Result<std::vector<float>> channel_scales(const graph::Value& x, const graph::Value& weights, const graph::Value& y) {
  const std::vector<float>& of_weights = weights.quantization.scales;
  const std::int64_t channels = weights.type.shape[0];
  std::vector<float> scales;
  for (std::int64_t c = 0; c < channels; ++c) {
    const float w = of_weights.size() == 1 ? of_weights[0] : of_weights[static_cast<std::size_t>(c)];
    const float scale = static_cast<float>(static_cast<double>(tensor_scale(x)) * static_cast<double>(w) /
                                           static_cast<double>(tensor_scale(y)));
    if (!(scale >= std::numeric_limits<float>::min()) || !std::isfinite(scale)) {
      return unsupported("output channel " + std::to_string(c) + ": the scales " + std::to_string(tensor_scale(x)) +
                         " (x), " + std::to_string(w) + " (weights) and " + std::to_string(tensor_scale(y)) +
                         " (y) give no normal float as a factor");
    }
    scales.push_back(scale);
  }
  return scales;
}

Status prove_no_overflow(const std::int8_t* weights, std::int64_t each, std::int32_t weight_zero_point,
                         std::int32_t bias, std::int64_t channel) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < each; ++i) sum += std::abs(weights[i] - weight_zero_point);
  std::int64_t most = 255 * sum + std::abs(static_cast<std::int64_t>(bias));
  // Kernels take the weights and their zero point apart: two sums of products of two bytes.
  if (weight_zero_point != 0) most = std::max(most, 255 * sum + 2 * 128 * 128 * each + std::abs(std::int64_t{bias}));
  if (most <= std::numeric_limits<std::int32_t>::max()) return {};
  return unsupported("output channel " + std::to_string(channel) + ": the int32 sum can reach " + std::to_string(most) +
                     ", at most 2147483647 is possible");
}

}  // namespace dotori::backends::cpu
