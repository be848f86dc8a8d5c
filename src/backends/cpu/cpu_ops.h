// SPDX-License-Identifier: Apache-2.0
// compile() of every operator on the CPU backend, one file each in cpu/ops/. A missing one is a link error.
// Contract: the node passed verify(). compile() chooses the kernels for context.isa() (the reference kernels when it is
// kIsaNone), packs constant weights, books scratch and emits exactly one step; or returns kUnsupported with the reason.
#pragma once

#include "backends/plan.h"
#include "graph/op.h"

namespace dotori::backends::cpu {

#define DOTORI_OP(type, file) Status compile(const graph::type& op, CompileContext& context);
#include "graph/ops.inc"
#undef DOTORI_OP

}  // namespace dotori::backends::cpu
