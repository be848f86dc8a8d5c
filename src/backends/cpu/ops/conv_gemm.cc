// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/conv_gemm.h"

#include <algorithm>
#include <limits>

#include "backends/cpu/activation.h"
#include "backends/cpu/ops/conv_rows.h"

namespace dotori::backends::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// K at a time: chains this short keep the rounding error small (kernels/gemm/gemm.h), and a panel's part (128 * nr
// floats, 8 KiB for nr = 16) stays in the first-level cache, while the rows of a task pass by from the second-level
// cache.
constexpr std::size_t kDepthBlock = 128;
// Rows of a task: what the second-level cache holds of them, kDepthBlock floats each, is 48 KiB.
constexpr std::int64_t kRowsOfTask = 96;
// Where weights come from afar, a pointwise convolution takes more rows at a time, to read them less often.
constexpr std::int64_t kMostRowsOfTask = 204;
// Panels that go through the kernel in one call: half of a small first-level cache.
constexpr std::int64_t kPanelBytesTogether = 16 << 10;

// A phase's weights, in packed memory.
struct PhaseWeights {
  const float* packed;
  std::size_t panel_elems;
  std::int32_t taps;
  std::int32_t tap_step;  // taps in a block of K; 1 where a tap itself is cut
};

// The plain values that a step captures.
struct ConvGemmStep {
  kernels::GemmF32Fn run;
  ConvRows<float> rows;
  std::size_t k_step;           // floats in a block of K
  const PhaseWeights* weights;  // of each phase
  bool dense;                   // a task's output rows lie behind each other
  bool far_weights;             // more than kNearWeights
  FusedActivation activation;
  BufferRef input, output, scratch;
  std::size_t scratch_bytes, border_at;  // of one thread

  void operator()(const RunContext& context) const noexcept {
    const float* src = context.read<float>(input);
    float* dst = context.write<float>(output);
    unsigned char* memory = context.write<unsigned char>(scratch);
    context.pool().parallel_for(static_cast<int>(rows.tasks), [&](int index, int worker) {
      unsigned char* own = memory + static_cast<std::size_t>(worker) * scratch_bytes;
      const RowBlock<float> block = rows.block(index, src, dst, own, reinterpret_cast<float*>(own + border_at));
      multiply(weights[block.phase], block);
      if (activation.after != nullptr) activate(block);
    });
  }

  void multiply(const PhaseWeights& phase, const RowBlock<float>& block) const noexcept {
    kernels::GemmF32Strip strip;
    strip.panel_stride = phase.panel_elems;
    std::int32_t tap = 0;  // where the block of K begins: tap and float of the tap
    std::size_t i = 0;
    bool last = false;
    do {
      strip.taps = static_cast<std::size_t>(std::min(phase.tap_step, phase.taps - tap));
      strip.k = std::min(k_step, rows.k - i);
      last = tap + static_cast<std::int32_t>(strip.taps) >= phase.taps && i + strip.k >= rows.k;
      strip.low = last ? activation.low : -kInfinity;
      strip.high = last ? activation.high : kInfinity;
      multiply_depth(phase, block, strip, tap, i);
      i += strip.k;
      if (i < rows.k) continue;
      i = 0;
      tap += static_cast<std::int32_t>(strip.taps);
    } while (!last);
  }

  // The weights that come after those before `panel`: the same block of K, or the next block of the first panel.
  const float* next_weights(const PhaseWeights& phase, const RowBlock<float>& block, std::int64_t panel,
                            std::size_t depth, const kernels::GemmF32Strip& strip) const noexcept {
    const bool next_depth = panel >= block.last_panel;
    if (next_depth) depth += strip.taps * strip.k;
    if (depth >= static_cast<std::size_t>(phase.taps) * rows.k) return phase.packed;
    return phase.packed + static_cast<std::size_t>(next_depth ? block.first_panel : panel) * phase.panel_elems +
           (1 + depth) * static_cast<std::size_t>(rows.nr);
  }

