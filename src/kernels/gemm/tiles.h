// SPDX-License-Identifier: Apache-2.0
// Many rows in one call, for the float32 kernels. Internal linkage: every instruction set has its own.
#pragma once

#include "kernels/gemm/gemm.h"

namespace dotori::kernels {
namespace {

// one(strip) for strips of at most mr rows: where there are more, a few panels at a time, which stay in the first-level
// cache (half of a small one) while all rows pass by.
template <class One>
inline void gemm_f32_tiles(const GemmF32Strip& s, int32_t mr, int32_t nr, const One& one) noexcept {
  if (s.m <= mr) return one(s);
  constexpr size_t kCachedElems = 4096;
  const size_t panel_elems = s.taps * s.k * static_cast<size_t>(nr);
  const size_t together = panel_elems == 0 || panel_elems > kCachedElems ? 1 : kCachedElems / panel_elems;
  const int32_t panels = together < 64 ? static_cast<int32_t>(together) : 64, columns = panels * nr;
  GemmF32Strip part = s;
  for (int32_t j = 0; j < s.n; j += columns) {
    part.n = s.n - j < columns ? s.n - j : columns;
    part.a = s.a;
    part.c = s.c;
    for (part.m = mr; static_cast<ptrdiff_t>(part.c - s.c) < s.m; part.a += s.a_tile_step, part.c += mr) {
      const int32_t left = s.m - static_cast<int32_t>(part.c - s.c);
      if (left < mr) part.m = left;
      one(part);
    }
    part.b += static_cast<size_t>(panels) * s.panel_stride;
    if (s.bias != nullptr) part.bias += static_cast<size_t>(panels) * s.panel_stride;
    part.c_offset += columns;
  }
}

}  // namespace
}  // namespace dotori::kernels
