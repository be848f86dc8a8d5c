// SPDX-License-Identifier: Apache-2.0
// PNG and BMP through stb, whose implementation is compiled here and nowhere else, with internal linkage.
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "vision/codecs.h"

namespace {

// stb's inflate grows its buffer as long as the stream goes on: a few kilobytes would fill the memory.
constexpr std::size_t kMaxAllocation = std::size_t{1} << 30;
void* limited_malloc(std::size_t bytes) {
  return bytes > kMaxAllocation ? nullptr : std::malloc(bytes);
}
void* limited_realloc(void* p, std::size_t bytes) {
  return bytes > kMaxAllocation ? nullptr : std::realloc(p, bytes);
}

}  // namespace

#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_NO_FAILURE_STRINGS
#define STBI_MAX_DIMENSIONS 65535
#define STBI_MALLOC(bytes) limited_malloc(bytes)
#define STBI_REALLOC(p, bytes) limited_realloc(p, bytes)
#define STBI_FREE(p) std::free(p)
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <stb_image.h>
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace dotori::vision {
namespace {

struct Free {
  void operator()(void* p) const { std::free(p); }
};
using Pixels = std::unique_ptr<unsigned char, Free>;

struct Header {
  int width = 0, height = 0;
};

Result<Header> read_header(Span<const unsigned char> bytes, const char* format, const DecodeOptions& options) {
  if (bytes.size() > INT_MAX) return invalid_argument(std::string(format) + " file above 2 GiB");
  Header header;
  int channels = 0;
  if (stbi_info_from_memory(bytes.data(), static_cast<int>(bytes.size()), &header.width, &header.height, &channels) ==
      0)
    return invalid_argument(std::string("damaged, truncated or unusual ") + format + " header");
  DOTORI_RETURN_IF_ERROR(check_size(header.width, header.height, options));
  return header;
}

Result<Pixels> read_pixels(Span<const unsigned char> bytes, const char* format, const Header& header, int channels) {
  int width = 0, height = 0, stored_channels = 0;
  Pixels pixels(
      stbi_load_from_memory(bytes.data(), static_cast<int>(bytes.size()), &width, &height, &stored_channels, channels));
  if (pixels == nullptr || width != header.width || height != header.height)
    return invalid_argument(std::string("damaged or truncated ") + format);
  return pixels;
}

std::uint32_t little_endian(Span<const unsigned char> bytes, std::size_t offset, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | bytes[offset + i];
  return value;
}

// stb refuses the largest sizes as if the header were damaged.
Status check_png_size(Span<const unsigned char> bytes, const DecodeOptions& options) {
  constexpr std::size_t kWidthAt = 16, kHeightAt = 20;
  if (bytes.size() < kHeightAt + 4) return {};
  std::uint32_t width = 0, height = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    width = width << 8 | bytes[kWidthAt + i];
    height = height << 8 | bytes[kHeightAt + i];
  }
  return width == 0 || height == 0 ? Status() : check_size(width, height, options);
}

// stb reads zeros beyond the end of a BMP without a word, so the length is checked here.
Status check_bmp_length(Span<const unsigned char> bytes, const Header& header) {
  constexpr std::size_t kOffsetAt = 10, kInfoBytesAt = 14, kOldBitsAt = 24, kBitsAt = 28, kOldInfoBytes = 12;
  if (bytes.size() < kBitsAt + 2) return invalid_argument("truncated BMP header");
  const std::uint64_t offset = little_endian(bytes, kOffsetAt, 4);
  const bool old = little_endian(bytes, kInfoBytesAt, 4) == kOldInfoBytes;
  const std::uint64_t bits = little_endian(bytes, old ? kOldBitsAt : kBitsAt, 2);
  const std::uint64_t row_bits = bits * static_cast<std::uint64_t>(header.width);
  // The last row's padding may be missing.
  const std::uint64_t needed =
      offset + (row_bits + 31) / 32 * 4 * static_cast<std::uint64_t>(header.height - 1) + (row_bits + 7) / 8;
  if (bytes.size() < needed)
    return invalid_argument("truncated BMP: " + std::to_string(needed) + " bytes expected, found " +
                            std::to_string(bytes.size()));
  return {};
}

}  // namespace

Result<Image> decode_png(Span<const unsigned char> bytes, const DecodeOptions& options) {
  DOTORI_RETURN_IF_ERROR(check_png_size(bytes, options));
  DOTORI_ASSIGN_OR_RETURN(const Header header, read_header(bytes, "PNG", options));
  // Always with alpha: the header does not tell whether a transparent colour follows.
  DOTORI_ASSIGN_OR_RETURN(const Pixels rgba, read_pixels(bytes, "PNG", header, 4));
  Image image = make_image(header.width, header.height);
  for (std::size_t i = 0; i < image.pixels.size() / 3; ++i) {
    const unsigned char* in = rgba.get() + 4 * i;
    const unsigned alpha = in[3];
    for (std::size_t c = 0; c < 3; ++c)
      image.pixels[3 * i + c] = static_cast<std::uint8_t>((in[c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
  return image;
}

Result<Image> decode_bmp(Span<const unsigned char> bytes, const DecodeOptions& options) {
  DOTORI_ASSIGN_OR_RETURN(const Header header, read_header(bytes, "BMP", options));
  DOTORI_RETURN_IF_ERROR(check_bmp_length(bytes, header));
  // Without alpha: most programs leave rubbish in a BMP's fourth byte.
  DOTORI_ASSIGN_OR_RETURN(const Pixels rgb, read_pixels(bytes, "BMP", header, 3));
  Image image = make_image(header.width, header.height);
  image.pixels.assign(rgb.get(), rgb.get() + image.pixels.size());
  return image;
}

Result<std::vector<unsigned char>> encode_png(const Image& image) {
  if (image.pixels.size() > INT_MAX / 2)
    return invalid_argument("a picture of " + std::to_string(image.width) + "x" + std::to_string(image.height) +
                            " is too large for a PNG");
  int bytes = 0;
  const Pixels file(stbi_write_png_to_mem(image.pixels.data(), 3 * image.width, image.width, image.height, 3, &bytes));
  if (file == nullptr) return out_of_memory("no memory to write a PNG");
  return std::vector<unsigned char>(file.get(), file.get() + bytes);
}

}  // namespace dotori::vision
