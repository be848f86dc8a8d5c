// SPDX-License-Identifier: Apache-2.0
// OnnxMaker: ONNX models built in memory for tests, and what the importer makes of them.
#pragma once

#include <string>
#include <vector>

#include "convert/onnx/import.h"
#include "dotori_onnx.pb.h"
#include "support/random.h"

namespace dotori::testing {

using Dims = std::vector<std::int64_t>;

class OnnxMaker {
 public:
  using AttributeProto = dotori_onnx::AttributeProto;
  using ModelProto = dotori_onnx::ModelProto;
  using NodeProto = dotori_onnx::NodeProto;
  using TensorProto = dotori_onnx::TensorProto;

  explicit OnnxMaker(int opset = 13) {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(opset);
  }
  dotori_onnx::GraphProto& graph() { return *model_.mutable_graph(); }
  ModelProto& model() { return model_; }
  const ModelProto& model() const { return model_; }

  OnnxMaker& input(const std::string& name, const Dims& dims, int type = TensorProto::FLOAT) {
    auto* value = graph().add_input();
    value->set_name(name);
    auto* tensor = value->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    for (std::int64_t d : dims) {
      auto* dim = tensor->mutable_shape()->add_dim();
      if (d >= 0) {
        dim->set_dim_value(d);
      } else {
        dim->set_dim_param("dim");
      }
    }
    if (dims.empty()) tensor->mutable_shape();
    return *this;
  }
  OnnxMaker& output(const std::string& name) {
    graph().add_output()->set_name(name);
    return *this;
  }
  OnnxMaker& floats(const std::string& name, const Dims& dims, const std::vector<float>& values) {
    TensorProto* t = tensor(name, dims, TensorProto::FLOAT);
    for (float v : values) t->add_float_data(v);
    return *this;
  }
  OnnxMaker& random(const std::string& name, const Dims& dims) {
    std::size_t n = 1;
    for (std::int64_t d : dims) n *= static_cast<std::size_t>(d);
    return floats(name, dims, random_.floats(n));
  }
  OnnxMaker& ints(const std::string& name, const Dims& values) {
    TensorProto* t = tensor(name, {static_cast<std::int64_t>(values.size())}, TensorProto::INT64);
    for (std::int64_t v : values) t->add_int64_data(v);
    return *this;
  }
  OnnxMaker& scalar_int(const std::string& name, std::int64_t v) {
    tensor(name, {}, TensorProto::INT64)->add_int64_data(v);
    return *this;
  }
  TensorProto* tensor(const std::string& name, const Dims& dims, int type) {
    TensorProto* t = graph().add_initializer();
    t->set_name(name);
    t->set_data_type(type);
    for (std::int64_t d : dims) t->add_dims(d);
    return t;
  }
  OnnxMaker& node(const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs, const std::string& name = "") {
    node_ = graph().add_node();
    fill(node_, op, inputs, outputs);
    if (!name.empty()) node_->set_name(name);
    return *this;
  }
  static void fill(NodeProto* node, const std::string& op, const std::vector<std::string>& inputs,
                   const std::vector<std::string>& outputs) {
    node->set_op_type(op);
    for (const std::string& i : inputs) node->add_input(i);
    for (const std::string& o : outputs) node->add_output(o);
  }
  // Attributes of the node added last.
  OnnxMaker& attr(const std::string& name, const Dims& values) {
    AttributeProto* a = attribute(name, AttributeProto::INTS);
    for (std::int64_t v : values) a->add_ints(v);
    return *this;
  }
  OnnxMaker& number(const std::string& name, std::int64_t v) {
    attribute(name, AttributeProto::INT)->set_i(v);
    return *this;
  }
  OnnxMaker& attr(const std::string& name, const char* v) {
    attribute(name, AttributeProto::STRING)->set_s(v);
    return *this;
  }
  AttributeProto* attribute(const std::string& name, AttributeProto::AttributeType type) {
    AttributeProto* a = node_->add_attribute();
    a->set_name(name);
    a->set_type(type);
    return a;
  }

  Result<graph::Graph> import(const convert::ImportOptions& options = {}) const {
    return convert::import_onnx_bytes(model_.SerializeAsString(), "net.onnx", options);
  }
  // The dump without inputs and outputs, or the error.
  std::string nodes(const convert::ImportOptions& options = {}) const {
    const Result<graph::Graph> g = import(options);
    if (!g.ok()) return "error: " + g.status().message();
    std::string text;
    for (const graph::Node& n : g->nodes()) {
      text += (text.empty() ? "" : " ") + std::string(graph::op_name(n.op));
      text += g->value(n.outputs[0]).type.shape.to_string();
    }
    return text;
  }
  std::string error() const {
    const Result<graph::Graph> g = import();
    return g.ok() ? "" : std::string(status_code_name(g.status().code())) + ": " + g.status().message();
  }

 private:
  ModelProto model_;
  NodeProto* node_ = nullptr;
  Random random_{7};
};

}  // namespace dotori::testing
