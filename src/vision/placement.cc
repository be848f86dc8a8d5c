// SPDX-License-Identifier: Apache-2.0
#include "vision/placement.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace dotori::vision {

Placement place_photo(int photo_width, int photo_height, const Preprocess& preprocess, int width, int height) {
  Placement p{{0, 0, photo_width, photo_height}, {0, 0, width, height}};
  switch (preprocess.resize) {
    case ResizeMode::kCenterCrop: {
      const int shorter = std::min(photo_width, photo_height);
      const double wanted = static_cast<double>(preprocess.crop_fraction) * shorter;
      const int side = std::clamp(static_cast<int>(std::lround(wanted)), 1, shorter);
      p.photo = {(photo_width - side) / 2, (photo_height - side) / 2, side, side};
      break;
    }
    case ResizeMode::kLetterbox:
    case ResizeMode::kLetterboxTopLeft: {
      // In integers, so that the tight side fits exactly.
      const std::int64_t pw = photo_width, ph = photo_height;
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

PhotoTransform transform_of(const Placement& placed, int photo_width, int photo_height, int width, int height) {
  PhotoTransform transform;
  transform.scale_x = static_cast<float>(placed.photo.width) / static_cast<float>(placed.input.width);
  transform.scale_y = static_cast<float>(placed.photo.height) / static_cast<float>(placed.input.height);
  transform.offset_x = static_cast<float>(placed.photo.x) - static_cast<float>(placed.input.x) * transform.scale_x;
  transform.offset_y = static_cast<float>(placed.photo.y) - static_cast<float>(placed.input.y) * transform.scale_y;
  transform.photo_width = photo_width;
  transform.photo_height = photo_height;
  transform.input_width = width;
  transform.input_height = height;
  return transform;
}

Status check_input(const Preprocess& preprocess, const TensorView& input) {
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

}  // namespace dotori::vision
