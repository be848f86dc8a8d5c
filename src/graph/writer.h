// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <dotori/span.h>
#include <dotori/status.h>

#include "graph/graph.h"

namespace dotori::graph {

// The .dtr image of a graph (docs/format.md); the graph is verified first. Deterministic: same graph, same bytes.
// Only constants that some node reads are stored.
Result<std::vector<unsigned char>> write_graph(const Graph& graph);

// Writes to a temporary file beside `path`, fsync, rename, fsync of the folder: `path` holds the old bytes or the new ones,
// never a part. On any error nothing is left behind.
Status write_file_atomically(const std::string& path, Span<const unsigned char> bytes);

}  // namespace dotori::graph
