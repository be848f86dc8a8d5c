// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/pool2d.h"
#include "backends/cpu/ops/pool2d_s8.h"

namespace dotori::backends::cpu {

Status compile(const graph::MaxPool2d& op, CompileContext& context) {
  if (is_quantized(context.input_value(0))) {
    return compile_pool_s8(op, kernels::PoolKind::kMax, false, context);
  }
  return compile_pool(op, kernels::PoolKind::kMax, false, context);
}

}  // namespace dotori::backends::cpu
