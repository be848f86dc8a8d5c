// SPDX-License-Identifier: Apache-2.0
// int8 elements that find mistakes: the whole range, with more of its ends than chance gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/random.h"

namespace dotori::testing {

inline std::vector<std::int8_t> int8_inputs(Random& random, std::size_t n) {
  std::vector<std::int8_t> v(n);
  for (std::int8_t& x : v) {
    const int kind = random.integer(0, 7);
    x = static_cast<std::int8_t>(kind == 0 ? -128 : kind == 1 ? 127 : random.integer(-128, 127));
  }
  return v;
}

}  // namespace dotori::testing
