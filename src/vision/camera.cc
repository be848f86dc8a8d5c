// SPDX-License-Identifier: Apache-2.0
#include <dotori/camera.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "kernels/camera/camera.h"
#include "vision/camera_taps.h"
#include "vision/placement.h"

namespace dotori::vision {
namespace {

YuvPhoto packed_photo(Span<const std::uint8_t> bytes, int width, int height) noexcept {
  YuvPhoto photo;
  photo.width = width;
  photo.height = height;
  photo.y = bytes.data();
  photo.y_size_bytes = bytes.size();
  photo.y_row_stride = width;
  return photo;
}

std::size_t chroma_side(int side) noexcept {
  return (static_cast<std::size_t>(side) + 1) / 2;
}

// `photo` with its chroma planes `u_offset` and `v_offset` bytes behind the luma; without them when `bytes` ends
// before.
YuvPhoto with_chroma(YuvPhoto photo, Span<const std::uint8_t> bytes, std::size_t u_offset, std::size_t v_offset,
                     int pixel_stride) noexcept {
  photo.uv_pixel_stride = pixel_stride;
  photo.uv_row_stride = static_cast<int>(chroma_side(photo.width)) * pixel_stride;
  if (photo.width < 1 || photo.height < 1) return photo;
  const std::size_t luma = static_cast<std::size_t>(photo.width) * static_cast<std::size_t>(photo.height);
  if (bytes.size() <= luma + std::max(u_offset, v_offset)) return photo;
  photo.y_size_bytes = luma;
  photo.u = bytes.data() + luma + u_offset;
  photo.v = bytes.data() + luma + v_offset;
  photo.u_size_bytes = bytes.size() - luma - u_offset;
  photo.v_size_bytes = bytes.size() - luma - v_offset;
  return photo;
}

Status check_plane(const char* name, const std::uint8_t* data, std::size_t size_bytes, int columns, int rows,
                   int row_stride, int pixel_stride) {
  const std::int64_t row_bytes = std::int64_t{columns - 1} * pixel_stride + 1;
  const std::int64_t needed = std::int64_t{rows - 1} * row_stride + row_bytes;
  const std::string plane = std::string("the photo's ") + name + " plane";
  if (row_stride < row_bytes)
    return invalid_argument(plane + " needs a row stride of at least " + std::to_string(row_bytes) + " bytes, found " +
                            std::to_string(row_stride));
  if (data == nullptr || size_bytes < static_cast<std::uint64_t>(needed))
    return invalid_argument(plane + " needs " + std::to_string(needed) + " bytes, found " +
                            std::to_string(data == nullptr ? 0 : size_bytes));
  return {};
}

Status check_photo(const YuvPhoto& photo, int rotation_degrees) {
  constexpr int kMaxSide = 1 << 15;
  if (photo.width < 1 || photo.height < 1 || photo.width > kMaxSide || photo.height > kMaxSide)
    return invalid_argument("a photo's sides must be 1.." + std::to_string(kMaxSide) + ", found " +
                            std::to_string(photo.width) + "x" + std::to_string(photo.height));
  if (photo.uv_pixel_stride != 1 && photo.uv_pixel_stride != 2)
    return invalid_argument("uv_pixel_stride must be 1 or 2, found " + std::to_string(photo.uv_pixel_stride));
  if (photo.matrix >= YuvMatrix::kCount) return invalid_argument("unknown YUV matrix");
  if (rotation_degrees != 0 && rotation_degrees != 90 && rotation_degrees != 180 && rotation_degrees != 270)
    return invalid_argument("rotation must be 0, 90, 180 or 270 degrees, found " + std::to_string(rotation_degrees));
  const int columns = static_cast<int>(chroma_side(photo.width)), rows = static_cast<int>(chroma_side(photo.height));
  DOTORI_RETURN_IF_ERROR(
      check_plane("Y", photo.y, photo.y_size_bytes, photo.width, photo.height, photo.y_row_stride, 1));
  DOTORI_RETURN_IF_ERROR(
      check_plane("U", photo.u, photo.u_size_bytes, columns, rows, photo.uv_row_stride, photo.uv_pixel_stride));
  return check_plane("V", photo.v, photo.v_size_bytes, columns, rows, photo.uv_row_stride, photo.uv_pixel_stride);
}

kernels::CameraColors colors_for(YuvMatrix matrix, const Preprocess& preprocess, const TensorView& input) {
  const bool is_601 = matrix == YuvMatrix::kBt601Full || matrix == YuvMatrix::kBt601Limited;
  const bool limited = matrix == YuvMatrix::kBt601Limited || matrix == YuvMatrix::kBt709Limited;
  const double red = is_601 ? 0.299 : 0.2126, blue = is_601 ? 0.114 : 0.0722, green = 1 - red - blue;
  const double luma_gain = limited ? 255.0 / 219 : 1, chroma_gain = limited ? 255.0 / 224 : 1;
  kernels::CameraColors c;
  c.y_scale = static_cast<float>(luma_gain / (1 << kernels::kCameraPixelBits));
  c.y_bias = static_cast<float>(limited ? 16 * luma_gain : 0);
  c.v_to_r = static_cast<float>(2 * (1 - red) * chroma_gain);
  c.u_to_b = static_cast<float>(2 * (1 - blue) * chroma_gain);
  c.v_to_g = static_cast<float>(2 * (1 - red) * red / green * chroma_gain);
  c.u_to_g = static_cast<float>(2 * (1 - blue) * blue / green * chroma_gain);
  switch (preprocess.order) {
    case ChannelOrder::kBgr: c.order = kernels::kCameraBgr; break;
    case ChannelOrder::kGray:
      c.order = input.shape[3] == 1 ? kernels::kCameraGray : kernels::kCameraGrayRepeated;
      break;
    default: c.order = kernels::kCameraRgb;
  }
  c.gain = 1;
  std::copy(preprocess.mean, preprocess.mean + 3, c.mean);
  std::copy(preprocess.scale, preprocess.scale + 3, c.scale);
  c.step = input.scale > 0 ? input.scale : 1;
  c.zero_point = input.zero_point;
  c.low = input.type == DataType::kInt8 ? -128 : 0;
  c.high = input.type == DataType::kInt8 ? 127 : 255;
  return c;
}

// One axis of the sensor's picture that shows an axis of the upright one, `length` of its `side` pixels from `start`
// on, as `count` result samples; `divisor` 2 for chroma.
CameraAxis axis_of(int side, int start, int length, int count, bool backwards, int divisor) {
  CameraAxis axis;
  const double step = static_cast<double>(length) / count / divisor;
  const int begin = backwards ? side - start - length : start, end = begin + length;
  axis.start = static_cast<double>(backwards ? end : begin) / divisor;
  axis.step = backwards ? -step : step;
  axis.begin = begin / divisor;
  axis.end = (end + divisor - 1) / divisor;
  axis.count = count;
  return axis;
}

// The row sums of one plane, or of two whose samples alternate in memory.
class PlaneRows {
 public:
  PlaneRows(const kernels::CameraKernels& kernels, const CameraAxis& across, const CameraAxis& down, int sample_stride,
            ResizeFilter filter)
      : kernels_(kernels),
        down_(camera_taps(down, filter)),
        across_(camera_row_taps(camera_taps(across, filter), sample_stride)),
        row_elems_(static_cast<std::size_t>(across.end - across.begin - 1) * static_cast<std::size_t>(sample_stride) +
                   1),
        src_offset_elems_(static_cast<std::ptrdiff_t>(across.begin) * sample_stride),
        first_row_(down.begin),
        sums_(std::max(across_.readable_elems, row_elems_) + 1) {}

