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
  std::int64_t in_h, in_w, in_c, out_h, out_w, out_c, pad_top, pad_left;
  std::int64_t tile_columns, tiles;              // of an image
  std::int64_t task_tiles, task_columns;         // of a task, at most
  std::int64_t tile_tasks, column_tasks, tasks;  // of an image, of a group of tiles; all images
  const float* packed;                           // [points][panels][panel_elems]
  std::int64_t panels, panel_elems;              // of all groups
  std::int64_t group_in, group_out, group_panels;
  std::int64_t block_columns;  // of the products that are held at once
  const float* bias;           // [out_c]
  FusedActivation activation;
  BufferRef input, output, scratch;
  std::int64_t input_stride, product_stride;                                      // floats between points
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
    const std::int64_t columns_of = index % column_tasks, group = index / column_tasks;
    const std::int64_t image = group / tile_tasks, first = group % tile_tasks * task_tiles;
    const std::int64_t count = std::min(task_tiles, tiles - first);
    const std::int64_t first_column = columns_of * task_columns;
    const std::int64_t last_column = std::min(out_c, first_column + task_columns);
    float* v = reinterpret_cast<float*>(own);
    float* m = reinterpret_cast<float*>(own + products_at);
    transform_input(src + image * in_h * in_w * in_c, first, count, own, v);
    float** pixels = place_output(dst + image * out_h * out_w * out_c, first, count, own);
    const float** a = reinterpret_cast<const float**>(own + rows_at);
    float** c = reinterpret_cast<float**>(own + sums_at);
    for (std::int64_t t = 0; t < count; ++t) {
      a[t] = v + t * in_c;
      c[t] = m + t * block_columns;
    }
    for (std::int64_t column = first_column; column < last_column; column += block_columns) {
      const std::int64_t columns = std::min(block_columns, last_column - column);
      multiply(a, c, count, column, columns);
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
      if (activation.after == nullptr) continue;
      for (std::int64_t p = 0; p < count * kTile * kTile; ++p)
        if (pixels[p] != nullptr) activation.apply(pixels[p] + column, static_cast<std::size_t>(columns));
    }
  }

  void transform_input(const float* image, std::int64_t first, std::int64_t count, unsigned char* own,
                       float* v) const noexcept {
    const float** pixels = reinterpret_cast<const float**>(own + pixels_at);
    float* border = reinterpret_cast<float*>(own + border_at);
    std::fill(border, border + in_c, 0.0f);
    const float** at = pixels;
    for (std::int64_t t = first; t < first + count; ++t) {
      const std::int64_t y0 = t / tile_columns * kTile - pad_top, x0 = t % tile_columns * kTile - pad_left;
      for (std::int64_t y = y0; y < y0 + kWindow; ++y)
        for (std::int64_t x = x0; x < x0 + kWindow; ++x)
          *at++ = y >= 0 && y < in_h && x >= 0 && x < in_w ? image + (y * in_w + x) * in_c : border;
    }
    kernels::WinogradInputF32 in{};
    in.pixels = pixels;
    in.tiles = static_cast<std::size_t>(count);
    in.channels = static_cast<std::size_t>(in_c);
    in.v = v;
    in.point_stride = static_cast<std::size_t>(input_stride);
    transforms->input(in);
  }

  // In the same memory as the input's pixels, which are done with.
  float** place_output(float* image, std::int64_t first, std::int64_t count, unsigned char* own) const noexcept {
    float** pixels = reinterpret_cast<float**>(own + pixels_at);
    float** at = pixels;
    for (std::int64_t t = first; t < first + count; ++t) {
      const std::int64_t y0 = t / tile_columns * kTile, x0 = t % tile_columns * kTile;
      for (std::int64_t y = y0; y < y0 + kTile; ++y)
        for (std::int64_t x = x0; x < x0 + kTile; ++x)
          *at++ = y < out_h && x < out_w ? image + (y * out_w + x) * out_c : nullptr;
    }
    return pixels;
  }

  // The 36 products of `count` tiles with `columns` columns: those of whole groups, or a part of the only one's.
  void multiply(const float* const* a, float* const* c, std::int64_t count, std::int64_t column,
                std::int64_t columns) const noexcept {
    kernels::GemmF32Strip strip{};
    strip.taps = 1;
    strip.a = a;
    strip.a_tile_step = mr;
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
        for (std::int64_t k = 0; k < group_in; k += kDepth) {
          strip.k = static_cast<std::size_t>(std::min(kDepth, group_in - k));
          strip.a_offset = point * input_stride + group * group_in + k;
          strip.bias = k == 0 ? weights : nullptr;
          strip.b = weights + (1 + k) * nr;
          gemm(strip);
        }
      }
    }
  }
};

std::int64_t tiles_of(const Shape& y) {
  return (y[1] + kTile - 1) / kTile * ((y[2] + kTile - 1) / kTile);
}

}  // namespace

