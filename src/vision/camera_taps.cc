// SPDX-License-Identifier: Apache-2.0
#include "vision/camera_taps.h"

#include <algorithm>
#include <cmath>

#include "kernels/camera/camera.h"

namespace dotori::vision {

CameraTaps camera_taps(const CameraAxis& axis, ResizeFilter filter) {
  constexpr int kOne = 1 << kernels::kCameraWeightBits;
  const double reach = filter == ResizeFilter::kAntialiased ? std::max(1.0, std::fabs(axis.step)) : 1.0;
  CameraTaps result;
  const std::size_t count = static_cast<std::size_t>(axis.count);
  result.first.reserve(count);
  result.taps.reserve(count);
  result.offset.reserve(count);
  std::vector<double> raw;
  for (int i = 0; i < axis.count; ++i) {
    const double centre = axis.start + (i + 0.5) * axis.step;
    const int low = std::max(axis.begin, static_cast<int>(std::ceil(centre - reach - 0.5)));
    const int high = std::min(axis.end - 1, static_cast<int>(std::floor(centre + reach - 0.5)));
    // The centre lies between begin and end, so the sample nearest to it has a weight of at least a half.
    raw.clear();
    double sum = 0;
    for (int j = low; j <= high; ++j) {
      raw.push_back(std::max(0.0, 1 - std::fabs(j + 0.5 - centre) / reach));
      sum += raw.back();
    }
    result.offset.push_back(static_cast<std::int32_t>(result.weights.size()));
    // Rounding the running sum, not each weight: the total is exact and errors of neighbours cancel.
    double running = 0;
    int before = 0, first = low;
    for (std::size_t t = 0; t < raw.size(); ++t) {
      running += raw[t];
      const int now = t + 1 == raw.size() ? kOne : static_cast<int>(running / sum * kOne + 0.5);
      const int weight = std::min(now, kOne) - before;
      before += weight;
      if (weight == 0 && before == 0) ++first;
      else result.weights.push_back(static_cast<std::int16_t>(weight));
    }
    while (result.weights.back() == 0) result.weights.pop_back();
    result.first.push_back(first - axis.begin);
    result.taps.push_back(static_cast<std::int32_t>(result.weights.size()) - result.offset.back());
  }
  return result;
}

CameraRowTaps camera_row_taps(const CameraTaps& taps, int sample_stride) {
  CameraRowTaps row;
  const int most = *std::max_element(taps.taps.begin(), taps.taps.end());
  row.blocks = ((most - 1) * sample_stride + 1 + kernels::kCameraTapBlock - 1) / kernels::kCameraTapBlock;
  const std::size_t block_elems = static_cast<std::size_t>(row.blocks) * kernels::kCameraTapBlock;
  row.weights.resize(block_elems * taps.first.size());
  for (std::size_t i = 0; i < taps.first.size(); ++i) {
    row.first.push_back(taps.first[i] * sample_stride);
    row.readable_elems = std::max(row.readable_elems, static_cast<std::size_t>(row.first.back()) + block_elems);
    for (int t = 0; t < taps.taps[i]; ++t)
      row.weights[i * block_elems + static_cast<std::size_t>(t * sample_stride)] =
          taps.weights[static_cast<std::size_t>(taps.offset[i] + t)];
  }
  return row;
}

}  // namespace dotori::vision
