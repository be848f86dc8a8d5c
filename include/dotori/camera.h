// SPDX-License-Identifier: Apache-2.0
// Camera pictures in YUV 4:2:0 straight into a model's input: rotated upright, cropped or letterboxed, resized,
// converted to RGB, normalised and quantised in one pass, without a picture of full size in between. Library
// dotori::vision.
//
//   vision::YuvPhoto photo = vision::nv21_photo({bytes, size}, 1920, 1080);
//   auto transform = vision::fill_input_yuv(photo, 90, model.task().preprocess, session.input(0));
//
// All functions are free of shared state: any number of threads may call them on different tensors. None throws, aborts
// or prints.
#pragma once

#include <cstddef>
#include <cstdint>

#include <dotori/span.h>
#include <dotori/status.h>
#include <dotori/task.h>
#include <dotori/tensor.h>
#include <dotori/vision.h>

namespace dotori::vision {

// How Y, U, V (all 8 bits, U and V around 128) become R, G, B.
enum class YuvMatrix : std::uint8_t {
  kBt601Full = 0,     // Y 0..255: JPEG, and what Android's cameras deliver
  kBt601Limited = 1,  // Y 16..235: analogue-era video
  kBt709Full = 2,
  kBt709Limited = 3,  // HD video
  kCount
};

// The planes of a camera picture, which stay the caller's and must live while a function reads them. Y: `height` rows
// of `width` bytes, y_row_stride apart. U and V: (height + 1) / 2 rows of (width + 1) / 2 samples, uv_row_stride bytes
// between rows and uv_pixel_stride (1 or 2) between samples; a chroma sample lies in the middle of its 2 x 2 pixels. So
//   NV21        u = v + 1, uv_pixel_stride 2      NV12   v = u + 1, uv_pixel_stride 2      I420   uv_pixel_stride 1
// and the planes of Android's YUV_420_888 fit as they come. The sizes are what may be read from each pointer; the last
// row needs no padding.
struct YuvPhoto {
  const std::uint8_t* y = nullptr;
  const std::uint8_t* u = nullptr;
  const std::uint8_t* v = nullptr;
  std::size_t y_size_bytes = 0, u_size_bytes = 0, v_size_bytes = 0;
  int width = 0, height = 0;  // 1..32768, before any rotation
  int y_row_stride = 0;       // bytes, at least width
  int uv_row_stride = 0;      // bytes, at least a row of samples
  int uv_pixel_stride = 1;
  YuvMatrix matrix = YuvMatrix::kBt601Full;
};

// The usual packings without padding between rows: Y, then V and U (nv21) or U and V (nv12) in pairs, or the U and then
// the V plane (i420). A `bytes` that is too small is an error of the function that reads the photo.
YuvPhoto nv21_photo(Span<const std::uint8_t> bytes, int width, int height) noexcept;
YuvPhoto nv12_photo(Span<const std::uint8_t> bytes, int width, int height) noexcept;
YuvPhoto i420_photo(Span<const std::uint8_t> bytes, int width, int height) noexcept;

// fill_input for a camera picture. `rotation_degrees` (0, 90, 180 or 270) is how far the picture must be turned
// clockwise to stand upright; `preprocess` and the transform returned are about the upright picture.
// The result is that of fill_input on the upright RGB picture, but for three things: luma and chroma are resized, each
// on its own grid, before they become RGB (so chroma is interpolated, not repeated, and nothing is rounded to 8 bits in
// between); weights have 14 bits and column sums 7 bits behind the point; RGB is clamped to 0..255 after the resize.
// The first differs where neighbouring colours do, the second by less than 0.1 of 255. Bits are the same on every
// instruction set. image_max_norm reads the picture twice.
// Errors: kInvalidArgument (planes, strides or sizes that do not fit, another rotation; preprocess or input as in
// fill_input; a zero point that `input.type` cannot hold).
Result<PhotoTransform> fill_input_yuv(const YuvPhoto& photo, int rotation_degrees, const Preprocess& preprocess,
                                      const TensorView& input, ResizeFilter filter = ResizeFilter::kAntialiased);

// The same for every input of a model, as fill_inputs does it.
Result<PhotoTransform> fill_inputs_yuv(const YuvPhoto& photo, int rotation_degrees, const Preprocess& preprocess,
                                       Span<const TensorView> inputs, ResizeFilter filter = ResizeFilter::kAntialiased);

// The upright picture as RGB, for previews and drawing; chroma is interpolated. Errors: kInvalidArgument (as above).
Result<Image> yuv_to_rgb(const YuvPhoto& photo, int rotation_degrees = 0);

}  // namespace dotori::vision
