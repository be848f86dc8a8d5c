// SPDX-License-Identifier: Apache-2.0
// Op: one operator with its attributes; a variant over ops.inc.
#pragma once

#include <string>
#include <variant>

#include "graph/ops/arg_max.h"
#include "graph/ops/average_pool2d.h"
#include "graph/ops/average_pool3d.h"
#include "graph/ops/binary.h"
#include "graph/ops/cast.h"
#include "graph/ops/concat.h"
#include "graph/ops/conv2d.h"
#include "graph/ops/conv3d.h"
#include "graph/ops/conv_transpose2d.h"
#include "graph/ops/conv_transpose3d.h"
#include "graph/ops/depth_to_space.h"
#include "graph/ops/dequantize.h"
#include "graph/ops/fully_connected.h"
#include "graph/ops/gather.h"
#include "graph/ops/max_pool2d.h"
#include "graph/ops/max_pool3d.h"
#include "graph/ops/pad.h"
#include "graph/ops/prelu.h"
#include "graph/ops/quantize.h"
#include "graph/ops/reduce.h"
#include "graph/ops/reshape.h"
#include "graph/ops/resize2d.h"
#include "graph/ops/slice.h"
#include "graph/ops/softmax.h"
#include "graph/ops/space_to_depth.h"
#include "graph/ops/ssd_post_process.h"
#include "graph/ops/transpose.h"
#include "graph/ops/unary.h"

namespace dotori::graph {

// std::monostate stands only for "no operator" in a default-made Node; verify() refuses it.
using Op = std::variant<std::monostate
#define DOTORI_OP(type, file) , type
#include "graph/ops.inc"
#undef DOTORI_OP
                        >;

// The operator's name in ops.inc ("conv2d"); "none" for monostate. Static storage.
const char* op_name(const Op& op) noexcept;
// A name for people: "grouped_conv2d", "add", "relu", "mean" … Static storage. See also node_display_name in graph.h.
const char* op_display_name(const Op& op) noexcept;
// A default-made operator by its ops.inc name; kUnsupported when unknown.
Result<Op> make_op(const std::string& name);
// One line of text: "conv2d(kernel_h=3, …, activation.function=relu, …)", without the attributes that are as in a
// default-made operator. The floats read back exactly.
std::string op_to_string(const Op& op);
// One attribute as op_to_string() writes it ("3", "relu", "[0,1,1,0]"). Errors: kInvalidArgument (no such attribute).
Result<std::string> attribute_text(const Op& op, const char* attribute);
// Floats are compared by their bits.
bool operator==(const Op& a, const Op& b);
// Runs the operator's own infer().
Status infer(const Op& op, Span<const Operand> inputs, Span<TensorType> outputs);
// The operator's fused activation, or nullptr where it has none (also for Unary, whose function is the operator
// itself).
Activation* fused_activation(Op& op) noexcept;
const Activation* fused_activation(const Op& op) noexcept;
// Convolutions, transposed ones and fully_connected: weights [O,...] at input 1, an optional bias [O] at input 2.
bool has_filters(const Op& op) noexcept;
// Of the transposed ones among them.
bool is_transposed_conv(const Op& op) noexcept;
// Channel groups of a convolution; 1 for any other operator.
int filter_groups(const Op& op) noexcept;

}  // namespace dotori::graph
