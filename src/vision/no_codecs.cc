// SPDX-License-Identifier: Apache-2.0
// In place of the codecs where the system has its own (DOTORI_IMAGE_CODECS=OFF).
#include "vision/codecs.h"

namespace dotori::vision {
namespace {

Status without_decoders() {
  return unsupported("built without image decoders: have the system decode the picture");
}

}  // namespace

Result<Image> decode_jpeg(Span<const unsigned char>, const DecodeOptions&, PhotoSize*) {
  return without_decoders();
}
Result<Image> decode_png(Span<const unsigned char>, const DecodeOptions&) {
  return without_decoders();
}
Result<Image> decode_bmp(Span<const unsigned char>, const DecodeOptions&) {
  return without_decoders();
}
Result<std::vector<unsigned char>> encode_png(const Image&) {
  return unsupported("built without image encoders");
}

}  // namespace dotori::vision
