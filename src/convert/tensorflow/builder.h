// SPDX-License-Identifier: Apache-2.0
// The graph under construction. TensorFlow's tensors are [N,H,W,C] already.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "convert/convert.h"
#include "convert/tensorflow/host_tensor.h"
#include "graph/graph.h"

namespace dotori::convert::tensorflow {

// An output of a node: known now, or computed by the graph.
struct Tensor {
  std::shared_ptr<const HostTensor> host;  // null: computed
  graph::ValueId id;                       // computed
  Dims dims;

  bool is_known() const noexcept { return host != nullptr; }
  std::size_t rank() const noexcept { return dims.size(); }
};

Tensor known_tensor(HostTensor host);

class Builder {
 public:
  Builder(const dotori_tensorflow::GraphDef& source, const ImportOptions& options)
      : source_(source), options_(options) {}

  Result<graph::Graph> build();

  graph::Graph& graph() noexcept { return graph_; }
  // Appends a node; its output has the dimensions that the operator infers.
  Result<Tensor> add(const std::string& name, graph::Op op, std::vector<graph::ValueId> inputs);
  graph::ValueId constant(const std::string& name, const Dims& dims, std::vector<float> elements);
  // Known numbers become a constant. Errors: kUnsupported for integers.
  Result<graph::ValueId> value(const std::string& name, const Tensor& tensor);

 private:
  Status order();
  Status add_input(const dotori_tensorflow::NodeDef& node);
  Status add_node(const dotori_tensorflow::NodeDef& node);
  Status set_outputs();
  Result<Tensor> input_of(const std::string& reference);

  const dotori_tensorflow::GraphDef& source_;
  const ImportOptions& options_;
  graph::Graph graph_;
  std::map<std::string, int> nodes_;                    // by name
  std::vector<int> sorted_;                             // those that the outputs need, inputs first
  std::vector<int> leaves_;                             // the outputs
  std::map<std::string, std::vector<Tensor>> tensors_;  // by node
};

// "name", "name:2" or "^name" (a dependency without data, number -1).
std::string reference_name(const std::string& reference, int* number);

}  // namespace dotori::convert::tensorflow
