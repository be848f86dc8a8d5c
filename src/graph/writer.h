// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dotori/span.h>
#include <dotori/status.h>

#include <string>
#include <vector>

#include "graph/graph.h"

namespace dotori::graph {

// The .dtr image of a graph (docs/format.md); the graph is verified first. Deterministic: same graph, same bytes.
// Only constants that some node reads are stored. Errors: those of verify(); kInvalidArgument for a text that no file
// can hold (not UTF-8, a NUL byte, above 4096 bytes); kUnsupported when the tables would pass 1 GiB.
Result<std::vector<unsigned char>> write_graph(const Graph& graph);

// Writes to a temporary file beside `path`, fsync, rename, fsync of the folder: `path` holds the old bytes or the new
// ones, never a part. On any error before the rename nothing is left behind. A symbolic link at `path` is replaced,
// what it points at is not written to; anything but a regular file there (a folder, a device) is refused. Errors:
// kIoError. Messages begin with the path.
Status write_file_atomically(const std::string& path, Span<const unsigned char> bytes);

}  // namespace dotori::graph
