// SPDX-License-Identifier: Apache-2.0
#include "vision/exif.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace dotori::vision {
namespace {

constexpr std::uint32_t kOrientationTag = 274;
constexpr std::uint32_t kTypeShort = 3, kTypeLong = 4;
constexpr std::size_t kEntryBytes = 12;

// Numbers of a TIFF file in its own byte order; false when they lie outside.
class TiffReader {
 public:
  TiffReader(Span<const unsigned char> bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  bool read(std::size_t offset, int count, std::uint32_t* value) const {
    const std::size_t n = static_cast<std::size_t>(count);
    if (offset > bytes_.size() || bytes_.size() - offset < n) return false;
    *value = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = big_endian_ ? offset + i : offset + n - 1 - i;
      *value = *value << 8 | bytes_[at];
    }
    return true;
  }

 private:
  Span<const unsigned char> bytes_;
  bool big_endian_;
};

}  // namespace

int exif_orientation(Span<const unsigned char> payload) {
  constexpr std::size_t kSignatureBytes = 6, kHeaderBytes = 8;
  if (payload.size() < kSignatureBytes + kHeaderBytes) return 0;
  if (std::memcmp(payload.data(), "Exif\0\0", kSignatureBytes) != 0) return 0;
  const Span<const unsigned char> tiff(payload.data() + kSignatureBytes, payload.size() - kSignatureBytes);
  const bool big_endian = tiff[0] == 'M' && tiff[1] == 'M';
  if (!big_endian && !(tiff[0] == 'I' && tiff[1] == 'I')) return 0;

  const TiffReader reader(tiff, big_endian);
  std::uint32_t magic = 0, directory = 0, entries = 0;
  if (!reader.read(2, 2, &magic) || magic != 42 || !reader.read(4, 4, &directory)) return 0;
  if (!reader.read(directory, 2, &entries)) return 0;
  // The directory's end is no limit to trust: reads past the segment fail one by one.
  std::size_t entry = std::size_t{directory} + 2;
  for (std::uint32_t i = 0; i < entries; ++i, entry += kEntryBytes) {
    std::uint32_t tag = 0, type = 0, count = 0, value = 0;
    if (!reader.read(entry, 2, &tag) || !reader.read(entry + 2, 2, &type) || !reader.read(entry + 4, 4, &count))
      return 0;
    if (tag != kOrientationTag) continue;
    if (count != 1 || (type != kTypeShort && type != kTypeLong)) return 0;
    if (!reader.read(entry + 8, type == kTypeShort ? 2 : 4, &value)) return 0;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 0;
  }
  return 0;
}

Image apply_orientation(Image image, int orientation) {
  if (orientation < 2 || orientation > 8 || !image.valid()) return image;
  const std::ptrdiff_t w = image.width, h = image.height;
  const bool swapped = orientation >= 5;
  // The source pixel of result (x, y) is first + x * right + y * down.
  std::ptrdiff_t first = 0, right = 0, down = 0;
  switch (orientation) {
    case 2: first = w - 1, right = -1, down = w; break;
    case 3: first = w * h - 1, right = -1, down = -w; break;
    case 4: first = (h - 1) * w, right = 1, down = -w; break;
    case 5: first = 0, right = w, down = 1; break;
    case 6: first = (h - 1) * w, right = -w, down = 1; break;
    case 7: first = w * h - 1, right = -w, down = -1; break;
    default: first = w - 1, right = w, down = -1; break;
  }
  Image turned = make_image(static_cast<int>(swapped ? h : w), static_cast<int>(swapped ? w : h));
  // Square tiles: reading down columns of a large photo row by row would miss the cache at every pixel.
  constexpr std::ptrdiff_t kTile = 32;
  const std::ptrdiff_t tw = turned.width, th = turned.height;
  for (std::ptrdiff_t ty = 0; ty < th; ty += kTile)
    for (std::ptrdiff_t tx = 0; tx < tw; tx += kTile)
      for (std::ptrdiff_t y = ty; y < std::min(ty + kTile, th); ++y)
        for (std::ptrdiff_t x = tx; x < std::min(tx + kTile, tw); ++x)
          std::memcpy(&turned.pixels[static_cast<std::size_t>(3 * (y * tw + x))],
                      &image.pixels[static_cast<std::size_t>(3 * (first + x * right + y * down))], 3);
  return turned;
}

}  // namespace dotori::vision
