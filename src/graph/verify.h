// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dotori/status.h>

#include "graph/graph.h"

namespace dotori::graph {

// Checks every invariant of a graph, whatever its origin; what passes is safe to compile and run. Limits: 65,536 values
// and nodes, rank 6, 2^31 elements a value. Checked: at least one input and output; ids in range; each value is exactly
// one of input, constant, node output; graph outputs are node outputs; nodes in topological order; no node writes its
// own input; names unique and not empty; constants have the bytes that their shape needs, aligned to their type;
// quantisation parameters finite, positive and as many as the axis has; each node's infer() agrees with the stored
// types; task metadata refers to existing outputs, labels and anchors are plausible. The message names node, operator,
// value, expected and found. Codes: kInvalidArgument, kUnsupported.
Status verify(const Graph& graph);

}  // namespace dotori::graph
