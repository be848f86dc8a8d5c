// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/conv_gemm.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "backends/cpu/activation.h"

namespace dotori::backends::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// K at a time: chains this short keep the rounding error small (kernels/gemm/gemm.h), and a panel's part (128 * nr
// floats, 8 KiB for nr = 16) stays in the first-level cache, while the rows of a task pass by from the second-level
// cache.
constexpr std::size_t kDepthBlock = 128;
// Rows of a task: what the second-level cache holds of them, kDepthBlock floats each, is 48 KiB.
constexpr std::int64_t kRowsOfTask = 96;
// Pointers of a task; very large kernels get fewer rows.
constexpr std::int64_t kPointersOfTask = 1 << 15;
// Panels that go through the kernel in one call.
constexpr std::int64_t kPanelBytesTogether = 16 << 10;
// A smaller task is not worth handing to another thread (a few microseconds).
constexpr double kLeastMacsOfTask = 1 << 17;

struct Tap {
  std::int32_t dy, dx;
  std::ptrdiff_t offset;  // (dy * in_w + dx) * in_c
};

// In packed memory, as the step sees it.
struct Phase {
  std::int64_t first_y, first_x, columns;
  std::int64_t pixels;        // batch * rows * columns
  std::int64_t image_pixels;  // rows * columns
  std::int64_t tasks_before, row_blocks;
  std::int32_t taps;
  std::int32_t tap_step;  // taps in a block of K; 1 where a tap itself is cut
  const Tap* tap;
  const float* packed;
  std::size_t panel_elems;
  std::int32_t least_dy, most_dy, least_dx, most_dx;
};

// `count` things in `parts` nearly equal shares, the larger ones first.
struct Shares {
  std::int64_t least = 0, larger = 0;
  Shares() = default;
  Shares(std::int64_t count, std::int64_t parts) noexcept : least(count / parts), larger(count % parts) {}
  std::int64_t first(std::int64_t part) const noexcept { return least * part + std::min(larger, part); }
  std::int64_t size(std::int64_t part) const noexcept { return least + (part < larger ? 1 : 0); }
};

// One task: some output pixels in tiles, and some panels.
struct Block {
  std::int64_t tiles, pixels;
  Shares rows;  // of the pixels among the tiles
  std::int64_t first_panel, last_panel;
  const float** a;  // [tiles][taps][mr]
  float** c;        // [tiles][mr]
};

// The plain values that a step captures.
struct ConvGemmStep {
  kernels::GemmF32Fn run;
  std::int64_t mr, nr;
  std::int64_t in_h, in_w, in_c, out_h, out_w, out_c;
  std::int64_t span, in_step_y, in_step_x, out_step_y, out_step_x;
  std::int64_t group_in, group_out, group_panels, panels;
  std::size_t k, k_step;  // floats of a tap; of them in a block of K
  std::int64_t block_tiles, column_blocks, tasks;
  const Phase* phases;
  int phase_count;
  const float* zeros;
  bool dense;  // a task's output rows lie behind each other
  FusedActivation activation;
  BufferRef input, output, scratch;
  std::size_t scratch_bytes, border_at;  // of one thread

  void operator()(const RunContext& context) const noexcept {
    const float* src = context.read<float>(input);
    float* dst = context.write<float>(output);
    unsigned char* memory = context.write<unsigned char>(scratch);
    context.pool().parallel_for(static_cast<int>(tasks), [&](int index, int worker) {
      run_task(index, src, dst, memory + static_cast<std::size_t>(worker) * scratch_bytes);
    });
  }

  void run_task(std::int64_t index, const float* src, float* dst, unsigned char* memory) const noexcept {
    const Phase* phase = phases + phase_count - 1;
    while (phase->tasks_before > index) --phase;
    index -= phase->tasks_before;
    const std::int64_t row_block = index / column_blocks, column_block = index % column_blocks;
    const std::int64_t all_tiles = (phase->pixels + mr - 1) / mr;
    const Shares tile_shares(all_tiles, phase->row_blocks), panel_shares(panels, column_blocks);
    const std::int64_t first_pixel = tile_shares.first(row_block) * mr;
    Block block;
    block.tiles = tile_shares.size(row_block);
    block.pixels = std::min(phase->pixels - first_pixel, block.tiles * mr);
    block.rows = Shares(block.pixels, block.tiles);
    block.first_panel = panel_shares.first(column_block);
    block.last_panel = panel_shares.first(column_block + 1);
    block.c = reinterpret_cast<float**>(memory);
    block.a = const_cast<const float**>(block.c + block.tiles * mr);

    point(*phase, block, first_pixel, src, dst, reinterpret_cast<float*>(memory + border_at));
    multiply(*phase, block);
    if (activation.after != nullptr) activate(block);
  }

