// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <string>

#include <dotori/vision.h>

namespace dotori::vision {
namespace {

constexpr int kLevels = 256;

std::uint8_t to_byte(float v) {
  return static_cast<std::uint8_t>(std::clamp(std::nearbyint(v), 0.0f, 255.0f));
}

// Position `i` mirrored into [0, size) without repeating the border.
int mirrored(int i, int size) {
  if (size == 1) return 0;
  const int period = 2 * (size - 1);
  i = ((i % period) + period) % period;
  return i < size ? i : period - i;
}

// Half of a normalised Gaussian, from its middle on: three deviations to either side.
std::vector<float> gaussian(float sigma) {
  const int radius = std::max(1, static_cast<int>(std::ceil(3 * static_cast<double>(sigma))));
  std::vector<double> weights;
  double sum = 0;
  for (int i = 0; i <= radius; ++i) {
    const double x = i / static_cast<double>(sigma);
    weights.push_back(std::exp(-0.5 * x * x));
    sum += i == 0 ? weights.back() : 2 * weights.back();
  }
  std::vector<float> half;
  for (double w : weights) half.push_back(static_cast<float>(w / sum));
  return half;
}

// Rows first, then columns; three channels, float32. One row is in work at a time, and columns take rows of a ring, so
// that a large photo costs little more than itself. Calls row(y, values) from the top down.
template <class Row>
void blur_rows(const Image& image, float sigma, const Row& row) {
  const std::vector<float> half = gaussian(sigma);
  const int radius = static_cast<int>(half.size()) - 1;
  const std::size_t elems = 3 * static_cast<std::size_t>(image.width), border = 3 * static_cast<std::size_t>(radius);
  const int height = image.height, held = std::min(height, 2 * radius + 1);
  std::vector<float> wide(elems + 2 * border), ring(elems * static_cast<std::size_t>(held)), result(elems);
  const auto ring_row = [&](int y) { return ring.data() + static_cast<std::size_t>(y % held) * elems; };
  int done = 0;
  for (int y = 0; y < height; ++y) {
    for (; done < std::min(height, y + radius + 1); ++done) {
      const std::uint8_t* from = image.pixels.data() + static_cast<std::size_t>(done) * elems;
      for (int x = -radius; x < image.width + radius; ++x)
        for (std::size_t c = 0; c < 3; ++c)
          wide[3 * static_cast<std::size_t>(x + radius) + c] =
              static_cast<float>(from[3 * static_cast<std::size_t>(mirrored(x, image.width)) + c]);
      float* to = ring_row(done);
      for (std::size_t e = 0; e < elems; ++e) to[e] = half[0] * wide[e + border];
      for (std::size_t k = 1; k <= static_cast<std::size_t>(radius); ++k)
        for (std::size_t e = 0; e < elems; ++e)
          to[e] += half[k] * (wide[e + border - 3 * k] + wide[e + border + 3 * k]);
    }
    const float* middle = ring_row(y);
    for (std::size_t e = 0; e < elems; ++e) result[e] = half[0] * middle[e];
    for (int k = 1; k <= radius; ++k) {
      const float weight = half[static_cast<std::size_t>(k)];
      const float *above = ring_row(mirrored(y - k, height)), *below = ring_row(mirrored(y + k, height));
      for (std::size_t e = 0; e < elems; ++e) result[e] += weight * (above[e] + below[e]);
    }
    row(y, result);
  }
}

// One tile's brightness to its share of the darker pixels, with bins cut at `most` and the rest spread over all of
// them.
void make_table(const int (&histogram)[kLevels], int pixels, float clip, float* table) {
  const int most = std::max(1, static_cast<int>(clip * static_cast<float>(pixels) / kLevels));
  int bins[kLevels], excess = 0;
  for (int i = 0; i < kLevels; ++i) {
    bins[i] = std::min(histogram[i], most);
    excess += histogram[i] - bins[i];
  }
  const int each = excess / kLevels;
  int left = excess % kLevels;
  for (int& bin : bins) bin += each;
  const int step = left == 0 ? 1 : std::max(1, kLevels / left);
  for (int i = 0; i < kLevels && left > 0; i += step, --left) ++bins[i];
  int sum = 0;
  for (int i = 0; i < kLevels; ++i) {
    sum += bins[i];
    table[i] = std::min(255.0f, std::nearbyint(static_cast<float>(sum) * 255.0f / static_cast<float>(pixels)));
  }
}

// Where a pixel lies between the middles of tiles.
struct Between {
  int first, second;
  float weight;  // of the second
};
Between between(int position, float tile_size, int tiles) {
  const float at = static_cast<float>(position) / tile_size - 0.5f;
  const int first = static_cast<int>(std::floor(at));
  return {std::clamp(first, 0, tiles - 1), std::clamp(first + 1, 0, tiles - 1), at - static_cast<float>(first)};
}

void equalize(Image& image, float clip, int tiles) {
  // Tiles of equal size: the image counts as mirrored beyond its right and bottom side.
  const int tile_w = (image.width + tiles - 1) / tiles, tile_h = (image.height + tiles - 1) / tiles;
  std::vector<std::uint8_t> luma(image.pixels.size() / 3);
  for (std::size_t i = 0; i < luma.size(); ++i) {
    const std::uint8_t* p = image.pixels.data() + 3 * i;
    luma[i] = to_byte(0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2]);
  }
  std::vector<float> tables(static_cast<std::size_t>(tiles) * static_cast<std::size_t>(tiles) * kLevels);
  for (int ty = 0; ty < tiles; ++ty)
    for (int tx = 0; tx < tiles; ++tx) {
      int histogram[kLevels] = {};
      for (int y = ty * tile_h; y < (ty + 1) * tile_h; ++y)
        for (int x = tx * tile_w; x < (tx + 1) * tile_w; ++x)
          ++histogram[luma[static_cast<std::size_t>(mirrored(y, image.height)) * static_cast<std::size_t>(image.width) +
                           static_cast<std::size_t>(mirrored(x, image.width))]];
      make_table(histogram, tile_w * tile_h, clip, tables.data() + static_cast<std::size_t>(ty * tiles + tx) * kLevels);
    }
  for (int y = 0; y < image.height; ++y) {
    const Between v = between(y, static_cast<float>(tile_h), tiles);
    for (int x = 0; x < image.width; ++x) {
      const Between u = between(x, static_cast<float>(tile_w), tiles);
      const std::size_t i =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(x);
      const auto at = [&](int ty, int tx) {
        return tables[static_cast<std::size_t>(ty * tiles + tx) * kLevels + luma[i]];
      };
      const float top = at(v.first, u.first) * (1 - u.weight) + at(v.first, u.second) * u.weight;
      const float bottom = at(v.second, u.first) * (1 - u.weight) + at(v.second, u.second) * u.weight;
      const float change = std::nearbyint(top * (1 - v.weight) + bottom * v.weight) - static_cast<float>(luma[i]);
      for (std::size_t c = 0; c < 3; ++c)
        image.pixels[3 * i + c] = to_byte(static_cast<float>(image.pixels[3 * i + c]) + change);
    }
  }
}

Status check_number(const char* what, float value, float low, float high) {
  if (value >= low && value <= high) return {};
  return invalid_argument(std::string(what) + " must be in " + std::to_string(low) + " to " + std::to_string(high) +
                          ", found " + std::to_string(value));
}

// Changes rows above the ones that the blur still reads; these it has taken over already.
template <class Change>
void change_by_blur(Image& image, float sigma, const Change& change) {
  blur_rows(image, sigma, [&](int y, const std::vector<float>& soft) {
    std::uint8_t* p = image.pixels.data() + static_cast<std::size_t>(y) * soft.size();
    for (std::size_t e = 0; e < soft.size(); ++e) p[e] = to_byte(change(static_cast<float>(p[e]), soft[e]));
  });
}

Status check_image(const Image& image) {
  return image.valid() ? Status() : invalid_argument("the image's size and pixels do not agree");
}

}  // namespace

