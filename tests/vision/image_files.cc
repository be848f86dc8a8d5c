// SPDX-License-Identifier: Apache-2.0
#include "vision/image_files.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <jpeglib.h>

namespace dotori::testing {
namespace {

void append_big_endian(Bytes* out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<unsigned char>(value >> shift));
}

void append_little_endian(Bytes* out, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) out->push_back(static_cast<unsigned char>(value >> (8 * i)));
}

std::uint32_t crc32(const unsigned char* p, std::size_t n) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (std::size_t i = 0; i < n; ++i) {
    crc ^= p[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

}  // namespace

Bytes jpeg_file(int width, int height, const std::vector<std::uint8_t>& samples, const JpegOptions& options) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors = {};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  using Colors = JpegOptions::Colors;
  const bool inks = options.colors == Colors::kCmyk || options.colors == Colors::kYcck;
  info.input_components = inks ? 4 : options.colors == Colors::kGray ? 1 : 3;
  info.in_color_space = inks ? JCS_CMYK : options.colors == Colors::kGray ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  if (options.colors == Colors::kYcck) jpeg_set_colorspace(&info, JCS_YCCK);
  jpeg_set_quality(&info, options.quality, TRUE);
  for (int c = 0; c < info.num_components; ++c) info.comp_info[c].h_samp_factor = info.comp_info[c].v_samp_factor = 1;
  if (options.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (!options.app1.empty())
    jpeg_write_marker(&info, JPEG_APP0 + 1, options.app1.data(), static_cast<unsigned>(options.app1.size()));
  const std::size_t stride = static_cast<std::size_t>(width) * static_cast<std::size_t>(info.input_components);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(samples.data() + stride * info.next_scanline);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  Bytes file(memory, memory + size);
  std::free(memory);
  return file;
}

Bytes exif_payload(int orientation, bool big_endian) {
  Bytes out = {'E', 'x', 'i', 'f', 0, 0};
  const auto put = [&](std::uint32_t value, int count) {
    for (int i = 0; i < count; ++i)
      out.push_back(static_cast<unsigned char>(value >> (8 * (big_endian ? count - 1 - i : i))));
  };
  out.push_back(big_endian ? 'M' : 'I');
  out.push_back(big_endian ? 'M' : 'I');
  put(42, 2);
  put(8, 4);    // the directory follows the header
  put(1, 2);    // entries
  put(274, 2);  // orientation
  put(3, 2);    // SHORT
  put(1, 4);
  put(static_cast<std::uint32_t>(orientation), 2);
  put(0, 2);
  put(0, 4);  // no further directory
  return out;
}

Bytes png_chunk(const char* type, const Bytes& data) {
  Bytes chunk;
  append_big_endian(&chunk, static_cast<std::uint32_t>(data.size()));
  chunk.insert(chunk.end(), type, type + 4);
  chunk.insert(chunk.end(), data.begin(), data.end());
  append_big_endian(&chunk, crc32(chunk.data() + 4, chunk.size() - 4));
  return chunk;
}

Bytes png_file(int width, int height, int bit_depth, int color_type, const Bytes& rows, const Bytes& extra_chunks) {
  Bytes header;
  append_big_endian(&header, static_cast<std::uint32_t>(width));
  append_big_endian(&header, static_cast<std::uint32_t>(height));
  for (int v : {bit_depth, color_type, 0, 0, 0}) header.push_back(static_cast<unsigned char>(v));

  Bytes raw;
  const std::size_t row_bytes = rows.size() / static_cast<std::size_t>(height);
  for (int y = 0; y < height; ++y) {
    raw.push_back(0);
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(row_bytes) * y;
    raw.insert(raw.end(), begin, begin + static_cast<std::ptrdiff_t>(row_bytes));
  }
  std::uint32_t a = 1, b = 0;
  for (unsigned char v : raw) {
    a = (a + v) % 65521;
    b = (b + a) % 65521;
  }
  Bytes zlib = {0x78, 0x01, 0x01};  // one final stored block
  append_little_endian(&zlib, static_cast<std::uint32_t>(raw.size()), 2);
  append_little_endian(&zlib, ~static_cast<std::uint32_t>(raw.size()), 2);
  zlib.insert(zlib.end(), raw.begin(), raw.end());
  append_big_endian(&zlib, b << 16 | a);

  Bytes file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  for (const Bytes& chunk : {png_chunk("IHDR", header), extra_chunks, png_chunk("IDAT", zlib), png_chunk("IEND", {})})
    file.insert(file.end(), chunk.begin(), chunk.end());
  return file;
}

Bytes bmp_file(const vision::Image& image) {
  const int row_bytes = (image.width * 3 + 3) / 4 * 4;
  Bytes file = {'B', 'M'};
  append_little_endian(&file, static_cast<std::uint32_t>(54 + row_bytes * image.height), 4);
  append_little_endian(&file, 0, 4);
  append_little_endian(&file, 54, 4);
  append_little_endian(&file, 40, 4);
  append_little_endian(&file, static_cast<std::uint32_t>(image.width), 4);
  append_little_endian(&file, static_cast<std::uint32_t>(image.height), 4);
  append_little_endian(&file, 1, 2);
  append_little_endian(&file, 24, 2);
  for (int i = 0; i < 6; ++i) append_little_endian(&file, 0, 4);
  for (int y = image.height - 1; y >= 0; --y) {
    for (int x = 0; x < image.width; ++x) {
      const std::uint8_t* p = &image.pixels[static_cast<std::size_t>(3 * (y * image.width + x))];
      file.insert(file.end(), {p[2], p[1], p[0]});
    }
    file.resize(file.size() + static_cast<std::size_t>(row_bytes - 3 * image.width));
  }
  return file;
}

vision::Image gradient(int width, int height) {
  vision::Image image = vision::make_image(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      std::uint8_t* p = &image.pixels[static_cast<std::size_t>(3 * (y * width + x))];
      p[0] = static_cast<std::uint8_t>(255 * x / width);
      p[1] = static_cast<std::uint8_t>(255 * y / height);
      p[2] = static_cast<std::uint8_t>((x * 7 + y * 13) % 256);
    }
  return image;
}

}  // namespace dotori::testing
