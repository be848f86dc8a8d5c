// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/random.h"
#include "vision/exif.h"
#include "vision/image_files.h"

namespace dotori::vision {
namespace {

using testing::Bytes;

// Smooth, so that JPEG keeps it nearly as it is.
Image smooth(int width, int height) {
  Image image = make_image(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      std::uint8_t* p = &image.pixels[static_cast<std::size_t>(3 * (y * width + x))];
      p[0] = static_cast<std::uint8_t>(40 + 150 * x / width);
      p[1] = static_cast<std::uint8_t>(200 - 120 * y / height);
      p[2] = static_cast<std::uint8_t>(90 + 60 * (x + y) / (width + height));
    }
  return image;
}

int largest_difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height) return 1000;
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

Bytes cut(const Bytes& bytes, std::size_t size) {
  return Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(size, bytes.size())));
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dotori_vision_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator()));
  }

 private:
  std::filesystem::path path_;
};

void write(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

TEST(DecodeImage, JpegBaselineAndProgressive) {
  const Image photo = smooth(61, 37);
  for (bool progressive : {false, true}) {
    testing::JpegOptions options;
    options.progressive = progressive;
    const Result<Image> decoded = decode_image(testing::jpeg_file(61, 37, photo.pixels, options));
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_LE(largest_difference(*decoded, photo), 4);
  }
}

TEST(DecodeImage, JpegOrientationIsApplied) {
  const Image photo = smooth(48, 24);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    testing::JpegOptions options;
    options.app1 = testing::exif_payload(orientation, orientation % 2 == 0);
    const Result<Image> decoded = decode_image(testing::jpeg_file(48, 24, photo.pixels, options));
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_LE(largest_difference(*decoded, apply_orientation(photo, orientation)), 4) << orientation;
    if (orientation != 1) {
      EXPECT_GT(largest_difference(*decoded, photo), 10) << orientation;
    }
  }
}

// 1/8, 1/4, 1/2 or whole, as long as both sides keep min_side; the photo's own size is said all the same.
TEST(DecodeImage, JpegAtAPartOfItsSize) {
  const Image photo = testing::gradient(161, 83);
  const Bytes file = testing::jpeg_file(photo.width, photo.height, photo.pixels);
  struct Case {
    int min_side, width, height;
  };
  for (const Case& c : {Case{0, 161, 83},
                        {84, 161, 83},
                        {42, 161, 83},
                        {41, 81, 42},
                        {21, 81, 42},
                        {20, 41, 21},
                        {10, 21, 11},
                        {1, 21, 11}}) {
    DecodeOptions options;
    options.min_side = c.min_side;
    vision::PhotoSize size;
    const auto image = decode_image(file, options, &size);
    ASSERT_TRUE(image.ok()) << image.status().message();
    EXPECT_EQ(image->width, c.width) << c.min_side;
    EXPECT_EQ(image->height, c.height) << c.min_side;
    EXPECT_EQ(size.width, 161);
    EXPECT_EQ(size.height, 83);
    EXPECT_TRUE(image->valid());
  }
  testing::JpegOptions turned;
  turned.app1 = testing::exif_payload(6);
  DecodeOptions options;
  options.min_side = 20;
  vision::PhotoSize size;
  const auto image = decode_image(testing::jpeg_file(photo.width, photo.height, photo.pixels, turned), options, &size);
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->width, 21);
  EXPECT_EQ(image->height, 41);
  EXPECT_EQ(size.width, 83);
  EXPECT_EQ(size.height, 161);
  // Other formats are decoded whole.
  ASSERT_TRUE(decode_image(testing::bmp_file(photo), options, &size).ok());
  EXPECT_EQ(size.width, 161);
}

