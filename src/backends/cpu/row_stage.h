// SPDX-License-Identifier: Apache-2.0
// A convolution that can compute some rows of its output at a time, as a link of a chain (row_chains.h).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "backends/plan.h"
#include "graph/ops/conv2d.h"

namespace dotori::backends::cpu {

// Output row y reads input rows y * stride - pad .. y * stride - pad + extent - 1, those that exist.
struct RowGeometry {
  std::int64_t images = 0, in_h = 0, out_h = 0;
  std::int64_t in_row_bytes = 0, out_row_bytes = 0;
  std::int64_t stride = 1, pad = 0, extent = 1;

  // Input rows [first_input(y), end_input(y_end)) serve output rows [y, y_end).
  std::int64_t first_input(std::int64_t y) const noexcept {
    return std::clamp<std::int64_t>(y * stride - pad, 0, in_h);
  }
  std::int64_t end_input(std::int64_t y_end) const noexcept {
    return std::clamp<std::int64_t>((y_end - 1) * stride - pad + extent, 0, in_h);
  }
};

class RowStage {
 public:
  virtual ~RowStage() = default;
  // Output rows [first, end) of one image. `src` and `dst` are where row 0 of the input and output image would be: only
  // the rows that are read and written need to exist. `scratch`: scratch_bytes() of the calling thread, aligned to 64.
  virtual void run(std::uintptr_t src, std::uintptr_t dst, std::int64_t first, std::int64_t end,
                   unsigned char* scratch) const noexcept = 0;
  virtual std::size_t scratch_bytes() const noexcept = 0;
  virtual const char* kernel() const noexcept = 0;
};

// The stage of context.node(), which row_chains() has found fit for one. Errors: as compile()'s.
Result<std::unique_ptr<RowStage>> row_stage(const graph::Conv2d& op, CompileContext& context);

}  // namespace dotori::backends::cpu