  // Fills the pointers of all tiles, a run of pixels in one output row at a time.
  void point(const Phase& phase, const Block& block, std::int64_t first_pixel, const float* src, float* dst,
             float* border) const noexcept {
    const std::int64_t rows = phase.image_pixels / phase.columns, image_elems = in_h * in_w * in_c;
    const std::int64_t c_step = out_step_x * out_c;
    std::int64_t n = first_pixel / phase.image_pixels;
    std::int64_t j = first_pixel % phase.image_pixels / phase.columns, i = first_pixel % phase.columns;
    for (std::int64_t tile = 0; tile < block.tiles; ++tile) {
      const std::int64_t m = block.rows.size(tile);
      for (std::int64_t r = 0; r < m;) {
        const std::int64_t run_pixels = std::min(m - r, phase.columns - i);
        float** c = block.c + tile * mr + r;
        float* out =
            dst + ((n * out_h + phase.first_y + j * out_step_y) * out_w + phase.first_x + i * out_step_x) * out_c;
        for (std::int64_t p = 0; p < run_pixels; ++p, out += c_step) c[p] = out;
        point_run(phase, src + n * image_elems, j * in_step_y, i * in_step_x, run_pixels,
                  block.a + tile * phase.taps * mr + r,
                  border + (tile * mr + r) * phase.taps * static_cast<std::int64_t>(k));
        r += run_pixels;
        i += run_pixels;
        if (i < phase.columns) continue;
        i = 0;
        if (++j < rows) continue;
        j = 0;
        ++n;
      }
    }
  }

  // The pointers a[tap * mr + p] of `pixels` output pixels. The taps of the first are relative to input pixel (y, x).
  void point_run(const Phase& phase, const float* image, std::int64_t y, std::int64_t x, std::int64_t pixels,
                 const float** a, float* border) const noexcept {
    const bool inside_y = y + phase.least_dy >= 0 && y + phase.most_dy < in_h;
    if (inside_y && x + phase.least_dx >= 0 && x + (pixels - 1) * in_step_x + phase.most_dx + span <= in_w) {
      const std::ptrdiff_t offset = (y * in_w + x) * in_c, a_step = in_step_x * in_c;
      for (std::int32_t t = 0; t < phase.taps; ++t, a += mr) {
        const float* from = image + (offset + phase.tap[t].offset);
        for (std::int64_t p = 0; p < pixels; ++p, from += a_step) a[p] = from;
      }
      return;
    }
    for (std::int64_t p = 0; p < pixels; ++p, x += in_step_x) {
      for (std::int32_t t = 0; t < phase.taps; ++t, border += k)
        a[t * mr + p] = point_one(image, y + phase.tap[t].dy, x + phase.tap[t].dx, border);
    }
  }

  const float* point_one(const float* image, std::int64_t y, std::int64_t x, float* border) const noexcept {
    if (y < 0 || y >= in_h || x + span <= 0 || x >= in_w) return zeros;
    if (x >= 0 && x + span <= in_w) return image + (y * in_w + x) * in_c;
    return copy_border(image, y, x, border);
  }

  // The `span` pixels from (y, x), zeros for those outside the image, at `to`; y is inside, x may be anything.
  const float* copy_border(const float* image, std::int64_t y, std::int64_t x, float* to) const noexcept {
    const std::int64_t from = std::max<std::int64_t>(x, 0), end = std::min(x + span, in_w);
    std::memset(to, 0, k * sizeof(float));
    std::memcpy(to + (from - x) * in_c, image + (y * in_w + from) * in_c,
                static_cast<std::size_t>((end - from) * in_c) * sizeof(float));
    return to;
  }

