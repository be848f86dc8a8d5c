// SPDX-License-Identifier: Apache-2.0
// The part of convolution as a matrix product that does not depend on the arithmetic: which input pixels make the rows
// of A, where the rows of C go, and how both are cut into tasks. Shared by the float32 and the int8 step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "backends/cpu/ops/conv_gemm.h"

namespace dotori::backends::cpu {

struct RowTap {
  std::int32_t dz, dy, dx;
  std::ptrdiff_t offset;  // ((dz * in_h + dy) * in_w + dx) * in_c
};

// A ConvGemmPhase in packed memory, as a step sees it.
struct RowPhase {
  std::int64_t first_z, first_y, first_x, slices, rows, columns;
  std::int64_t pixels;        // batch * slices * rows * columns
  std::int64_t image_pixels;  // slices * rows * columns
  std::int64_t tasks_before, row_blocks;
  std::int32_t taps;
  const RowTap* tap;
  std::int32_t least_dz, most_dz, least_dy, most_dy, least_dx, most_dx;
};

// `count` things in `parts` nearly equal shares, the larger ones first.
struct Shares {
  std::int64_t least = 0, larger = 0;
  Shares() = default;
  Shares(std::int64_t count, std::int64_t parts) noexcept : least(count / parts), larger(count % parts) {}
  std::int64_t first(std::int64_t part) const noexcept { return least * part + std::min(larger, part); }
  std::int64_t size(std::int64_t part) const noexcept { return least + (part < larger ? 1 : 0); }
};

// Weights beyond this size come from afar each time: the next ones are fetched while tiles are computed.
constexpr std::size_t kNearWeights = 256 << 10;

// Asks for memory to be brought into the second-level cache, a share with each of some tiles: `pieces` pieces of
// `bytes` (not 0), `stride` bytes apart.
class FetchAhead {
 public:
  FetchAhead(const void* from, std::size_t bytes, std::int64_t pieces, std::size_t stride) noexcept
      : piece_(static_cast<const char*>(from)), bytes_(bytes), stride_(stride), all_(bytes * std::size_t(pieces)) {}
  // What belongs to the first `tile` of `tiles`.
  void until(std::int64_t tile, std::int64_t tiles) noexcept {
    const std::size_t end = all_ * static_cast<std::size_t>(tile) / static_cast<std::size_t>(tiles);
    while (before_ + at_ < end) {
      __builtin_prefetch(piece_ + at_, 0, 2);
      at_ += 64;
      if (at_ < bytes_) continue;
      piece_ += stride_;
      before_ += bytes_;
      at_ = 0;
    }
  }

 private:
  const char* piece_;
  std::size_t bytes_, stride_, all_, before_ = 0, at_ = 0;
};

// One task: some output pixels of a phase in tiles of up to mr, and some panels.
template <class T>
struct RowBlock {
  std::int64_t phase;
  std::int64_t tiles, pixels;
  Shares rows;  // of the pixels among the tiles
  std::int64_t first_panel, last_panel;
  const T** a;  // [tiles][taps][mr]
  T** c;        // [tiles][mr]
  T* border;    // memory for rows that hang over the image's side; see ConvRows::border_elems
};

// Plain values that a step captures.
template <class T>
struct ConvRows {
  std::int64_t mr, nr;
  std::int64_t in_d, in_h, in_w, in_c, out_d, out_h, out_w, out_c;
  std::int64_t span, in_step_z, in_step_y, in_step_x, out_step_z, out_step_y, out_step_x;
  std::int64_t group_in, group_out, group_panels, panels;
  std::size_t k;  // elements of a tap
  std::int64_t block_tiles, column_blocks, tasks;
  const RowPhase* phases;
  std::int64_t phase_count, most_taps;
  const T* outside;  // what a pixel outside the image holds: span * in_c times `fill`
  T fill;

  std::size_t pointers() const noexcept { return static_cast<std::size_t>(block_tiles * mr * (1 + most_taps)); }
  std::size_t border_elems() const noexcept {
    return span > 1 ? static_cast<std::size_t>(block_tiles * mr * most_taps) * k : 0;
  }

