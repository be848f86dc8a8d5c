// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/pool2d.h"

namespace dotori::backends::cpu {

Status compile(const graph::MaxPool2d& op, CompileContext& context) {
  return compile_pool(op, kernels::PoolKind::kMax, false, context);
}

}  // namespace dotori::backends::cpu
