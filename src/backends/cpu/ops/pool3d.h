// SPDX-License-Identifier: Apache-2.0
// The steps of max_pool3d and average_pool3d, float32 and int8. An output row's window rows, slice after slice, are
// copied behind each other in scratch memory; there they are an image, and its one window row is pooled by the 2-D
// kernels.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backends/cpu/ops/image_rows.h"
#include "backends/cpu/ops/quantized.h"
#include "backends/plan.h"
#include "kernels/pool/pool.h"
#include "kernels/pool/pool_s8.h"

namespace dotori::backends::cpu {

// The positions of a window along one axis. Plain values.
struct PoolAxis {
  std::int64_t in, kernel, stride, dilation, pad_before, pad_after;

  // The taps [begin, end) of output position `out` that fall into [low, high) of the input.
  struct Taps {
    std::int64_t begin, end;
    std::int64_t count() const noexcept { return end - begin; }
  };
  Taps within(std::int64_t out, std::int64_t low, std::int64_t high) const noexcept {
    const std::int64_t first = start(out);
    Taps taps{0, kernel};
    if (first < low) taps.begin = std::min(kernel, (low - first + dilation - 1) / dilation);
    if (first + (kernel - 1) * dilation >= high) taps.end = first >= high ? 0 : (high - 1 - first) / dilation + 1;
    if (taps.end < taps.begin) taps.end = taps.begin;
    return taps;
  }
  Taps inside(std::int64_t out) const noexcept { return within(out, 0, in); }
  std::int64_t padded(std::int64_t out) const noexcept { return within(out, -pad_before, in + pad_after).count(); }
  std::int64_t start(std::int64_t out) const noexcept { return out * stride - pad_before; }
};

// T: float or std::int8_t, with the kernels for it.
template <class T, class Pool, class Fn>
struct Pool3dStep {
  Pool pool;  // of an image whose height and padding the window row decides
  Fn kernel;
  PoolAxis depth, height;
  bool count_include_pad;
  BufferRef src, dst, scratch;
  ImageRows rows;  // of all slices
  std::int64_t out_h;
  std::size_t row_elems, out_row_elems;    // of an input row and an output row
  std::size_t columns_at, scratch_stride;  // elements: where the kernel's own scratch begins; of each thread

  void operator()(const RunContext& context) const noexcept {
    const T* x = context.read<T>(src);
    T* y = context.write<T>(dst);
    T* memory = context.write<T>(scratch);
    const std::size_t volume = static_cast<std::size_t>(depth.in * height.in) * row_elems;
    rows.run(context.pool(), [&](std::int64_t image, std::int32_t row, int worker) noexcept {
      T* own = memory + static_cast<std::size_t>(worker) * scratch_stride;
      const std::int64_t out_z = row / out_h, out_y = row % out_h;
      Pool window = pool;
      window.in_h = static_cast<std::int32_t>(gather(x + static_cast<std::size_t>(image) * volume, out_z, out_y, own));
      std::int64_t taps = window.in_h;
      if (count_include_pad) taps = depth.padded(out_z) * height.padded(out_y);
      window.kernel_h = static_cast<std::int32_t>(taps);
      window.pad_top = window.kernel_h - window.in_h;
      kernel(window, own, y + static_cast<std::size_t>(image * rows.rows + row) * out_row_elems, 0, own + columns_at);
    });
  }

