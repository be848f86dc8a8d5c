// SPDX-License-Identifier: Apache-2.0
// What an operator's importer sees of one ONNX node: its inputs, its attributes, and where its results go.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "convert/onnx/builder.h"
#include "convert/onnx/host_tensor.h"

namespace dotori::convert::onnx {

// Attribute functions return `fallback` when the node has none of that name, and note that the importer knows the name:
// check_attributes() refuses the others. All functions throw ImportError; the caller of the importer adds the node's
// name.
class NodeContext {
 public:
  NodeContext(const dotori_onnx::NodeProto& proto, int opset, std::string name, Builder* builder);

  const dotori_onnx::NodeProto& proto() const noexcept { return proto_; }
  const std::string& op_type() const noexcept { return proto_.op_type(); }
  const std::string& name() const noexcept { return name_; }
  int opset() const noexcept { return opset_; }
  Builder& builder() noexcept { return *builder_; }

  bool has_attr(const char* name);
  std::int64_t attr_int(const char* name, std::int64_t fallback);
  float attr_float(const char* name, float fallback);
  std::string attr_string(const char* name, const std::string& fallback);
  Dims attr_ints(const char* name, const Dims& fallback);
  std::vector<float> attr_floats(const char* name);
  const dotori_onnx::TensorProto* attr_tensor(const char* name);  // nullptr: none
  const dotori_onnx::GraphProto* attr_graph(const char* name);    // nullptr: none
  // The attribute exists and changes nothing here.
  void ignore_attr(const char* name) { known_attributes_.insert(name); }
  // Throws kUnsupported for an attribute that no function above was asked for.
  void check_attributes() const;

  // nullptr stands for an optional input left out.
  void add_input(const Tensor* tensor) { inputs_.push_back(tensor); }
  int input_count() const noexcept { return static_cast<int>(inputs_.size()); }
  bool has_input(int i) const noexcept { return i < input_count() && inputs_[static_cast<std::size_t>(i)] != nullptr; }
  bool all_inputs_known() const noexcept;  // every input is a host tensor
  const Tensor& input(int i) const;        // throws when it is left out
  // Input `i` as a graph tensor: known elements become a constant of the graph.
  Tensor graph_input(int i);
  // Input `i`, whose elements must be known at import; `what` names it in the error.
  const HostTensor& known(int i, const char* what) const;
  Dims known_ints(int i, const char* what) const;  // rank 0 or 1
  double known_scalar(int i, const char* what) const;
  Dims known_ints_or(int i, const char* what, const Dims& fallback) const;

  // In [0, rank), from [-rank, rank).
  int axis(std::int64_t axis, int rank) const;
  Axes axes(const Dims& axes, int rank) const;  // distinct, ascending
  // Throws unless `found` equals `wanted`.
  void expect_rank(const Tensor& t, int wanted) const;
  [[noreturn]] void unsupported(const std::string& message) const { fail(dotori::unsupported(message)); }
  [[noreturn]] void corrupt(const std::string& message) const { fail(corrupt_model(message)); }

  // Output `i` is asked for by some node or the graph.
  bool wants_output(int i) const noexcept;
  int output_count() const noexcept { return proto_.output_size(); }
  void set_output(int i, Tensor tensor);
  void set_output(int i, HostTensor tensor) { set_output(i, host_result(std::move(tensor))); }
  std::vector<std::optional<Tensor>>& outputs() noexcept { return outputs_; }
  void set_wanted(std::vector<bool> wanted) { wanted_ = std::move(wanted); }

 private:
  const dotori_onnx::AttributeProto* find(const char* name, int type);

  const dotori_onnx::NodeProto& proto_;
  int opset_;
  std::string name_;
  Builder* builder_;
  std::vector<const Tensor*> inputs_;
  std::vector<std::optional<Tensor>> outputs_;
  std::vector<bool> wanted_;
  std::set<std::string> known_attributes_;
};

// An int in [0, 2^30] for an operator's field; `what` names it in the error.
int small_int(std::int64_t value, const char* what);

}  // namespace dotori::convert::onnx
