// SPDX-License-Identifier: Apache-2.0
// What verify() demands of quantised values and of the nodes that read and write them:
//   * An int8 or uint8 value that a node writes, or that the graph takes, has one scale and one zero point. uint8
//   stands
//     only at the graph's inputs and outputs: nodes other than quantize and dequantize do not read or write it.
//   * Operators that only move or choose elements (reshape, transpose, slice, pad, gather, depth_to_space,
//     space_to_depth, max_pool2d, max_pool3d) keep the quantisation of their input. concat, resize2d, the average
//     pools, reduce and all others may change it.
//   * int8 weights are constants in [-127, 127], with one scale and any zero point, or with a scale for each output
//     channel (axis 0) and zero points 0. Their int32 bias is a constant in units of x's scale times the channel's.
// The numbers themselves (finite, positive, in range) are check_quantization()'s business in verify.cc.
#pragma once

#include "graph/graph.h"

namespace dotori::graph {

// Whether an int8 output of `op` has the quantisation of its first input (the second point above).
bool keeps_quantization(const Op& op) noexcept;

// `node` is one whose types infer() has accepted.
Status verify_quantization(const Graph& graph, const Node& node);

}  // namespace dotori::graph