  // One block of K, for all panels and tiles.
  void multiply_depth(const PhaseWeights& phase, const RowBlock<float>& block, kernels::GemmF32Strip& strip,
                      std::int32_t tap, std::size_t i) const noexcept {
    // As many panels as fit the first-level cache stay there while all tiles pass by, each of which is read once for
    // them all. All panels go in one call where there is only one tile, which uses each weight once.
    const std::int64_t panel_bytes = static_cast<std::int64_t>(strip.taps * strip.k * sizeof(float)) * rows.nr;
    const std::int64_t fitting =
        std::max<std::int64_t>(1, kPanelBytesTogether / std::max<std::int64_t>(1, panel_bytes));
    const std::int64_t most = block.tiles == 1 ? block.last_panel : fitting;
    const std::size_t depth = static_cast<std::size_t>(tap) * rows.k + i;
    for (std::int64_t panel = block.first_panel; panel < block.last_panel;) {
      const std::int64_t group = panel / rows.group_panels, in_group = panel % rows.group_panels;
      const std::int64_t count = std::min({most, rows.group_panels - in_group, block.last_panel - panel});
      const float* packed = phase.packed + static_cast<std::size_t>(panel) * phase.panel_elems;
      strip.bias = depth == 0 ? packed : nullptr;
      strip.b = packed + (1 + depth) * static_cast<std::size_t>(rows.nr);
      strip.a_offset = group * rows.group_in + static_cast<std::ptrdiff_t>(i);
      strip.c_offset = group * rows.group_out + in_group * rows.nr;
      strip.n = static_cast<std::int32_t>(std::min(rows.group_out - in_group * rows.nr, count * rows.nr));
      const bool fetch = far_weights && block.tiles > 1;
      FetchAhead ahead(next_weights(phase, block, panel + count, depth, strip), static_cast<std::size_t>(panel_bytes),
                       fetch ? std::min(count, block.last_panel - panel) : 0, phase.panel_elems * sizeof(float));
      // Of a single panel, tiles of full height go in one call.
      for (std::int64_t tile = 0; tile < block.tiles;) {
        strip.a = block.a + (tile * phase.taps + tap) * rows.mr;
        strip.a_tile_step = static_cast<std::ptrdiff_t>(phase.taps) * rows.mr;
        strip.c = block.c + tile * rows.mr;
        std::int64_t m = block.rows.size(tile++);
        while (count == 1 && m % rows.mr == 0 && tile < block.tiles) m += block.rows.size(tile++);
        strip.m = static_cast<std::int32_t>(m);
        ahead.until(tile, block.tiles);
        run(strip);
      }
      panel += count;
    }
  }

  void activate(const RowBlock<float>& block) const noexcept {
    if (dense && block.last_panel - block.first_panel == rows.panels) {
      activation.apply(block.c[0], static_cast<std::size_t>(block.pixels * rows.out_c));
      return;
    }
    const std::int64_t from = rows.first_column(block.first_panel), to = rows.first_column(block.last_panel);
    for (std::int64_t tile = 0; tile < block.tiles; ++tile) {
      const std::int64_t m = block.rows.size(tile);
      for (std::int64_t r = 0; r < m; ++r)
        activation.apply(block.c[tile * rows.mr + r] + from, static_cast<std::size_t>(to - from));
    }
  }
};

// How K is cut into blocks: between taps where one fits, else within the taps, into nearly equal parts.
std::size_t cut_depth(std::size_t k, std::vector<PhaseWeights>& phases) {
  std::size_t k_step = k;
  const std::size_t blocks = (k + kDepthBlock - 1) / kDepthBlock;
  if (blocks > 1) k_step = ((k + blocks - 1) / blocks + 3) / 4 * 4;
  for (PhaseWeights& phase : phases) {
    const std::int32_t at_once = static_cast<std::int32_t>(std::max<std::size_t>(1, kDepthBlock / k));
    const std::int32_t tap_blocks = std::max(1, (phase.taps + at_once - 1) / at_once);
    phase.tap_step = k_step < k ? 1 : (phase.taps + tap_blocks - 1) / tap_blocks;
  }
  return k_step;
}

// The panels of all groups of one phase; `packed` is null when there is no memory.
PhaseWeights pack_phase(const ConvGemm& conv, const ConvGemmPhase& from, const ConvRows<float>& rows,
                        CompileContext& context) {
  PhaseWeights phase{};
  phase.taps = static_cast<std::int32_t>(from.taps.size());
  phase.panel_elems = kernels::gemm_f32_panel_elems(static_cast<std::int32_t>(rows.nr), from.taps.size() * rows.k);
  float* packed = static_cast<float*>(
      context.allocate_packed(static_cast<std::size_t>(rows.panels) * phase.panel_elems * sizeof(float)));
  phase.packed = packed;
  if (packed == nullptr) return phase;
  std::vector<std::size_t> offsets;
  for (const ConvGemmPhase::Tap& tap : from.taps) offsets.push_back(tap.weights);
  const float* weights = context.constant_input<float>(1);
  const float* bias = context.constant_input<float>(2);
  for (std::int64_t g = 0; g < conv.groups; ++g) {
    const std::size_t first = static_cast<std::size_t>(g * rows.group_out);
    kernels::pack_gemm_f32(weights + first * conv.weights_per_output, conv.weights_per_output, offsets.data(),
                           offsets.size(), rows.k, bias == nullptr ? nullptr : bias + first,
                           static_cast<std::size_t>(rows.group_out), static_cast<std::int32_t>(rows.nr),
                           packed + static_cast<std::size_t>(g * rows.group_panels) * phase.panel_elems);
  }
  return phase;
}

}  // namespace

