// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/image_rows.h"
#include "kernels/upsample/upsample.h"

namespace dotori::backends::cpu {
namespace {

using kernels::ResizeTap;

// One spatial axis: where its output indices come from.
struct Axis {
  graph::CoordinateRule coordinates;
  graph::NearestRule nearest;
  float scale;
  int in_size, out_size;

  float position(int i) const noexcept {
    return graph::resize_source_position(coordinates, scale, in_size, out_size, i);
  }
  void fill(std::int32_t* table) const noexcept {
    for (int i = 0; i < out_size; ++i) table[i] = graph::resize_nearest_index(nearest, position(i), in_size);
  }
  void fill(ResizeTap* table) const noexcept {
    const float last = static_cast<float>(in_size - 1);
    for (int i = 0; i < out_size; ++i) {
      const float p = position(i);
      const float inside = p > 0 ? (p < last ? p : last) : 0.0f;
      ResizeTap& tap = table[i];
      tap.first = static_cast<std::int32_t>(inside);
      tap.fraction = inside - static_cast<float>(tap.first);
      // A neighbour without weight is not read: its NaN must not spread, and the last column has none.
      tap.second = tap.fraction > 0 ? tap.first + 1 : tap.first;
    }
  }
};

// What the steps of both filters have in common. Tables of rows and columns lie in the plan's packed memory.
template <class Entry>
struct ResizeTables {
  const Entry* rows;
  const Entry* columns;
  std::int32_t out_w, channels;
  BufferRef src, dst;
  ImageRows tasks;
  std::size_t image_elems, in_row_elems, out_row_elems;
};

struct NearestStep : ResizeTables<std::int32_t> {
  kernels::ResizeNearestF32Fn kernel;

  void operator()(const RunContext& context) const noexcept {
    const float* x = context.read<float>(src);
    float* y = context.write<float>(dst);
    tasks.run(context.pool(), [&](std::int64_t image, std::int32_t out_y, int) noexcept {
      const float* from = x + static_cast<std::size_t>(image) * image_elems;
      const std::size_t row = static_cast<std::size_t>(image * tasks.rows + out_y);
      kernel(columns, out_w, channels, from + static_cast<std::size_t>(rows[out_y]) * in_row_elems,
             y + row * out_row_elems);
    });
  }
};

struct BilinearStep : ResizeTables<ResizeTap> {
  kernels::ResizeBilinearF32Fn kernel;

  void operator()(const RunContext& context) const noexcept {
    const float* x = context.read<float>(src);
    float* y = context.write<float>(dst);
    tasks.run(context.pool(), [&](std::int64_t image, std::int32_t out_y, int) noexcept {
      const float* from = x + static_cast<std::size_t>(image) * image_elems;
      const std::size_t row = static_cast<std::size_t>(image * tasks.rows + out_y);
      const ResizeTap& tap = rows[out_y];
      kernel(columns, out_w, channels, from + static_cast<std::size_t>(tap.first) * in_row_elems,
             from + static_cast<std::size_t>(tap.second) * in_row_elems, tap.fraction, y + row * out_row_elems);
    });
  }
};

template <class Entry>
Status fill_tables(const graph::Resize2d& op, CompileContext& context, ResizeTables<Entry>& step) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  const int in_h = static_cast<int>(x[1]), in_w = static_cast<int>(x[2]);
  const std::size_t entries = static_cast<std::size_t>(op.out_h) + static_cast<std::size_t>(op.out_w);
  Entry* table = static_cast<Entry*>(context.allocate_packed(entries * sizeof(Entry)));
  if (table == nullptr) return out_of_memory("resize tables of " + std::to_string(entries) + " entries");
  Axis{op.coordinates, op.nearest, op.scale_h, in_h, op.out_h}.fill(table);
  Axis{op.coordinates, op.nearest, op.scale_w, in_w, op.out_w}.fill(table + op.out_h);
  step.rows = table;
  step.columns = table + op.out_h;
  step.out_w = op.out_w;
  step.channels = static_cast<std::int32_t>(x[3]);
  step.src = context.input(0);
  step.dst = context.output();
  step.in_row_elems = static_cast<std::size_t>(x[2] * x[3]);
  step.image_elems = static_cast<std::size_t>(x[1]) * step.in_row_elems;
  step.out_row_elems = static_cast<std::size_t>(y[2] * y[3]);
  constexpr std::int64_t kOperationsPerElement = 8;
  step.tasks = ImageRows::make(y[0], y[1], y[2] * y[3], kOperationsPerElement);
  return {};
}

}  // namespace

Status compile(const graph::Resize2d& op, CompileContext& context) {
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(context.input_shape(0)));
  if (op.filter == graph::ResizeFilter::kNearest) {
    const kernels::ResizeNearestF32Kernel& kernel = kernels::select_resize_nearest_f32(context.isa());
    NearestStep step{};
    DOTORI_RETURN_IF_ERROR(fill_tables(op, context, step));
    step.kernel = kernel.run;
    context.emit(kernel.name, 0, step);
    return {};
  }
  const std::int32_t channels = static_cast<std::int32_t>(context.input_shape(0)[3]);
  const kernels::ResizeBilinearF32Kernel& kernel = kernels::select_resize_bilinear_f32(channels, context.isa());
  BilinearStep step{};
  DOTORI_RETURN_IF_ERROR(fill_tables(op, context, step));
  step.kernel = kernel.run;
  context.emit(kernel.name, 0, step);
  return {};
}

}  // namespace dotori::backends::cpu
