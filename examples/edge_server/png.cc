// SPDX-License-Identifier: Apache-2.0
#include "png.h"

#include <zlib.h>

#include <cstring>
#include <vector>

namespace dotori::edge {
namespace {

void append_u32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

void append_chunk(std::string& out, const char* kind, const unsigned char* data, std::size_t bytes) {
  append_u32(out, static_cast<std::uint32_t>(bytes));
  const std::size_t start = out.size();
  out.append(kind, 4);
  out.append(reinterpret_cast<const char*>(data), bytes);
  append_u32(out, static_cast<std::uint32_t>(
                      crc32(0, reinterpret_cast<const Bytef*>(out.data() + start), static_cast<uInt>(bytes + 4))));
}

}  // namespace

std::string gray_png(int width, int height, const std::uint8_t* pixels) {
  const std::size_t row = static_cast<std::size_t>(width), rows = static_cast<std::size_t>(height);
  // Masks are flat: each row's difference from the one above is nearly all zeros.
  constexpr unsigned char kUp = 2;
  std::vector<unsigned char> filtered((row + 1) * rows);
  for (std::size_t y = 0; y < rows; ++y) {
    unsigned char* to = filtered.data() + y * (row + 1);
    *to++ = kUp;
    const std::uint8_t* from = pixels + y * row;
    if (y == 0) std::memcpy(to, from, row);
    else
      for (std::size_t x = 0; x < row; ++x) to[x] = static_cast<unsigned char>(from[x] - from[x - row]);
  }
  uLongf bytes = compressBound(static_cast<uLong>(filtered.size()));
  std::vector<unsigned char> packed(bytes);
  if (compress2(packed.data(), &bytes, filtered.data(), static_cast<uLong>(filtered.size()), Z_BEST_SPEED) != Z_OK)
    return {};
  std::string file("\x89PNG\r\n\x1a\n", 8);
  std::string header;
  append_u32(header, static_cast<std::uint32_t>(width));
  append_u32(header, static_cast<std::uint32_t>(height));
  header.append("\x08\0\0\0\0", 5);  // 8 bits of gray
  append_chunk(file, "IHDR", reinterpret_cast<const unsigned char*>(header.data()), header.size());
  append_chunk(file, "IDAT", packed.data(), bytes);
  append_chunk(file, "IEND", nullptr, 0);
  return file;
}

std::string base64(const std::string& bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

}  // namespace dotori::edge
