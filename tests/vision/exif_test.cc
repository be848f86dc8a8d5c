// SPDX-License-Identifier: Apache-2.0
#include "vision/exif.h"

#include <gtest/gtest.h>

#include "support/random.h"
#include "vision/image_files.h"

namespace dotori::vision {
namespace {

using testing::Bytes;

TEST(Exif, ReadsBothByteOrders) {
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (bool big_endian : {false, true})
      EXPECT_EQ(exif_orientation(testing::exif_payload(orientation, big_endian)), orientation);
}

TEST(Exif, ValuesOutsideTheRangeAreNone) {
  for (int orientation : {0, 9, 255, 65535}) EXPECT_EQ(exif_orientation(testing::exif_payload(orientation)), 0);
}

TEST(Exif, EveryTruncationIsNone) {
  const Bytes whole = testing::exif_payload(6);
  // The value ends at byte 26; what follows is padding and the next directory.
  for (std::size_t n = 0; n < 26; ++n) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    EXPECT_EQ(exif_orientation(part), 0) << n;
  }
}

TEST(Exif, DirectoryFarOutsideIsNone) {
  Bytes payload = testing::exif_payload(6);
  for (std::size_t i = 10; i < 14; ++i) payload[i] = 0xFF;
  EXPECT_EQ(exif_orientation(payload), 0);
}

TEST(Exif, CountOfEntriesIsNotTrusted) {
  Bytes payload = testing::exif_payload(6);
  payload[14] = payload[15] = 0xFF;  // 65535 entries
  payload[16] = 0;                   // the first is another tag
  EXPECT_EQ(exif_orientation(payload), 0);
}

TEST(Exif, WrongTypeOrCountIsNone) {
  Bytes payload = testing::exif_payload(6);
  payload[18] = 2;  // ASCII
  EXPECT_EQ(exif_orientation(payload), 0);
  payload = testing::exif_payload(6);
  payload[20] = 2;  // two values
  EXPECT_EQ(exif_orientation(payload), 0);
}

TEST(Exif, RandomBytesStayInRange) {
  testing::Random random(7);
  for (int round = 0; round < 20000; ++round) {
    Bytes payload = testing::exif_payload(random.integer(1, 8), random.integer(0, 1) == 1);
    for (int i = random.integer(1, 4); i > 0; --i)
      payload[static_cast<std::size_t>(random.integer(6, static_cast<int>(payload.size()) - 1))] =
          static_cast<unsigned char>(random.bits());
    payload.resize(static_cast<std::size_t>(random.integer(0, static_cast<int>(payload.size()))));
    payload.shrink_to_fit();
    const int orientation = exif_orientation(payload);
    EXPECT_GE(orientation, 0);
    EXPECT_LE(orientation, 8);
  }
}

// Where the stored picture's top left pixel and its right neighbour are seen, as the EXIF standard words it: 1
// top-left, 2 top-right, 3 bottom-right, 4 bottom-left, 5 left-top, 6 right-top, 7 right-bottom, 8 left-bottom.
TEST(Exif, OrientationPutsRowsAndColumnsWhereTheStandardSays) {
  const Image stored = testing::gradient(5, 3);
  struct Case {
    int orientation, width, height, x, y, right_x, right_y;
  };
  const Case cases[] = {{1, 5, 3, 0, 0, 1, 0}, {2, 5, 3, 4, 0, 3, 0}, {3, 5, 3, 4, 2, 3, 2}, {4, 5, 3, 0, 2, 1, 2},
                        {5, 3, 5, 0, 0, 0, 1}, {6, 3, 5, 2, 0, 2, 1}, {7, 3, 5, 2, 4, 2, 3}, {8, 3, 5, 0, 4, 0, 3}};
  for (const Case& c : cases) {
    const Image seen = apply_orientation(stored, c.orientation);
    ASSERT_TRUE(seen.valid());
    ASSERT_EQ(seen.width, c.width) << c.orientation;
    ASSERT_EQ(seen.height, c.height) << c.orientation;
    for (int channel = 0; channel < 3; ++channel) {
      EXPECT_EQ(seen.pixels[static_cast<std::size_t>(3 * (c.y * seen.width + c.x) + channel)],
                stored.pixels[static_cast<std::size_t>(channel)])
          << c.orientation;
      EXPECT_EQ(seen.pixels[static_cast<std::size_t>(3 * (c.right_y * seen.width + c.right_x) + channel)],
                stored.pixels[static_cast<std::size_t>(3 + channel)])
          << c.orientation;
    }
  }
}

TEST(Exif, TurningBackGivesTheSamePicture) {
  const Image stored = testing::gradient(67, 41);
  const int back[] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
  for (int orientation = 1; orientation <= 8; ++orientation)
    EXPECT_EQ(apply_orientation(apply_orientation(stored, orientation), back[orientation]).pixels, stored.pixels)
        << orientation;
}

}  // namespace
}  // namespace dotori::vision