TEST(DecodeImage, JpegWithHostileExifIsSeenAsStored) {
  const Image photo = smooth(16, 8);
  for (Bytes app1 :
       {Bytes{'E', 'x', 'i', 'f', 0, 0}, Bytes{'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 0xFF, 0xFF, 0xFF, 0xFF},
        Bytes{'h', 't', 't', 'p'}}) {
    testing::JpegOptions options;
    options.app1 = app1;
    const Result<Image> decoded = decode_image(testing::jpeg_file(16, 8, photo.pixels, options));
    ASSERT_TRUE(decoded.ok());
    EXPECT_LE(largest_difference(*decoded, photo), 4);
  }
}

TEST(DecodeImage, JpegGray) {
  std::vector<std::uint8_t> gray(20 * 10);
  for (std::size_t i = 0; i < gray.size(); ++i) gray[i] = static_cast<std::uint8_t>(30 + 10 * (i % 20));
  testing::JpegOptions options;
  options.colors = testing::JpegOptions::Colors::kGray;
  const Result<Image> decoded = decode_image(testing::jpeg_file(20, 10, gray, options));
  ASSERT_TRUE(decoded.ok());
  for (std::size_t i = 0; i < gray.size(); ++i)
    for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(decoded->pixels[3 * i + c], gray[i], 3);
}

TEST(DecodeImage, JpegInks) {
  using Colors = testing::JpegOptions::Colors;
  // libjpeg writes Adobe's marker, so 255 means no ink: (255, 128, 64) under half black.
  std::vector<std::uint8_t> inks;
  for (int i = 0; i < 16 * 16; ++i) inks.insert(inks.end(), {255, 128, 64, 128});
  for (Colors colors : {Colors::kCmyk, Colors::kYcck}) {
    testing::JpegOptions options;
    options.colors = colors;
    const Result<Image> decoded = decode_image(testing::jpeg_file(16, 16, inks, options));
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_NEAR(decoded->pixels[0], 128, 2);
    EXPECT_NEAR(decoded->pixels[1], 64, 2);
    EXPECT_NEAR(decoded->pixels[2], 32, 2);
  }
}

TEST(DecodeImage, TruncatedJpegIsRefused) {
  const Image photo = testing::gradient(96, 64);
  for (bool progressive : {false, true}) {
    testing::JpegOptions options;
    options.progressive = progressive;
    const Bytes whole = testing::jpeg_file(96, 64, photo.pixels, options);
    for (std::size_t eighth = 0; eighth < 8; ++eighth) {
      const Result<Image> decoded = decode_image(cut(whole, std::max<std::size_t>(3, whole.size() * eighth / 8)));
      ASSERT_FALSE(decoded.ok()) << eighth;
      EXPECT_EQ(decoded.status().code(), StatusCode::kInvalidArgument);
    }
  }
}

TEST(DecodeImage, JpegWithTooManyScansIsRefused) {
  testing::JpegOptions options;
  options.progressive = true;
  const Bytes whole = testing::jpeg_file(16, 16, smooth(16, 16).pixels, options);
  // The first scan, from its SOS marker to the next marker, once more and again.
  std::size_t begin = 0;
  while (whole[begin] != 0xFF || whole[begin + 1] != 0xDA) ++begin;
  std::size_t end = begin + 2;
  while (whole[end] != 0xFF || whole[end + 1] == 0) ++end;
  const auto at = [&](std::size_t i) { return whole.begin() + static_cast<std::ptrdiff_t>(i); };
  Bytes bomb = cut(whole, begin);
  for (int i = 0; i < 200; ++i) bomb.insert(bomb.end(), at(begin), at(end));
  bomb.insert(bomb.end(), at(end), whole.end());
  const Result<Image> decoded = decode_image(bomb);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.status().code(), StatusCode::kUnsupported) << decoded.status().message();
}

TEST(DecodeImage, PixelLimitComesBeforeDecoding) {
  const Image photo = smooth(40, 30);
  DecodeOptions options;
  options.max_pixels = 40 * 30 - 1;
  const Bytes files[] = {testing::jpeg_file(40, 30, photo.pixels), testing::png_file(40, 30, 8, 2, photo.pixels),
                         testing::bmp_file(photo)};
  for (const Bytes& file : files) {
    EXPECT_TRUE(decode_image(file).ok());
    EXPECT_EQ(decode_image(file, options).status().code(), StatusCode::kOutOfMemory);
  }
  // A header that promises 65500 x 65500 pixels.
  Bytes huge = testing::jpeg_file(40, 30, photo.pixels);
  for (std::size_t i = 0; i + 8 < huge.size(); ++i)
    if (huge[i] == 0xFF && huge[i + 1] == 0xC0) {
      huge[i + 5] = huge[i + 7] = 0xFF;
      huge[i + 6] = huge[i + 8] = 0xDC;
      break;
    }
  EXPECT_EQ(decode_image(huge).status().code(), StatusCode::kOutOfMemory);
  const Result<Image> png = decode_image(testing::png_file(60000, 1, 1, 0, Bytes(7500)));
  EXPECT_TRUE(png.ok());
  EXPECT_FALSE(decode_image(testing::png_file(70000, 1, 1, 0, Bytes(8750))).ok());
}

TEST(DecodeImage, PngColorTypes) {
  const Image photo = testing::gradient(9, 5);
  Result<Image> decoded = decode_image(testing::png_file(9, 5, 8, 2, photo.pixels));
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(decoded->pixels, photo.pixels);

  Bytes wide;  // 16 bits: the high byte counts
  for (std::uint8_t v : photo.pixels) wide.insert(wide.end(), {v, static_cast<unsigned char>(255 - v)});
  decoded = decode_image(testing::png_file(9, 5, 16, 2, wide));
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(decoded->pixels, photo.pixels);

  const Bytes palette = testing::png_chunk("PLTE", {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7});
  decoded = decode_image(testing::png_file(4, 1, 2, 3, {0x1B}, palette));
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(decoded->pixels, (Bytes{255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7}));

  decoded = decode_image(testing::png_file(8, 1, 1, 0, {0xA0}));
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(decoded->pixels[0], 255);
  EXPECT_EQ(decoded->pixels[3], 0);
  EXPECT_EQ(decoded->pixels[6], 255);
}

