// SPDX-License-Identifier: Apache-2.0
// Backend: how a program lets other code, or another device, run parts of a network. The library asks it about every
// node, joins the nodes it takes to regions as large as possible, and runs everything else itself.
//
//   class MyBackend : public dotori::Backend { … };
//   static const MyBackend mine;
//   dotori::SessionOptions options;
//   options.custom_backend = &mine;
//   auto session = dotori::Session::create(model, options);
//
// examples/custom_backend is a whole one; docs/backends.md explains it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <dotori/span.h>
#include <dotori/status.h>
#include <dotori/tensor.h>

namespace dotori {

namespace graph {
class Graph;
struct Node;
struct Value;
}  // namespace graph

// One tensor of a network. A reference to the network: as long-lived as the Model, free to copy.
class ValueView {
 public:
  ValueView(const graph::Graph& graph, int index) noexcept : graph_(&graph), index_(index) {}
  // Tells the network's tensors apart: equal for the same tensor.
  int index() const noexcept { return index_; }
  const std::string& name() const noexcept;
  DataType type() const noexcept;
  const Shape& shape() const noexcept;
  // Empty for a tensor that is not quantised.
  const Quantization& quantization() const noexcept;
  // The elements of a constant (weights, biases), dense, outermost dimension first, aligned to 64 bytes at least where
  // the model file was written by Dotori; nullptr for every other tensor. As long-lived as the Model.
  const void* constant() const noexcept;

 private:
  const graph::Graph* graph_;
  int index_;
};

// One node of a network: an operator, its attributes, inputs and outputs. Free to copy, as long-lived as the Model.
// Operators and attributes carry the names of docs/format.md: op() "conv2d" with "kernel_h", "stride_w",
// "activation.function" …
class NodeView {
 public:
  NodeView(const graph::Graph& graph, int index) noexcept : graph_(&graph), index_(index) {}
  // The node's place in the network's order, from 0.
  int index() const noexcept { return index_; }
  const std::string& name() const noexcept;
  const char* op() const noexcept;

  int input_count() const noexcept;
  // False for an optional input left out; `i` may be beyond input_count().
  bool has_input(int i) const noexcept;
  // Only when has_input(i).
  ValueView input(int i) const noexcept;
  int output_count() const noexcept;
  // `i` in [0, output_count()).
  ValueView output(int i = 0) const noexcept;

  // An integer, real or boolean (0, 1) attribute. Errors: kInvalidArgument names an attribute the operator does not
  // have or that is no number.
  Result<double> number(const char* attribute) const;
  // An enumeration's word ("relu", "bilinear"), or the text form of any other attribute ("3", "[0,1,1,0]").
  // Errors: kInvalidArgument names an attribute the operator does not have.
  Result<std::string> text(const char* attribute) const;

  // For backends inside the library.
  const graph::Graph& graph() const noexcept { return *graph_; }
  const graph::Node& node() const noexcept;

 private:
  const graph::Graph* graph_;
  int index_;
};

// What one region has to compute. Valid during compile_region() only.
struct RegionRequest {
  Span<const NodeView> nodes;      // in an order in which they can run
  Span<const ValueView> inputs;    // read by the region, written by others; no constants
  Span<const ValueView> outputs;   // written by the region and read by others or by the caller
  int num_threads = 1;             // of the session, 1..64
  std::shared_ptr<void>* session;  // empty at first; kept by the session for whatever its regions share, a thread pool
};

// A compiled region: part of one session, used by one thread at a time.
class Region {
 public:
  virtual ~Region() = default;
  // Called once, before the first run(): where the tensors of RegionRequest::inputs and ::outputs lie, in that order,
  // for the life of the session. Each is aligned to 64 bytes; 64 bytes behind it may be read, not written. An output
  // never overlaps an input or another output.
  virtual Status bind(Span<const void* const> inputs, Span<void* const> outputs) = 0;
  // Reads all inputs, writes all outputs. Must not allocate. A failure ends Session::run() with this status.
  virtual Status run() noexcept = 0;
  // Memory the region keeps for itself: weights in its own layout, working memory; 0 when unknown.
  virtual std::size_t memory_bytes() const noexcept { return 0; }
};

// One constant object a backend; all functions may be called by several threads at once. The library never owns it: it
// must outlive the sessions made with it.
class Backend {
 public:
  // Stands in profiles and messages: "xnnpack". Static storage.
  virtual const char* name() const noexcept = 0;
  // OK when the backend runs this node and computes what the library would; otherwise kUnsupported with the reason,
  // which `dotori inspect` shows. Any other error ends Session::create() with it.
  virtual Status supports(const NodeView& node) const = 0;
  // Compiles nodes that supports() took. An error ends Session::create() with it.
  virtual Result<std::unique_ptr<Region>> compile_region(const RegionRequest& request) const = 0;

 protected:
  ~Backend() = default;
};

}  // namespace dotori
