// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/conv_winograd.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <memory>

#include "backends/cpu/activation.h"

namespace dotori::backends::cpu {
namespace {

constexpr std::int64_t kTile = kernels::kWinogradTile, kWindow = kernels::kWinogradWindow,
                       kPoints = kernels::kWinogradPoints;
// Columns of the products that are held at once, at most (of whole groups where there are several), and the most bytes
// of a task's transformed input.
constexpr std::int64_t kColumns = 64, kInputBytes = 1 << 19;
// Fewer tiles of a task would wait for the weights, which come from the last-level cache.
constexpr std::int64_t kLeastTiles = 36;
// A chain of multiply-adds (kernels/gemm/gemm.h).
constexpr std::int64_t kDepth = 256;
// Floats between points beyond a whole task, so that they do not fall on the same lines of a cache.
constexpr std::int64_t kSkew = 16;

std::int64_t round_up(std::int64_t n, std::int64_t to) {
  return (n + to - 1) / to * to;
}

struct ConvWinogradStep {
  const kernels::WinogradF32Kernel* transforms;
  kernels::GemmF32Fn gemm;
  std::int64_t mr, nr;
  WinogradConv conv;
  std::int64_t tile_columns, tiles;                    // of a slice
  std::int64_t task_tiles, task_slices, task_columns;  // of a task, at most
  std::int64_t tile_tasks, slice_tasks, column_tasks;  // of a slice, of an image, of a group of tiles
  std::int64_t tasks;                                  // of all images
  const float* packed;                                 // [points][panels][panel_elems]
  std::int64_t panels, panel_elems;                    // of all groups
  std::int64_t group_in, group_out, group_panels;
  std::int64_t block_columns;  // of the products that are held at once
  const float* bias;           // [out_c]
  FusedActivation activation;
  BufferRef input, output, scratch;
  std::int64_t input_stride, product_stride;  // floats between points
  std::int64_t slice_stride;                  // floats between transformed slices, of which the last kernel_d are kept
  std::size_t thread_bytes, products_at, rows_at, sums_at, pixels_at, border_at;  // bytes, of a thread's scratch

  void operator()(const RunContext& context) const noexcept {
    const float* src = context.read<float>(input);
    float* dst = context.write<float>(output);
    unsigned char* memory = context.write<unsigned char>(scratch);
    context.pool().parallel_for(static_cast<int>(tasks), [&](int index, int worker) {
      run_task(index, src, dst, memory + static_cast<std::size_t>(worker) * thread_bytes);
    });
  }

  void run_task(std::int64_t index, const float* src, float* dst, unsigned char* own) const noexcept {
    const std::int64_t columns_of = index % column_tasks, tiles_of = index / column_tasks % tile_tasks;
    const std::int64_t slices_of = index / column_tasks / tile_tasks % slice_tasks;
    const std::int64_t image = index / column_tasks / tile_tasks / slice_tasks;
    const std::int64_t first = tiles_of * task_tiles, count = std::min(task_tiles, tiles - first);
    const std::int64_t first_column = columns_of * task_columns;
    const std::int64_t last_column = std::min(conv.out_c, first_column + task_columns);
    const float* volume = src + image * conv.in_d * conv.in_h * conv.in_w * conv.in_c;
    float* out_volume = dst + image * conv.out_d * conv.out_h * conv.out_w * conv.out_c;
    float* v = reinterpret_cast<float*>(own);
    float* m = reinterpret_cast<float*>(own + products_at);
    float** c = reinterpret_cast<float**>(own + sums_at);
    for (std::int64_t t = 0; t < count; ++t) c[t] = m + t * block_columns;
    const std::int64_t first_slice = slices_of * task_slices;
    const std::int64_t last_slice = std::min(conv.out_d, first_slice + task_slices);
    std::int64_t ready = std::max<std::int64_t>(0, first_slice - conv.pad_front);  // the next slice to transform
    for (std::int64_t z = first_slice; z < last_slice; ++z) {
      // Slices of the kernel that meet the image.
      const std::int64_t in_z = z - conv.pad_front, from = std::max<std::int64_t>(0, -in_z);
      const std::int64_t to = std::max(from, std::min(conv.kernel_d, conv.in_d - in_z));
      for (; ready < std::min(conv.in_d, in_z + to); ++ready)
        transform_input(volume + ready * conv.in_h * conv.in_w * conv.in_c, first, count, own,
                        v + ready % conv.kernel_d * slice_stride);
      const float* const* a = place_rows(v, in_z, from, to, count, own);
      float** pixels = place_output(out_volume + z * conv.out_h * conv.out_w * conv.out_c, first, count, own);
      for (std::int64_t column = first_column; column < last_column; column += block_columns) {
        const std::int64_t columns = std::min(block_columns, last_column - column);
        multiply(a, c, from, to, count, column, columns);
        transform_output(m, pixels, count, column, columns);
      }
    }
  }

