// SPDX-License-Identifier: Apache-2.0
// Graph -> Plan. The CPU runs every operator; another backend may take some of the nodes. The list of backends is
// explicit: no registration at start-up.
#pragma once

#include <dotori/backend.h>
#include <dotori/status.h>

#include "backends/plan.h"

namespace dotori::backends {

// XNNPACK; nullptr in a build without it (CMake option DOTORI_XNNPACK).
const Backend* xnnpack_backend() noexcept;

// The CPU: emits exactly one step for context.node(), or says why it cannot (kUnsupported).
Status compile_cpu_node(CompileContext& context);

// The whole graph (verified) compiled: kernels chosen, weights packed, memory planned. The nodes that `backend` takes
// run on it, all others on the CPU; nullptr: all on the CPU. Errors name node and operator.
Result<Plan> compile(const graph::Graph& graph, const CompileOptions& options, const Backend* backend = nullptr);

// Runs one node with constant inputs through the reference kernels: graph::EvaluateNode for graph::fold_constants.
Result<graph::Constant> evaluate_node(const graph::Graph& graph, const graph::Node& node);

}  // namespace dotori::backends
