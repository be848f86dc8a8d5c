// SPDX-License-Identifier: Apache-2.0
// The operators: one importer function for each ONNX operator (or family), and the table that finds them.
#pragma once

#include <string>
#include <vector>

#include "convert/onnx/node_context.h"

namespace dotori::convert::onnx {

// Maps the node in `ctx` onto graph nodes and sets its outputs. Throws ImportError.
using ImportFunction = void (*)(NodeContext& ctx);

struct OpEntry {
  const char* op_type;
  ImportFunction import;
};

// nullptr: not an operator that becomes graph nodes.
const OpEntry* find_op(const std::string& op_type);
// Operators that are computed while importing and never become graph nodes.
bool is_host_only(const std::string& op_type);
// All of both, and If, sorted.
std::vector<std::string> known_ops();
// What to do instead of an operator that is not supported; "" when there is nothing to say. Static storage.
const char* rewrite_hint(const std::string& op_type);

// Computes a node whose inputs are all known and sets its outputs. False (and nothing set) when the operator is not one
// that folds. Throws ImportError.
bool evaluate_on_host(NodeContext& ctx);
bool evaluate_math(NodeContext& ctx);  // element-wise and reductions
bool evaluate_quantization(NodeContext& ctx);
bool evaluate_shape(NodeContext& ctx);  // everything that moves or counts elements

// ops_conv.cc
void import_conv(NodeContext& ctx);
void import_conv_transpose(NodeContext& ctx);
// ops_pool.cc
void import_max_pool(NodeContext& ctx);
void import_average_pool(NodeContext& ctx);
void import_global_pool(NodeContext& ctx);
// ops_linear.cc
void import_gemm(NodeContext& ctx);
void import_matmul(NodeContext& ctx);
void import_lrn(NodeContext& ctx);
// ops_normalize.cc
void import_batch_normalization(NodeContext& ctx);
void import_group_normalization(NodeContext& ctx);
void import_instance_normalization(NodeContext& ctx);
void import_layer_normalization(NodeContext& ctx);
void import_mean_variance_normalization(NodeContext& ctx);
// ops_elementwise.cc
void import_unary(NodeContext& ctx);
void import_binary(NodeContext& ctx);
void import_variadic(NodeContext& ctx);
void import_pow(NodeContext& ctx);
void import_clip(NodeContext& ctx);
void import_prelu(NodeContext& ctx);
void import_cast(NodeContext& ctx);
void import_cast_like(NodeContext& ctx);
void import_identity(NodeContext& ctx);
// ops_reduce.cc
void import_reduce(NodeContext& ctx);
void import_reduce_log_sum_exp(NodeContext& ctx);
void import_arg_max(NodeContext& ctx);
void import_softmax(NodeContext& ctx);
// ops_resize.cc
void import_resize(NodeContext& ctx);
void import_upsample(NodeContext& ctx);
// ops_shape.cc
void import_shape(NodeContext& ctx);
void import_reshape(NodeContext& ctx);
void import_flatten(NodeContext& ctx);
void import_squeeze(NodeContext& ctx);
void import_unsqueeze(NodeContext& ctx);
void import_transpose(NodeContext& ctx);
// ops_move.cc
void import_concat(NodeContext& ctx);
void import_slice(NodeContext& ctx);
void import_split(NodeContext& ctx);
void import_pad(NodeContext& ctx);
void import_gather(NodeContext& ctx);
void import_expand(NodeContext& ctx);
void import_tile(NodeContext& ctx);
void import_depth_to_space(NodeContext& ctx);
void import_space_to_depth(NodeContext& ctx);

// ops_quantize.cc
void import_quantize_linear(NodeContext& ctx);
void import_dequantize_linear(NodeContext& ctx);
void import_qlinear(NodeContext& ctx);
// The quantisation that the nodes of `graph` expect of its uint8 or int8 input `name`, in int8 terms; empty: none, or
// one by axis.
Quantization input_quantization(const dotori_onnx::GraphProto& graph, const std::string& name);

// Shared by the importer and the host evaluation.

// begin, size and stride of one axis of a Slice, from ONNX's start, end and step (NumPy rules). `step` is not 0.
struct SliceAxis {
  std::int64_t begin, size, stride;
};
SliceAxis slice_axis(std::int64_t dim, std::int64_t start, std::int64_t end, std::int64_t step);
// All axes of a Slice node, from its attributes (opset below 10) or inputs.
struct SliceNumbers {
  Dims begin, size, stride;
};
SliceNumbers slice_numbers(NodeContext& ctx, const Dims& dims);
// The new shape of Reshape, Flatten, Squeeze and Unsqueeze nodes on a tensor of `dims`.
Dims reshape_target(NodeContext& ctx, const Dims& dims);
Dims flatten_target(NodeContext& ctx, const Dims& dims);
Dims squeeze_target(NodeContext& ctx, const Dims& dims);
Dims unsqueeze_target(NodeContext& ctx, const Dims& dims);
Axes transpose_perm(NodeContext& ctx, int rank);
// Sizes of the parts of a Split node along an axis of `dim` elements.
Dims split_sizes(NodeContext& ctx, std::int64_t dim);
// The axes of a Reduce… node: attribute or input by opset; empty with *nothing set when the node changes nothing.
Axes reduce_axes(NodeContext& ctx, int rank, bool* nothing);
// The element type a Cast node asks for; float16 counts as float32.
Element cast_target(NodeContext& ctx);

}  // namespace dotori::convert::onnx
