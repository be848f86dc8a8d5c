// SPDX-License-Identifier: Apache-2.0
// Many rows in one call, for the float32 kernels. Internal linkage: every instruction set has its own.
#pragma once

#include "kernels/gemm/gemm.h"

namespace dotori::kernels {
namespace {

// one(strip) for strips of at most mr rows: where there are more, panel by panel, so that a panel stays in the
// first-level cache while all rows pass by.
template <class One>
inline void gemm_f32_tiles(const GemmF32Strip& s, int32_t mr, int32_t nr, const One& one) noexcept {
  if (s.m <= mr) return one(s);
  GemmF32Strip part = s;
  for (int32_t j = 0; j < s.n; j += nr) {
    part.n = s.n - j < nr ? s.n - j : nr;
    part.a = s.a;
    part.c = s.c;
    for (part.m = mr; static_cast<ptrdiff_t>(part.c - s.c) < s.m; part.a += s.a_tile_step, part.c += mr) {
      const int32_t left = s.m - static_cast<int32_t>(part.c - s.c);
      if (left < mr) part.m = left;
      one(part);
    }
    part.b += s.panel_stride;
    if (s.bias != nullptr) part.bias += s.panel_stride;
    part.c_offset += nr;
  }
}

}  // namespace
}  // namespace dotori::kernels
