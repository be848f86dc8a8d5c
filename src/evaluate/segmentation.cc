// SPDX-License-Identifier: Apache-2.0
#include "evaluate/segmentation.h"

#include <algorithm>

namespace dotori::evaluate {
namespace {

constexpr std::size_t kClasses = 256;

// The class whose Pascal VOC colour this is; -1 when it is no such colour.
int voc_class(const std::uint8_t* rgb) {
  int index = 0;
  for (int bit = 0; bit < 8; ++bit) {
    const int channel = bit % 3, from = 7 - bit / 3;
    index |= ((rgb[channel] >> from) & 1) << bit;
  }
  std::uint8_t colour[3] = {};
  for (int bit = 0; bit < 8; ++bit)
    colour[bit % 3] = static_cast<std::uint8_t>(colour[bit % 3] | (((index >> bit) & 1) << (7 - bit / 3)));
  return std::equal(colour, colour + 3, rgb) ? index : -1;
}

std::string describe(const vision::Mask& mask) {
  return std::to_string(mask.width) + "x" + std::to_string(mask.height);
}

Status check_sizes(const vision::Mask& a, const vision::Mask& b) {
  if (!a.valid() || !b.valid()) return invalid_argument("a mask's size and classes do not agree");
  if (a.width == b.width && a.height == b.height) return {};
  return invalid_argument("masks of different sizes: " + describe(a) + " and " + describe(b));
}

}  // namespace

Result<vision::Mask> read_truth_mask(const std::string& path, MaskKind kind) {
  DOTORI_ASSIGN_OR_RETURN(const vision::Image picture, vision::load_image(path));
  vision::Mask mask;
  mask.width = picture.width;
  mask.height = picture.height;
  mask.classes.resize(picture.pixels.size() / 3);
  const auto gray = [&](std::size_t i) {
    const std::uint8_t* p = picture.pixels.data() + 3 * i;
    return p[0] == p[1] && p[1] == p[2];
  };
  bool all_gray = true;
  for (std::size_t i = 0; i < mask.classes.size(); ++i) all_gray = all_gray && gray(i);
  std::uint8_t largest = 0;
  for (std::size_t i = 0; i < mask.classes.size(); ++i) {
    const std::uint8_t* p = picture.pixels.data() + 3 * i;
    const int index = all_gray ? p[0] : kind == MaskKind::kIndices ? voc_class(p) : -1;
    if (index < 0)
      return invalid_argument(path + ": pixel (" + std::to_string(i % static_cast<std::size_t>(mask.width)) + ", " +
                              std::to_string(i / static_cast<std::size_t>(mask.width)) + "): expected " +
                              (kind == MaskKind::kIndices ? "gray or a colour of Pascal VOC" : "gray") + ", found " +
                              std::to_string(p[0]) + " " + std::to_string(p[1]) + " " + std::to_string(p[2]));
    mask.classes[i] = static_cast<std::uint8_t>(index);
    largest = std::max(largest, mask.classes[i]);
  }
  if (kind == MaskKind::kBinary && largest > 1)
    for (std::uint8_t& c : mask.classes) c = c >= 128 ? 1 : 0;
  return mask;
}

Result<vision::Mask> scale_mask(const vision::Mask& mask, int width, int height) {
  if (!mask.valid() || width < 1 || height < 1) return invalid_argument("a mask's size and classes do not agree");
  const double across = static_cast<double>(mask.width) / width, down = static_cast<double>(mask.height) / height;
  if (std::max(across, down) > 1.02 * std::min(across, down))
    return invalid_argument("a mask of " + describe(mask) + " does not fit a photo of " + std::to_string(width) + "x" +
                            std::to_string(height));
  vision::Mask scaled;
  scaled.width = width;
  scaled.height = height;
  scaled.classes.reserve(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  for (int y = 0; y < height; ++y) {
    const std::size_t row = static_cast<std::size_t>((y + 0.5) * down) * static_cast<std::size_t>(mask.width);
    for (int x = 0; x < width; ++x)
      scaled.classes.push_back(mask.classes[row + static_cast<std::size_t>((x + 0.5) * across)]);
  }
  return scaled;
}

Status Confusion::add(const vision::Mask& predicted, const vision::Mask& truth) {
  DOTORI_RETURN_IF_ERROR(check_sizes(predicted, truth));
  for (std::size_t i = 0; i < truth.classes.size(); ++i)
    if (truth.classes[i] != kVoid) ++pixels_[truth.classes[i] * kClasses + predicted.classes[i]];
  return {};
}

SegmentationFigures Confusion::figures() const {
  std::int64_t all = 0, right = 0, is_true[kClasses] = {}, is_predicted[kClasses] = {};
  std::int64_t both_foreground = 0, any_foreground = 0;
  for (std::size_t t = 0; t < kClasses; ++t)
    for (std::size_t p = 0; p < kClasses; ++p) {
      const std::int64_t n = pixels_[t * kClasses + p];
      all += n;
      is_true[t] += n;
      is_predicted[p] += n;
      if (t == p) right += n;
      if (t != 0 && p != 0) both_foreground += n;
      if (t != 0 || p != 0) any_foreground += n;
    }
  SegmentationFigures f;
  if (all == 0) return f;
  double iou = 0, dice = 0, background_dice = 0;
  int present = 0, foreground = 0;
  for (std::size_t c = 0; c < kClasses; ++c) {
    const std::int64_t sum = is_true[c] + is_predicted[c], both = pixels_[c * kClasses + c];
    if (sum == 0) continue;
    const double class_dice = 2 * static_cast<double>(both) / static_cast<double>(sum);
    iou += static_cast<double>(both) / static_cast<double>(sum - both);
    ++present;
    if (c == 0) background_dice = class_dice;
    else {
      dice += class_dice;
      ++foreground;
    }
  }
  f.iou = 100 * iou / present;
  f.dice = 100 * (foreground > 0 ? dice / foreground : background_dice);
  f.pixel_accuracy = 100 * static_cast<double>(right) / static_cast<double>(all);
  f.foreground_iou =
      any_foreground == 0 ? 100 : 100 * static_cast<double>(both_foreground) / static_cast<double>(any_foreground);
  return f;
}

Result<MaskAgreement> compare_masks(const vision::Mask& a, const vision::Mask& b) {
  DOTORI_RETURN_IF_ERROR(check_sizes(a, b));
  std::array<std::int64_t, kClasses> both{}, sum{};
  std::int64_t same = 0;
  for (std::size_t i = 0; i < a.classes.size(); ++i) {
    ++sum[a.classes[i]];
    ++sum[b.classes[i]];
    if (a.classes[i] != b.classes[i]) continue;
    ++both[a.classes[i]];
    ++same;
  }
  MaskAgreement result;
  result.same = 100 * static_cast<double>(same) / static_cast<double>(a.classes.size());
  int present = 0;
  for (std::size_t c = 0; c < kClasses; ++c) {
    if (sum[c] == 0) continue;
    result.iou += static_cast<double>(both[c]) / static_cast<double>(sum[c] - both[c]);
    ++present;
  }
  result.iou *= 100.0 / present;
  return result;
}

}  // namespace dotori::evaluate