  // Reads the rows behind result row `j`. `paired`: the sample behind each of the plane's is of the other one.
  void read(const std::uint8_t* plane, int row_stride, int j, bool paired) {
    const std::size_t at = static_cast<std::size_t>(j);
    const std::uint8_t* src =
        plane + static_cast<std::ptrdiff_t>(first_row_ + down_.first[at]) * row_stride + src_offset_elems_;
    kernels_.columns(src, row_stride, down_.weights.data() + down_.offset[at], down_.taps[at], sums_.data(),
                     row_elems_ + (paired ? 1 : 0));
  }
  // The result row of what was read; `second`: of the other plane of a pair.
  void write(bool second, std::vector<std::int32_t>& out) const {
    kernels_.row(sums_.data() + (second ? 1 : 0), across_.first.data(), across_.weights.data(), across_.blocks,
                 out.data(), across_.first.size());
  }

 private:
  const kernels::CameraKernels& kernels_;
  CameraTaps down_;
  CameraRowTaps across_;
  std::size_t row_elems_;
  std::ptrdiff_t src_offset_elems_;
  int first_row_;
  std::vector<std::int16_t> sums_;  // zeros behind the row: the row kernel reads whole blocks
};

// Rows of the resized picture in the sensor's orientation, each in the order of the upright picture.
class CameraRows {
 public:
  CameraRows(const YuvPhoto& photo, int rotation_degrees, const Placement& placed, ResizeFilter filter)
      : CameraRows(photo, rotation_degrees % 180 != 0, rotation_degrees, placed, filter) {}

