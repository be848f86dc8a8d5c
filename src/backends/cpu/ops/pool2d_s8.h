// SPDX-License-Identifier: Apache-2.0
// The int8 step of max_pool2d and average_pool2d.
#pragma once

#include <cmath>

#include "backends/cpu/ops/image_rows.h"
#include "backends/cpu/ops/quantized.h"
#include "backends/plan.h"
#include "kernels/pool/pool_s8.h"

namespace dotori::backends::cpu {

struct PoolS8Step {
  kernels::PoolS8 pool;
  kernels::PoolS8Fn kernel;
  BufferRef src, dst, scratch;
  ImageRows rows;
  std::size_t image_elems, row_elems;  // of the input image and the output row
  std::size_t scratch_stride;          // bytes for each thread

  void operator()(const RunContext& context) const noexcept {
    const std::int8_t* x = context.read<std::int8_t>(src);
    std::int8_t* y = context.write<std::int8_t>(dst);
    std::int8_t* columns = context.write<std::int8_t>(scratch);
    rows.run(context.pool(), [&](std::int64_t image, std::int32_t out_y, int worker) noexcept {
      const std::size_t row = static_cast<std::size_t>(image * rows.rows + out_y);
      std::int8_t* own = columns == nullptr ? nullptr : columns + static_cast<std::size_t>(worker) * scratch_stride;
      kernel(pool, x + static_cast<std::size_t>(image) * image_elems, y + row * row_elems, out_y, own);
    });
  }
};

// `op`: graph::MaxPool2d or graph::AveragePool2d, which have these attributes in common.
template <class Op>
Status compile_pool_s8(const Op& op, kernels::PoolKind kind, bool count_include_pad, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(x));
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(y));
  PoolS8Step step{};
  kernels::PoolS8& pool = step.pool;
  pool.in_h = static_cast<std::int32_t>(x[1]);
  pool.in_w = static_cast<std::int32_t>(x[2]);
  pool.channels = static_cast<std::int32_t>(x[3]);
  pool.out_w = static_cast<std::int32_t>(y[2]);
  pool.kernel_h = op.kernel_h;
  pool.kernel_w = op.kernel_w;
  pool.stride_h = op.stride_h;
  pool.stride_w = op.stride_w;
  pool.dilation_h = op.dilation_h;
  pool.dilation_w = op.dilation_w;
  pool.pad_top = op.pad_top;
  pool.pad_bottom = op.pad_bottom;
  pool.pad_left = op.pad_left;
  pool.pad_right = op.pad_right;
  pool.count_include_pad = count_include_pad;
  if (kind == kernels::PoolKind::kAverage) {
    pool.in_zero_point = tensor_zero_point(context.input_value(0));
    pool.in_scale = static_cast<double>(tensor_scale(context.input_value(0)));
    pool.out_scale = static_cast<double>(tensor_scale(context.output_value()));
    pool.output = make_quantized_output(context.output_value());
    const std::int64_t taps = std::int64_t{op.kernel_h} * op.kernel_w;
    if (taps > kernels::kPoolS8MostTaps) {
      return unsupported("an int8 average takes a window of at most " + std::to_string(kernels::kPoolS8MostTaps) +
                         " elements, found " + std::to_string(taps));
    }
    if (!std::isfinite(static_cast<float>(pool.in_scale / pool.out_scale))) {
      return unsupported("the scales " + std::to_string(pool.in_scale) + " (x) and " + std::to_string(pool.out_scale) +
                         " (y) give no finite float as a factor");
    }
  }

  const kernels::PoolS8Kernel& kernel = kernels::select_pool_s8(kind, pool, context.isa());
  step.kernel = kernel.run;
  constexpr std::size_t kLineBytes = 64;
  step.scratch_stride = (kernels::pool_s8_scratch_bytes(kernel, pool) + kLineBytes - 1) / kLineBytes * kLineBytes;
  if (step.scratch_stride != 0) {
    step.scratch = context.book_scratch(static_cast<std::size_t>(context.options().num_threads) * step.scratch_stride);
  }
  step.image_elems = static_cast<std::size_t>(x[1] * x[2] * x[3]);
  step.row_elems = static_cast<std::size_t>(y[2] * y[3]);
  step.rows = ImageRows::make(y[0], y[1], y[2] * y[3], std::int64_t{op.kernel_h} * op.kernel_w);
  step.src = context.input(0);
  step.dst = context.output();
  context.emit(kernel.name, 0, step);
  return {};
}

}  // namespace dotori::backends::cpu
