// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>

#include <dotori/vision.h>

namespace dotori::vision {
namespace {

constexpr int kMaxBlendedChannels = 32;
constexpr std::int64_t kMaxMapSide = 1 << 15;

// The two map cells that a photo coordinate lies between, and how far it is from the first to the second.
struct Between {
  int first = 0, second = 0;
  float part = 0;
  bool seen = false;  // whether the model's input covered it
  int nearest() const { return part < 0.5f ? first : second; }
};

std::vector<Between> between_cells(int photo_size, float scale, float offset, int input_size, int map_size) {
  std::vector<Between> axis(static_cast<std::size_t>(photo_size));
  const double cells = static_cast<double>(map_size) / input_size;
  for (int i = 0; i < photo_size; ++i) {
    const double input = (i + 0.5 - offset) / scale;
    Between& b = axis[static_cast<std::size_t>(i)];
    b.seen = input >= 0 && input < input_size;
    if (!b.seen) continue;
    const double cell = std::clamp(input * cells - 0.5, 0.0, static_cast<double>(map_size - 1));
    b.first = static_cast<int>(cell);
    b.second = std::min(b.first + 1, map_size - 1);
    b.part = static_cast<float>(cell - b.first);
  }
  return axis;
}

// `map` seen as [height, width, channels].
struct MapSize {
  int height = 0, width = 0, channels = 0;
};

Result<MapSize> map_size(const TensorView& map, const PhotoTransform& transform) {
  Shape s = map.shape;
  const std::string found = data_type_name(map.type) + s.to_string();
  DOTORI_ASSIGN_OR_RETURN(const std::int64_t elements, s.checked_elements());
  if (map.data == nullptr || map.size_bytes < static_cast<std::size_t>(elements) * data_type_bytes(map.type))
    return invalid_argument("the map's memory is smaller than its shape " + found);
  // A map of the input's size whose rows were strung together by the network's last reshape.
  const std::int64_t input_pixels = static_cast<std::int64_t>(transform.input_width) * transform.input_height;
  if ((s.rank() == 2 || s.rank() == 3) && s[0] == 1 && s[1] == input_pixels)
    s = {1, transform.input_height, transform.input_width, s.rank() == 3 ? s[2] : 1};
  const bool batched = s.rank() == 4 || s.rank() == 3;
  if (s.rank() < 2 || s.rank() > 4 || (batched && s[0] != 1))
    return invalid_argument("a segmentation map must be [1,h,w,c], [1,h,w] or [h,w], found " + found);
  const int y = batched ? 1 : 0;
  const std::int64_t channels = s.rank() == 4 ? s[3] : 1;
  if (s[y] > kMaxMapSide || s[y + 1] > kMaxMapSide || channels > 256)
    return invalid_argument("a segmentation map has at most 32768x32768 cells and 256 channels, found " + found);
  return MapSize{static_cast<int>(s[y]), static_cast<int>(s[y + 1]), static_cast<int>(channels)};
}

// Interpolation spreads one NaN over its neighbours, so such values are replaced first.
void make_finite(std::vector<float>* values) {
  float lowest = 0;
  bool any = false;
  for (float v : *values) {
    if (!std::isfinite(v)) continue;
    lowest = any ? std::min(lowest, v) : v;
    any = true;
  }
  for (float& v : *values)
    if (!std::isfinite(v)) v = lowest;
}

void stretch_to_unit(std::vector<float>* values) {
  const auto [low, high] = std::minmax_element(values->begin(), values->end());
  const double least = *low, range = static_cast<double>(*high) - least;
  for (float& v : *values) v = range > 0 ? static_cast<float>((v - least) / range) : 0.0f;
}

float blend(float a, float b, float part) {
  return a * (1 - part) + b * part;
}

// Calls decide(photo x, values of all channels) -> class for every pixel the input covered.
template <class Decide>
void blend_and_decide(const std::vector<float>& map, const MapSize& size, const std::vector<Between>& across,
                      const std::vector<Between>& down, Mask* mask, const Decide& decide) {
  const std::size_t channels = static_cast<std::size_t>(size.channels);
  const std::size_t row_values = channels * static_cast<std::size_t>(size.width);
  std::vector<float> row(row_values), pixel(channels);
  for (std::size_t y = 0; y < down.size(); ++y) {
    if (!down[y].seen) continue;
    const float* above = map.data() + row_values * static_cast<std::size_t>(down[y].first);
    const float* below = map.data() + row_values * static_cast<std::size_t>(down[y].second);
    for (std::size_t i = 0; i < row_values; ++i) row[i] = blend(above[i], below[i], down[y].part);
    std::uint8_t* out = mask->classes.data() + y * across.size();
    for (std::size_t x = 0; x < across.size(); ++x) {
      if (!across[x].seen) continue;
      const float* left = row.data() + channels * static_cast<std::size_t>(across[x].first);
      const float* right = row.data() + channels * static_cast<std::size_t>(across[x].second);
      for (std::size_t c = 0; c < channels; ++c) pixel[c] = blend(left[c], right[c], across[x].part);
      out[x] = decide(pixel.data());
    }
  }
}

std::uint8_t largest_channel(const float* values, int channels) {
  return static_cast<std::uint8_t>(std::max_element(values, values + channels) - values);
}

// Each photo pixel takes the class of its nearest cell.
void spread_classes(const std::vector<std::uint8_t>& cells, int map_width, const std::vector<Between>& across,
                    const std::vector<Between>& down, Mask* mask) {
  for (std::size_t y = 0; y < down.size(); ++y) {
    if (!down[y].seen) continue;
    const std::uint8_t* row =
        cells.data() + static_cast<std::size_t>(down[y].nearest()) * static_cast<std::size_t>(map_width);
    std::uint8_t* out = mask->classes.data() + y * across.size();
    for (std::size_t x = 0; x < across.size(); ++x)
      if (across[x].seen) out[x] = row[across[x].nearest()];
  }
}

Result<std::vector<std::uint8_t>> read_class_map(const TensorView& map, std::size_t count) {
  std::vector<std::uint8_t> cells(count);
  std::vector<float> real;
  if (map.quantized()) {
    DOTORI_ASSIGN_OR_RETURN(real, dequantize(map));
    // scale * (q - zero_point) may lie a rounding error beside the index meant.
    for (float& v : real) v = std::nearbyint(v);
  }
  for (std::size_t i = 0; i < count; ++i) {
    double value = 0;
    switch (real.empty() ? map.type : DataType::kFloat32) {
      case DataType::kFloat32: value = real.empty() ? map.f32()[i] : real[i]; break;
      case DataType::kInt32: value = static_cast<const std::int32_t*>(map.data)[i]; break;
      case DataType::kInt64: value = static_cast<double>(static_cast<const std::int64_t*>(map.data)[i]); break;
      case DataType::kUint8: value = static_cast<const std::uint8_t*>(map.data)[i]; break;
      case DataType::kInt8: value = static_cast<const std::int8_t*>(map.data)[i]; break;
      default: return invalid_argument(std::string("a class map cannot be ") + data_type_name(map.type));
    }
    if (std::isnan(value)) value = 0;
    if (!(value >= 0 && value <= 255))
      return invalid_argument("class index " + std::to_string(value) + " in a class map; 0..255 expected");
    cells[i] = static_cast<std::uint8_t>(value);
  }
  return cells;
}

Status check(const SegmentationInfo& info, const TensorView& map, const MapSize& size, const PhotoTransform& t) {
  const std::string found = data_type_name(map.type) + map.shape.to_string();
  if (info.decoder == MaskDecoder::kNone || info.decoder >= MaskDecoder::kCount)
    return invalid_argument("the model says no mask decoder");
  if (info.decoder != MaskDecoder::kClassMap && map.f32() == nullptr && !map.quantized())
    return invalid_argument(std::string("mask decoder ") + mask_decoder_name(info.decoder) +
                            " needs float32, or int8 or uint8 with a scale, found " + found);
  if (info.decoder != MaskDecoder::kArgMax && size.channels != 1)
    return invalid_argument(std::string("mask decoder ") + mask_decoder_name(info.decoder) +
                            " needs one channel, found " + found);
  if (info.decoder == MaskDecoder::kThreshold && std::isnan(info.threshold))
    return invalid_argument("the mask's threshold must be a number");
  if (t.input_width < 1 || t.input_height < 1 || t.photo_width < 1 || t.photo_height < 1 || !(t.scale_x > 0) ||
      !(t.scale_y > 0) || !std::isfinite(t.scale_x + t.scale_y + t.offset_x + t.offset_y))
    return invalid_argument("not a PhotoTransform from fill_input()");
  return {};
}

}  // namespace

Result<Mask> decode_mask(const SegmentationInfo& info, const TensorView& map, const PhotoTransform& t) {
  DOTORI_ASSIGN_OR_RETURN(const MapSize size, map_size(map, t));
  DOTORI_RETURN_IF_ERROR(check(info, map, size, t));
  const auto across = between_cells(t.photo_width, t.scale_x, t.offset_x, t.input_width, size.width);
  const auto down = between_cells(t.photo_height, t.scale_y, t.offset_y, t.input_height, size.height);
  Mask mask;
  mask.width = t.photo_width;
  mask.height = t.photo_height;
  mask.classes.resize(across.size() * down.size());
  const std::size_t cells = static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width);

  if (info.decoder == MaskDecoder::kClassMap) {
    DOTORI_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> classes, read_class_map(map, cells));
    spread_classes(classes, size.width, across, down, &mask);
    return mask;
  }
  DOTORI_ASSIGN_OR_RETURN(std::vector<float> values, dequantize(map));
  make_finite(&values);
  if (info.decoder == MaskDecoder::kThreshold) {
    if (info.min_max_norm) stretch_to_unit(&values);
    blend_and_decide(values, size, across, down, &mask,
                     [&](const float* v) { return static_cast<std::uint8_t>(*v >= info.threshold); });
  } else if (size.channels <= kMaxBlendedChannels) {
    blend_and_decide(values, size, across, down, &mask,
                     [&](const float* v) { return largest_channel(v, size.channels); });
  } else {
    std::vector<std::uint8_t> classes(cells);
    for (std::size_t i = 0; i < cells; ++i)
      classes[i] = largest_channel(values.data() + i * static_cast<std::size_t>(size.channels), size.channels);
    spread_classes(classes, size.width, across, down, &mask);
  }
  return mask;
}

}  // namespace dotori::vision
