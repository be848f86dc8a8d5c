// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/pool3d.h"

namespace dotori::backends::cpu {

Status compile(const graph::MaxPool3d& op, CompileContext& context) {
  if (is_quantized(context.input_value(0))) return compile_pool3d_s8(op, kernels::PoolKind::kMax, false, context);
  return compile_pool3d(op, kernels::PoolKind::kMax, false, context);
}

}  // namespace dotori::backends::cpu
