// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "vision/placement.h"

namespace dotori::vision {
namespace {

// RGB pixels -> the model's channels, still 0..255. Returns the largest value written.
float order_channels(const float* rgb, int pixels, ChannelOrder order, int channels, float* out) {
  float largest = 0;
  for (int x = 0; x < pixels; ++x, rgb += 3, out += channels) {
    float a = rgb[0], b = rgb[1], c = rgb[2];
    if (order == ChannelOrder::kBgr) std::swap(a, c);
    if (order == ChannelOrder::kGray) a = b = c = 0.299f * a + 0.587f * b + 0.114f * c;
    out[0] = a;
    largest = std::max(largest, a);
    if (channels == 1) continue;
    out[1] = b;
    out[2] = c;
    largest = std::max({largest, b, c});
  }
  return largest;
}

// q = clamp(rne(y / scale) + zero_point). The sum is done in double, where it is exact for any zero point.
template <class T>
void quantize(const std::vector<float>& values, const TensorView& input) {
  constexpr double low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  T* stored = static_cast<T*>(input.data);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double q = static_cast<double>(std::nearbyint(values[i] / input.scale)) + input.zero_point;
    // Mean and scale near the largest floats can overflow to infinity and then to NaN: real zero.
    stored[i] = static_cast<T>(std::clamp(std::isnan(q) ? static_cast<double>(input.zero_point) : q, low, high));
  }
}

}  // namespace

Result<PhotoTransform> fill_input(const Image& photo, const Preprocess& preprocess, const TensorView& input,
                                  ResizeFilter filter) {
  if (!photo.valid()) return invalid_argument("the photo's size and pixels do not agree");
  DOTORI_RETURN_IF_ERROR(check_input(preprocess, input));
  const int height = static_cast<int>(input.shape[1]), width = static_cast<int>(input.shape[2]);
  const int channels = static_cast<int>(input.shape[3]);
  const Placement placed = place_photo(photo.width, photo.height, preprocess, width, height);
  std::vector<float> unquantized;
  if (input.f32() == nullptr) unquantized.resize(static_cast<std::size_t>(input.elements()));
  float* const data = input.f32() != nullptr ? input.f32() : unquantized.data();
  const auto pixel = [&](int y, int x) {
    return data + (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)) *
                      static_cast<std::size_t>(channels);
  };

  if (placed.input.width != width || placed.input.height != height) {
    float pad[3];
    for (int c = 0; c < 3; ++c) pad[c] = (preprocess.pad_value - preprocess.mean[c]) * preprocess.scale[c];
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) std::copy(pad, pad + channels, pixel(y, x));
  }

  Resizer resizer(photo, placed.photo, placed.input.width, placed.input.height, filter);
  std::vector<float> rgb(std::size_t{3} * static_cast<std::size_t>(placed.input.width));
  float largest = 0;
  for (int y = 0; y < placed.input.height; ++y) {
    resizer.row(y, rgb.data());
    float* out = pixel(placed.input.y + y, placed.input.x);
    largest = std::max(largest, order_channels(rgb.data(), placed.input.width, preprocess.order, channels, out));
  }
  const float gain = preprocess.image_max_norm && largest > 0 ? 255 / largest : 1;
  for (int y = 0; y < placed.input.height; ++y) {
    float* out = pixel(placed.input.y + y, placed.input.x);
    for (int x = 0; x < placed.input.width; ++x, out += channels)
      for (int c = 0; c < channels; ++c) out[c] = (out[c] * gain - preprocess.mean[c]) * preprocess.scale[c];
  }

  if (input.type == DataType::kInt8) quantize<std::int8_t>(unquantized, input);
  if (input.type == DataType::kUint8) quantize<std::uint8_t>(unquantized, input);

  return transform_of(placed, photo.width, photo.height, width, height);
}

Result<PhotoTransform> fill_inputs(const Image& photo, const Preprocess& preprocess, Span<const TensorView> inputs,
                                   ResizeFilter filter) {
  return fill_each_input(preprocess, inputs, [&](const Preprocess& own, const TensorView& input) {
    return fill_input(photo, own, input, filter);
  });
}

}  // namespace dotori::vision