TEST(DecodeImage, PngTransparencyGoesOnWhite) {
  Result<Image> decoded =
      decode_image(testing::png_file(3, 1, 8, 6, {10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 200, 51}));
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(decoded->pixels, (Bytes{10, 20, 30, 255, 255, 255, 204, 224, 244}));
  // One colour declared transparent.
  const Bytes key = testing::png_chunk("tRNS", {0, 1, 0, 2, 0, 3});
  decoded = decode_image(testing::png_file(2, 1, 8, 2, {1, 2, 3, 1, 2, 4}, key));
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(decoded->pixels, (Bytes{255, 255, 255, 1, 2, 4}));
}

TEST(DecodeImage, Bmp) {
  for (int width : {1, 2, 3, 4, 7}) {
    const Image photo = testing::gradient(width, 3);
    const Result<Image> decoded = decode_image(testing::bmp_file(photo));
    ASSERT_TRUE(decoded.ok()) << decoded.status().message();
    EXPECT_EQ(decoded->pixels, photo.pixels);
  }
}

TEST(DecodeImage, TruncatedPngAndBmpAreRefused) {
  const Image photo = testing::gradient(31, 17);
  const Bytes png = testing::png_file(31, 17, 8, 2, photo.pixels);
  for (std::size_t n = 0; n + 12 < png.size(); n += 13) EXPECT_FALSE(decode_image(cut(png, n)).ok()) << n;
  const Bytes bmp = testing::bmp_file(photo);
  for (std::size_t n = 0; n + 4 < bmp.size(); n += 7) EXPECT_FALSE(decode_image(cut(bmp, n)).ok()) << n;
}

TEST(DecodeImage, DamagedFilesNeverCrash) {
  testing::Random random(3);
  const Image photo = testing::gradient(24, 18);
  testing::JpegOptions progressive;
  progressive.progressive = true;
  progressive.app1 = testing::exif_payload(5);
  const Bytes files[] = {testing::jpeg_file(24, 18, photo.pixels),
                         testing::jpeg_file(24, 18, photo.pixels, progressive),
                         testing::png_file(24, 18, 8, 2, photo.pixels), testing::bmp_file(photo)};
  DecodeOptions options;
  options.max_pixels = 100'000;
  for (const Bytes& file : files)
    for (int round = 0; round < 1500; ++round) {
      Bytes damaged = file;
      for (int i = random.integer(1, 6); i > 0; --i)
        damaged[static_cast<std::size_t>(random.integer(2, static_cast<int>(file.size()) - 1))] =
            static_cast<unsigned char>(random.bits());
      const Result<Image> decoded = decode_image(damaged, options);
      if (decoded.ok()) {
        EXPECT_TRUE(decoded->valid());
      }
    }
}

TEST(DecodeImage, OtherFormatsAreNamed) {
  EXPECT_EQ(decode_image({}).status().code(), StatusCode::kInvalidArgument);
  const Bytes gif = {'G', 'I', 'F', '8', '9', 'a', 1, 0, 1, 0};
  EXPECT_EQ(decode_image(gif).status().code(), StatusCode::kUnsupported);
}

TEST(LoadImage, SaysWhatIsWrongAndWhere) {
  const TemporaryFolder folder;
  const std::string path = folder.file("photo.jpg");
  Result<Image> loaded = load_image(path);
  EXPECT_EQ(loaded.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(loaded.status().message().rfind(path, 0), 0u);
  EXPECT_EQ(load_image(folder.file(".")).status().code(), StatusCode::kIoError);
  ASSERT_EQ(mkfifo(folder.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(load_image(folder.file("pipe")).status().code(), StatusCode::kIoError);

  write(path, testing::jpeg_file(16, 16, smooth(16, 16).pixels));
  EXPECT_TRUE(load_image(path).ok());
  DecodeOptions options;
  options.max_file_bytes = 50;
  EXPECT_EQ(load_image(path, options).status().code(), StatusCode::kOutOfMemory);
  write(path, {});
  EXPECT_EQ(load_image(path).status().code(), StatusCode::kInvalidArgument);
}

TEST(SavePng, ReadsBackTheSame) {
  const TemporaryFolder folder;
  const std::string path = folder.file("picture.png");
  for (int width : {1, 33, 300}) {
    const Image image = testing::gradient(width, 19);
    const Status saved = save_png(image, path);
    ASSERT_TRUE(saved.ok()) << saved.message();
    const Result<Image> loaded = load_image(path);
    ASSERT_TRUE(loaded.ok()) << loaded.status().message();
    EXPECT_EQ(loaded->width, width);
    EXPECT_EQ(loaded->pixels, image.pixels);
  }
  EXPECT_EQ(folder.entries(), 1u);
  Image broken = testing::gradient(4, 4);
  broken.pixels.pop_back();
  EXPECT_EQ(save_png(broken, path).code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(save_png(testing::gradient(4, 4), folder.file("missing/picture.png")).ok());
}

}  // namespace
}  // namespace dotori::vision