  void transform_input(const float* slice, std::int64_t first, std::int64_t count, unsigned char* own,
                       float* v) const noexcept {
    const float** pixels = reinterpret_cast<const float**>(own + pixels_at);
    float* border = reinterpret_cast<float*>(own + border_at);
    std::fill(border, border + conv.in_c, 0.0f);
    const float** at = pixels;
    for (std::int64_t t = first; t < first + count; ++t) {
      const std::int64_t y0 = t / tile_columns * kTile - conv.pad_top, x0 = t % tile_columns * kTile - conv.pad_left;
      for (std::int64_t y = y0; y < y0 + kWindow; ++y)
        for (std::int64_t x = x0; x < x0 + kWindow; ++x)
          *at++ = y >= 0 && y < conv.in_h && x >= 0 && x < conv.in_w ? slice + (y * conv.in_w + x) * conv.in_c : border;
    }
    kernels::WinogradInputF32 in{};
    in.pixels = pixels;
    in.tiles = static_cast<std::size_t>(count);
    in.channels = static_cast<std::size_t>(conv.in_c);
    in.v = v;
    in.point_stride = static_cast<std::size_t>(input_stride);
    transforms->input(in);
  }

  // [tiles / mr][to - from][mr]: the transformed tiles under each slice of the kernel, those of point 0.
  const float* const* place_rows(const float* v, std::int64_t in_z, std::int64_t from, std::int64_t to,
                                 std::int64_t count, unsigned char* own) const noexcept {
    const float** a = reinterpret_cast<const float**>(own + rows_at);
    const float** at = a;
    for (std::int64_t tile = 0; tile < count; tile += mr) {
      for (std::int64_t slice = from; slice < to; ++slice, at += mr) {
        const float* slice_v = v + (in_z + slice) % conv.kernel_d * slice_stride;
        for (std::int64_t r = 0; r < std::min(mr, count - tile); ++r) at[r] = slice_v + (tile + r) * conv.in_c;
      }
    }
    return a;
  }

  // In the same memory as the input's pixels, which are done with.
  float** place_output(float* slice, std::int64_t first, std::int64_t count, unsigned char* own) const noexcept {
    float** pixels = reinterpret_cast<float**>(own + pixels_at);
    float** at = pixels;
    for (std::int64_t t = first; t < first + count; ++t) {
      const std::int64_t y0 = t / tile_columns * kTile, x0 = t % tile_columns * kTile;
      for (std::int64_t y = y0; y < y0 + kTile; ++y)
        for (std::int64_t x = x0; x < x0 + kTile; ++x)
          *at++ = y < conv.out_h && x < conv.out_w ? slice + (y * conv.out_w + x) * conv.out_c : nullptr;
    }
    return pixels;
  }

  void transform_output(const float* m, float* const* pixels, std::int64_t count, std::int64_t column,
                        std::int64_t columns) const noexcept {
    kernels::WinogradOutputF32 out{};
    out.m = m;
    out.point_stride = static_cast<std::size_t>(product_stride);
    out.row_stride = static_cast<std::size_t>(block_columns);
    out.tiles = static_cast<std::size_t>(count);
    out.columns = static_cast<std::size_t>(columns);
    out.bias = bias + column;
    out.pixels = pixels;
    out.offset = column;
    out.low = activation.low;
    out.high = activation.high;
    transforms->output(out);
    if (activation.after == nullptr) return;
    for (std::int64_t p = 0; p < count * kTile * kTile; ++p)
      if (pixels[p] != nullptr) activation.apply(pixels[p] + column, static_cast<std::size_t>(columns));
  }

