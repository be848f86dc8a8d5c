// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/resize2d.h"

#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/quantized.h"

namespace dotori::backends::cpu {
namespace {

using kernels::ResizeTap;

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

}  // namespace

Status compile(const graph::Resize2d& op, CompileContext& context) {
  DOTORI_RETURN_IF_ERROR(expect_int32_dims(context.input_shape(0)));
  if (is_quantized(context.input_value(0))) return compile_resize_s8(op, context);
  if (op.filter == graph::ResizeFilter::kNearest) {
    const kernels::ResizeNearestF32Kernel& kernel = kernels::select_resize_nearest_f32(context.isa());
    NearestStep step{};
    DOTORI_RETURN_IF_ERROR(fill_resize_tables(op, context, step));
    step.kernel = kernel.run;
    context.emit(kernel.name, 0, step);
    return {};
  }
  const std::int32_t channels = static_cast<std::int32_t>(context.input_shape(0)[3]);
  const kernels::ResizeBilinearF32Kernel& kernel = kernels::select_resize_bilinear_f32(channels, context.isa());
  BilinearStep step{};
  DOTORI_RETURN_IF_ERROR(fill_resize_tables(op, context, step));
  step.kernel = kernel.run;
  context.emit(kernel.name, 0, step);
  return {};
}

}  // namespace dotori::backends::cpu
