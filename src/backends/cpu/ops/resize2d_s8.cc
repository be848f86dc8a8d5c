// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "backends/cpu/ops/quantized.h"
#include "backends/cpu/ops/resize2d.h"
#include "kernels/upsample/upsample_s8.h"

namespace dotori::backends::cpu {
namespace {

using kernels::ResizeTap;

struct NearestS8Step : ResizeTables<std::int32_t> {
  kernels::ResizeNearestS8Fn kernel;
  const std::int8_t* table;  // [256]: the output element for an input element's bits; null: the same

  void operator()(const RunContext& context) const noexcept {
    const std::int8_t* x = context.read<std::int8_t>(src);
    std::int8_t* y = context.write<std::int8_t>(dst);
    tasks.run(context.pool(), [&](std::int64_t image, std::int32_t out_y, int) noexcept {
      const std::int8_t* from = x + static_cast<std::size_t>(image) * image_elems;
      std::int8_t* to = y + static_cast<std::size_t>(image * tasks.rows + out_y) * out_row_elems;
      kernel(columns, out_w, channels, from + static_cast<std::size_t>(rows[out_y]) * in_row_elems, to);
      if (table == nullptr) return;
      for (std::size_t i = 0; i < out_row_elems; ++i) to[i] = table[static_cast<std::uint8_t>(to[i])];
    });
  }
};

struct BilinearS8Step : ResizeTables<ResizeTap> {
  kernels::ResizeBilinearS8Fn kernel;
  kernels::ResizeBilinearS8 resize;

  void operator()(const RunContext& context) const noexcept {
    const std::int8_t* x = context.read<std::int8_t>(src);
    std::int8_t* y = context.write<std::int8_t>(dst);
    tasks.run(context.pool(), [&](std::int64_t image, std::int32_t out_y, int) noexcept {
      const std::int8_t* from = x + static_cast<std::size_t>(image) * image_elems;
      const std::size_t row = static_cast<std::size_t>(image * tasks.rows + out_y);
      const ResizeTap& tap = rows[out_y];
      kernel(resize, from + static_cast<std::size_t>(tap.first) * in_row_elems,
             from + static_cast<std::size_t>(tap.second) * in_row_elems, tap.fraction, y + row * out_row_elems);
    });
  }
};

}  // namespace

Status compile_resize_s8(const graph::Resize2d& op, CompileContext& context) {
  const graph::Value& x = context.input_value(0);
  const graph::Value& y = context.output_value();
  const float scale = static_cast<float>(static_cast<double>(tensor_scale(x)) / static_cast<double>(tensor_scale(y)));
  if (!std::isfinite(scale)) {
    return unsupported("the scales " + std::to_string(tensor_scale(x)) + " (x) and " + std::to_string(tensor_scale(y)) +
                       " (y) give no finite float as a factor");
  }
  const kernels::QuantizedOutput output = make_quantized_output(y);
  if (op.filter == graph::ResizeFilter::kNearest) {
    const kernels::ResizeNearestS8Kernel& kernel = kernels::select_resize_nearest_s8(context.isa());
    NearestS8Step step{};
    DOTORI_RETURN_IF_ERROR(fill_resize_tables(op, context, step));
    step.kernel = kernel.run;
    if (x.quantization.scales != y.quantization.scales || x.quantization.zero_points != y.quantization.zero_points) {
      std::int8_t* table = static_cast<std::int8_t*>(context.allocate_packed(256));
      if (table == nullptr) return out_of_memory("a table of 256 bytes");
      for (int q = -128; q <= 127; ++q) {
        table[static_cast<std::uint8_t>(q)] =
            kernels::quantize_real(static_cast<float>(q - tensor_zero_point(x)) * scale, output);
      }
      step.table = table;
    }
    context.emit(kernel.name, 0, step);
    return {};
  }
  BilinearS8Step step{};
  DOTORI_RETURN_IF_ERROR(fill_resize_tables(op, context, step));
  const kernels::ResizeBilinearS8Kernel& kernel = kernels::select_resize_bilinear_s8(step.channels, context.isa());
  step.kernel = kernel.run;
  step.resize = {step.columns, step.out_w, step.channels, tensor_zero_point(x), scale, output};
  context.emit(kernel.name, 0, step);
  return {};
}

}  // namespace dotori::backends::cpu
