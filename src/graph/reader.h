// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dotori/span.h>
#include <dotori/status.h>

#include <cstddef>
#include <memory>
#include <string>

#include "graph/graph.h"

namespace dotori::graph {

// Reads a .dtr image (docs/format.md) and verifies the graph. Trusts nothing: every offset, count, enumerator and
// product is checked, and the content hash must match. Constants point into `bytes`, which `owner` must keep alive and
// unchanged; `bytes` must be aligned to 64. `name` stands in front of error messages. Time is linear in the file's
// size, memory at most a small multiple of its tables. Errors: kCorruptModel; kUnsupported (a newer format, an operator
// this build does not know); kInvalidArgument (alignment).
Result<Graph> read_graph(Span<const unsigned char> bytes, std::shared_ptr<const void> owner, const std::string& name);

// The same without the content hash, so that tests and fuzzers reach the checks behind it. Not for programs: a damaged
// weight goes unseen.
Result<Graph> read_graph_unhashed(Span<const unsigned char> bytes, std::shared_ptr<const void> owner,
                                  const std::string& name);

// Reads a whole regular file into memory aligned to 64 bytes. Errors: kNotFound, kIoError (a folder, a device, no
// permission, changed while being read), kCorruptModel (empty), kOutOfMemory; files above `max_bytes` are refused with
// kInvalidArgument. Messages begin with the path.
Result<Constant> read_file(const std::string& path, std::size_t max_bytes = std::size_t{2} << 30);

}  // namespace dotori::graph
