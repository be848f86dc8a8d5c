// SPDX-License-Identifier: Apache-2.0
#include "c_api/image.h"

namespace dotori::c_api {
namespace {

// Rows that are `row` elements long and `stride` apart (0: row): how far apart, once all fits into `size` elements.
Result<std::size_t> check_rows(const char* unit, std::size_t size, std::int32_t width, std::int32_t height,
                               std::size_t row, std::size_t stride) {
  constexpr std::int32_t kMostSide = 32768;
  if (width < 1 || height < 1 || width > kMostSide || height > kMostSide) {
    return invalid_argument("a photo of " + std::to_string(width) + " x " + std::to_string(height) +
                            " pixels; expected 1 to 32768 on each side");
  }
  if (stride == 0) stride = row;
  if (stride < row) {
    return invalid_argument("row_stride is " + std::to_string(stride) + " " + unit + ", but a row has " +
                            std::to_string(row));
  }
  const std::size_t rows = static_cast<std::size_t>(height);
  // Checked by division: the product may overflow.
  if (size < row || (size - row) / stride < rows - 1) {
    return invalid_argument("the buffer has " + std::to_string(size) + " " + unit + ", too few for " +
                            std::to_string(rows) + " rows that are " + std::to_string(stride) + " apart");
  }
  return stride;
}

Result<vision::Image> rgb_image(const std::uint8_t* pixels, std::size_t size_bytes, std::int32_t width,
                                std::int32_t height, std::size_t row_stride) {
  DOTORI_RETURN_IF_ERROR(check_pointer("pixels", pixels));
  const std::size_t row = std::size_t{3} * static_cast<std::size_t>(width > 0 ? width : 0);
  DOTORI_ASSIGN_OR_RETURN(const std::size_t stride, check_rows("bytes", size_bytes, width, height, row, row_stride));
  vision::Image image = vision::make_image(width, height);
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
    std::memcpy(image.pixels.data() + y * row, pixels + y * stride, row);
  }
  return image;
}

}  // namespace

Result<vision::Image> argb_image(const std::uint32_t* pixels, std::size_t pixel_count, std::int32_t width,
                                 std::int32_t height, std::size_t row_stride) {
  DOTORI_RETURN_IF_ERROR(check_pointer("pixels", pixels));
  const std::size_t row = static_cast<std::size_t>(width > 0 ? width : 0);
  DOTORI_ASSIGN_OR_RETURN(const std::size_t stride, check_rows("pixels", pixel_count, width, height, row, row_stride));
  vision::Image image = vision::make_image(width, height);
  std::uint8_t* out = image.pixels.data();
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
    for (std::size_t x = 0; x < row; ++x, out += 3) {
      const std::uint32_t argb = pixels[y * stride + x];
      out[0] = static_cast<std::uint8_t>(argb >> 16);
      out[1] = static_cast<std::uint8_t>(argb >> 8);
      out[2] = static_cast<std::uint8_t>(argb);
    }
  }
  return image;
}

Result<vision::YuvPhoto> yuv_photo(const dotori_yuv* photo) {
  DOTORI_RETURN_IF_ERROR(check_pointer("photo", photo));
  dotori_yuv p;
  DOTORI_RETURN_IF_ERROR(take_struct("photo", photo, &p));
  if (p.matrix < 0 || p.matrix >= static_cast<std::int32_t>(vision::YuvMatrix::kCount)) {
    return invalid_argument("photo.matrix is " + std::to_string(p.matrix) + ", expected 0 to 3");
  }
  vision::YuvPhoto out;
  out.y = p.y;
  out.u = p.u;
  out.v = p.v;
  out.y_size_bytes = p.y_size_bytes;
  out.u_size_bytes = p.u_size_bytes;
  out.v_size_bytes = p.v_size_bytes;
  out.width = p.width;
  out.height = p.height;
  out.y_row_stride = p.y_row_stride;
  out.uv_row_stride = p.uv_row_stride;
  out.uv_pixel_stride = p.uv_pixel_stride;
  out.matrix = static_cast<vision::YuvMatrix>(p.matrix);
  return out;
}

}  // namespace dotori::c_api

