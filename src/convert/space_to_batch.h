// SPDX-License-Identifier: Apache-2.0
// TensorFlow's SpaceToBatchND and BatchToSpaceND as moves of the graph. Around a convolution, graph::optimize() makes
// them its dilation.
#pragma once

#include <dotori/status.h>

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace dotori::convert {

struct Move {
  const char* suffix;  // of the node's name; the last one's is ""
  graph::Op op;
};

// `block`: two factors, for the height and the width of `x` [N,H,W,C]. `margins`: top, bottom, left, right: zeros added
// first (space to batch), or pixels cut last (batch to space). One move at least.
// Errors: kUnsupported for other ranks, kCorruptModel for numbers that do not fit.
Result<std::vector<Move>> space_to_batch(const Shape& x, const std::vector<std::int64_t>& block,
                                         const std::vector<std::int64_t>& margins);
Result<std::vector<Move>> batch_to_space(const Shape& x, const std::vector<std::int64_t>& block,
                                         const std::vector<std::int64_t>& margins);

}  // namespace dotori::convert
