// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace dotori::edge {

// A PNG file of 8-bit gray, rows dense; empty when there is no memory.
std::string gray_png(int width, int height, const std::uint8_t* pixels);
std::string base64(const std::string& bytes);

}  // namespace dotori::edge
