// SPDX-License-Identifier: Apache-2.0
// One function a file format. All trust nothing in `bytes` and answer with the errors of decode_image().
#pragma once

#include <vector>

#include <dotori/span.h>
#include <dotori/status.h>
#include <dotori/vision.h>

namespace dotori::vision {

// EXIF orientation applied. `full_size` gets the photo's size, upright.
Result<Image> decode_jpeg(Span<const unsigned char> bytes, const DecodeOptions& options, PhotoSize* full_size);
Result<Image> decode_png(Span<const unsigned char> bytes, const DecodeOptions& options);
Result<Image> decode_bmp(Span<const unsigned char> bytes, const DecodeOptions& options);

// A PNG file of a valid image. Errors: kInvalidArgument (above 2 GiB of pixels), kOutOfMemory.
Result<std::vector<unsigned char>> encode_png(const Image& image);

// OK when a picture of this size may be decoded.
Status check_size(std::int64_t width, std::int64_t height, const DecodeOptions& options);

}  // namespace dotori::vision