  void multiply(const Phase& phase, const Block& block) const noexcept {
    kernels::GemmF32Strip strip;
    strip.panel_stride = phase.panel_elems;
    std::int32_t tap = 0;  // where the block of K begins: tap and float of the tap
    std::size_t i = 0;
    bool last = false;
    do {
      strip.taps = static_cast<std::size_t>(std::min(phase.tap_step, phase.taps - tap));
      strip.k = std::min(k_step, k - i);
      last = tap + static_cast<std::int32_t>(strip.taps) >= phase.taps && i + strip.k >= k;
      strip.low = last ? activation.low : -kInfinity;
      strip.high = last ? activation.high : kInfinity;
      multiply_depth(phase, block, strip, tap, i);
      i += strip.k;
      if (i < k) continue;
      i = 0;
      tap += static_cast<std::int32_t>(strip.taps);
    } while (!last);
  }

  // One block of K, for all panels and tiles.
  void multiply_depth(const Phase& phase, const Block& block, kernels::GemmF32Strip& strip, std::int32_t tap,
                      std::size_t i) const noexcept {
    // A panel stays in the first-level cache while all tiles pass by. All panels go in one call where they fit there
    // together, or where there is only one tile, which uses each weight once.
    const std::int64_t panel_bytes = static_cast<std::int64_t>(strip.taps * strip.k * sizeof(float)) * nr;
    const bool together =
        block.tiles == 1 || (block.last_panel - block.first_panel) * panel_bytes <= kPanelBytesTogether;
    const std::size_t depth = static_cast<std::size_t>(tap) * k + i;
    for (std::int64_t panel = block.first_panel; panel < block.last_panel;) {
      const std::int64_t group = panel / group_panels, in_group = panel % group_panels;
      const std::int64_t count = together ? std::min(group_panels - in_group, block.last_panel - panel) : 1;
      const float* packed = phase.packed + static_cast<std::size_t>(panel) * phase.panel_elems;
      strip.bias = depth == 0 ? packed : nullptr;
      strip.b = packed + (1 + depth) * static_cast<std::size_t>(nr);
      strip.a_offset = group * group_in + static_cast<std::ptrdiff_t>(i);
      strip.c_offset = group * group_out + in_group * nr;
      strip.n = static_cast<std::int32_t>(std::min(group_out - in_group * nr, count * nr));
      for (std::int64_t tile = 0; tile < block.tiles; ++tile) {
        strip.a = block.a + (tile * phase.taps + tap) * mr;
        strip.c = block.c + tile * mr;
        strip.m = static_cast<std::int32_t>(block.rows.size(tile));
        run(strip);
      }
      panel += count;
    }
  }

  // The output channel where a panel starts; for the number of panels, all channels.
  std::int64_t first_column(std::int64_t panel) const noexcept {
    return panel / group_panels * group_out + panel % group_panels * nr;
  }

  void activate(const Block& block) const noexcept {
    if (dense && column_blocks == 1) {
      activation.apply(block.c[0], static_cast<std::size_t>(block.pixels * out_c));
      return;
    }
    const std::int64_t from = first_column(block.first_panel), to = first_column(block.last_panel);
    for (std::int64_t tile = 0; tile < block.tiles; ++tile) {
      const std::int64_t m = block.rows.size(tile);
      for (std::int64_t r = 0; r < m; ++r)
        activation.apply(block.c[tile * mr + r] + from, static_cast<std::size_t>(to - from));
    }
  }
};