  // Task `index`, its pointers in `pointers` and border rows in `border` (both as large as said above).
  RowBlock<T> block(std::int64_t index, const T* src, T* dst, void* pointers, T* border) const noexcept {
    std::int64_t p = phase_count - 1;
    while (phases[p].tasks_before > index) --p;
    const RowPhase& phase = phases[p];
    index -= phase.tasks_before;
    const std::int64_t row_block = index / column_blocks, column_block = index % column_blocks;
    const std::int64_t all_tiles = (phase.pixels + mr - 1) / mr;
    const Shares tile_shares(all_tiles, phase.row_blocks), panel_shares(panels, column_blocks);
    const std::int64_t first_pixel = tile_shares.first(row_block) * mr;
    const std::int64_t count = std::min(phase.pixels - first_pixel, tile_shares.size(row_block) * mr);
    RowBlock<T> block = block_of(p, first_pixel, count, src, dst, pointers, border);
    block.first_panel = panel_shares.first(column_block);
    block.last_panel = panel_shares.first(column_block + 1);
    return block;
  }

  // `count` pixels of a phase from `first_pixel` on, at most block_tiles * mr, and all panels.
  RowBlock<T> block_of(std::int64_t phase, std::int64_t first_pixel, std::int64_t count, const T* src, T* dst,
                       void* pointers, T* border) const noexcept {
    RowBlock<T> block;
    block.phase = phase;
    block.tiles = (count + mr - 1) / mr;
    block.pixels = count;
    block.rows = Shares(block.pixels, block.tiles);
    block.first_panel = 0;
    block.last_panel = panels;
    block.c = static_cast<T**>(pointers);
    block.a = const_cast<const T**>(block.c + block.tiles * mr);
    block.border = border;
    point(phases[phase], block, first_pixel, src, dst);
    return block;
  }

  // The output channel where a panel starts; for the number of panels, all channels.
  std::int64_t first_column(std::int64_t panel) const noexcept {
    return panel / group_panels * group_out + panel % group_panels * nr;
  }

 private:
  // Fills the pointers of all tiles, a run of pixels in one output row at a time.
  void point(const RowPhase& phase, const RowBlock<T>& block, std::int64_t first_pixel, const T* src,
             T* dst) const noexcept {
    const std::int64_t image_elems = in_d * in_h * in_w * in_c;
    const std::int64_t c_step = out_step_x * out_c;
    std::int64_t n = first_pixel / phase.image_pixels, i = first_pixel % phase.columns;
    std::int64_t j = first_pixel % phase.image_pixels / phase.columns, z = j / phase.rows;
    j %= phase.rows;
    for (std::int64_t tile = 0; tile < block.tiles; ++tile) {
      const std::int64_t m = block.rows.size(tile);
      for (std::int64_t r = 0; r < m;) {
        const std::int64_t run_pixels = std::min(m - r, phase.columns - i);
        T** c = block.c + tile * mr + r;
        const std::int64_t slice = n * out_d + phase.first_z + z * out_step_z;
        const std::int64_t row = slice * out_h + phase.first_y + j * out_step_y;
        T* out = dst + (row * out_w + phase.first_x + i * out_step_x) * out_c;
        for (std::int64_t p = 0; p < run_pixels; ++p, out += c_step) c[p] = out;
        point_run(phase, src + n * image_elems, z * in_step_z, j * in_step_y, i * in_step_x, run_pixels,
                  block.a + tile * phase.taps * mr + r,
                  block.border + (tile * mr + r) * phase.taps * static_cast<std::int64_t>(k));
        r += run_pixels;
        i += run_pixels;
        if (i < phase.columns) continue;
        i = 0;
        if (++j < phase.rows) continue;
        j = 0;
        if (++z < phase.slices) continue;
        z = 0;
        ++n;
      }
    }
  }

