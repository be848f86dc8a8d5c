// SPDX-License-Identifier: Apache-2.0
// NodeImporter: runs over the nodes of an ONNX graph in an order that their inputs allow, and keeps every named tensor.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "convert/onnx/builder.h"
#include "convert/onnx/node_context.h"

namespace dotori::convert::onnx {

// All functions throw ImportError.
class NodeImporter {
 public:
  NodeImporter(int opset, Builder* builder) : opset_(opset), builder_(builder) {}

  void define(const std::string& name, Tensor tensor);  // throws when the name is taken
  bool defined(const std::string& name) const { return tensors_.count(name) != 0; }
  const Tensor& tensor(const std::string& name) const { return tensors_.at(name); }

  // Imports those nodes of `graph` that its outputs need; `wanted` are the names of these. Defines all results and the
  // initializers in use. Branches of an If call it again.
  void run(const dotori_onnx::GraphProto& graph, const std::vector<std::string>& wanted);

 private:
  void import_node(const dotori_onnx::NodeProto& node, int index, const std::set<std::string>& used);
  void import_if(NodeContext& ctx);

  int opset_;
  Builder* builder_;
  int depth_ = 0;
  std::map<std::string, Tensor> tensors_;
  std::vector<std::string> defined_;  // the names in tensors_, in the order of their definition
  std::size_t known_bytes_ = 0;       // of all host tensors defined so far
};

// "'conv1'", or "#12 (first output 'x')" for a node without a name.
std::string node_label(const dotori_onnx::NodeProto& node, int index);

}  // namespace dotori::convert::onnx