  // The 36 products of `count` tiles, under slices `from` to `to` of the kernel, with `columns` columns: those of whole
  // groups, or a part of the only one's. Slices are taken together where that is no longer than a chain may be.
  void multiply(const float* const* a, float* const* c, std::int64_t from, std::int64_t to, std::int64_t count,
                std::int64_t column, std::int64_t columns) const noexcept {
    const bool together = (to - from) * group_in <= kDepth;
    kernels::GemmF32Strip strip{};
    strip.taps = together ? static_cast<std::size_t>(to - from) : 1;
    strip.a_tile_step = mr * (to - from);
    strip.c = c;
    strip.m = static_cast<std::int32_t>(count);
    strip.n = static_cast<std::int32_t>(std::min(columns, group_out));
    strip.panel_stride = static_cast<std::size_t>(panel_elems);
    strip.low = -std::numeric_limits<float>::infinity();
    strip.high = std::numeric_limits<float>::infinity();
    for (std::int64_t point = 0; point < kPoints; ++point) {
      for (std::int64_t at = column; at < column + columns; at += group_out) {
        const std::int64_t group = at / group_out;
        const float* weights = packed + (point * panels + group * group_panels + at % group_out / nr) * panel_elems;
        strip.c_offset = point * product_stride + at - column;
        strip.bias = weights;
        for (std::int64_t slice = from; slice < (together ? from + 1 : to); ++slice) {
          strip.a = a + (slice - from) * mr;
          for (std::int64_t k = 0; k < group_in; k += kDepth) {
            strip.k = static_cast<std::size_t>(std::min(kDepth, group_in - k));
            strip.a_offset = point * input_stride + group * group_in + k;
            strip.b = weights + (1 + slice * group_in + k) * nr;
            gemm(strip);
            strip.bias = nullptr;  // what follows is added
          }
        }
      }
    }
  }
};

std::int64_t tiles_of(const WinogradConv& conv) {
  return (conv.out_h + kTile - 1) / kTile * ((conv.out_w + kTile - 1) / kTile);
}

}  // namespace

WinogradConv describe_winograd(const graph::Conv2d& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  WinogradConv conv{x[0], 1,           x[1],        x[2],      x[3], 1, y[1], y[2], y[3],
                    1,    op.kernel_h, op.kernel_w, op.groups, 0,    0, 0,    false};
  conv.pad_top = op.pad_top;
  conv.pad_left = op.pad_left;
  conv.unit_steps = op.stride_h * op.stride_w * op.dilation_h * op.dilation_w == 1;
  return conv;
}

WinogradConv describe_winograd(const graph::Conv3d& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  WinogradConv conv{x[0],        x[1],        x[2],        x[3],      x[4], y[1], y[2], y[3], y[4],
                    op.kernel_d, op.kernel_h, op.kernel_w, op.groups, 0,    0,    0,    false};
  conv.pad_front = op.pad_front;
  conv.pad_top = op.pad_top;
  conv.pad_left = op.pad_left;
  conv.unit_steps = op.stride_d * op.stride_h * op.stride_w * op.dilation_d * op.dilation_h * op.dilation_w == 1;
  return conv;
}

const kernels::WinogradF32Kernel* winograd_that_pays(const WinogradConv& conv, CompileContext& context) {
  const std::int64_t group_in = conv.in_c / conv.groups, group_out = conv.out_c / conv.groups;
  if (conv.kernel_h != 3 || conv.kernel_w != 3) return nullptr;
  const char* unfit = nullptr;
  if (!conv.unit_steps) unfit = "a stride or a dilation is not 1";
  else if (conv.in_c % 8 != 0 || group_out % 8 != 0 || group_in < 8) unfit = "channels are not in multiples of 8";
  else if (conv.groups > 1 && group_out > kColumns) unfit = "groups of more than 64 outputs";
  if (unfit != nullptr) {
    context.rule_out(std::string("winograd: ") + unfit);
    return nullptr;
  }
  // In multiply-adds of a product; the factors were measured on AVX2 and AVX-512: what a channel's transforms of a tile
  // cost, a byte of weights that comes from memory, and the start of a row's sum.
  constexpr double kInput = 220, kOutput = 160, kStart = 12, kMargin = 0.9;
  const double weight_byte = (context.isa() & kernels::kIsaAvx512) != 0 ? 3 : 1.5;
  const double slices = static_cast<double>(conv.images * conv.out_d),
               tiles = slices * static_cast<double>(tiles_of(conv));
  const double in = static_cast<double>(conv.in_c), out = static_cast<double>(conv.out_c);
  const double depth = static_cast<double>(group_in * conv.kernel_d);
  const double products = tiles * kPoints * (depth + kStart) * out, weights = kPoints * depth * out * 4;
  const double cost = products + tiles * (in * kInput + out * kOutput) + weights * weight_byte;
  const double direct = slices * static_cast<double>(conv.out_h * conv.out_w) * (9 * depth + kStart) * out +
                        depth * out * 36 * weight_byte;
  const std::string estimate =
      "estimated " + std::to_string(static_cast<long>(100 * cost / direct)) + " % of the time of gemm";
  const graph::Algorithm chosen = context.choice().algorithm;
  const bool estimated = chosen == graph::Algorithm::kEstimated;
  const bool pays = estimated ? cost < kMargin * direct : chosen == graph::Algorithm::kWinograd;
  const kernels::WinogradF32Kernel* kernel = pays ? kernels::select_winograd_f32(context.isa()) : nullptr;
  context.rule_out("winograd: " + (pays && kernel == nullptr ? "no kernel for this instruction set" : estimate) +
                   (estimated ? ""
                    : pays    ? ", measured faster"
                              : ", measured slower"));
  return kernel;
}

Status emit_conv_winograd(const WinogradConv& conv, const graph::Activation& activation,
                          const kernels::WinogradF32Kernel& transforms, const kernels::GemmF32Kernel& gemm,
                          CompileContext& context) {
  ConvWinogradStep step{};
  step.transforms = &transforms;
  step.gemm = gemm.run;
  step.mr = gemm.mr;
  step.nr = gemm.nr;
  step.conv = conv;
  step.group_in = conv.in_c / conv.groups;
  step.group_out = conv.out_c / conv.groups;
  step.block_columns = conv.groups == 1 ? kColumns : kColumns / step.group_out * step.group_out;
  step.tile_columns = (conv.out_w + kTile - 1) / kTile;
  step.tiles = tiles_of(conv);
  step.activation = make_fused_activation(activation, context.isa());
  step.input = context.input(0);
  step.output = context.output();

  // Tasks: groups of tiles whose transformed input fits; enough of them for all threads, by slices and by columns where
  // tiles are few.
  const std::int64_t threads = context.options().num_threads;
  const std::int64_t fitting =
      std::max<std::int64_t>(kLeastTiles, kInputBytes / (kPoints * 4 * conv.in_c * conv.kernel_d));
  const std::int64_t wanted = threads == 1 ? 1 : 4 * threads;
  std::int64_t groups = (step.tiles + fitting - 1) / fitting;
  if (conv.images * groups < wanted)
    groups = std::min((wanted + conv.images - 1) / conv.images, (step.tiles + 4 * step.mr - 1) / (4 * step.mr));
  step.task_tiles = round_up((step.tiles + groups - 1) / groups, step.mr);
  step.tile_tasks = (step.tiles + step.task_tiles - 1) / step.task_tiles;
  const std::int64_t slices =
      std::min(conv.out_d, (wanted + conv.images * step.tile_tasks - 1) / (conv.images * step.tile_tasks));
  step.task_slices = (conv.out_d + slices - 1) / slices;
  step.slice_tasks = (conv.out_d + step.task_slices - 1) / step.task_slices;
  const std::int64_t blocks = (conv.out_c + step.block_columns - 1) / step.block_columns;
  const std::int64_t whole = conv.images * step.slice_tasks * step.tile_tasks;  // tasks of all columns
  std::int64_t splits = 1;
  if (whole < 2 * threads && threads > 1) splits = std::min(blocks, (2 * threads + whole - 1) / whole);
  step.task_columns = (blocks + splits - 1) / splits * step.block_columns;
  step.column_tasks = (conv.out_c + step.task_columns - 1) / step.task_columns;
  step.tasks = whole * step.column_tasks;

  const auto channels = static_cast<std::size_t>(conv.in_c), outputs = static_cast<std::size_t>(conv.out_c);
  const auto in_group_depth = static_cast<std::size_t>(step.group_in), width = static_cast<std::size_t>(step.group_out);
  const auto kernel_d = static_cast<std::size_t>(conv.kernel_d), depth = in_group_depth * kernel_d;
  step.group_panels = static_cast<std::int64_t>(kernels::gemm_f32_panels(gemm.nr, width));
  step.panels = step.group_panels * conv.groups;
  step.panel_elems = static_cast<std::int64_t>(kernels::gemm_f32_panel_elems(gemm.nr, depth));
  float* packed = static_cast<float*>(
      context.allocate_packed(static_cast<std::size_t>(kPoints * step.panels * step.panel_elems) * sizeof(float)));
  float* bias = static_cast<float*>(context.allocate_packed(outputs * sizeof(float)));
  // The outputs of a panel at a time.
  const auto nr = static_cast<std::size_t>(gemm.nr);
  const std::unique_ptr<float, void (*)(void*)> points(
      static_cast<float*>(std::malloc(static_cast<std::size_t>(kPoints) * nr * depth * sizeof(float))), std::free);
  if (packed == nullptr || bias == nullptr || points == nullptr)
    return out_of_memory("no memory for the packed weights");
  const std::size_t start = 0;
  for (std::int64_t panel = 0; panel < step.panels; ++panel) {
    const std::size_t in_group = static_cast<std::size_t>(panel % step.group_panels) * nr;
    const std::size_t first = static_cast<std::size_t>(panel / step.group_panels) * width + in_group;
    const std::size_t count = std::min(nr, width - in_group);
    // Slices of the kernel as if they were outputs: [count][kernel_d][group_in], which is [count][depth].
    kernels::winograd_weights_f32(context.constant_input<float>(1) + first * 9 * depth, count * kernel_d,
                                  in_group_depth, points.get());
    for (std::int64_t p = 0; p < kPoints; ++p)
      kernels::pack_gemm_f32(points.get() + static_cast<std::size_t>(p) * count * depth, depth, &start, 1, depth,
                             nullptr, count, gemm.nr, packed + (p * step.panels + panel) * step.panel_elems);
  }
  if (const float* given = context.constant_input<float>(2); given != nullptr) std::copy_n(given, outputs, bias);
  step.packed = packed;
  step.bias = bias;

  const auto align = [](std::size_t bytes) { return (bytes + 63) / 64 * 64; };
  const auto tiles = static_cast<std::size_t>(step.task_tiles);
  step.input_stride = step.task_tiles * conv.in_c + kSkew;
  step.slice_stride = kPoints * step.input_stride;
  step.product_stride = step.task_tiles * step.block_columns + kSkew;
  step.products_at = align(static_cast<std::size_t>(conv.kernel_d * step.slice_stride) * sizeof(float));
  step.rows_at = step.products_at + align(static_cast<std::size_t>(kPoints * step.product_stride) * sizeof(float));
  step.sums_at = step.rows_at + align(tiles * kernel_d * sizeof(float*));
  step.pixels_at = step.sums_at + align(tiles * sizeof(float*));
  step.border_at = step.pixels_at + align(tiles * static_cast<std::size_t>(kPoints) * sizeof(float*));
  step.thread_bytes = step.border_at + align(channels * sizeof(float));
  step.scratch = context.book_scratch(static_cast<std::size_t>(threads) * step.thread_bytes);
  context.emit(transforms.name, graph::node_macs(context.graph(), context.node()), step);
  return Status();
}

}  // namespace dotori::backends::cpu
