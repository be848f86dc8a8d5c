// SPDX-License-Identifier: Apache-2.0
// The C API's photos as vision takes them.
#pragma once

#include <dotori/camera.h>

#include "c_api/objects.h"

namespace dotori::c_api {

Result<vision::YuvPhoto> yuv_photo(const dotori_yuv* photo);
// Rows of `width` pixels 0xAARRGGBB, row_stride pixels apart (0: width).
Result<vision::Image> argb_image(const std::uint32_t* pixels, std::size_t pixel_count, std::int32_t width,
                                 std::int32_t height, std::size_t row_stride);

}  // namespace dotori::c_api
