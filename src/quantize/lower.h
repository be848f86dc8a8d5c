// SPDX-License-Identifier: Apache-2.0
// float32 graph -> int8 graph, once it is known how every value is to be quantised.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "quantize/encoding.h"

namespace dotori::quantize {

// Brings a float32 graph into the form that lower() and everything that watches its values need: functions that no
// int8 kernel fuses become unary nodes of their own (so that the value before them has a name and a range), divisions
// by constants become multiplications. Same function up to rounding; names of existing nodes and values stay.
Result<graph::Graph> prepare(const graph::Graph& fp32);

// True for nodes with constant float32 filters: convolutions and fully_connected.
bool is_weighted(const graph::Graph& graph, const graph::Node& node) noexcept;
// The node only moves elements or picks some: its output is quantised as its first input is.
bool keeps_encoding(const graph::Op& op) noexcept;
// Some int8 kernel computes this node of a prepared graph.
bool has_int8_form(const graph::Graph& graph, const graph::Node& node) noexcept;

// The scale of each output channel for weights in [-127, 127]. A channel whose bias would not fit into 30 bits gets a
// larger one. `input_scale`: of the node's input.
std::vector<float> weight_scales(const graph::Graph& graph, const graph::Node& node, float input_scale);

struct LowerOptions {
  std::set<std::string> keep_fp32;
  DataType input_type = DataType::kFloat32;
  DataType output_type = DataType::kFloat32;
  const Adjustments* adjustments = nullptr;
};

// By node of a prepared graph: true where the node becomes int8. Float32 stay: what is named in `keep_fp32`; what has
// no int8 form; nodes behind the last weighted layer when they all together are cheap (they turn the network's answer
// into numbers of very different sizes, such as pixels and probabilities), and then the weighted layers before them
// where those are next to nothing; nodes without weights that only read float32 nodes.
std::vector<bool> choose_int8(const graph::Graph& prepared, const std::set<std::string>& keep_fp32);

// Makes `encodings` fit together: what keeps its input's encoding, relu and clip among it, takes it over; what only a
// concat reads is written in the concat's own encoding, so that it is rounded once.
Encodings unify(const graph::Graph& prepared, const std::vector<bool>& int8, Encodings encodings);

// `encodings`: one for each value that an int8 node reads or writes. Node names stay; inputs and outputs keep names and
// order. The result passes verify(). Errors: kInvalidArgument (an encoding is missing, weights are not finite).
Result<graph::Graph> lower(const graph::Graph& prepared, const Encodings& encodings, const LowerOptions& options);
// The same for a choice of int8 nodes, each of which has_int8_form(), instead of choose_int8() of keep_fp32, and
// encodings that unify() has passed.
Result<graph::Graph> lower_nodes(const graph::Graph& prepared, const std::vector<bool>& int8,
                                 const Encodings& encodings, const LowerOptions& options);

// The float32 graph as it is, and beside each weighted int8 node its int8 twin, which reads the float32 graph's values
// and nobody reads: what each layer loses by itself.
struct Twins {
  graph::Graph graph;
  std::vector<std::size_t> nodes;                                 // of the prepared graph
  std::vector<std::pair<graph::ValueId, graph::ValueId>> values;  // what they write in the prepared graph, and here
};
Result<Twins> lower_beside(const graph::Graph& prepared, const std::vector<bool>& int8, const Encodings& encodings,
                           const LowerOptions& options);

}  // namespace dotori::quantize
