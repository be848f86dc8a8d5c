// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/binary_s8.h"

#include "backends/cpu/ops/broadcast.h"
#include "backends/cpu/ops/elements_s8.h"

namespace dotori::backends::cpu {

Status compile_s8(const graph::Binary& op, CompileContext& context) {
  const auto function = static_cast<kernels::BinaryFunction>(op.function);
  const BroadcastTiles tiles(context.input_shape(0), context.input_shape(1), context.output_shape());
  const kernels::BinaryS8Kernel* kernel = kernels::select_binary_s8(function, tiles.form(), context.isa());
  if (kernel == nullptr)
    return unsupported(std::string(graph::binary_function_name(op.function)) + " of int8, expected float32");

  const graph::Value &a = context.input_value(0), &b = context.input_value(1), &y = context.output_value();
  const double a_scale = static_cast<double>(tensor_scale(a)), b_scale = static_cast<double>(tensor_scale(b));
  const double y_scale = static_cast<double>(tensor_scale(y));
  kernels::BinaryS8 how = {};
  if (function == kernels::BinaryFunction::kMul) {
    DOTORI_ASSIGN_OR_RETURN(how.a_scale, scale_factor(a_scale * b_scale / y_scale));
  } else {
    DOTORI_ASSIGN_OR_RETURN(how.a_scale, scale_factor(a_scale / y_scale));
    DOTORI_ASSIGN_OR_RETURN(how.b_scale, scale_factor(b_scale / y_scale));
  }
  how.a_zero_point = tensor_zero_point(a);
  how.b_zero_point = tensor_zero_point(b);
  how.out = make_quantized_output(y, op.activation);
  context.emit(kernel->name, 0,
               [tiles, run = kernel->run, how, a_ref = context.input(0), b_ref = context.input(1),
                y_ref = context.output()](const RunContext& ctx) noexcept {
                 tiles.run(ctx.pool(), ctx.read<std::int8_t>(a_ref), ctx.read<std::int8_t>(b_ref),
                           ctx.write<std::int8_t>(y_ref),
                           [&](const std::int8_t* pa, std::size_t a_stride, const std::int8_t* pb, std::size_t b_stride,
                               std::int8_t* py, std::size_t rows,
                               std::size_t cols) noexcept { run(pa, a_stride, pb, b_stride, py, rows, cols, how); });
               });
  return {};
}

}  // namespace dotori::backends::cpu
