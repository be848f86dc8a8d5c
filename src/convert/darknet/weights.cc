// SPDX-License-Identifier: Apache-2.0
#include "convert/darknet/weights.h"

#include <cmath>
#include <cstring>
#include <string>

namespace dotori::convert::darknet {
namespace {

// Darknet's forks differ: 1e-6 is added to the square root (Redmon), or 1e-5 to the variance (later ones). This is
// OpenCV's reading of the format, between the two: a head's raw values move by about 1e-3 of their range at most.
constexpr double kEpsilon = 1e-6;

std::int32_t int32_at(Span<const unsigned char> bytes, std::size_t position) {
  std::int32_t value;
  std::memcpy(&value, bytes.data() + position, sizeof(value));
  return value;
}

}  // namespace

Result<WeightsReader> WeightsReader::open(Span<const unsigned char> bytes, const Network& network) {
  if (bytes.size() < 16)
    return corrupt_model("the weights file ends inside its header (" + std::to_string(bytes.size()) + " bytes)");
  const std::int32_t major = int32_at(bytes, 0), minor = int32_at(bytes, 4);
  if (major < 0 || minor < 0)
    return corrupt_model("the weights file states version " + std::to_string(major) + "." + std::to_string(minor));
  const bool transposed = major > 1000 || minor > 1000;
  const bool wide = !transposed && std::int64_t{major} * 10 + minor >= 2;
  const std::size_t header = wide ? 20 : 16;
  std::int64_t count = 0;
  for (const Layer& layer : network.layers) count += layer.weight_count();
  const std::uint64_t expected = header + 4 * static_cast<std::uint64_t>(count);
  if (bytes.size() != expected)
    return corrupt_model("the weights file has " + std::to_string(bytes.size()) + " bytes, the network needs " +
                         std::to_string(expected) + " (a header of " + std::to_string(header) + " and " +
                         std::to_string(count) + " numbers)");
  return WeightsReader(bytes, header, transposed);
}

std::vector<float> WeightsReader::take(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::memcpy(values.data(), bytes_.data() + position_, values.size() * sizeof(float));
  position_ += values.size() * sizeof(float);
  return values;
}

WeightsReader::BatchNorm WeightsReader::take_batch_norm(std::int64_t channels) {
  BatchNorm norm;
  norm.scale = take(channels);
  norm.mean = take(channels);
  norm.variance = take(channels);
  return norm;
}

void WeightsReader::fold(const BatchNorm& norm, LayerWeights* layer) {
  const std::size_t channels = layer->bias.size();
  const std::size_t taps = layer->weights.size() / channels;
  for (std::size_t o = 0; o < channels; ++o) {
    const double factor = norm.scale[o] / std::sqrt(static_cast<double>(norm.variance[o]) + kEpsilon);
    layer->bias[o] = static_cast<float>(layer->bias[o] - norm.mean[o] * factor);
    for (std::size_t t = 0; t < taps; ++t) {
      float& weight = layer->weights[o * taps + t];
      weight = static_cast<float>(weight * factor);
    }
  }
}

// Order in the file. Convolutional: biases, [scales, means, variances], weights [O][I/groups][size][size].
// Connected: biases, weights [O][C][H][W], [scales, means, variances].
LayerWeights WeightsReader::read(const Layer& layer) {
  const bool connected = layer.kind == LayerKind::kConnected;
  const std::size_t outputs = static_cast<std::size_t>(layer.out.c);
  const std::size_t channels = static_cast<std::size_t>(connected ? layer.in.c : layer.in.c / layer.groups);
  const std::size_t area =
      static_cast<std::size_t>(connected ? layer.in.h * layer.in.w : std::int64_t{layer.size} * layer.size);
  LayerWeights result;
  BatchNorm norm;
  result.bias = take(layer.out.c);
  if (layer.batch_normalize && !connected) norm = take_batch_norm(layer.out.c);
  const std::vector<float> stored = take(static_cast<std::int64_t>(outputs * channels * area));
  if (layer.batch_normalize && connected) norm = take_batch_norm(layer.out.c);
  const std::size_t taps = channels * area;
  result.weights.resize(stored.size());
  for (std::size_t o = 0; o < outputs; ++o)
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t a = 0; a < area; ++a) {
        const std::size_t from = connected && transposed_ ? (c * area + a) * outputs + o : o * taps + c * area + a;
        result.weights[o * taps + a * channels + c] = stored[from];
      }
  if (layer.batch_normalize) fold(norm, &result);
  return result;
}

}  // namespace dotori::convert::darknet
