// SPDX-License-Identifier: Apache-2.0
#include "graph/int8_weights.h"

#include <algorithm>

namespace dotori::graph {

int narrow_weights(std::int8_t* elements, std::size_t count, std::int32_t* zero_point) noexcept {
  std::size_t lowest = 0, highest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    lowest += elements[i] == -128;
    highest += elements[i] == 127;
  }
  if (lowest == 0) return 0;
  if (zero_point != nullptr && highest == 0 && *zero_point < 127) {
    for (std::size_t i = 0; i < count; ++i) ++elements[i];
    ++*zero_point;
    return 0;
  }
  if (lowest > (count < 64 ? 0 : (count + 255) / 256)) return -1;
  std::replace(elements, elements + count, std::int8_t{-128}, std::int8_t{-127});
  return static_cast<int>(lowest);
}

}  // namespace dotori::graph
