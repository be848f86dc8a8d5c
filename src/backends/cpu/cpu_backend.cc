// SPDX-License-Identifier: Apache-2.0
#include "backends/backend.h"
#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/left_out.h"

namespace dotori::backends {
namespace {

struct CompileOp {
  CompileContext& context;
  template <class T>
  Status operator()(const T& op) const {
    return cpu::compile(op, context);
  }
  Status operator()(const std::monostate&) const { return internal_error("node without an operator"); }
};

}  // namespace

Status compile_cpu_node(CompileContext& context) {
  DOTORI_RETURN_IF_ERROR(cpu::check_precision(context));
  return std::visit(CompileOp{context}, context.node().op);
}

}  // namespace dotori::backends