// How the pixels and panels are cut into tasks. More tasks than threads, so that a slow core does not hold up the
// others.
void cut_into_tasks(int threads, double macs, ConvGemmStep& step, std::vector<Phase>& phases) {
  std::int64_t most_taps = 1, most_tiles = 1;
  for (const Phase& phase : phases) {
    most_taps = std::max<std::int64_t>(most_taps, phase.taps);
    most_tiles = std::max(most_tiles, (phase.pixels + step.mr - 1) / step.mr);
  }
  std::int64_t tiles = std::max<std::int64_t>(1, kRowsOfTask / step.mr);
  tiles = std::clamp<std::int64_t>(kPointersOfTask / (most_taps * step.mr), 1, tiles);
  const std::int64_t phase_count = static_cast<std::int64_t>(phases.size());
  std::int64_t row_blocks = (most_tiles + tiles - 1) / tiles;
  step.column_blocks = 1;
  if (threads > 1) {
    const std::int64_t wanted = std::min<std::int64_t>(4 * threads, static_cast<std::int64_t>(macs / kLeastMacsOfTask));
    const std::int64_t blocks = row_blocks * phase_count;
    if (blocks < wanted) step.column_blocks = std::min(step.panels, (wanted + blocks - 1) / blocks);
    const std::int64_t columns = phase_count * step.column_blocks;
    if (row_blocks * columns < wanted) row_blocks = std::min(most_tiles, (wanted + columns - 1) / columns);
  }
  step.block_tiles = (most_tiles + row_blocks - 1) / row_blocks;
  step.tasks = 0;
  for (Phase& phase : phases) {
    phase.row_blocks = std::min(row_blocks, (phase.pixels + step.mr - 1) / step.mr);
    phase.tasks_before = step.tasks;
    step.tasks += phase.row_blocks * step.column_blocks;
  }
  step.scratch_bytes = static_cast<std::size_t>(step.block_tiles * step.mr * (1 + most_taps)) * sizeof(void*);
  step.scratch_bytes = (step.scratch_bytes + 63) / 64 * 64;
  step.border_at = step.scratch_bytes;
  if (step.span > 1)
    step.scratch_bytes += static_cast<std::size_t>(step.block_tiles * step.mr * most_taps) * step.k * sizeof(float);
  step.scratch_bytes = (step.scratch_bytes + 63) / 64 * 64;
}

// How K is cut into blocks: between taps where one fits, else within the taps, into nearly equal parts.
void cut_depth(ConvGemmStep& step, std::vector<Phase>& phases) {
  step.k_step = step.k;
  const std::size_t blocks = (step.k + kDepthBlock - 1) / kDepthBlock;
  if (blocks > 1) step.k_step = ((step.k + blocks - 1) / blocks + 3) / 4 * 4;
  for (Phase& phase : phases) {
    const std::int32_t at_once = static_cast<std::int32_t>(std::max<std::size_t>(1, kDepthBlock / step.k));
    const std::int32_t tap_blocks = std::max(1, (phase.taps + at_once - 1) / at_once);
    phase.tap_step = step.k_step < step.k ? 1 : (phase.taps + tap_blocks - 1) / tap_blocks;
  }
}

// The panels of all groups of one phase.
bool pack_phase(const ConvGemm& conv, const ConvGemmPhase& from, const ConvGemmStep& step, CompileContext& context,
                Phase& phase) {
  phase.panel_elems = kernels::gemm_f32_panel_elems(static_cast<std::int32_t>(step.nr), from.taps.size() * step.k);
  float* packed = static_cast<float*>(
      context.allocate_packed(static_cast<std::size_t>(step.panels) * phase.panel_elems * sizeof(float)));
  Tap* taps = static_cast<Tap*>(context.allocate_packed(std::max<std::size_t>(1, from.taps.size()) * sizeof(Tap)));
  if (packed == nullptr || taps == nullptr) return false;
  std::vector<std::size_t> offsets;
  for (std::size_t t = 0; t < from.taps.size(); ++t) {
    const ConvGemmPhase::Tap& tap = from.taps[t];
    taps[t] = {tap.dy, tap.dx, static_cast<std::ptrdiff_t>((tap.dy * conv.in_w + tap.dx) * conv.in_c)};
    offsets.push_back(tap.weights);
    phase.least_dy = t == 0 ? tap.dy : std::min(phase.least_dy, tap.dy);
    phase.most_dy = t == 0 ? tap.dy : std::max(phase.most_dy, tap.dy);
    phase.least_dx = t == 0 ? tap.dx : std::min(phase.least_dx, tap.dx);
    phase.most_dx = t == 0 ? tap.dx : std::max(phase.most_dx, tap.dx);
  }
  const float* weights = context.constant_input<float>(1);
  const float* bias = context.constant_input<float>(2);
  for (std::int64_t g = 0; g < conv.groups; ++g) {
    const std::size_t first = static_cast<std::size_t>(g * step.group_out);
    kernels::pack_gemm_f32(weights + first * conv.weights_per_output, conv.weights_per_output, offsets.data(),
                           offsets.size(), step.k, bias == nullptr ? nullptr : bias + first,
                           static_cast<std::size_t>(step.group_out), static_cast<std::int32_t>(step.nr),
                           packed + static_cast<std::size_t>(g * step.group_panels) * phase.panel_elems);
  }
  phase.packed = packed;
  phase.tap = taps;
  return true;
}

}  // namespace

