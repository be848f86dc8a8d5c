// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "support/guarded_buffer.h"
#include "support/random.h"
#include "vision/image_files.h"
#include "vision/resize.h"

namespace dotori::vision {
namespace {

// An input with guard bands.
struct Input {
  Input(int height, int width, int channels)
      : buffer(static_cast<std::size_t>(height * width * channels)), channel_count(channels), row_width(width) {
    view.shape = {1, height, width, channels};
    view.data = buffer.data();
    view.size_bytes = buffer.size() * sizeof(float);
  }
  float at(int y, int x, int c) const { return view.f32()[(y * row_width + x) * channel_count + c]; }
  testing::GuardedBuffer<float> buffer;
  TensorView view;
  int channel_count, row_width;
};

// x in 0..255, as it is.
Preprocess raw(ResizeMode mode = ResizeMode::kStretch) {
  Preprocess p;
  p.resize = mode;
  for (float& s : p.scale) s = 1;
  return p;
}

Image noise(int width, int height, std::uint64_t seed) {
  testing::Random random(seed);
  Image image = make_image(width, height);
  for (std::uint8_t& v : image.pixels) v = static_cast<std::uint8_t>(random.bits());
  return image;
}

// Straight from the formula, in double, without tables or separation.
double plain_sample(const Image& image, const Rect& source, int width, int height, ResizeFilter filter, int x, int y,
                    int c) {
  const double step_x = static_cast<double>(source.width) / width, step_y = static_cast<double>(source.height) / height;
  const bool wide = filter == ResizeFilter::kAntialiased;
  const double reach_x = wide ? std::max(1.0, step_x) : 1, reach_y = wide ? std::max(1.0, step_y) : 1;
  const double centre_x = (x + 0.5) * step_x, centre_y = (y + 0.5) * step_y;
  double sum = 0, weights = 0;
  for (int j = 0; j < source.height; ++j)
    for (int i = 0; i < source.width; ++i) {
      const double wx = 1 - std::fabs(i + 0.5 - centre_x) / reach_x, wy = 1 - std::fabs(j + 0.5 - centre_y) / reach_y;
      if (wx <= 0 || wy <= 0) continue;
      sum += wx * wy * image.pixels[static_cast<std::size_t>(3 * ((source.y + j) * image.width + source.x + i) + c)];
      weights += wx * wy;
    }
  return sum / weights;
}

TEST(Resize, MatchesThePlainFormula) {
  const int sizes[][4] = {{8, 6, 8, 6}, {8, 6, 13, 11}, {37, 23, 9, 8}, {64, 64, 5, 3},
                          {1, 1, 4, 4}, {3, 40, 7, 2},  {40, 3, 1, 1}};
  for (const auto& s : sizes)
    for (ResizeFilter filter : {ResizeFilter::kAntialiased, ResizeFilter::kBilinear}) {
      const Image image = noise(s[0], s[1], 5);
      Input input(s[3], s[2], 3);
      ASSERT_TRUE(fill_input(image, raw(), input.view, filter).ok());
      EXPECT_TRUE(input.buffer.guards_intact());
      for (int y = 0; y < s[3]; ++y)
        for (int x = 0; x < s[2]; ++x)
          for (int c = 0; c < 3; ++c)
            ASSERT_NEAR(input.at(y, x, c), plain_sample(image, {0, 0, s[0], s[1]}, s[2], s[3], filter, x, y, c), 2e-3)
                << s[0] << "x" << s[1] << " to " << s[2] << "x" << s[3] << " at " << x << "," << y;
    }
}

TEST(Resize, SameSizeKeepsEveryValue) {
  const Image image = noise(17, 9, 1);
  Input input(9, 17, 3);
  ASSERT_TRUE(fill_input(image, raw(), input.view).ok());
  for (std::size_t i = 0; i < image.pixels.size(); ++i) EXPECT_EQ(input.view.f32()[i], image.pixels[i]);
}

TEST(Resize, AntialiasingAveragesAFineChequerboard) {
  Image image = make_image(64, 64);
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x)
      for (int c = 0; c < 3; ++c)
        image.pixels[static_cast<std::size_t>(3 * (y * 64 + x) + c)] = (x + y) % 2 == 0 ? 0 : 200;
  Input input(8, 8, 3);
  ASSERT_TRUE(fill_input(image, raw(), input.view).ok());
  for (int i = 0; i < 8 * 8 * 3; ++i) EXPECT_NEAR(input.view.f32()[i], 100, 0.5);
}

TEST(Resize, WeightsSumToOneAndStayInside) {
  for (int in : {1, 2, 3, 10, 224, 1000})
    for (int out : {1, 2, 7, 224, 999})
      for (ResizeFilter filter : {ResizeFilter::kAntialiased, ResizeFilter::kBilinear}) {
        const AxisWeights axis = axis_weights(in, out, filter);
        ASSERT_EQ(axis.taps.size(), static_cast<std::size_t>(out));
        for (const AxisWeights::Taps& t : axis.taps) {
          ASSERT_GE(t.count, 1);
          ASSERT_GE(t.first, 0);
          ASSERT_LE(t.first + t.count, in);
          double sum = 0;
          for (int i = 0; i < t.count; ++i) sum += axis.weights[static_cast<std::size_t>(t.offset + i)];
          ASSERT_NEAR(sum, 1, 1e-5);
        }
      }
}

TEST(FillInput, OrdersChannelsAndNormalises) {
  const Image image = make_image(4, 4, {10, 20, 40});
  Preprocess p;
  const float mean[3] = {1, 2, 3}, scale[3] = {2, 0.5f, -1};
  std::copy(mean, mean + 3, p.mean);
  std::copy(scale, scale + 3, p.scale);
  Input input(2, 2, 3);
  ASSERT_TRUE(fill_input(image, p, input.view).ok());
  EXPECT_FLOAT_EQ(input.at(1, 1, 0), 18);
  EXPECT_FLOAT_EQ(input.at(1, 1, 1), 9);
  EXPECT_FLOAT_EQ(input.at(1, 1, 2), -37);
  p.order = ChannelOrder::kBgr;
  ASSERT_TRUE(fill_input(image, p, input.view).ok());
  EXPECT_FLOAT_EQ(input.at(0, 1, 0), 78);
  EXPECT_FLOAT_EQ(input.at(0, 1, 1), 9);
  EXPECT_FLOAT_EQ(input.at(0, 1, 2), -7);
  p.order = ChannelOrder::kGray;
  const float luma = 0.299f * 10 + 0.587f * 20 + 0.114f * 40;
  ASSERT_TRUE(fill_input(image, p, input.view).ok());
  EXPECT_NEAR(input.at(0, 0, 2), 3 - luma, 1e-4);
  Input gray(3, 5, 1);
  ASSERT_TRUE(fill_input(image, p, gray.view).ok());
  EXPECT_TRUE(gray.buffer.guards_intact());
  for (int i = 0; i < 15; ++i) EXPECT_NEAR(gray.view.f32()[i], (luma - 1) * 2, 1e-4);
}

TEST(FillInput, MaxNormScalesByTheLargestValue) {
  Image image = make_image(2, 1, {50, 20, 10});
  image.pixels[4] = 100;
  Preprocess p = raw();
  p.image_max_norm = true;
  Input input(1, 2, 3);
  ASSERT_TRUE(fill_input(image, p, input.view).ok());
  EXPECT_FLOAT_EQ(input.at(0, 1, 1), 255);
  EXPECT_FLOAT_EQ(input.at(0, 0, 0), 127.5f);
  ASSERT_TRUE(fill_input(make_image(2, 2), p, input.view).ok());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(input.view.f32()[i], 0);
}

TEST(FillInput, LetterboxGeometry) {
  const Image wide = make_image(200, 100, {255, 255, 255});
  Preprocess p = raw(ResizeMode::kLetterbox);
  p.pad_value = 7;
  Input input(40, 40, 3);
  Result<PhotoTransform> t = fill_input(wide, p, input.view);
  ASSERT_TRUE(t.ok());
  EXPECT_TRUE(input.buffer.guards_intact());
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 40; ++x) EXPECT_NEAR(input.at(y, x, 1), y >= 10 && y < 30 ? 255 : 7, 1e-3) << x << "," << y;
  EXPECT_FLOAT_EQ(t->photo_x(0), 0);
  EXPECT_FLOAT_EQ(t->photo_x(40), 200);
  EXPECT_FLOAT_EQ(t->photo_y(10), 0);
  EXPECT_FLOAT_EQ(t->photo_y(30), 100);

