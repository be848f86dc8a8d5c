// SPDX-License-Identifier: Apache-2.0
// Runs an imported graph on the reference kernels.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace dotori::testing {

// `input` fills the graph's first input (float32). Returns every float32 output; empty, with a test failure, on any
// error.
std::vector<std::vector<float>> run_graph(const graph::Graph& graph, const std::vector<float>& input);

}  // namespace dotori::testing
