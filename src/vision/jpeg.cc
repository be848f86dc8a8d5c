// SPDX-License-Identifier: Apache-2.0
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include <jpeglib.h>
// After jpeglib.h, which says what libjpeg was built with.
#include <jerror.h>

#include "vision/codecs.h"
#include "vision/exif.h"

namespace dotori::vision {
namespace {

// A progressive file of a few kilobytes can ask for thousands of passes over all coefficients.
constexpr int kMaxScans = 100;

// libjpeg's state and the way out of it. Errors leave libjpeg by longjmp to the setjmp of one of the three functions
// below; these hold no object with a destructor, so nothing is skipped over.
struct JpegReader {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf way_out;
  char message[JMSG_LENGTH_MAX];
  bool too_many_scans;
};

[[noreturn]] void leave(j_common_ptr info) {
  JpegReader* reader = static_cast<JpegReader*>(info->client_data);
  info->err->format_message(info, reader->message);
  std::longjmp(reader->way_out, 1);
}

// libjpeg goes on after damage and fills in gray. A photo that is not what was taken must not be classified as if it
// were.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC: leave(info);
    default: ++info->err->num_warnings;
  }
}

void on_output(j_common_ptr) {}

void on_progress(j_common_ptr info) {
  JpegReader* reader = static_cast<JpegReader*>(info->client_data);
  if (reader->info.input_scan_number <= kMaxScans) return;
  reader->too_many_scans = true;
  std::longjmp(reader->way_out, 1);
}

bool read_header(JpegReader* reader, const unsigned char* bytes, std::size_t size) {
  std::memset(reader, 0, sizeof(*reader));
  reader->info.err = jpeg_std_error(&reader->errors);
  reader->errors.error_exit = leave;
  reader->errors.emit_message = on_message;
  reader->errors.output_message = on_output;
  reader->info.client_data = reader;
  if (setjmp(reader->way_out) != 0) return false;
  jpeg_create_decompress(&reader->info);
  reader->progress.progress_monitor = on_progress;
  reader->info.progress = &reader->progress;
  jpeg_mem_src(&reader->info, bytes, static_cast<unsigned long>(size));
  jpeg_save_markers(&reader->info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&reader->info, TRUE);
  return true;
}

// The largest of 8, 4, 2, 1 that leaves both sides `min_side` pixels.
unsigned reduction(const jpeg_decompress_struct& info, int min_side) {
  unsigned by = min_side > 0 ? 8 : 1;
  while (by > 1 && (info.image_width / by < static_cast<unsigned>(min_side) ||
                    info.image_height / by < static_cast<unsigned>(min_side)))
    by /= 2;
  return by;
}

// Reads all rows at 1 / by of the size; `channels` is 3 (RGB) or 4 (CMYK), rows dense.
bool read_rows(JpegReader* reader, unsigned by, int channels, unsigned char* rows) {
  if (setjmp(reader->way_out) != 0) return false;
  reader->info.scale_num = 1;
  reader->info.scale_denom = by;
  reader->info.out_color_space = channels == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&reader->info);
  const std::size_t row_bytes =
      static_cast<std::size_t>(reader->info.output_width) * static_cast<std::size_t>(channels);
  while (reader->info.output_scanline < reader->info.output_height) {
    JSAMPROW row = rows + row_bytes * reader->info.output_scanline;
    jpeg_read_scanlines(&reader->info, &row, 1);
  }
  return true;
}

struct DestroyReader {
  void operator()(JpegReader* reader) const {
    jpeg_destroy_decompress(&reader->info);  // safe after any failure: it checks whether libjpeg's memory pool exists
    delete reader;
  }
};

Status damage(const JpegReader& reader) {
  if (reader.too_many_scans) return unsupported("JPEG with more than " + std::to_string(kMaxScans) + " scans");
  return invalid_argument(std::string("damaged or truncated JPEG: ") + reader.message);
}

// Adobe's programs store CMYK inverted (255 = no ink) and say so by their marker.
void cmyk_to_rgb(const std::vector<std::uint8_t>& cmyk, bool inverted, Image* image) {
  const unsigned flip = inverted ? 0 : 255;
  for (std::size_t i = 0; i < cmyk.size() / 4; ++i) {
    const unsigned white = cmyk[4 * i + 3] ^ flip;
    for (std::size_t c = 0; c < 3; ++c)
      image->pixels[3 * i + c] = static_cast<std::uint8_t>(((cmyk[4 * i + c] ^ flip) * white + 127) / 255);
  }
}

int find_orientation(const jpeg_decompress_struct& info) {
  for (jpeg_saved_marker_ptr marker = info.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->marker != JPEG_APP0 + 1) continue;
    const int orientation = exif_orientation({marker->data, marker->data_length});
    if (orientation != 0) return orientation;
  }
  return 1;
}

}  // namespace

Result<Image> decode_jpeg(Span<const unsigned char> bytes, const DecodeOptions& options, PhotoSize* full_size) {
  std::unique_ptr<JpegReader, DestroyReader> reader(new JpegReader);
  if (!read_header(reader.get(), bytes.data(), bytes.size())) return damage(*reader);
  const jpeg_decompress_struct& info = reader->info;
  DOTORI_RETURN_IF_ERROR(check_size(info.image_width, info.image_height, options));

  int channels = 3;
  switch (info.jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_YCbCr:
    case JCS_RGB: break;
    case JCS_CMYK:
    case JCS_YCCK: channels = 4; break;
    default: return unsupported("JPEG with " + std::to_string(info.num_components) + " components of unknown meaning");
  }
  const unsigned by = reduction(info, options.min_side);
  Image image = make_image(static_cast<int>((info.image_width + by - 1) / by),
                           static_cast<int>((info.image_height + by - 1) / by));
  if (channels == 3) {
    if (!read_rows(reader.get(), by, channels, image.pixels.data())) return damage(*reader);
  } else {
    std::vector<std::uint8_t> cmyk(image.pixels.size() / 3 * 4);
    if (!read_rows(reader.get(), by, channels, cmyk.data())) return damage(*reader);
    cmyk_to_rgb(cmyk, info.saw_Adobe_marker != 0, &image);
  }
  const int orientation = find_orientation(info);
  *full_size = {static_cast<int>(info.image_width), static_cast<int>(info.image_height)};
  if (orientation >= 5) *full_size = {full_size->height, full_size->width};
  return apply_orientation(std::move(image), orientation);
}

}  // namespace dotori::vision