  p.resize = ResizeMode::kLetterboxTopLeft;
  t = fill_input(wide, p, input.view);
  ASSERT_TRUE(t.ok());
  for (int y = 0; y < 40; ++y) EXPECT_NEAR(input.at(y, 39, 1), y < 20 ? 255 : 7, 1e-3) << y;
  EXPECT_FLOAT_EQ(t->photo_y(0), 0);
  EXPECT_FLOAT_EQ(t->photo_y(20), 100);

  t = fill_input(make_image(100, 200), p, input.view);
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(input.at(39, 19, 0), 0);
  EXPECT_EQ(input.at(39, 20, 0), 7);
  // So long that the short side would vanish.
  t = fill_input(make_image(3000, 1, {9, 9, 9}), p, input.view);
  ASSERT_TRUE(t.ok());
  EXPECT_NEAR(input.at(0, 0, 0), 9, 1e-4);
  EXPECT_EQ(input.at(1, 0, 0), 7);
}

TEST(FillInput, CenterCropTakesTheMiddle) {
  const Image image = noise(60, 40, 9);
  Preprocess p = raw(ResizeMode::kCenterCrop);
  p.crop_fraction = 0.5f;  // 20 x 20 at (20, 10)
  Input input(10, 10, 3);
  const Result<PhotoTransform> t = fill_input(image, p, input.view);
  ASSERT_TRUE(t.ok());
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 10; ++x)
      EXPECT_NEAR(input.at(y, x, 2), plain_sample(image, {20, 10, 20, 20}, 10, 10, ResizeFilter::kAntialiased, x, y, 2),
                  1e-3);
  EXPECT_FLOAT_EQ(t->photo_x(0), 20);
  EXPECT_FLOAT_EQ(t->photo_y(10), 30);
}

