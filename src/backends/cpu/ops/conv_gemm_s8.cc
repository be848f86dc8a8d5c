// SPDX-License-Identifier: Apache-2.0
// The int8 form of conv_gemm.cc. A kernel either reads the rows of A where they lie in the image (taps whose length is
// a multiple of kr, int8 rows, weights without a zero point), or the task first copies them behind each other, widened
// where the kernel wants int16.
#include <algorithm>
#include <limits>

#include "backends/cpu/ops/conv_rows.h"
#include "backends/cpu/ops/quantized.h"

namespace dotori::backends::cpu {
namespace {

// What the rows of a task may take of the second-level cache (an A55 has 128 KiB or more), and how many rows at most.
constexpr std::size_t kRowBytesOfTask = 64 << 10;
constexpr std::size_t kMostRowsOfTask = 192;
// Panels that go through the kernel in one call.
constexpr std::int64_t kPanelBytesTogether = 16 << 10;

// A phase's weights, in packed memory.
struct PhaseWeights {
  const unsigned char* packed;
  std::size_t panel_bytes;
  std::size_t depth;  // taps * k
};

// The plain values that a step captures.
struct ConvGemmS8Step {
  kernels::GemmS8Fn run;
  kernels::GemmS8GatherFn gather;
  std::size_t kr;
  ConvRows<std::int8_t> rows;
  bool copied;       // else the kernel reads the image
  bool far_weights;  // more than kNearWeights
  const PhaseWeights* weights;
  std::int32_t weight_zero_point;
  kernels::QuantizedOutput quantized;
  BufferRef input, output, scratch;
  // Of one thread: pointers of the block, border rows, pointers to copied rows, sums of rows, copied rows.
  std::size_t border_at, copied_pointers_at, row_add_at, copied_at, copied_row_bytes, scratch_bytes;

  void operator()(const RunContext& context) const noexcept {
    const std::int8_t* src = context.read<std::int8_t>(input);
    std::int8_t* dst = context.write<std::int8_t>(output);
    unsigned char* memory = context.write<unsigned char>(scratch);
    context.pool().parallel_for(static_cast<int>(rows.tasks), [&](int index, int worker) {
      unsigned char* own = memory + static_cast<std::size_t>(worker) * scratch_bytes;
      const RowBlock<std::int8_t> block =
          rows.block(index, src, dst, own, reinterpret_cast<std::int8_t*>(own + border_at));
      std::int64_t first = block.first_panel;
      while (first < block.last_panel) {
        const std::int64_t group = first / rows.group_panels;
        const std::int64_t last = std::min(block.last_panel, (group + 1) * rows.group_panels);
        multiply(block, group, first, last, own);
        first = last;
      }
    });
  }

  // The panels [first, last) of one group.
  void multiply(const RowBlock<std::int8_t>& block, std::int64_t group, std::int64_t first, std::int64_t last,
                unsigned char* own) const noexcept {
    const PhaseWeights& phase = weights[block.phase];
    const std::int64_t taps = rows.phases[block.phase].taps;
    const void** copied_rows = reinterpret_cast<const void**>(own + copied_pointers_at);
    std::int32_t* row_add = reinterpret_cast<std::int32_t*>(own + row_add_at);
    if (copied) copy_rows(block, group, taps, own + copied_at, copied_rows, row_add);

    kernels::GemmS8Strip strip;
    strip.a_offset = copied ? 0 : group * rows.group_in;
    strip.taps = copied ? 1 : static_cast<std::size_t>(taps);
    strip.k = copied ? kernels::gemm_s8_round_up(phase.depth, kr) : rows.k;
    strip.panel_stride = phase.panel_bytes;
    strip.output = quantized;
    // As many panels as fit the first-level cache stay there while all tiles pass by, each of which is read once for
    // them all. All panels go in one call where there is only one tile, which uses each weight once.
    const std::int64_t fitting =
        std::max<std::int64_t>(1, kPanelBytesTogether / static_cast<std::int64_t>(phase.panel_bytes));
    const std::int64_t most = block.tiles == 1 ? last : fitting;
    for (std::int64_t panel = first; panel < last;) {
      const std::int64_t in_group = panel % rows.group_panels, count = std::min(most, last - panel);
      strip.panels = phase.packed + static_cast<std::size_t>(panel) * phase.panel_bytes;
      strip.c_offset = group * rows.group_out + in_group * rows.nr;
      strip.n = static_cast<std::int32_t>(std::min(rows.group_out - in_group * rows.nr, count * rows.nr));
      FetchAhead ahead(phase.packed + static_cast<std::size_t>(panel + count) * phase.panel_bytes, phase.panel_bytes,
                       far_weights ? std::min(count, last - panel - count) : 0, phase.panel_bytes);
      for (std::int64_t tile = 0; tile < block.tiles; ++tile) {
        ahead.until(tile + 1, block.tiles);
        strip.a = copied ? copied_rows + tile * rows.mr
                         : reinterpret_cast<const void* const*>(block.a + tile * taps * rows.mr);
        strip.row_add = weight_zero_point != 0 ? row_add + tile * rows.mr : nullptr;
        strip.c = block.c + tile * rows.mr;
        strip.m = static_cast<std::int32_t>(block.rows.size(tile));
        run(strip);
      }
      panel += count;
    }
  }

