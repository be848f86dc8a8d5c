// SPDX-License-Identifier: Apache-2.0
// The step of max_pool2d and average_pool2d.
#pragma once

#include "backends/cpu/ops/image_rows.h"
#include "backends/plan.h"
#include "kernels/pool/pool.h"

namespace dotori::backends::cpu {

struct PoolStep {
  kernels::PoolF32 pool;
  kernels::PoolF32Fn kernel;
  BufferRef src, dst, scratch;
  ImageRows rows;
  std::size_t image_elems, row_elems;  // of the input image and the output row
  std::size_t scratch_stride;          // floats for each thread

  void operator()(const RunContext& context) const noexcept {
    const float* x = context.read<float>(src);
    float* y = context.write<float>(dst);
    float* columns = context.write<float>(scratch);
    rows.run(context.pool(), [&](std::int64_t image, std::int32_t out_y, int worker) noexcept {
      const std::size_t row = static_cast<std::size_t>(image * rows.rows + out_y);
      float* own = columns == nullptr ? nullptr : columns + static_cast<std::size_t>(worker) * scratch_stride;
      kernel(pool, x + static_cast<std::size_t>(image) * image_elems, y + row * row_elems, out_y, own);
    });
  }
};

// `op`: graph::MaxPool2d or graph::AveragePool2d, which have these attributes in common.
template <class Op>
Status compile_pool(const Op& op, kernels::PoolKind kind, bool count_include_pad, CompileContext& context) {
  const Shape& x = context.input_shape(0);
  const Shape& y = context.output_shape();
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(x));
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(y));
  PoolStep step{};
  kernels::PoolF32& pool = step.pool;
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

  const kernels::PoolF32Kernel& kernel = kernels::select_pool_f32(kind, pool, context.isa());
  step.kernel = kernel.run;
  constexpr std::size_t kLineElems = 64 / sizeof(float);
  step.scratch_stride = (kernels::pool_f32_scratch_elems(kernel, pool) + kLineElems - 1) / kLineElems * kLineElems;
  if (step.scratch_stride != 0) {
    step.scratch = context.book_scratch(static_cast<std::size_t>(context.options().num_threads) * step.scratch_stride *
                                        sizeof(float));
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
