// SPDX-License-Identifier: Apache-2.0
// A backend turns nodes into steps. The list of backends is explicit: no registration at start-up.
#pragma once

#include <dotori/status.h>

#include "backends/plan.h"

namespace dotori::backends {

// Stateless and immutable: one constant object a backend, shared by all threads.
class Backend {
 public:
  virtual const char* name() const noexcept = 0;  // "cpu", "reference"
  // Emits exactly one step for context.node(), or says why it cannot (kUnsupported).
  virtual Status compile_node(CompileContext& context) const = 0;

 protected:
  ~Backend() = default;
};

const Backend& cpu_backend() noexcept;

// The whole graph (verified) compiled: kernels chosen, weights packed, memory planned. Errors name node and operator.
Result<Plan> compile(const graph::Graph& graph, const Backend& backend, const CompileOptions& options);

// Runs one node with constant inputs through the reference kernels: graph::EvaluateNode for graph::fold_constants.
Result<graph::Constant> evaluate_node(const graph::Graph& graph, const graph::Node& node);

}  // namespace dotori::backends