using namespace dotori;
using namespace dotori::c_api;

namespace {

vision::DecodeOptions decode_options(std::uint64_t max_pixels) {
  vision::DecodeOptions options;
  if (max_pixels != 0) options.max_pixels = static_cast<std::size_t>(max_pixels);
  return options;
}

Status give_image(Result<vision::Image> image, dotori_image* out) {
  if (!image.ok()) return image.status();
  DOTORI_RETURN_IF_ERROR(check_pointer("image", out));
  return give_handle<ImageObject>(std::move(*image), out);
}

}  // namespace

extern "C" {

int32_t dotori_image_decode(const void* bytes, size_t size_bytes, uint64_t max_pixels, dotori_image* image,
                            dotori_error* error) {
  return answer(
      [&]() -> Status {
        DOTORI_RETURN_IF_ERROR(check_pointer("bytes", bytes));
        const Span<const unsigned char> span(static_cast<const unsigned char*>(bytes), size_bytes);
        return give_image(vision::decode_image(span, decode_options(max_pixels)), image);
      }(),
      error);
}

int32_t dotori_image_load_file(const char* path, uint64_t max_pixels, dotori_image* image, dotori_error* error) {
  return answer(
      [&]() -> Status {
        DOTORI_RETURN_IF_ERROR(check_pointer("path", path));
        return give_image(vision::load_image(path, decode_options(max_pixels)), image);
      }(),
      error);
}

int32_t dotori_image_from_rgb(const uint8_t* pixels, size_t size_bytes, int32_t width, int32_t height,
                              size_t row_stride, dotori_image* image, dotori_error* error) {
  return answer(give_image(rgb_image(pixels, size_bytes, width, height, row_stride), image), error);
}

int32_t dotori_image_from_argb(const uint32_t* pixels, size_t pixel_count, int32_t width, int32_t height,
                               size_t row_stride, dotori_image* image, dotori_error* error) {
  return answer(give_image(argb_image(pixels, pixel_count, width, height, row_stride), image), error);
}

int32_t dotori_image_from_yuv(const dotori_yuv* photo, int32_t rotation_degrees, dotori_image* image,
                              dotori_error* error) {
  return answer(
      [&]() -> Status {
        DOTORI_ASSIGN_OR_RETURN(const vision::YuvPhoto yuv, yuv_photo(photo));
        return give_image(vision::yuv_to_rgb(yuv, rotation_degrees), image);
      }(),
      error);
}

int32_t dotori_image_size(dotori_image image, int32_t* width, int32_t* height, dotori_error* error) {
  const Status status = with<ImageObject>(image.id, [&](ImageObject& i) -> Status {
    DOTORI_RETURN_IF_ERROR(check_pointer("width", width));
    DOTORI_RETURN_IF_ERROR(check_pointer("height", height));
    *width = i.image.width;
    *height = i.image.height;
    return {};
  });
  return answer(status, error);
}

int32_t dotori_image_pixels(dotori_image image, uint8_t* pixels, size_t size_bytes, dotori_error* error) {
  const Status status = with<ImageObject>(image.id, [&](ImageObject& i) -> Status {
    DOTORI_RETURN_IF_ERROR(check_pointer("pixels", pixels));
    if (size_bytes != i.image.pixels.size()) {
      return invalid_argument("the image has " + std::to_string(i.image.pixels.size()) + " bytes, found a buffer of " +
                              std::to_string(size_bytes));
    }
    std::memcpy(pixels, i.image.pixels.data(), size_bytes);
    return {};
  });
  return answer(status, error);
}

int32_t dotori_image_save_png(dotori_image image, const char* path, dotori_error* error) {
  const Status status = with<ImageObject>(image.id, [&](ImageObject& i) -> Status {
    DOTORI_RETURN_IF_ERROR(check_pointer("path", path));
    return vision::save_png(i.image, path);
  });
  return answer(status, error);
}

int32_t dotori_image_close(dotori_image image, dotori_error* error) {
  return close<ImageObject>(image, error);
}

}  // extern "C"
