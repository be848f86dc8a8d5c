// SPDX-License-Identifier: Apache-2.0
// int8 weights as the kernels want them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dotori::graph {

// Kernels take weights in [-127, 127]. Where some of the `count` elements are -128, all of them and the zero point move
// up by one, which changes no real value. Elements that reach both ends (or have a scale for each channel:
// `zero_point` null) cannot move; then those of -128 become -127, one 255th of the range, as long as they are few: one
// in 256, rounded up, of 64 or more. Returns how many did; -1, and nothing changes, when there are more.
int narrow_weights(std::int8_t* elements, std::size_t count, std::int32_t* zero_point) noexcept;

}  // namespace dotori::graph