TEST(FillInput, TransformRoundTrip) {
  for (ResizeMode mode :
       {ResizeMode::kStretch, ResizeMode::kCenterCrop, ResizeMode::kLetterbox, ResizeMode::kLetterboxTopLeft})
    for (auto [width, height] : {std::pair{333, 77}, std::pair{50, 480}, std::pair{640, 480}}) {
      Input input(96, 160, 3);
      const Result<PhotoTransform> t = fill_input(make_image(width, height), raw(mode), input.view);
      ASSERT_TRUE(t.ok());
      EXPECT_EQ(t->photo_width, width);
      EXPECT_EQ(t->input_width, 160);
      EXPECT_EQ(t->input_height, 96);
      for (float v : {0.0f, 3.25f, 80.0f, 160.0f}) {
        EXPECT_NEAR(t->input_x(t->photo_x(v)), v, 1e-3);
        EXPECT_NEAR(t->input_y(t->photo_y(v)), v, 1e-3);
      }
    }
}

TEST(FillInput, RefusesWhatDoesNotFit) {
  const Image image = make_image(8, 8);
  Input input(4, 4, 3);
  const auto code = [&](const Image& photo, const Preprocess& p, const TensorView& view) {
    return fill_input(photo, p, view).status().code();
  };
  EXPECT_EQ(code(Image(), raw(), input.view), StatusCode::kInvalidArgument);
  TensorView view = input.view;
  view.shape = {4, 4, 3};
  EXPECT_EQ(code(image, raw(), view), StatusCode::kInvalidArgument);
  view.shape = {2, 4, 4, 3};
  EXPECT_EQ(code(image, raw(), view), StatusCode::kInvalidArgument);
  view.shape = {1, 8, 8, 3};
  EXPECT_EQ(code(image, raw(), view), StatusCode::kInvalidArgument);
  view = input.view;
  view.type = DataType::kUint8;
  EXPECT_EQ(code(image, raw(), view), StatusCode::kInvalidArgument);
  Input four(4, 4, 4), one(4, 4, 1);
  EXPECT_EQ(code(image, raw(), four.view), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(image, raw(), one.view), StatusCode::kInvalidArgument);
  Preprocess p = raw(ResizeMode::kCenterCrop);
  for (float fraction : {0.0f, 1.5f, std::numeric_limits<float>::quiet_NaN()}) {
    p.crop_fraction = fraction;
    EXPECT_EQ(code(image, p, input.view), StatusCode::kInvalidArgument);
  }
  p = raw();
  p.pad_value = 300;
  EXPECT_EQ(code(image, p, input.view), StatusCode::kInvalidArgument);
  p = raw();
  p.scale[1] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(code(image, p, input.view), StatusCode::kInvalidArgument);
}

// An 8-bit input with guard bands.
template <class T>
struct QuantisedInput {
  QuantisedInput(DataType type, int height, int width, float scale, std::int32_t zero_point)
      : buffer(static_cast<std::size_t>(3 * height * width)) {
    view.type = type;
    view.shape = {1, height, width, 3};
    view.data = buffer.data();
    view.size_bytes = buffer.size();
    view.scale = scale;
    view.zero_point = zero_point;
  }
  testing::GuardedBuffer<T> buffer;
  TensorView view;
};

