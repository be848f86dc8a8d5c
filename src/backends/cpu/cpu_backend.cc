// SPDX-License-Identifier: Apache-2.0
#include "backends/backend.h"
#include "backends/cpu/cpu_ops.h"

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

class CpuBackend final : public Backend {
 public:
  const char* name() const noexcept override { return "cpu"; }
  Status compile_node(CompileContext& context) const override {
    return std::visit(CompileOp{context}, context.node().op);
  }
};

constexpr CpuBackend kCpuBackend{};

}  // namespace

const Backend& cpu_backend() noexcept {
  return kCpuBackend;
}

}  // namespace dotori::backends