  // Weights with a zero point: acc lacks -zero_point * (sum of the row).
  void copy_rows(const RowBlock<std::int8_t>& block, std::int64_t group, std::int64_t taps, unsigned char* to,
                 const void** pointers, std::int32_t* row_add) const noexcept {
    for (std::int64_t tile = 0; tile < block.tiles; ++tile) {
      kernels::GemmS8Gather rows_of_tile;
      rows_of_tile.a = block.a + tile * taps * rows.mr;
      rows_of_tile.a_offset = group * rows.group_in;
      rows_of_tile.a_step = static_cast<std::size_t>(rows.mr);
      rows_of_tile.taps = static_cast<std::size_t>(taps);
      rows_of_tile.k = rows.k;
      rows_of_tile.m = static_cast<std::int32_t>(block.rows.size(tile));
      rows_of_tile.to = to;
      rows_of_tile.row_bytes = copied_row_bytes;
      rows_of_tile.sums = weight_zero_point != 0 ? row_add + tile * rows.mr : nullptr;
      gather(rows_of_tile);
      for (std::int32_t r = 0; r < rows_of_tile.m; ++r, to += copied_row_bytes) {
        pointers[tile * rows.mr + r] = to;
        if (weight_zero_point != 0) row_add[tile * rows.mr + r] *= -weight_zero_point;
      }
    }
  }
};

// The weights of one phase, zero points folded into the bias: sum of (a - za)(w - zw) is
//   sum of a * w  -  zw * (sum of a)  -  za * (sum of (w - zw)).
Status pack_phase(const ConvGemm& conv, const ConvGemmPhase& from, const kernels::GemmS8Kernel& kernel,
                  const ConvGemmS8Step& step, const std::vector<float>& scales, CompileContext& context,
                  PhaseWeights& phase) {
  const ConvRows<std::int8_t>& rows = step.rows;
  const std::size_t k = rows.k, taps = from.taps.size();
  phase.depth = taps * k;
  const std::size_t padded = step.copied ? kernels::gemm_s8_round_up(phase.depth, step.kr) : phase.depth;
  phase.panel_bytes = kernels::gemm_s8_panel_bytes(kernel.nr, padded);
  unsigned char* packed =
      static_cast<unsigned char*>(context.allocate_packed(static_cast<std::size_t>(rows.panels) * phase.panel_bytes));
  if (packed == nullptr) return out_of_memory("no memory for the packed weights");
  phase.packed = packed;

  const std::int8_t* weights = context.constant_input<std::int8_t>(1);
  const std::int32_t* bias = context.constant_input<std::int32_t>(2);
  const std::int32_t x_zero_point = tensor_zero_point(context.input_value(0));
  const std::size_t outputs = static_cast<std::size_t>(rows.group_out);
  // The taps of each output channel behind each other. Beside the blocks of merged pixels, the weights stand for zero.
  std::vector<std::int8_t> columns(outputs * phase.depth, static_cast<std::int8_t>(step.weight_zero_point));
  std::vector<std::int32_t> folded(outputs);
  const std::size_t pixels = static_cast<std::size_t>(conv.merged_pixels), each = outputs / pixels;
  // Copied rows are one tap for the kernel.
  std::vector<std::size_t> tap_offsets(step.copied ? 1 : taps);
  for (std::size_t t = 0; t < tap_offsets.size(); ++t) tap_offsets[t] = t * k;
  for (std::int64_t g = 0; g < conv.groups; ++g) {
    const std::size_t first = static_cast<std::size_t>(g) * outputs;
    for (std::size_t j = 0; j < outputs; ++j) {
      const std::size_t channel = first + j % each, of_pixel = k / pixels;
      const std::int8_t* of_channel = weights + channel * conv.weights_per_output;
      std::int8_t* column = columns.data() + j * phase.depth + j / each * of_pixel;
      std::int64_t sum = 0;
      for (const ConvGemmPhase::Tap& tap : from.taps) {
        column = std::copy_n(of_channel + tap.weights, of_pixel, column);
        for (std::size_t i = 0; i < of_pixel; ++i) sum += of_channel[tap.weights + i] - step.weight_zero_point;
      }
      // Fits: prove_no_overflow() counted every |w - zw| 255 times.
      folded[j] = static_cast<std::int32_t>((bias == nullptr ? 0 : bias[channel]) - x_zero_point * sum);
    }
    kernels::pack_gemm_s8(columns.data(), phase.depth, tap_offsets.data(), tap_offsets.size(),
                          step.copied ? phase.depth : k, step.copied ? padded : k, folded.data(), scales.data() + first,
                          outputs, kernel,
                          packed + static_cast<std::size_t>(g * rows.group_panels) * phase.panel_bytes);
  }
  return Status();
}

Status check_sums(const ConvGemm& conv, std::int32_t weight_zero_point, const CompileContext& context) {
  const std::int8_t* weights = context.constant_input<std::int8_t>(1);
  const std::int32_t* bias = context.constant_input<std::int32_t>(2);
  const std::int64_t each = static_cast<std::int64_t>(conv.weights_per_output);
  for (std::int64_t c = 0; c < conv.out_c / conv.merged_pixels; ++c) {
    DOTORI_RETURN_IF_ERROR(
        prove_no_overflow(weights + c * each, each, weight_zero_point, bias == nullptr ? 0 : bias[c], c));
  }
  return Status();
}

}  // namespace

bool gemm_s8_reads_image(const kernels::GemmS8Kernel& kernel, std::int64_t k) noexcept {
  return kernel.a_bytes == 1 && k % kernel.kr == 0;
}

std::int64_t gemm_s8_merged_pixels(const kernels::GemmS8Kernel& kernel, std::int64_t in_c, std::int64_t out_c,
                                   std::int64_t pixels) noexcept {
  // Where rows are copied anyhow, and two pixels still fit one panel. Products twice as deep are lost on the diagonal's
  // zeros, so not for many channels.
  constexpr std::int64_t kMostChannels = 24;
  return kernel.a_bytes == 2 && 2 * out_c <= kernel.nr && in_c <= kMostChannels && pixels % 2 == 0 ? 2 : 1;
}

Status emit_conv_gemm_s8(const ConvGemm& conv, const graph::Activation& activation, const kernels::GemmS8Kernel& kernel,
                         CompileContext& context) {
  const graph::Value &x = context.input_value(0), &weights = context.input_value(1), &y = context.output_value();
  std::vector<float> scales;
  DOTORI_ASSIGN_OR_RETURN(scales, channel_scales(x, weights, y));
  for (const std::size_t each = scales.size(); scales.size() < static_cast<std::size_t>(conv.out_c);)
    scales.push_back(scales[scales.size() - each]);
  ConvGemmS8Step step{};
  step.weight_zero_point = weights.quantization.zero_points[0];
  DOTORI_RETURN_IF_ERROR(check_sums(conv, step.weight_zero_point, context));
  step.run = kernel.run;
  step.gather = kernels::select_gemm_s8_gather(kernel);
  step.kr = static_cast<std::size_t>(kernel.kr);
  // The sums of the rows come with the copies.
  step.copied = step.weight_zero_point != 0 || !gemm_s8_reads_image(kernel, conv.span * conv.in_c / conv.groups);
  step.quantized = make_quantized_output(y, activation);
  step.input = context.input(0);
  step.output = context.output();

  std::size_t most_taps = 1;
  for (const ConvGemmPhase& phase : conv.phases) most_taps = std::max(most_taps, phase.taps.size());
  const std::size_t depth = most_taps * static_cast<std::size_t>(conv.span * conv.in_c / conv.groups);
  step.copied_row_bytes =
      step.copied ? kernels::gemm_s8_round_up(depth * static_cast<std::size_t>(kernel.a_bytes), 64) : 0;
  const std::size_t row_bytes = std::max(step.copied_row_bytes, depth);
  const std::size_t rows_of_task = std::clamp<std::size_t>(kRowBytesOfTask / row_bytes, 1, kMostRowsOfTask);
  DOTORI_ASSIGN_OR_RETURN(
      step.rows, make_conv_rows<std::int8_t>(conv, kernel.mr, kernel.nr, static_cast<std::int64_t>(rows_of_task),
                                             static_cast<std::int8_t>(tensor_zero_point(x)), context));

  std::vector<PhaseWeights> phases;
  for (const ConvGemmPhase& from : conv.phases) {
    phases.emplace_back();
    DOTORI_RETURN_IF_ERROR(pack_phase(conv, from, kernel, step, scales, context, phases.back()));
  }
  step.far_weights = static_cast<std::size_t>(step.rows.panels) * phases[0].panel_bytes > kNearWeights;
  PhaseWeights* stored = static_cast<PhaseWeights*>(context.allocate_packed(phases.size() * sizeof(PhaseWeights)));
  if (stored == nullptr) return out_of_memory("no memory for the packed weights");
  std::copy(phases.begin(), phases.end(), stored);
  step.weights = stored;

  const auto align = [](std::size_t bytes) { return kernels::gemm_s8_round_up(bytes, 64); };
  const std::size_t rows = static_cast<std::size_t>(step.rows.block_tiles * step.rows.mr);
  step.border_at = align(step.rows.pointers() * sizeof(void*));
  step.copied_pointers_at = align(step.border_at + step.rows.border_elems());
  step.row_add_at = align(step.copied_pointers_at + (step.copied ? rows * sizeof(void*) : 0));
  step.copied_at = align(step.row_add_at + (step.weight_zero_point != 0 ? rows * sizeof(std::int32_t) : 0));
  step.scratch_bytes = align(step.copied_at + rows * step.copied_row_bytes);
  step.scratch = context.book_scratch(static_cast<std::size_t>(context.options().num_threads) * step.scratch_bytes);
  context.emit(kernel.name, graph::node_macs(context.graph(), context.node()), step);
  return Status();
}

}  // namespace dotori::backends::cpu
