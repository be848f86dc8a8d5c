// SPDX-License-Identifier: Apache-2.0
// Small image files made in memory.
#pragma once

#include <cstdint>
#include <vector>

#include <dotori/vision.h>

namespace dotori::testing {

using Bytes = std::vector<unsigned char>;

struct JpegOptions {
  int quality = 100;
  bool progressive = false;
  Bytes app1;  // stored before the picture when not empty
  enum class Colors { kYcc, kGray, kCmyk, kYcck } colors = Colors::kYcc;
};

// `components` interleaved samples a pixel: 3 (kYcc), 1 (kGray) or 4 (kCmyk, kYcck: as stored, Adobe's inverted ink).
Bytes jpeg_file(int width, int height, const std::vector<std::uint8_t>& samples, const JpegOptions& options = {});

// An EXIF APP1 payload with one directory entry: the orientation.
Bytes exif_payload(int orientation, bool big_endian = false);

// A PNG with stored (not compressed) rows. `rows` without the filter bytes; `extra_chunks`, whole chunks, come before
// IDAT.
Bytes png_file(int width, int height, int bit_depth, int color_type, const Bytes& rows, const Bytes& extra_chunks = {});
Bytes png_chunk(const char* type, const Bytes& data);

// 24 bits a pixel, rows from the bottom, from RGB.
Bytes bmp_file(const vision::Image& image);

// A picture whose pixels all differ.
vision::Image gradient(int width, int height);

}  // namespace dotori::testing