bool can_use_gemm(const kernels::GemmF32Kernel& kernel, const CompileContext& context) noexcept {
  if (kernel.run == kernels::gemm_f32_any__reference) return false;
  return context.constant_input<float>(1) != nullptr &&
         (!context.has_input(2) || context.constant_input<float>(2) != nullptr);
}

namespace {

Result<ConvGemmStep> make_step(const ConvGemm& conv, const graph::Activation& activation,
                               const kernels::GemmF32Kernel& kernel, CompileContext& context) {
  ConvGemmStep step{};
  step.far_weights = conv.weights_per_output * static_cast<std::size_t>(conv.out_c) * sizeof(float) > kNearWeights;
  const bool pointwise = conv.phases.size() == 1 && conv.phases[0].taps.size() == 1;
  const std::int64_t rows_of_task = step.far_weights && pointwise ? kMostRowsOfTask : kRowsOfTask;
  step.run = kernel.run;
  DOTORI_ASSIGN_OR_RETURN(step.rows, make_conv_rows<float>(conv, kernel.mr, kernel.nr, rows_of_task, 0.0f, context));
  step.dense = conv.phases.size() == 1 && conv.out_step_z == 1 && conv.out_step_y == 1 && conv.out_step_x == 1;
  step.activation = make_fused_activation(activation, context.isa());
  step.input = context.input(0);
  step.output = context.output();

  const std::string no_memory = "no memory for the packed weights";
  std::vector<PhaseWeights> phases;
  for (const ConvGemmPhase& from : conv.phases) {
    phases.push_back(pack_phase(conv, from, step.rows, context));
    if (phases.back().packed == nullptr) return out_of_memory(no_memory);
  }
  step.k_step = cut_depth(step.rows.k, phases);
  PhaseWeights* stored = static_cast<PhaseWeights*>(context.allocate_packed(phases.size() * sizeof(PhaseWeights)));
  if (stored == nullptr) return out_of_memory(no_memory);
  std::copy(phases.begin(), phases.end(), stored);
  step.weights = stored;

  step.border_at = (step.rows.pointers() * sizeof(void*) + 63) / 64 * 64;
  step.scratch_bytes = (step.border_at + step.rows.border_elems() * sizeof(float) + 63) / 64 * 64;
  return step;
}

class ConvGemmStage final : public RowStage {
 public:
  ConvGemmStage(const char* kernel, const ConvGemmStep& step) : kernel_(kernel), step_(step) {}
  void run(std::uintptr_t src, std::uintptr_t dst, std::int64_t first, std::int64_t end,
           unsigned char* scratch) const noexcept override {
    const ConvRows<float>& rows = step_.rows;
    float* border = reinterpret_cast<float*>(scratch + step_.border_at);
    const std::int64_t last = end * rows.out_w, most = rows.block_tiles * rows.mr;
    // Nearly equal blocks of whole tiles.
    const std::int64_t blocks = (last - first * rows.out_w + most - 1) / most;
    const Shares tiles((last - first * rows.out_w + rows.mr - 1) / rows.mr, blocks);
    std::int64_t pixel = first * rows.out_w;
    for (std::int64_t b = 0; b < blocks; ++b) {
      const std::int64_t count = std::min(tiles.size(b) * rows.mr, last - pixel);
      const RowBlock<float> block = rows.block_of(0, pixel, count, reinterpret_cast<const float*>(src),
                                                  reinterpret_cast<float*>(dst), scratch, border);
      step_.multiply(step_.weights[0], block);
      if (step_.activation.after != nullptr) step_.activate(block);
      pixel += count;
    }
  }
  std::size_t scratch_bytes() const noexcept override { return step_.scratch_bytes; }
  const char* kernel() const noexcept override { return kernel_; }

 private:
  const char* kernel_;
  ConvGemmStep step_;
};

}  // namespace

Status emit_conv_gemm(const ConvGemm& conv, const graph::Activation& activation, const kernels::GemmF32Kernel& kernel,
                      CompileContext& context) {
  DOTORI_ASSIGN_OR_RETURN(ConvGemmStep step, make_step(conv, activation, kernel, context));
  step.scratch = context.book_scratch(static_cast<std::size_t>(context.options().num_threads) * step.scratch_bytes);
  context.emit(kernel.name, graph::node_macs(context.graph(), context.node()), step);
  return Status();
}

Result<std::unique_ptr<RowStage>> conv_gemm_stage(const ConvGemm& conv, const graph::Activation& activation,
                                                  const kernels::GemmF32Kernel& kernel, CompileContext& context) {
  DOTORI_ASSIGN_OR_RETURN(const ConvGemmStep step, make_step(conv, activation, kernel, context));
  return std::unique_ptr<RowStage>(std::make_unique<ConvGemmStage>(kernel.name, step));
}

}  // namespace dotori::backends::cpu