  int width() const { return static_cast<int>(y_.size()); }
  int height() const { return height_; }
  const std::int32_t* y() const { return y_.data(); }
  const std::int32_t* u() const { return u_.data(); }
  const std::int32_t* v() const { return v_.data(); }

  // Row `j` into y(), u() and v().
  void make(int j) {
    luma_.read(photo_.y, photo_.y_row_stride, j, false);
    luma_.write(false, y_);
    const std::uintptr_t u = reinterpret_cast<std::uintptr_t>(photo_.u), v = reinterpret_cast<std::uintptr_t>(photo_.v);
    if (photo_.uv_pixel_stride == 2 && (u + 1 == v || v + 1 == u)) {
      chroma_.read(u < v ? photo_.u : photo_.v, photo_.uv_row_stride, j, true);
      chroma_.write(v < u, u_);
      chroma_.write(u < v, v_);
      return;
    }
    chroma_.read(photo_.u, photo_.uv_row_stride, j, false);
    chroma_.write(false, u_);
    chroma_.read(photo_.v, photo_.uv_row_stride, j, false);
    chroma_.write(false, v_);
  }

 private:
  // Clockwise by r, with Ws x Hs the sensor's size: 90: X = Hs - y, Y = x; 180: X = Ws - x, Y = Hs - y; 270: X = y,
  // Y = Ws - x. So the sensor's x runs backwards at 180 and 270, its y at 90 and 180.
  CameraRows(const YuvPhoto& photo, bool turned, int r, const Placement& p, ResizeFilter filter)
      : photo_(photo),
        luma_(kernels::select_camera(), across(photo, turned, r, p, 1), down(photo, turned, r, p, 1), 1, filter),
        chroma_(kernels::select_camera(), across(photo, turned, r, p, 2), down(photo, turned, r, p, 2),
                photo.uv_pixel_stride, filter),
        height_(turned ? p.input.width : p.input.height),
        y_(static_cast<std::size_t>(turned ? p.input.height : p.input.width)),
        u_(y_.size()),
        v_(y_.size()) {}

  static CameraAxis across(const YuvPhoto& photo, bool turned, int r, const Placement& p, int divisor) {
    const bool backwards = r >= 180;
    return turned ? axis_of(photo.width, p.photo.y, p.photo.height, p.input.height, backwards, divisor)
                  : axis_of(photo.width, p.photo.x, p.photo.width, p.input.width, backwards, divisor);
  }
  static CameraAxis down(const YuvPhoto& photo, bool turned, int r, const Placement& p, int divisor) {
    const bool backwards = r == 90 || r == 180;
    return turned ? axis_of(photo.height, p.photo.x, p.photo.width, p.input.width, backwards, divisor)
                  : axis_of(photo.height, p.photo.y, p.photo.height, p.input.height, backwards, divisor);
  }