Status gaussian_blur(Image& image, float sigma) {
  DOTORI_RETURN_IF_ERROR(check_image(image));
  DOTORI_RETURN_IF_ERROR(check_number("sigma", sigma, 0.01f, 100));
  change_by_blur(image, sigma, [](float, float soft) { return soft; });
  return {};
}

Status unsharp_mask(Image& image, float amount, float sigma) {
  DOTORI_RETURN_IF_ERROR(check_image(image));
  DOTORI_RETURN_IF_ERROR(check_number("amount", amount, 0.01f, 10));
  DOTORI_RETURN_IF_ERROR(check_number("sigma", sigma, 0.01f, 100));
  change_by_blur(image, sigma, [amount](float x, float soft) { return x + amount * (x - soft); });
  return {};
}

Status equalize_brightness(Image& image, float clip, int tiles) {
  DOTORI_RETURN_IF_ERROR(check_image(image));
  DOTORI_RETURN_IF_ERROR(check_number("clip", clip, 1, 100));
  DOTORI_RETURN_IF_ERROR(check_number("tiles", static_cast<float>(tiles), 1, 64));
  equalize(image, clip, tiles);
  return {};
}

Status apply_filters(Image& image, Span<const PhotoFilter> filters) {
  DOTORI_RETURN_IF_ERROR(check_image(image));
  for (const PhotoFilter& f : filters) {
    switch (f.kind) {
      case FilterKind::kBlur: DOTORI_RETURN_IF_ERROR(gaussian_blur(image, f.sigma)); break;
      case FilterKind::kSharpen: DOTORI_RETURN_IF_ERROR(unsharp_mask(image, f.amount, f.sigma)); break;
      case FilterKind::kEqualize: DOTORI_RETURN_IF_ERROR(equalize_brightness(image, f.clip, f.tiles)); break;
    }
  }
  return {};
}

}  // namespace dotori::vision