  // The pointers a[tap * mr + p] of `pixels` output pixels. The taps of the first are relative to input pixel (z, y,
  // x).
  void point_run(const RowPhase& phase, const T* image, std::int64_t z, std::int64_t y, std::int64_t x,
                 std::int64_t pixels, const T** a, T* border) const noexcept {
    const bool inside_z = z + phase.least_dz >= 0 && z + phase.most_dz < in_d;
    const bool inside_y = y + phase.least_dy >= 0 && y + phase.most_dy < in_h;
    if (inside_z && inside_y && x + phase.least_dx >= 0 &&
        x + (pixels - 1) * in_step_x + phase.most_dx + span <= in_w) {
      const std::ptrdiff_t offset = ((z * in_h + y) * in_w + x) * in_c, a_step = in_step_x * in_c;
      for (std::int32_t t = 0; t < phase.taps; ++t, a += mr) {
        const T* from = image + (offset + phase.tap[t].offset);
        for (std::int64_t p = 0; p < pixels; ++p, from += a_step) a[p] = from;
      }
      return;
    }
    for (std::int64_t p = 0; p < pixels; ++p, x += in_step_x) {
      for (std::int32_t t = 0; t < phase.taps; ++t, border += k)
        a[t * mr + p] = point_one(image, z + phase.tap[t].dz, y + phase.tap[t].dy, x + phase.tap[t].dx, border);
    }
  }

  const T* point_one(const T* image, std::int64_t z, std::int64_t y, std::int64_t x, T* border) const noexcept {
    if (z < 0 || z >= in_d || y < 0 || y >= in_h || x + span <= 0 || x >= in_w) return outside;
    image += z * in_h * in_w * in_c;
    if (x >= 0 && x + span <= in_w) return image + (y * in_w + x) * in_c;
    return copy_border(image, y, x, border);
  }

