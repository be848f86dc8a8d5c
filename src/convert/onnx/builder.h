// SPDX-License-Identifier: Apache-2.0
// Builder: appends nodes to the graph and keeps track of the axis order in which each tensor is stored.
//
// An ONNX tensor [N,C,H,W] is stored [N,H,W,C]. The importer speaks in source axes; `order` says where they are: stored
// axis k holds source axis order[k]. A Transpose is therefore only another `order`, and a Reshape costs nothing as long
// as the axes it merges lie side by side in storage. A physical Transpose appears when an operator needs another order.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "convert/onnx/host_tensor.h"
#include "graph/graph.h"

namespace dotori::convert::onnx {

using Axes = std::vector<int>;  // a permutation of 0..rank-1, or a list of axes

Axes identity_order(int rank);
Axes channels_last_order(int rank);  // {0,2,..,rank-1,1}; identity below rank 3

// One ONNX tensor: known elements (`host`), or a value of the graph.
struct Tensor {
  Dims dims;  // source order
  DataType type = DataType::kFloat32;
  std::optional<HostTensor> host;
  // Graph tensors only: the elements of `stored`, in its own sequence, are `dims` permuted by `order`. The stored shape
  // may differ (a reshape not made yet); Builder::physical() settles that.
  graph::ValueId stored;
  Axes order;
  bool channels_last = false;  // rank 4 and NHWC in the source file too (Keras exports)

  int rank() const noexcept { return static_cast<int>(dims.size()); }
  bool is_host() const noexcept { return host.has_value(); }
  int stored_axis(int source_axis) const noexcept;
};

Tensor host_result(HostTensor host);

// All functions throw ImportError. Tensors given to them are graph tensors unless a comment says otherwise.
class Builder {
 public:
  graph::Graph graph;

  // The name for the nodes added from now on.
  void begin_node(std::string name) { node_name_ = std::move(name); }

  // The stored value, in the shape that dims and order say.
  graph::ValueId physical(const Tensor& t);
  // The same tensor stored in the order `wanted`. Moving axes of one element costs nothing.
  Tensor in_order(const Tensor& t, const Axes& wanted);
  // `op` over stored values; the result is stored in `order`. The node gets the current name and, unless empty,
  // "/suffix".
  Tensor add(graph::Op op, std::vector<graph::ValueId> inputs, const Axes& order, const char* suffix = "");
  // Element-wise: keeps the order.
  Tensor add_unary(graph::Function function, const Tensor& x, float alpha = 0, float beta = 0, const char* suffix = "");
  // With NumPy broadcasting; either may be a host tensor, not both.
  Tensor add_binary(graph::BinaryFunction function, const Tensor& a, const Tensor& b, const char* suffix = "");
  // The other operand of an element-wise operation with a tensor of `rank` axes stored in `order`: a graph tensor
  // lifted to that rank and order; a host tensor as a constant in that order, without its leading axes of one element.
  graph::ValueId broadcast_operand(const Tensor& t, int rank, const Axes& order);
  // The same elements; the number must be equal.
  Tensor reshape(const Tensor& t, const Dims& dims);
  // Axis k of the result is axis perm[k]; perm is a permutation of t's axes.
  Tensor transpose(const Tensor& t, const Axes& perm);
  // With axes of one element put in front up to `rank`.
  Tensor lift(const Tensor& t, int rank);
  // y = x[begin + i * stride], numbers per source axis.
  Tensor slice(const Tensor& t, const Dims& begin, const Dims& size, const Dims& stride);
  // Graph or host tensors, at least one of the graph.
  Tensor concat(const std::vector<Tensor>& parts, int axis);
  // A constant of the graph holding `t` permuted by `order`. Equal requests share one value.
  graph::ValueId constant(const HostTensor& t, const Axes& order, const std::string& name);
  // A host tensor made a graph tensor, rank 4 stored NHWC; a graph tensor as it is.
  Tensor promoted(const Tensor& t, const std::string& name);
  // `x` (float32, or quantised) with one scale: a Quantize node; and back to float32.
  Tensor quantize(const Tensor& x, DataType type, const Quantization& quantization, const char* suffix = "");
  Tensor dequantize(const Tensor& x, const char* suffix = "");
  const Quantization& quantization(const Tensor& t) const { return graph.value(t.stored).quantization; }
  // `stored` in a value of its own, computed by a node: for graph outputs that are inputs, constants or outputs
  // already.
  graph::ValueId copy(graph::ValueId stored);

 private:
  graph::ValueId add_node(graph::Op op, std::vector<graph::ValueId> inputs, const char* suffix);
  std::string name_with(const char* suffix) const;

  struct HostConstant {
    HostTensor tensor;  // keeps the key's address in use
    graph::ValueId id;
  };
  using Key = std::pair<const void*, std::vector<std::int64_t>>;
  std::map<Key, HostConstant> constants_;
  // Moves made already, by the value they start from.
  std::map<std::pair<int, std::vector<std::int64_t>>, graph::ValueId> reshapes_, transposes_;
  std::string node_name_;
};

}  // namespace dotori::convert::onnx
