// SPDX-License-Identifier: Apache-2.0
// Dotori's operators in XNNPACK's terms: each lower() appends one node to an XNNPACK subgraph under construction, or
// says why XNNPACK cannot compute exactly what the node means.
#pragma once

#include <xnnpack.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <dotori/backend.h>

#include "graph/graph.h"

namespace dotori::backends::xnnpack {

// A clamp that XNNPACK's operators take along, and what has to follow as nodes of their own.
struct SplitActivation {
  float low, high;         // infinite: no bound
  graph::Activation rest;  // identity when the clamp says it all
};
SplitActivation split_activation(const graph::Activation& activation) noexcept;

// One subgraph, from the first node to the runtime. Not thread-safe.
//
// int8 tensors have their zero points in it, but all of them the scale 1. XNNPACK makes the factor by which it
// requantises of the scales of input, weights and output in float32 arithmetic, Dotori in double precision; with 1 for
// the tensors, the scale given to the weights is the factor, to the bit. Bounds and padding are in steps, then.
class Lowering {
 public:
  // `request` must outlive the Lowering.
  static Result<std::unique_ptr<Lowering>> create(const RegionRequest& request);
  ~Lowering();
  Lowering(const Lowering&) = delete;
  Lowering& operator=(const Lowering&) = delete;

  // Appends a node of the request. kUnsupported gives the reason.
  Status append(const NodeView& node);

  // For lower(): the node at hand.
  const graph::Graph& graph() const noexcept { return node_->graph(); }
  const graph::Node& node() const noexcept { return node_->node(); }
  bool has_input(int i) const noexcept { return node_->has_input(i); }
  const graph::Value& input_value(int i) const noexcept;
  const graph::Value& output_value() const noexcept;
  const Shape& input_shape(int i) const noexcept { return input_value(i).type.shape; }
  const Shape& output_shape() const noexcept { return output_value().type.shape; }
  bool is_int8() const noexcept { return output_value().type.type == DataType::kInt8; }
  // All of the node's inputs and its output are float32, or int8 with one scale.
  Status expect_float_or_int8() const;
  Status expect_float() const;

  // XNNPACK's ids. Of the node's input or output; of a tensor between two XNNPACK nodes, quantised as `like`; of
  // constants, which are copied where `copied` (for those read in every run, where XNNPACK may read beyond the end).
  Result<std::uint32_t> input(int i);
  Result<std::uint32_t> output();
  Result<std::uint32_t> temporary(const Shape& shape, const graph::Value& like);
  Result<std::uint32_t> constant_f32(const Shape& shape, std::vector<float> elements);
  Result<std::uint32_t> constant(xnn_datatype type, const Shape& shape, const void* elements);
  Result<std::uint32_t> channel_constant(xnn_datatype type, const Shape& shape, int channel_axis,
                                         std::vector<float> scales, const void* elements);
  // Zeroed memory that lives as long as the runtime, or until it is made: for weights, which XNNPACK packs.
  Result<void*> allocate(std::size_t size_bytes);
  Result<void*> allocate_weights(std::size_t size_bytes);

  // y = activation(x), as nodes. Both float32 of `shape`.
  Status append_activation(const graph::Activation& activation, std::uint32_t x, std::uint32_t y, const Shape& shape);
  // The node's output when nothing follows the clamp, else a temporary to be given to finish_activation().
  Result<std::uint32_t> before_activation(const SplitActivation& activation);
  Status finish_activation(const SplitActivation& activation, std::uint32_t x);

  xnn_subgraph_t subgraph() const noexcept { return subgraph_; }

  // XNNPACK's runtime of all nodes so far, and the constants it reads.
  struct Compiled {
    xnn_runtime_t runtime = nullptr;
    std::vector<graph::Constant> constants;
  };
  Result<Compiled> compile(pthreadpool_t threads);

 private:
  Lowering(const RegionRequest& request, xnn_subgraph_t subgraph) : request_(request), subgraph_(subgraph) {}
  Result<std::uint32_t> define(const graph::Value& value, const Shape& shape, const void* elements, std::uint32_t id,
                               std::uint32_t flags);
  Result<std::uint32_t> define_value(int index);

  const RegionRequest& request_;
  xnn_subgraph_t subgraph_;
  const NodeView* node_ = nullptr;
  std::vector<std::uint32_t> ids_;          // by value of the graph; XNN_INVALID_VALUE_ID: not defined yet
  std::vector<std::vector<float>> scales_;  // XNNPACK keeps pointers to them
  std::vector<graph::Constant> constants_, weights_;
};

// kUnsupported naming the call when XNNPACK did not accept it.
Status accepted(xnn_status status, const char* call);

// Each appends context.node(), whose operator `op` is. Errors: kUnsupported.
#define DOTORI_OP(type, file) Status lower(const graph::type& op, Lowering& context);
#include "graph/ops.inc"
#undef DOTORI_OP

}  // namespace dotori::backends::xnnpack
