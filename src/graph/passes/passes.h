// SPDX-License-Identifier: Apache-2.0
// Graph -> graph rewrites, one file each. Every pass takes a graph that passed verify(), keeps the outputs' values (up
// to float rounding), names and order, and leaves a graph that verify() accepts and that holds nothing dead.
#pragma once

#include <dotori/status.h>

#include "graph/graph.h"

namespace dotori::graph {

// Computes one node whose inputs are all constants: returns its output elements. Supplied by whoever can run nodes
// (graph/ knows no kernels). kUnsupported: leave the node alone.
using EvaluateNode = Result<Constant> (*)(const Graph& graph, const Node& node);

// Replaces nodes with constant inputs by constants. Outputs above 64 MiB, whatever passes 512 MiB in all, and graph
// outputs are left alone. Does nothing when `evaluate` is null.
Status fold_constants(Graph& graph, EvaluateNode evaluate);
// Mul / Add / Sub / Div by constants along the channel axis (what a batch norm becomes) into the convolution
// (2-D or 3-D, transposed or not) or fully_connected before them, when nothing else reads its output.
Status fold_batch_norm(Graph& graph);
// Zero pad of H and W (and D) into the conv2d or conv3d (or average pool without padding, or with count_include_pad)
// behind it.
Status fold_pad(Graph& graph);
// SpaceToBatch (a zero pad of H and W, reshape, transpose, reshape), a conv2d of stride 1, BatchToSpace (reshape,
// transpose, reshape, a slice of H and W) into the conv2d with dilation.
Status fold_space_to_batch(Graph& graph);
// A unary function into the convolution, fully_connected or binary before it, when nothing else reads its output; first
// recognises x * sigmoid(x) = SiLU, x * hard_sigmoid(x) = hard-swish, x * tanh(softplus(x)) = mish, and relu6(x + 3) /
// 6 = hard-sigmoid. Only float32: an int8 graph has roundings of its own between the two.
Status fuse_activation(Graph& graph);
// Dequantize -> operator -> quantize becomes the int8 operator, with a relu, clip or leaky relu between fused. Constant
// weights behind a dequantize, or float32 ones with a quantization, become int8 constants, the bias int32. Dequantize
// nodes move behind operators that only move elements; dequantize -> quantize becomes one quantize or nothing. Weights
// of -128 are avoided as narrow_weights() says. Whatever has no int8 form stays float32.
Status fold_quantization(Graph& graph);
// Transpose pairs that cancel, transposes that only move 1-sized axes (-> reshape), reshape of reshape, identity
// slices, pads, reshapes, casts and unary identities.
Status simplify_movement(Graph& graph);
// Nodes no output needs, then values no node needs. Graph inputs stay.
Status remove_dead(Graph& graph);

// All of the above in the right order, to a fixed point, with verify() at the end.
Status optimize(Graph& graph, EvaluateNode evaluate);

}  // namespace dotori::graph
