// SPDX-License-Identifier: Apache-2.0
// What the float32 and the int8 steps of resize2d have in common: tables of rows and columns.
#pragma once

#include <string>

#include "backends/cpu/ops/image_rows.h"
#include "backends/plan.h"
#include "graph/ops/resize2d.h"
#include "kernels/upsample/upsample.h"

namespace dotori::backends::cpu {

// The part of resize2d's compile() for int8.
Status compile_resize_s8(const graph::Resize2d& op, CompileContext& context);

// One spatial axis: where its output indices come from.
struct ResizeAxis {
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
  void fill(kernels::ResizeTap* table) const noexcept {
    const float last = static_cast<float>(in_size - 1);
    for (int i = 0; i < out_size; ++i) {
      const float p = position(i);
      const float inside = p > 0 ? (p < last ? p : last) : 0.0f;
      kernels::ResizeTap& tap = table[i];
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

template <class Entry>
Status fill_resize_tables(const graph::Resize2d& op, CompileContext& context, ResizeTables<Entry>& step) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  const int in_h = static_cast<int>(x[1]), in_w = static_cast<int>(x[2]);
  const std::size_t entries = static_cast<std::size_t>(op.out_h) + static_cast<std::size_t>(op.out_w);
  Entry* table = static_cast<Entry*>(context.allocate_packed(entries * sizeof(Entry)));
  if (table == nullptr) return out_of_memory("resize tables of " + std::to_string(entries) + " entries");
  ResizeAxis{op.coordinates, op.nearest, op.scale_h, in_h, op.out_h}.fill(table);
  ResizeAxis{op.coordinates, op.nearest, op.scale_w, in_w, op.out_w}.fill(table + op.out_h);
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

}  // namespace dotori::backends::cpu
