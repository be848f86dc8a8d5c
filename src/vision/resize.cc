// SPDX-License-Identifier: Apache-2.0
#include "vision/resize.h"

#include <algorithm>
#include <cmath>

namespace dotori::vision {

AxisWeights axis_weights(int in, int out, ResizeFilter filter) {
  const double step = static_cast<double>(in) / out;
  const double reach = filter == ResizeFilter::kAntialiased ? std::max(1.0, step) : 1.0;
  AxisWeights axis;
  axis.taps.resize(static_cast<std::size_t>(out));
  std::vector<double> raw;
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * step;
    const int low = std::max(0, static_cast<int>(std::ceil(centre - reach - 0.5)));
    const int high = std::min(in - 1, static_cast<int>(std::floor(centre + reach - 0.5)));
    raw.clear();
    int first = low;
    double sum = 0;
    for (int j = low; j <= high; ++j) {
      const double weight = std::max(0.0, 1 - std::fabs(j + 0.5 - centre) / reach);
      // A sample just at the edge of the filter would cost a row and add nothing.
      if (weight <= 1e-9 && raw.empty()) {
        first = j + 1;
        continue;
      }
      raw.push_back(weight);
      sum += weight;
    }
    while (!raw.empty() && raw.back() <= 1e-9) raw.pop_back();
    if (raw.empty()) {
      raw.push_back(sum = 1);
      first = std::clamp(static_cast<int>(centre), 0, in - 1);
    }
    AxisWeights::Taps& taps = axis.taps[static_cast<std::size_t>(i)];
    taps.first = first;
    taps.count = static_cast<int>(raw.size());
    taps.offset = static_cast<int>(axis.weights.size());
    for (double weight : raw) axis.weights.push_back(static_cast<float>(weight / sum));
  }
  return axis;
}

Resizer::Resizer(const Image& image, const Rect& source, int width, int height, ResizeFilter filter)
    : image_(image),
      source_(source),
      across_(axis_weights(source.width, width, filter)),
      down_(axis_weights(source.height, height, filter)),
      column_sums_(std::size_t{3} * static_cast<std::size_t>(source.width)) {}

void Resizer::row(int y, float* out) {
  const AxisWeights::Taps& rows = down_.taps[static_cast<std::size_t>(y)];
  const float* row_weights = down_.weights.data() + rows.offset;
  const std::size_t stride = std::size_t{3} * static_cast<std::size_t>(image_.width);
  const std::uint8_t* in = image_.pixels.data() + stride * static_cast<std::size_t>(source_.y + rows.first) +
                           std::size_t{3} * static_cast<std::size_t>(source_.x);
  // Rows first: these loops run over neighbouring bytes, so the compiler makes vectors of them.
  float* sums = column_sums_.data();
  const std::size_t n = column_sums_.size();
  const float first_weight = row_weights[0];
  for (std::size_t i = 0; i < n; ++i) sums[i] = first_weight * in[i];
  for (int t = 1; t < rows.count; ++t) {
    in += stride;
    const float weight = row_weights[t];
    for (std::size_t i = 0; i < n; ++i) sums[i] += weight * in[i];
  }
  for (const AxisWeights::Taps& columns : across_.taps) {
    const float* weights = across_.weights.data() + columns.offset;
    const float* from = sums + 3 * columns.first;
    float r = 0, g = 0, b = 0;
    for (int t = 0; t < columns.count; ++t, from += 3) {
      r += weights[t] * from[0];
      g += weights[t] * from[1];
      b += weights[t] * from[2];
    }
    out[0] = r;
    out[1] = g;
    out[2] = b;
    out += 3;
  }
}

}  // namespace dotori::vision