template <class T>
void expect_rounded(DataType type, float scale, std::int32_t zero_point) {
  const Image photo = noise(37, 23, 8);
  Preprocess p = raw(ResizeMode::kLetterbox);
  for (int c = 0; c < 3; ++c) {
    p.mean[c] = 100.0f + 10.0f * static_cast<float>(c);
    p.scale[c] = 1 / 58.0f;
  }
  Input real(16, 16, 3);
  QuantisedInput<T> stored(type, 16, 16, scale, zero_point);
  ASSERT_TRUE(fill_input(photo, p, real.view).ok());
  const auto transform = fill_input(photo, p, stored.view);
  ASSERT_TRUE(transform.ok()) << transform.status().message();
  EXPECT_EQ(transform->input_width, 16);
  EXPECT_TRUE(stored.buffer.guards_intact());
  const double low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  for (std::size_t i = 0; i < stored.buffer.size(); ++i) {
    const double q = std::nearbyint(real.view.f32()[i] / scale) + zero_point;
    ASSERT_EQ(stored.buffer.data()[i], std::min(std::max(q, low), high)) << i;
  }
}

TEST(FillInput, QuantisedInputs) {
  expect_rounded<std::int8_t>(DataType::kInt8, 0.02f, -3);
  expect_rounded<std::int8_t>(DataType::kInt8, 0.004f, 0);  // clamps at both ends
  expect_rounded<std::uint8_t>(DataType::kUint8, 0.02f, 117);
  expect_rounded<std::uint8_t>(DataType::kUint8, 0.5f, 250);
}

TEST(FillInput, RawBytesAndTiesToEven) {
  // scale 1, zero point 0: the photo's own bytes. scale 2: halves to the even neighbour.
  Image photo = make_image(4, 1);
  for (std::size_t i = 0; i < 12; ++i) photo.pixels[i] = static_cast<std::uint8_t>(i);
  QuantisedInput<std::uint8_t> bytes(DataType::kUint8, 1, 4, 1, 0), halves(DataType::kUint8, 1, 4, 2, 0);
  ASSERT_TRUE(fill_input(photo, raw(), bytes.view).ok());
  ASSERT_TRUE(fill_input(photo, raw(), halves.view).ok());
  const int expected[12] = {0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 5, 6};
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(bytes.buffer.data()[i], i);
    EXPECT_EQ(halves.buffer.data()[i], expected[i]) << i;
  }
}

TEST(FillInput, QuantisedInputsNeedAScale) {
  const Image photo = noise(4, 4, 1);
  for (float scale : {0.0f, -1.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    QuantisedInput<std::int8_t> input(DataType::kInt8, 4, 4, scale, 0);
    const Status status = fill_input(photo, raw(), input.view).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("scale"), std::string::npos) << status.message();
  }
  QuantisedInput<std::int8_t> input(DataType::kInt8, 4, 4, 1, 0);
  --input.view.size_bytes;
  EXPECT_FALSE(fill_input(photo, raw(), input.view).ok());
}

// Every input of a model from one photo, each at its own size; gray where there is one channel.
TEST(FillInputs, EachAtItsOwnSize) {
  const Image photo = noise(20, 16, 5);
  Input gray(8, 10, 1), color(4, 5, 3), alone(8, 10, 1), alone_color(4, 5, 3);
  const auto transform = fill_inputs(photo, raw(), std::vector<TensorView>{gray.view, color.view});
  ASSERT_TRUE(transform.ok()) << transform.status().message();
  EXPECT_EQ(transform->input_width, 10);
  Preprocess in_gray = raw();
  in_gray.order = ChannelOrder::kGray;
  ASSERT_TRUE(fill_input(photo, in_gray, alone.view).ok());
  ASSERT_TRUE(fill_input(photo, raw(), alone_color.view).ok());
  EXPECT_EQ(gray.buffer.values(), alone.buffer.values());
  EXPECT_EQ(color.buffer.values(), alone_color.buffer.values());

  Input two(4, 5, 2);
  const auto wrong = fill_inputs(photo, raw(), std::vector<TensorView>{gray.view, two.view});
  EXPECT_EQ(wrong.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(wrong.status().message().find("input 1"), std::string::npos) << wrong.status().message();
  EXPECT_FALSE(fill_inputs(photo, raw(), Span<const TensorView>()).ok());
}

}  // namespace
}  // namespace dotori::vision