  // The `span` pixels from (y, x), `fill` for those outside the image, at `to`; y is inside, x may be anything.
  const T* copy_border(const T* image, std::int64_t y, std::int64_t x, T* to) const noexcept {
    const std::int64_t from = std::max<std::int64_t>(x, 0), end = std::min(x + span, in_w);
    std::fill(to, to + k, fill);
    std::memcpy(to + (from - x) * in_c, image + (y * in_w + from) * in_c,
                static_cast<std::size_t>((end - from) * in_c) * sizeof(T));
    return to;
  }
};

// How the pixels and panels are cut into tasks of about `rows_of_task` rows. More tasks than threads, so that a slow
// core does not hold up the others.
template <class T>
void cut_into_tasks(int threads, double macs, std::int64_t rows_of_task, ConvRows<T>& rows,
                    std::vector<RowPhase>& phases) {
  // Pointers of a task; very large kernels get fewer rows.
  constexpr std::int64_t kPointersOfTask = 1 << 15;
  // A smaller task is not worth handing to another thread (a few microseconds).
  constexpr double kLeastMacsOfTask = 1 << 17;
  rows.most_taps = 1;
  std::int64_t most_tiles = 1;
  for (const RowPhase& phase : phases) {
    rows.most_taps = std::max<std::int64_t>(rows.most_taps, phase.taps);
    most_tiles = std::max(most_tiles, (phase.pixels + rows.mr - 1) / rows.mr);
  }
  std::int64_t tiles = std::max<std::int64_t>(1, rows_of_task / rows.mr);
  tiles = std::clamp<std::int64_t>(kPointersOfTask / (rows.most_taps * rows.mr), 1, tiles);
  const std::int64_t phase_count = static_cast<std::int64_t>(phases.size());
  std::int64_t row_blocks = (most_tiles + tiles - 1) / tiles;
  rows.column_blocks = 1;
  if (threads > 1) {
    const std::int64_t wanted = std::min<std::int64_t>(4 * threads, static_cast<std::int64_t>(macs / kLeastMacsOfTask));
    const std::int64_t blocks = row_blocks * phase_count;
    if (blocks < wanted) rows.column_blocks = std::min(rows.panels, (wanted + blocks - 1) / blocks);
    const std::int64_t columns = phase_count * rows.column_blocks;
    if (row_blocks * columns < wanted) row_blocks = std::min(most_tiles, (wanted + columns - 1) / columns);
  }
  rows.block_tiles = (most_tiles + row_blocks - 1) / row_blocks;
  rows.tasks = 0;
  for (RowPhase& phase : phases) {
    phase.row_blocks = std::min(row_blocks, (phase.pixels + rows.mr - 1) / rows.mr);
    phase.tasks_before = rows.tasks;
    rows.tasks += phase.row_blocks * rows.column_blocks;
  }
}

// The sizes and phases of `conv` for tiles of mr x nr; pixels outside the image hold `fill`. The phases and taps lie in
// packed memory. Errors: kUnsupported (an image beyond 2^31 pixels or channels, too many tasks), kOutOfMemory.
template <class T>
Result<ConvRows<T>> make_conv_rows(const ConvGemm& conv, std::int32_t mr, std::int32_t nr, std::int64_t rows_of_task,
                                   T fill, CompileContext& context) {
  for (std::int64_t size : {conv.in_d, conv.in_h, conv.in_w, conv.in_c, conv.out_d, conv.out_h, conv.out_w, conv.out_c})
    DOTORI_RETURN_IF_ERROR(kernel_size("dimension", size).status());
  ConvRows<T> rows{};
  rows.mr = mr;
  rows.nr = nr;
  rows.in_d = conv.in_d;
  rows.in_h = conv.in_h;
  rows.in_w = conv.in_w;
  rows.in_c = conv.in_c;
  rows.out_d = conv.out_d;
  rows.out_h = conv.out_h;
  rows.out_w = conv.out_w;
  rows.out_c = conv.out_c;
  rows.span = conv.span;
  rows.in_step_z = conv.in_step_z;
  rows.in_step_y = conv.in_step_y;
  rows.in_step_x = conv.in_step_x;
  rows.out_step_z = conv.out_step_z;
  rows.out_step_y = conv.out_step_y;
  rows.out_step_x = conv.out_step_x;
  rows.group_in = conv.in_c / conv.groups;
  rows.group_out = conv.out_c / conv.groups;
  rows.group_panels = (rows.group_out + nr - 1) / nr;
  rows.panels = conv.groups * rows.group_panels;
  rows.k = static_cast<std::size_t>(conv.span * rows.group_in);
  std::vector<RowPhase> phases;
  for (const ConvGemmPhase& from : conv.phases) {
    RowPhase phase{};
    phase.first_z = from.first_z;
    phase.slices = from.slices;
    phase.rows = from.rows;
    phase.first_y = from.first_y;
    phase.first_x = from.first_x;
    phase.columns = from.columns;
    phase.image_pixels = from.slices * from.rows * from.columns;
    phase.pixels = conv.batch * phase.image_pixels;
    phase.taps = static_cast<std::int32_t>(from.taps.size());
    RowTap* taps =
        static_cast<RowTap*>(context.allocate_packed(std::max<std::size_t>(1, from.taps.size()) * sizeof(RowTap)));
    if (taps == nullptr) return out_of_memory("no memory for the packed weights");
    for (std::size_t t = 0; t < from.taps.size(); ++t) {
      const ConvGemmPhase::Tap& tap = from.taps[t];
      taps[t] = {tap.dz, tap.dy, tap.dx,
                 static_cast<std::ptrdiff_t>(((tap.dz * conv.in_h + tap.dy) * conv.in_w + tap.dx) * conv.in_c)};
      phase.least_dz = t == 0 ? tap.dz : std::min(phase.least_dz, tap.dz);
      phase.most_dz = t == 0 ? tap.dz : std::max(phase.most_dz, tap.dz);
      phase.least_dy = t == 0 ? tap.dy : std::min(phase.least_dy, tap.dy);
      phase.most_dy = t == 0 ? tap.dy : std::max(phase.most_dy, tap.dy);
      phase.least_dx = t == 0 ? tap.dx : std::min(phase.least_dx, tap.dx);
      phase.most_dx = t == 0 ? tap.dx : std::max(phase.most_dx, tap.dx);
    }
    phase.tap = taps;
    phases.push_back(phase);
  }
  cut_into_tasks(context.options().num_threads, static_cast<double>(graph::node_macs(context.graph(), context.node())),
                 rows_of_task, rows, phases);
  if (rows.tasks > std::numeric_limits<int>::max()) return unsupported("more than 2^31 tiles of work");
  RowPhase* stored = static_cast<RowPhase*>(context.allocate_packed(phases.size() * sizeof(RowPhase)));
  const std::size_t pixel_elems = static_cast<std::size_t>(conv.span * conv.in_c);
  T* outside = static_cast<T*>(context.allocate_packed(pixel_elems * sizeof(T)));
  if (stored == nullptr || outside == nullptr) return out_of_memory("no memory for the packed weights");
  std::copy(phases.begin(), phases.end(), stored);
  rows.phases = stored;
  rows.phase_count = static_cast<std::int64_t>(phases.size());
  std::fill(outside, outside + pixel_elems, fill);
  rows.outside = outside;
  rows.fill = fill;
  return rows;
}

}  // namespace dotori::backends::cpu
