// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "vision/resize.h"

namespace dotori::vision {
namespace {

// The part of the photo the model sees and where it lies in the input.
struct Placement {
  Rect photo, input;
};

Placement place(const Image& photo, const Preprocess& preprocess, int width, int height) {
  Placement p{{0, 0, photo.width, photo.height}, {0, 0, width, height}};
  switch (preprocess.resize) {
    case ResizeMode::kCenterCrop: {
      const int shorter = std::min(photo.width, photo.height);
      const double wanted = static_cast<double>(preprocess.crop_fraction) * shorter;
      const int side = std::clamp(static_cast<int>(std::lround(wanted)), 1, shorter);
      p.photo = {(photo.width - side) / 2, (photo.height - side) / 2, side, side};
      break;
    }
    case ResizeMode::kLetterbox:
    case ResizeMode::kLetterboxTopLeft: {
      // In integers, so that the tight side fits exactly.
      const std::int64_t pw = photo.width, ph = photo.height;
      if (width * ph <= height * pw) p.input.height = static_cast<int>(std::max<std::int64_t>(1, ph * width / pw));
      else p.input.width = static_cast<int>(std::max<std::int64_t>(1, pw * height / ph));
      if (preprocess.resize == ResizeMode::kLetterbox) {
        p.input.x = (width - p.input.width) / 2;
        p.input.y = (height - p.input.height) / 2;
      }
      break;
    }
    case ResizeMode::kStretch:
    case ResizeMode::kCount: break;
  }
  return p;
}

Status check(const Image& photo, const Preprocess& preprocess, const TensorView& input) {
  if (!photo.valid()) return invalid_argument("the photo's size and pixels do not agree");
  const Shape& s = input.shape;
  const std::string found = data_type_name(input.type) + s.to_string();
  const bool bytes = input.type == DataType::kInt8 || input.type == DataType::kUint8;
  if ((input.f32() == nullptr && !bytes) || input.data == nullptr || s.rank() != 4 || s[0] != 1)
    return invalid_argument("a photo needs an input float32, int8 or uint8 [1,height,width,channels], found " + found);
  if (bytes && !(input.scale > 0 && std::isfinite(input.scale)))
    return invalid_argument("an input " + found + " needs a finite scale above 0, found " +
                            std::to_string(input.scale));
  const bool gray = preprocess.order == ChannelOrder::kGray;
  if (s[3] != 3 && !(gray && s[3] == 1))
    return invalid_argument(std::string("channel order ") + channel_order_name(preprocess.order) +
                            " needs an input with " + (gray ? "1 or 3 channels" : "3 channels") + ", found " + found);
  constexpr std::int64_t kMaxSide = 1 << 15;
  if (s[1] < 1 || s[2] < 1 || s[1] > kMaxSide || s[2] > kMaxSide)
    return invalid_argument("an input's sides must be 1.." + std::to_string(kMaxSide) + ", found " + found);
  if (input.size_bytes < static_cast<std::size_t>(s.elements()) * data_type_bytes(input.type))
    return invalid_argument("the input's memory is smaller than its shape " + found);
  if (preprocess.resize >= ResizeMode::kCount || preprocess.order >= ChannelOrder::kCount)
    return invalid_argument("unknown resize mode or channel order");
  if (preprocess.resize == ResizeMode::kCenterCrop && !(preprocess.crop_fraction > 0 && preprocess.crop_fraction <= 1))
    return invalid_argument("crop_fraction must be above 0 and at most 1, found " +
                            std::to_string(preprocess.crop_fraction));
  if (!(preprocess.pad_value >= 0 && preprocess.pad_value <= 255))
    return invalid_argument("pad_value must be in 0..255, found " + std::to_string(preprocess.pad_value));
  for (int c = 0; c < 3; ++c)
    if (!std::isfinite(preprocess.mean[c]) || !std::isfinite(preprocess.scale[c]))
      return invalid_argument("mean and scale must be finite");
  return {};
}

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
  DOTORI_RETURN_IF_ERROR(check(photo, preprocess, input));
  const int height = static_cast<int>(input.shape[1]), width = static_cast<int>(input.shape[2]);
  const int channels = static_cast<int>(input.shape[3]);
  const Placement placed = place(photo, preprocess, width, height);
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

  PhotoTransform transform;
  transform.scale_x = static_cast<float>(placed.photo.width) / static_cast<float>(placed.input.width);
  transform.scale_y = static_cast<float>(placed.photo.height) / static_cast<float>(placed.input.height);
  transform.offset_x = static_cast<float>(placed.photo.x) - static_cast<float>(placed.input.x) * transform.scale_x;
  transform.offset_y = static_cast<float>(placed.photo.y) - static_cast<float>(placed.input.y) * transform.scale_y;
  transform.photo_width = photo.width;
  transform.photo_height = photo.height;
  transform.input_width = width;
  transform.input_height = height;
  return transform;
}

Result<PhotoTransform> fill_inputs(const Image& photo, const Preprocess& preprocess, Span<const TensorView> inputs,
                                   ResizeFilter filter) {
  if (inputs.empty()) return invalid_argument("no input to fill");
  PhotoTransform first;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Preprocess own = preprocess;
    const Shape& shape = inputs[i].shape;
    if (inputs.size() > 1 && shape.rank() == 4 && shape[3] == 1) own.order = ChannelOrder::kGray;
    Result<PhotoTransform> transform = fill_input(photo, own, inputs[i], filter);
    if (!transform.ok()) {
      return inputs.size() == 1 ? transform : transform.status().with_context("input " + std::to_string(i));
    }
    if (i == 0) first = *transform;
  }
  return first;
}

}  // namespace dotori::vision