  const YuvPhoto& photo_;
  PlaneRows luma_, chroma_;
  int height_;
  std::vector<std::int32_t> y_, u_, v_;
};

// The tensor as bytes.
struct Target {
  std::uint8_t* data;
  std::size_t pixel_bytes, row_bytes;
  std::uint8_t* at(int y, int x) const {
    return data + static_cast<std::size_t>(y) * row_bytes + static_cast<std::size_t>(x) * pixel_bytes;
  }
};

void write_pixels(const CameraRows& rows, const kernels::CameraKernels& kernels, const kernels::CameraColors& colors,
                  bool real, std::uint8_t* dst) {
  const std::size_t n = static_cast<std::size_t>(rows.width());
  if (real) kernels.pixels_f32(rows.y(), rows.u(), rows.v(), colors, reinterpret_cast<float*>(dst), n);
  else kernels.pixels_b8(rows.y(), rows.u(), rows.v(), colors, dst, n);
}

// `count` rows of `n` pixels become columns of the target.
template <std::size_t kPixelBytes>
void store_columns(const std::uint8_t* rows, int count, int n, const Target& target, int x, int y) {
  const std::size_t row_bytes = static_cast<std::size_t>(n) * kPixelBytes;
  for (int i = 0; i < n; ++i) {
    std::uint8_t* dst = target.at(y + i, x);
    const std::uint8_t* src = rows + static_cast<std::size_t>(i) * kPixelBytes;
    for (int k = 0; k < count; ++k, dst += kPixelBytes, src += row_bytes) std::memcpy(dst, src, kPixelBytes);
  }
}

void store_columns(const std::uint8_t* rows, int count, int n, const Target& target, int x, int y) {
  switch (target.pixel_bytes) {
    case 1: return store_columns<1>(rows, count, n, target, x, y);
    case 3: return store_columns<3>(rows, count, n, target, x, y);
    case 4: return store_columns<4>(rows, count, n, target, x, y);
    default: return store_columns<12>(rows, count, n, target, x, y);
  }
}

// The padding's pixel over the whole input.
void store_padding(const Preprocess& preprocess, const kernels::CameraColors& colors, const TensorView& input,
                   const Target& target) {
  std::uint8_t pixel[3 * sizeof(float)];
  for (int c = 0; c < static_cast<int>(input.shape[3]); ++c) {
    float v = (preprocess.pad_value - preprocess.mean[c]) * preprocess.scale[c];
    if (input.f32() != nullptr) {
      std::memcpy(pixel + static_cast<std::size_t>(c) * sizeof v, &v, sizeof v);
      continue;
    }
    v = std::clamp(v / colors.step, static_cast<float>(colors.low - colors.zero_point),
                   static_cast<float>(colors.high - colors.zero_point));
    pixel[c] = static_cast<std::uint8_t>(static_cast<int>(std::nearbyint(v)) + colors.zero_point);
  }
  const std::size_t pixels = target.row_bytes / target.pixel_bytes * static_cast<std::size_t>(input.shape[1]);
  for (std::size_t i = 0; i < pixels; ++i) std::memcpy(target.data + i * target.pixel_bytes, pixel, target.pixel_bytes);
}

}  // namespace

YuvPhoto nv21_photo(Span<const std::uint8_t> bytes, int width, int height) noexcept {
  return with_chroma(packed_photo(bytes, width, height), bytes, 1, 0, 2);
}

YuvPhoto nv12_photo(Span<const std::uint8_t> bytes, int width, int height) noexcept {
  return with_chroma(packed_photo(bytes, width, height), bytes, 0, 1, 2);
}

YuvPhoto i420_photo(Span<const std::uint8_t> bytes, int width, int height) noexcept {
  const std::size_t plane = width < 1 || height < 1 ? 0 : chroma_side(width) * chroma_side(height);
  return with_chroma(packed_photo(bytes, width, height), bytes, 0, plane, 1);
}

Result<PhotoTransform> fill_input_yuv(const YuvPhoto& photo, int rotation_degrees, const Preprocess& preprocess,
                                      const TensorView& input, ResizeFilter filter) {
  DOTORI_RETURN_IF_ERROR(check_photo(photo, rotation_degrees));
  DOTORI_RETURN_IF_ERROR(check_input(preprocess, input));
  const kernels::CameraKernels& kernels = kernels::select_camera();
  kernels::CameraColors colors = colors_for(photo.matrix, preprocess, input);
  const bool real = input.f32() != nullptr;
  if (!real && (colors.zero_point < colors.low || colors.zero_point > colors.high))
    return invalid_argument(std::string("a zero point of ") + data_type_name(input.type) + " must be in " +
                            std::to_string(colors.low) + ".." + std::to_string(colors.high) + ", found " +
                            std::to_string(colors.zero_point));
  const int height = static_cast<int>(input.shape[1]), width = static_cast<int>(input.shape[2]);
  const bool turned = rotation_degrees % 180 != 0;
  const int photo_width = turned ? photo.height : photo.width, photo_height = turned ? photo.width : photo.height;
  const Placement placed = place_photo(photo_width, photo_height, preprocess, width, height);
  const std::size_t pixel_bytes = data_type_bytes(input.type) * static_cast<std::size_t>(input.shape[3]);
  const Target target{static_cast<std::uint8_t*>(input.data), pixel_bytes,
                      pixel_bytes * static_cast<std::size_t>(width)};

  if (placed.input.width != width || placed.input.height != height) store_padding(preprocess, colors, input, target);
  CameraRows rows(photo, rotation_degrees, placed, filter);
  if (preprocess.image_max_norm) {
    float largest = 0;
    for (int j = 0; j < rows.height(); ++j) {
      rows.make(j);
      largest = std::max(largest,
                         kernels.largest(rows.y(), rows.u(), rows.v(), colors, static_cast<std::size_t>(rows.width())));
    }
    if (largest > 0) colors.gain = 255 / largest;
  }
  if (!turned) {
    for (int j = 0; j < rows.height(); ++j) {
      rows.make(j);
      write_pixels(rows, kernels, colors, real, target.at(placed.input.y + j, placed.input.x));
    }
  } else {
    // Several rows at a time, so that what is written to a line of the tensor lies together.
    constexpr int kTogether = 8;
    const std::size_t row_bytes = static_cast<std::size_t>(rows.width()) * pixel_bytes;
    std::vector<float> block(kTogether * row_bytes / sizeof(float) + 1);
    std::uint8_t* const together = reinterpret_cast<std::uint8_t*>(block.data());
    for (int j = 0; j < rows.height(); j += kTogether) {
      const int count = std::min(kTogether, rows.height() - j);
      for (int k = 0; k < count; ++k) {
        rows.make(j + k);
        write_pixels(rows, kernels, colors, real, together + static_cast<std::size_t>(k) * row_bytes);
      }
      store_columns(together, count, rows.width(), target, placed.input.x + j, placed.input.y);
    }
  }
  return transform_of(placed, photo_width, photo_height, width, height);
}

Result<PhotoTransform> fill_inputs_yuv(const YuvPhoto& photo, int rotation_degrees, const Preprocess& preprocess,
                                       Span<const TensorView> inputs, ResizeFilter filter) {
  return fill_each_input(preprocess, inputs, [&](const Preprocess& own, const TensorView& input) {
    return fill_input_yuv(photo, rotation_degrees, own, input, filter);
  });
}

Result<Image> yuv_to_rgb(const YuvPhoto& photo, int rotation_degrees) {
  DOTORI_RETURN_IF_ERROR(check_photo(photo, rotation_degrees));
  const bool turned = rotation_degrees % 180 != 0;
  Image image = make_image(turned ? photo.height : photo.width, turned ? photo.width : photo.height);
  Preprocess as_it_is;
  for (float& scale : as_it_is.scale) scale = 1;
  TensorView view;
  view.type = DataType::kUint8;
  view.shape = {1, image.height, image.width, 3};
  view.data = image.pixels.data();
  view.size_bytes = image.pixels.size();
  view.scale = 1;
  Result<PhotoTransform> filled = fill_input_yuv(photo, rotation_degrees, as_it_is, view, ResizeFilter::kBilinear);
  if (!filled.ok()) return filled.status();
  return image;
}

}  // namespace dotori::vision
