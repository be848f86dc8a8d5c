// SPDX-License-Identifier: Apache-2.0
// A font of 5x8 dots for printable ASCII, drawn for this library.
#pragma once

#include <cstdint>

namespace dotori::vision {

constexpr int kGlyphColumns = 5, kGlyphRows = 8;
constexpr char kFirstGlyph = ' ', kLastGlyph = '~';

// kGlyphRows bytes from the top row down, bit 4 = left column; '?' for characters outside the font. Static storage.
const std::uint8_t* glyph_rows(char c) noexcept;

}  // namespace dotori::vision