bool can_use_gemm(const kernels::GemmF32Kernel& kernel, const CompileContext& context) noexcept {
  if (kernel.run == kernels::gemm_f32_any__reference) return false;
  return context.constant_input<float>(1) != nullptr &&
         (!context.has_input(2) || context.constant_input<float>(2) != nullptr);
}

Status emit_conv_gemm(const ConvGemm& conv, const graph::Activation& activation, const kernels::GemmF32Kernel& kernel,
                      CompileContext& context) {
  for (std::int64_t size : {conv.in_h, conv.in_w, conv.in_c, conv.out_h, conv.out_w, conv.out_c})
    DOTORI_RETURN_IF_ERROR(kernel_size("dimension", size).status());
  ConvGemmStep step{};
  step.run = kernel.run;
  step.mr = kernel.mr;
  step.nr = kernel.nr;
  step.in_h = conv.in_h;
  step.in_w = conv.in_w;
  step.in_c = conv.in_c;
  step.out_h = conv.out_h;
  step.out_w = conv.out_w;
  step.out_c = conv.out_c;
  step.span = conv.span;
  step.in_step_y = conv.in_step_y;
  step.in_step_x = conv.in_step_x;
  step.out_step_y = conv.out_step_y;
  step.out_step_x = conv.out_step_x;
  step.group_in = conv.in_c / conv.groups;
  step.group_out = conv.out_c / conv.groups;
  step.group_panels =
      static_cast<std::int64_t>(kernels::gemm_f32_panels(kernel.nr, static_cast<std::size_t>(step.group_out)));
  step.panels = conv.groups * step.group_panels;
  step.k = static_cast<std::size_t>(conv.span * step.group_in);
  step.dense = conv.phases.size() == 1 && conv.out_step_y == 1 && conv.out_step_x == 1;
  step.activation = make_fused_activation(activation, context.isa());
  step.input = context.input(0);
  step.output = context.output();

  const std::string no_memory = "no memory for the packed weights";
  std::vector<Phase> phases;
  for (const ConvGemmPhase& from : conv.phases) {
    Phase phase{};
    phase.first_y = from.first_y;
    phase.first_x = from.first_x;
    phase.columns = from.columns;
    phase.image_pixels = from.rows * from.columns;
    phase.pixels = conv.batch * phase.image_pixels;
    phase.taps = static_cast<std::int32_t>(from.taps.size());
    if (!pack_phase(conv, from, step, context, phase)) return out_of_memory(no_memory);
    phases.push_back(phase);
  }
  const std::int64_t macs = graph::node_macs(context.graph(), context.node());
  cut_into_tasks(context.options().num_threads, static_cast<double>(macs), step, phases);
  cut_depth(step, phases);
  if (step.tasks > std::numeric_limits<int>::max()) return unsupported("more than 2^31 tiles of work");

  Phase* stored = static_cast<Phase*>(context.allocate_packed(phases.size() * sizeof(Phase)));
  step.zeros = static_cast<const float*>(
      context.allocate_packed(static_cast<std::size_t>(conv.span * conv.in_c) * sizeof(float)));
  if (stored == nullptr || step.zeros == nullptr) return out_of_memory(no_memory);
  std::copy(phases.begin(), phases.end(), stored);
  step.phases = stored;
  step.phase_count = static_cast<int>(phases.size());
  step.scratch = context.book_scratch(static_cast<std::size_t>(context.options().num_threads) * step.scratch_bytes);
  context.emit(kernel.name, macs, step);
  return Status();
}

}  // namespace dotori::backends::cpu