  // Copies the window's rows and returns their number.
  std::int64_t gather(const T* volume, std::int64_t out_z, std::int64_t out_y, T* to) const noexcept {
    const PoolAxis::Taps slices = depth.inside(out_z), lines = height.inside(out_y);
    for (std::int64_t z = slices.begin; z < slices.end; ++z) {
      const std::int64_t in_z = depth.start(out_z) + z * depth.dilation;
      for (std::int64_t line = lines.begin; line < lines.end; ++line, to += row_elems) {
        const std::int64_t in_y = height.start(out_y) + line * height.dilation;
        std::memcpy(to, volume + static_cast<std::size_t>(in_z * height.in + in_y) * row_elems, row_elems * sizeof(T));
      }
    }
    return slices.count() * lines.count();
  }
};

// `op`: graph::MaxPool3d or graph::AveragePool3d, which have these attributes in common.
template <class Op, class Step>
Status describe_pool3d(const Op& op, bool count_include_pad, const CompileContext& context, Step& step) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(x));
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(y));
  // The rows of a slice and the window's rows are counted in 32 bits.
  for (std::int64_t lines : {x[1] * x[2], y[1] * y[2]}) {
    if (lines > std::numeric_limits<std::int32_t>::max())
      return unsupported("a volume has at most 2147483647 rows, found " + std::to_string(lines));
  }
  step.pool.in_h =
      static_cast<std::int32_t>(std::min<std::int64_t>(op.kernel_d, x[1]) * std::min<std::int64_t>(op.kernel_h, x[2]));
  step.pool.kernel_h = step.pool.in_h;
  step.pool.stride_h = step.pool.dilation_h = 1;
  step.pool.in_w = static_cast<std::int32_t>(x[3]);
  step.pool.channels = static_cast<std::int32_t>(x[4]);
  step.pool.out_w = static_cast<std::int32_t>(y[3]);
  step.pool.kernel_w = op.kernel_w;
  step.pool.stride_w = op.stride_w;
  step.pool.dilation_w = op.dilation_w;
  step.pool.pad_left = op.pad_left;
  step.pool.pad_right = op.pad_right;
  step.pool.count_include_pad = count_include_pad;
  step.depth = {x[1], op.kernel_d, op.stride_d, op.dilation_d, op.pad_front, op.pad_back};
  step.height = {x[2], op.kernel_h, op.stride_h, op.dilation_h, op.pad_top, op.pad_bottom};
  step.count_include_pad = count_include_pad;
  step.out_h = y[2];
  step.row_elems = static_cast<std::size_t>(x[3] * x[4]);
  step.out_row_elems = static_cast<std::size_t>(y[3] * y[4]);
  step.rows = ImageRows::make(y[0], y[1] * y[2], y[3] * y[4], std::int64_t{step.pool.kernel_h} * op.kernel_w);
  step.src = context.input(0);
  step.dst = context.output();
  return {};
}

// `columns`: elements of scratch that the kernel wants.
template <class T, class Step>
void emit_pool3d(const char* name, std::size_t columns, CompileContext& context, Step& step) {
  constexpr std::size_t kLineElems = 64 / sizeof(T);
  const auto align = [](std::size_t n) { return (n + kLineElems - 1) / kLineElems * kLineElems; };
  step.columns_at = align(static_cast<std::size_t>(step.pool.in_h) * step.row_elems);
  step.scratch_stride = step.columns_at + align(columns);
  step.scratch =
      context.book_scratch(static_cast<std::size_t>(context.options().num_threads) * step.scratch_stride * sizeof(T));
  context.emit(name, 0, step);
}

template <class Op>
Status compile_pool3d(const Op& op, kernels::PoolKind kind, bool count_include_pad, CompileContext& context) {
  Pool3dStep<float, kernels::PoolF32, kernels::PoolF32Fn> step{};
  DOTORI_RETURN_IF_ERROR(describe_pool3d(op, count_include_pad, context, step));
  const kernels::PoolF32Kernel& kernel = kernels::select_pool_f32(kind, step.pool, context.isa());
  step.kernel = kernel.run;
  emit_pool3d<float>(kernel.name, kernels::pool_f32_scratch_elems(kernel, step.pool), context, step);
  return {};
}

template <class Op>
Status compile_pool3d_s8(const Op& op, kernels::PoolKind kind, bool count_include_pad, CompileContext& context) {
  Pool3dStep<std::int8_t, kernels::PoolS8, kernels::PoolS8Fn> step{};
  DOTORI_RETURN_IF_ERROR(describe_pool3d(op, count_include_pad, context, step));
  if (kind == kernels::PoolKind::kAverage) {
    step.pool.in_zero_point = tensor_zero_point(context.input_value(0));
    step.pool.in_scale = static_cast<double>(tensor_scale(context.input_value(0)));
    step.pool.out_scale = static_cast<double>(tensor_scale(context.output_value()));
    step.pool.output = make_quantized_output(context.output_value());
    const std::int64_t taps = std::int64_t{op.kernel_d} * op.kernel_h * op.kernel_w;
    if (taps > kernels::kPoolS8MostTaps) {
      return unsupported("an int8 average takes a window of at most " + std::to_string(kernels::kPoolS8MostTaps) +
                         " elements, found " + std::to_string(taps));
    }
    if (!std::isfinite(static_cast<float>(step.pool.in_scale / step.pool.out_scale))) {
      return unsupported("the scales " + std::to_string(step.pool.in_scale) + " (x) and " +
                         std::to_string(step.pool.out_scale) + " (y) give no finite float as a factor");
    }
  }
  const kernels::PoolS8Kernel& kernel = kernels::select_pool_s8(kind, step.pool, context.isa());
  step.kernel = kernel.run;
  emit_pool3d<std::int8_t>(kernel.name, kernels::pool_s8_scratch_bytes(kernel, step.pool), context, step);
  return {};
}

}  // namespace dotori::backends::cpu
