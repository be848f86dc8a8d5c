// SPDX-License-Identifier: Apache-2.0
#include <dotori/camera.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::vision {
namespace {

enum class Packing { kNv21, kNv12, kI420, kApart };  // kApart: pixel stride 2, U and V in memory of their own
constexpr Packing kPackings[] = {Packing::kNv21, Packing::kNv12, Packing::kI420, Packing::kApart};

// A picture in memory that ends where the last sample does, so that a sanitizer sees any byte read beyond.
struct Picture {
  Picture(int width, int height, Packing packing, std::uint64_t seed) {
    testing::Random random(seed);
    const int columns = (width + 1) / 2, rows = (height + 1) / 2;
    const int pixel_stride = packing == Packing::kI420 ? 1 : 2;
    photo.width = width;
    photo.height = height;
    photo.y_row_stride = width + 3;
    photo.uv_pixel_stride = pixel_stride;
    photo.uv_row_stride = columns * pixel_stride + 5;
    y.resize(static_cast<std::size_t>(photo.y_row_stride * (height - 1) + width));
    const std::size_t plane =
        static_cast<std::size_t>(photo.uv_row_stride * (rows - 1) + (columns - 1) * pixel_stride + 1);
    const bool pairs = packing == Packing::kNv21 || packing == Packing::kNv12;
    first.resize(pairs ? plane + 1 : plane);
    if (!pairs) second.resize(plane);
    for (std::vector<std::uint8_t>* bytes : {&y, &first, &second})
      for (std::uint8_t& b : *bytes) b = static_cast<std::uint8_t>(random.bits());
    // Chroma that does not send every colour beyond 0..255.
    for (std::vector<std::uint8_t>* bytes : {&first, &second})
      for (std::uint8_t& b : *bytes) b = static_cast<std::uint8_t>(96 + b / 4);
    photo.y = y.data();
    photo.y_size_bytes = y.size();
    const std::uint8_t* other = pairs ? first.data() + 1 : second.data();
    photo.u = packing == Packing::kNv21 ? other : first.data();
    photo.v = packing == Packing::kNv21 ? first.data() : other;
    photo.u_size_bytes = photo.v_size_bytes = plane;
  }
  YuvPhoto photo;
  std::vector<std::uint8_t> y, first, second;
};

struct Area {
  double x, y, width, height;
};

// A sample's centre and the square of half-width `half` it stands for, in the upright picture.
void upright(const YuvPhoto& photo, int rotation, double x, double y, double* ux, double* uy) {
  switch (rotation) {
    case 90: *ux = photo.height - y, *uy = x; return;
    case 180: *ux = photo.width - x, *uy = photo.height - y; return;
    case 270: *ux = y, *uy = photo.width - x; return;
    default: *ux = x, *uy = y;
  }
}

// The weighted mean of a plane's samples around (centre_x, centre_y) of the upright picture: a triangle on each axis,
// `reach` wide, over the samples whose pixels touch `seen`. In double, over all samples, without tables or separation.
double plane_mean(const YuvPhoto& photo, int rotation, int plane, const Area& seen, double centre_x, double centre_y,
                  double step_x, double step_y, bool wide) {
  const int pixels = plane == 0 ? 1 : 2;
  const int columns = (photo.width + pixels - 1) / pixels, rows = (photo.height + pixels - 1) / pixels;
  const double half = pixels / 2.0;
  const double reach_x = wide ? std::max<double>(pixels, step_x) : pixels;
  const double reach_y = wide ? std::max<double>(pixels, step_y) : pixels;
  double sum = 0, weights = 0;
  for (int j = 0; j < rows; ++j)
    for (int i = 0; i < columns; ++i) {
      double x, y;
      upright(photo, rotation, (i + 0.5) * pixels, (j + 0.5) * pixels, &x, &y);
      if (x + half <= seen.x || x - half >= seen.x + seen.width) continue;
      if (y + half <= seen.y || y - half >= seen.y + seen.height) continue;
      const double weight =
          std::max(0.0, 1 - std::fabs(x - centre_x) / reach_x) * std::max(0.0, 1 - std::fabs(y - centre_y) / reach_y);
      const std::uint8_t* p = plane == 0   ? photo.y + j * photo.y_row_stride + i
                              : plane == 1 ? photo.u + j * photo.uv_row_stride + i * photo.uv_pixel_stride
                                           : photo.v + j * photo.uv_row_stride + i * photo.uv_pixel_stride;
      sum += weight * *p;
      weights += weight;
    }
  return sum / weights;
}

struct Rgb {
  double c[3];
};

Rgb plain_pixel(const YuvPhoto& photo, int rotation, const Area& seen, int width, int height, int x, int y, bool wide) {
  const double step_x = seen.width / width, step_y = seen.height / height;
  double s[3];
  for (int plane = 0; plane < 3; ++plane)
    s[plane] = plane_mean(photo, rotation, plane, seen, seen.x + (x + 0.5) * step_x, seen.y + (y + 0.5) * step_y,
                          step_x, step_y, wide);
  const bool limited = photo.matrix == YuvMatrix::kBt601Limited || photo.matrix == YuvMatrix::kBt709Limited;
  const bool is_709 = photo.matrix == YuvMatrix::kBt709Full || photo.matrix == YuvMatrix::kBt709Limited;
  const double luma = limited ? (s[0] - 16) / 219 : s[0] / 255;
  const double pb = (s[1] - 128) / (limited ? 224 : 255), pr = (s[2] - 128) / (limited ? 224 : 255);
  // The usual published numbers, to four digits.
  const double r = luma + (is_709 ? 1.5748 : 1.402) * pr, b = luma + (is_709 ? 1.8556 : 1.772) * pb;
  const double g = luma - (is_709 ? 0.1873 : 0.3441) * pb - (is_709 ? 0.4681 : 0.7141) * pr;
  const auto clip = [](double v) { return 255 * std::min(1.0, std::max(0.0, v)); };
  return {{clip(r), clip(g), clip(b)}};
}

struct FloatInput {
  FloatInput(int height, int width, int channels)
      : buffer(static_cast<std::size_t>(height * width * channels)), row_width(width), channel_count(channels) {
    view.shape = {1, height, width, channels};
    view.data = buffer.data();
    view.size_bytes = buffer.size() * sizeof(float);
  }
  double at(int y, int x, int c) const {
    return static_cast<double>(view.f32()[(y * row_width + x) * channel_count + c]);
  }
  testing::GuardedBuffer<float> buffer;
  TensorView view;
  int row_width, channel_count;
};

Preprocess raw(ResizeMode mode = ResizeMode::kStretch) {
  Preprocess p;
  p.resize = mode;
  for (float& s : p.scale) s = 1;
  return p;
}

// The tolerance camera.h promises.
constexpr double kTolerance = 0.1;

TEST(Camera, MatchesThePlainFormulaInEveryPackingAndRotation) {
  const int sizes[][4] = {{12, 8, 12, 8}, {13, 9, 7, 5},  {37, 22, 8, 11}, {6, 5, 17, 20},
                          {1, 1, 3, 2},   {64, 40, 5, 3}, {3, 50, 10, 9},  {50, 2, 1, 1}};
  double worst = 0;
  for (const auto& s : sizes)
    for (Packing packing : kPackings)
      for (int rotation : {0, 90, 180, 270})
        for (ResizeFilter filter : {ResizeFilter::kAntialiased, ResizeFilter::kBilinear}) {
          const Picture picture(s[0], s[1], packing, 7);
          FloatInput input(s[3], s[2], 3);
          const auto transform = fill_input_yuv(picture.photo, rotation, raw(), input.view, filter);
          ASSERT_TRUE(transform.ok()) << transform.status().message();
          ASSERT_TRUE(input.buffer.guards_intact());
          const bool turned = rotation % 180 != 0;
          const Area all{0, 0, double(turned ? s[1] : s[0]), double(turned ? s[0] : s[1])};
          EXPECT_EQ(transform->photo_width, all.width);
          EXPECT_EQ(transform->photo_height, all.height);
          for (int y = 0; y < s[3]; ++y)
            for (int x = 0; x < s[2]; ++x) {
              const Rgb plain =
                  plain_pixel(picture.photo, rotation, all, s[2], s[3], x, y, filter == ResizeFilter::kAntialiased);
              for (int c = 0; c < 3; ++c) {
                const double off = std::fabs(input.at(y, x, c) - plain.c[c]);
                worst = std::max(worst, off);
                ASSERT_LT(off, kTolerance)
                    << s[0] << "x" << s[1] << " to " << s[2] << "x" << s[3] << ", " << rotation << " degrees, packing "
                    << int(packing) << " at " << x << "," << y << " channel " << c;
              }
            }
        }
  RecordProperty("largest_difference", std::to_string(worst));
}

TEST(Camera, EveryMatrix) {
  for (YuvMatrix matrix :
       {YuvMatrix::kBt601Full, YuvMatrix::kBt601Limited, YuvMatrix::kBt709Full, YuvMatrix::kBt709Limited}) {
    Picture picture(10, 6, Packing::kNv12, 3);
    picture.photo.matrix = matrix;
    FloatInput input(6, 10, 3);
    ASSERT_TRUE(fill_input_yuv(picture.photo, 0, raw(), input.view).ok());
    for (int y = 0; y < 6; ++y)
      for (int x = 0; x < 10; ++x) {
        const Rgb plain = plain_pixel(picture.photo, 0, {0, 0, 10, 6}, 10, 6, x, y, true);
        for (int c = 0; c < 3; ++c) ASSERT_NEAR(input.at(y, x, c), plain.c[c], kTolerance) << int(matrix);
      }
  }
}

TEST(Camera, CropsAsTheTransformSays) {
  const Picture picture(31, 20, Packing::kNv21, 11);
  for (int rotation : {0, 90, 180, 270}) {
    FloatInput input(7, 9, 3);
    Preprocess crop = raw(ResizeMode::kCenterCrop);
    crop.crop_fraction = 0.8f;
    const auto t = fill_input_yuv(picture.photo, rotation, crop, input.view);
    ASSERT_TRUE(t.ok());
    const Area seen{double(t->offset_x), double(t->offset_y), std::round(double(t->scale_x) * 9),
                    std::round(double(t->scale_y) * 7)};
    EXPECT_EQ(seen.width, 16);
    EXPECT_EQ(seen.height, 16);
    for (int y = 0; y < 7; ++y)
      for (int x = 0; x < 9; ++x) {
        const Rgb plain = plain_pixel(picture.photo, rotation, seen, 9, 7, x, y, true);
        for (int c = 0; c < 3; ++c)
          ASSERT_NEAR(input.at(y, x, c), plain.c[c], kTolerance) << rotation << " at " << x << "," << y;
      }
  }
}

TEST(Camera, LetterboxesTheUprightPicture) {
  const Picture picture(32, 16, Packing::kNv21, 5);
  for (int rotation : {0, 90}) {
    FloatInput input(24, 24, 3);
    Preprocess box = raw(ResizeMode::kLetterbox);
    box.pad_value = 114;
    box.mean[0] = 100;
    box.scale[2] = 0.5f;
    ASSERT_TRUE(fill_input_yuv(picture.photo, rotation, box, input.view).ok());
    const bool turned = rotation == 90;
    const Area all{0, 0, turned ? 16.0 : 32.0, turned ? 32.0 : 16.0};
    for (int y = 0; y < 24; ++y)
      for (int x = 0; x < 24; ++x) {
        const int along = turned ? x : y;
        Rgb plain{{114, 114, 114}};
        if (along >= 6 && along < 18)
          plain = plain_pixel(picture.photo, rotation, all, turned ? 12 : 24, turned ? 24 : 12, turned ? x - 6 : x,
                              turned ? y : y - 6, true);
        ASSERT_NEAR(input.at(y, x, 0), plain.c[0] - 100, kTolerance) << rotation << " at " << x << "," << y;
        ASSERT_NEAR(input.at(y, x, 1), plain.c[1], kTolerance) << rotation << " at " << x << "," << y;
        ASSERT_NEAR(input.at(y, x, 2), plain.c[2] / 2, kTolerance) << rotation << " at " << x << "," << y;
      }
  }
}

TEST(Camera, OrdersChannelsAndQuantises) {
  const Picture picture(40, 30, Packing::kNv21, 9);
  for (int rotation : {0, 270})
    for (ChannelOrder order : {ChannelOrder::kRgb, ChannelOrder::kBgr, ChannelOrder::kGray})
      for (int channels : {1, 3}) {
        if (channels == 1 && order != ChannelOrder::kGray) continue;
        Preprocess p = raw(ResizeMode::kLetterboxTopLeft);
        p.order = order;
        p.mean[0] = 20, p.mean[1] = 100, p.mean[2] = 128;
        p.scale[0] = p.scale[1] = p.scale[2] = 1.0f / 64;
        FloatInput real(19, 21, channels);
        ASSERT_TRUE(fill_input_yuv(picture.photo, rotation, p, real.view).ok());
        for (DataType type : {DataType::kInt8, DataType::kUint8}) {
          testing::GuardedBuffer<std::uint8_t> bytes(real.buffer.size());
          TensorView view = real.view;
          view.type = type;
          view.data = bytes.data();
          view.size_bytes = bytes.size();
          view.scale = 0.02f;
          view.zero_point = type == DataType::kInt8 ? -17 : 60;
          ASSERT_TRUE(fill_input_yuv(picture.photo, rotation, p, view).ok());
          ASSERT_TRUE(bytes.guards_intact());
          for (std::size_t i = 0; i < bytes.size(); ++i) {
            const double low = type == DataType::kInt8 ? -128 : 0, high = low + 255;
            const double q = std::nearbyint(static_cast<double>(real.buffer[i] / 0.02f)) + view.zero_point;
            const int found = type == DataType::kInt8 ? static_cast<std::int8_t>(bytes[i]) : bytes[i];
            ASSERT_EQ(found, std::min(high, std::max(low, q))) << i;
          }
        }
        // The same picture by the way of RGB.
        FloatInput rgb(19, 21, 3);
        Preprocess plain = p;
        plain.order = ChannelOrder::kRgb;
        for (int c = 0; c < 3; ++c) plain.mean[c] = 0, plain.scale[c] = 1;
        ASSERT_TRUE(fill_input_yuv(picture.photo, rotation, plain, rgb.view).ok());
        for (int y = 0; y < 10; ++y)
          for (int x = 0; x < 10; ++x)
            for (int c = 0; c < channels; ++c) {
              const double r = rgb.at(y, x, 0), g = rgb.at(y, x, 1), b = rgb.at(y, x, 2);
              const double v = order == ChannelOrder::kGray                ? 0.299 * r + 0.587 * g + 0.114 * b
                               : c == 1                                    ? g
                               : (c == 0) == (order == ChannelOrder::kRgb) ? r
                                                                           : b;
              ASSERT_NEAR(real.at(y, x, c), (v - static_cast<double>(p.mean[c])) / 64, 1e-4);
            }
      }
}

TEST(Camera, ImageMaxNormStretchesToTheLargestValue) {
  Picture picture(24, 24, Packing::kI420, 2);
  for (std::uint8_t& v : picture.y) v = static_cast<std::uint8_t>(v / 3);
  Preprocess p = raw();
  FloatInput plain(8, 8, 3), stretched(8, 8, 3);
  ASSERT_TRUE(fill_input_yuv(picture.photo, 90, p, plain.view).ok());
  p.image_max_norm = true;
  ASSERT_TRUE(fill_input_yuv(picture.photo, 90, p, stretched.view).ok());
  float largest = 0;
  for (float v : plain.buffer.values()) largest = std::max(largest, v);
  ASSERT_LT(largest, 200);
  for (std::size_t i = 0; i < plain.buffer.size(); ++i)
    ASSERT_NEAR(stretched.buffer[i], plain.buffer[i] * 255 / largest, 1e-3);
}

TEST(Camera, FillsSeveralInputs) {
  const Picture picture(24, 16, Packing::kNv21, 2);
  FloatInput color(8, 12, 3), gray(4, 4, 1);
  const TensorView views[] = {color.view, gray.view};
  const auto transform = fill_inputs_yuv(picture.photo, 180, raw(), {views, 2});
  ASSERT_TRUE(transform.ok()) << transform.status().message();
  EXPECT_EQ(transform->input_width, 12);
  FloatInput alone(4, 4, 1);
  Preprocess p = raw();
  p.order = ChannelOrder::kGray;
  ASSERT_TRUE(fill_input_yuv(picture.photo, 180, p, alone.view).ok());
  EXPECT_EQ(gray.buffer.values(), alone.buffer.values());
  const auto none = fill_inputs_yuv(picture.photo, 0, raw(), {});
  EXPECT_EQ(none.status().code(), StatusCode::kInvalidArgument);
}

TEST(Camera, RgbPictureStandsUpright) {
  const Picture picture(15, 10, Packing::kNv21, 21);
  for (int rotation : {0, 90, 180, 270}) {
    const auto image = yuv_to_rgb(picture.photo, rotation);
    ASSERT_TRUE(image.ok()) << image.status().message();
    ASSERT_TRUE(image->valid());
    const bool turned = rotation % 180 != 0;
    ASSERT_EQ(image->width, turned ? 10 : 15);
    const Area all{0, 0, double(image->width), double(image->height)};
    for (int y = 0; y < image->height; ++y)
      for (int x = 0; x < image->width; ++x) {
        const Rgb plain = plain_pixel(picture.photo, rotation, all, image->width, image->height, x, y, false);
        for (int c = 0; c < 3; ++c)
          ASSERT_NEAR(image->pixels[static_cast<std::size_t>(3 * (y * image->width + x) + c)], plain.c[c],
                      0.5 + kTolerance)
              << rotation << " at " << x << "," << y;
      }
  }
}

TEST(Camera, PackingsDescribeTheSameMemory) {
  std::vector<std::uint8_t> bytes(5 * 3 + 2 * 3 * 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const YuvPhoto nv21 = nv21_photo({bytes.data(), bytes.size()}, 5, 3);
  EXPECT_EQ(*nv21.y, 0);
  EXPECT_EQ(*nv21.v, 15);
  EXPECT_EQ(*nv21.u, 16);
  EXPECT_EQ(nv21.uv_row_stride, 6);
  const YuvPhoto nv12 = nv12_photo({bytes.data(), bytes.size()}, 5, 3);
  EXPECT_EQ(*nv12.u, 15);
  EXPECT_EQ(*nv12.v, 16);
  const YuvPhoto i420 = i420_photo({bytes.data(), bytes.size()}, 5, 3);
  EXPECT_EQ(*i420.u, 15);
  EXPECT_EQ(*i420.v, 15 + 6);
  EXPECT_EQ(i420.uv_row_stride, 3);
  for (const YuvPhoto& photo : {nv21, nv12, i420}) EXPECT_TRUE(yuv_to_rgb(photo).ok());
  for (std::size_t size : {std::size_t{0}, std::size_t{14}, std::size_t{15}, std::size_t{16}, bytes.size() - 1})
    for (auto make : {nv21_photo, nv12_photo, i420_photo})
      EXPECT_EQ(yuv_to_rgb(make({bytes.data(), size}, 5, 3)).status().code(), StatusCode::kInvalidArgument) << size;
}

TEST(Camera, RefusesWhatDoesNotFit) {
  const Picture picture(16, 12, Packing::kNv21, 1);
  FloatInput input(4, 4, 3);
  const auto message = [&](const YuvPhoto& photo, int rotation, const TensorView& view) {
    const auto result = fill_input_yuv(photo, rotation, raw(), view);
    EXPECT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
    return result.status().message();
  };
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(has(message(picture.photo, 45, input.view), "rotation"));
  EXPECT_TRUE(has(message(picture.photo, -90, input.view), "found -90"));
  const auto broken = [&](auto change) {
    YuvPhoto photo = picture.photo;
    change(photo);
    return message(photo, 0, input.view);
  };
  EXPECT_TRUE(has(broken([](YuvPhoto& p) { p.width = 0; }), "sides"));
  EXPECT_TRUE(has(broken([](YuvPhoto& p) { p.height = 40000; }), "sides"));
  EXPECT_TRUE(has(broken([](YuvPhoto& p) { p.y = nullptr; }), "Y plane"));
  EXPECT_TRUE(has(broken([](YuvPhoto& p) { p.u = nullptr; }), "U plane"));
  EXPECT_TRUE(has(broken([](YuvPhoto& p) { --p.y_size_bytes; }), "Y plane needs 225 bytes, found 224"));
  EXPECT_TRUE(has(broken([](YuvPhoto& p) { --p.v_size_bytes; }), "V plane"));
  EXPECT_TRUE(has(broken([](YuvPhoto& p) { p.y_row_stride = 15; }), "row stride of at least 16"));
  EXPECT_TRUE(has(broken([](YuvPhoto& p) { p.uv_row_stride = -16; }), "row stride"));
  EXPECT_TRUE(has(broken([](YuvPhoto& p) { p.uv_pixel_stride = 3; }), "uv_pixel_stride"));
  EXPECT_TRUE(has(broken([](YuvPhoto& p) { p.matrix = static_cast<YuvMatrix>(9); }), "matrix"));
  TensorView two_channels = input.view;
  two_channels.shape = {1, 4, 4, 2};
  EXPECT_TRUE(has(message(picture.photo, 0, two_channels), "3 channels"));
  TensorView zero_point = input.view;
  zero_point.type = DataType::kInt8;
  zero_point.scale = 1;
  zero_point.zero_point = 200;
  EXPECT_TRUE(has(message(picture.photo, 0, zero_point), "zero point of int8 must be in -128..127, found 200"));
  YuvPhoto bad = picture.photo;
  bad.y = nullptr;
  EXPECT_FALSE(yuv_to_rgb(bad).ok());
}

}  // namespace
}  // namespace dotori::vision