const kernels::WinogradF32Kernel* winograd_that_pays(const graph::Conv2d& op, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  const std::int64_t group_in = x[3] / op.groups, group_out = y[3] / op.groups;
  if (op.kernel_h != 3 || op.kernel_w != 3) return nullptr;
  const char* unfit = nullptr;
  if (op.stride_h * op.stride_w != 1) unfit = "the stride is not 1";
  else if (op.dilation_h * op.dilation_w != 1) unfit = "the kernel is dilated";
  else if (x[3] % 8 != 0 || group_out % 8 != 0 || group_in < 8) unfit = "channels are not in multiples of 8";
  else if (op.groups > 1 && group_out > kColumns) unfit = "groups of more than 64 outputs";
  if (unfit != nullptr) {
    context.rule_out(std::string("winograd: ") + unfit);
    return nullptr;
  }
  // In multiply-adds of a product; the factors were measured on AVX2 and AVX-512: what a channel's transforms of a tile
  // cost, a byte of weights that comes from memory, and the start of a row's sum.
  constexpr double kInput = 220, kOutput = 160, kStart = 12, kMargin = 0.9;
  const double weight_byte = (context.isa() & kernels::kIsaAvx512) != 0 ? 3 : 1.5;
  const double tiles = static_cast<double>(x[0] * tiles_of(y)), in = static_cast<double>(x[3]),
               out = static_cast<double>(y[3]), depth = static_cast<double>(group_in);
  const double products = tiles * kPoints * (depth + kStart) * out, weights = kPoints * depth * out * 4;
  const double cost = products + tiles * (in * kInput + out * kOutput) + weights * weight_byte;
  const double direct =
      static_cast<double>(x[0] * y[1] * y[2]) * (9 * depth + kStart) * out + depth * out * 36 * weight_byte;
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

Status emit_conv_winograd(const graph::Conv2d& op, const kernels::WinogradF32Kernel& transforms,
                          const kernels::GemmF32Kernel& gemm, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  ConvWinogradStep step{};
  step.transforms = &transforms;
  step.gemm = gemm.run;
  step.mr = gemm.mr;
  step.nr = gemm.nr;
  step.in_h = x[1];
  step.in_w = x[2];
  step.in_c = x[3];
  step.out_h = y[1];
  step.out_w = y[2];
  step.out_c = y[3];
  step.group_in = x[3] / op.groups;
  step.group_out = y[3] / op.groups;
  step.block_columns = op.groups == 1 ? kColumns : kColumns / step.group_out * step.group_out;
  step.pad_top = op.pad_top;
  step.pad_left = op.pad_left;
  step.tile_columns = (y[2] + kTile - 1) / kTile;
  step.tiles = tiles_of(y);
  step.activation = make_fused_activation(op.activation, context.isa());
  step.input = context.input(0);
  step.output = context.output();

  // Tasks: groups of tiles whose transformed input fits; enough of them for all threads, by columns where tiles are
  // few.
  const std::int64_t threads = context.options().num_threads;
  const std::int64_t fitting = std::max<std::int64_t>(kLeastTiles, kInputBytes / (kPoints * 4 * step.in_c));
  const std::int64_t wanted = threads == 1 ? 1 : 4 * threads;
  std::int64_t groups = (step.tiles + fitting - 1) / fitting;
  if (x[0] * groups < wanted)
    groups = std::min((wanted + x[0] - 1) / x[0], (step.tiles + 4 * step.mr - 1) / (4 * step.mr));
  step.task_tiles = round_up((step.tiles + groups - 1) / groups, step.mr);
  step.tile_tasks = (step.tiles + step.task_tiles - 1) / step.task_tiles;
  const std::int64_t blocks = (step.out_c + step.block_columns - 1) / step.block_columns;
  std::int64_t splits = 1;
  if (x[0] * step.tile_tasks < 2 * threads && threads > 1)
    splits = std::min(blocks, (2 * threads + x[0] * step.tile_tasks - 1) / (x[0] * step.tile_tasks));
  step.task_columns = (blocks + splits - 1) / splits * step.block_columns;
  step.column_tasks = (step.out_c + step.task_columns - 1) / step.task_columns;
  step.tasks = x[0] * step.tile_tasks * step.column_tasks;

  const auto channels = static_cast<std::size_t>(step.in_c), outputs = static_cast<std::size_t>(step.out_c);
  const auto depth = static_cast<std::size_t>(step.group_in), width = static_cast<std::size_t>(step.group_out);
  step.group_panels = static_cast<std::int64_t>(kernels::gemm_f32_panels(gemm.nr, width));
  step.panels = step.group_panels * op.groups;
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
    kernels::winograd_weights_f32(context.constant_input<float>(1) + first * 9 * depth, count, depth, points.get());
    for (std::int64_t p = 0; p < kPoints; ++p)
      kernels::pack_gemm_f32(points.get() + static_cast<std::size_t>(p) * count * depth, depth, &start, 1, depth,
                             nullptr, count, gemm.nr, packed + (p * step.panels + panel) * step.panel_elems);
  }
  if (const float* given = context.constant_input<float>(2); given != nullptr) std::copy_n(given, outputs, bias);
  step.packed = packed;
  step.bias = bias;

  const auto align = [](std::size_t bytes) { return (bytes + 63) / 64 * 64; };
  const auto tiles = static_cast<std::size_t>(step.task_tiles);
  step.input_stride = step.task_tiles * step.in_c + kSkew;
  step.product_stride = step.task_tiles * step.block_columns + kSkew;
  step.products_at = align(static_cast<std::size_t>(kPoints * step.input_stride) * sizeof(float));
  step.rows_at = step.products_at + align(static_cast<std::size_t>(kPoints * step.product_stride) * sizeof(float));
  step.sums_at = step.rows_at + align(tiles * sizeof(float*));
  step.pixels_at = step.sums_at + align(tiles * sizeof(float*));
  step.border_at = step.pixels_at + align(tiles * static_cast<std::size_t>(kPoints) * sizeof(float*));
  step.thread_bytes = step.border_at + align(channels * sizeof(float));
  step.scratch = context.book_scratch(static_cast<std::size_t>(threads) * step.thread_bytes);
  context.emit(transforms.name, graph::node_macs(context.graph(), context.node()), step);
  return Status();
}

}  // namespace dotori::backends::cpu
