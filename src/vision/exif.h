// SPDX-License-Identifier: Apache-2.0
// The one EXIF field that changes what a photo shows: the camera's orientation.
#pragma once

#include <dotori/span.h>
#include <dotori/vision.h>

namespace dotori::vision {

// The orientation 1..8 (TIFF 6.0 tag 274) in a JPEG APP1 segment's payload ("Exif", two zero bytes, a TIFF file); 0
// when the segment is not EXIF, holds no orientation or is damaged. Reads nothing outside `payload`, whatever it holds.
int exif_orientation(Span<const unsigned char> payload);

// The picture as it is to be seen: `orientation` says where its first row and column belong. 1 and unknown values: as
// is.
Image apply_orientation(Image image, int orientation);

}  // namespace dotori::vision
