// SPDX-License-Identifier: Apache-2.0
#include "convert/tensorflow/builder.h"

#include <algorithm>
#include <set>

#include "convert/tensorflow/node.h"

namespace dotori::convert::tensorflow {
namespace {

bool is_input(const std::string& op) {
  return op == "Placeholder";
}
// Nodes without a number that anyone could want.
bool is_silent(const std::string& op) {
  return op == "NoOp" || op == "Assert" || op == "Const" || op.find("Summary") != std::string::npos || op == "SaveV2" ||
         op == "RestoreV2";
}

}  // namespace

std::string reference_name(const std::string& reference, int* number) {
  *number = 0;
  if (!reference.empty() && reference[0] == '^') {
    *number = -1;
    return reference.substr(1);
  }
  const std::size_t colon = reference.rfind(':');
  if (colon == std::string::npos || colon + 1 == reference.size() || reference.size() - colon > 6 ||
      reference.find_first_not_of("0123456789", colon + 1) != std::string::npos)
    return reference;
  *number = std::stoi(reference.substr(colon + 1));
  return reference.substr(0, colon);
}

Tensor known_tensor(HostTensor host) {
  Tensor tensor;
  tensor.dims = host.dims;
  tensor.host = std::make_shared<const HostTensor>(std::move(host));
  return tensor;
}

Result<Tensor> Builder::add(const std::string& name, graph::Op op, std::vector<graph::ValueId> inputs) {
  DOTORI_ASSIGN_OR_RETURN(const graph::ValueId id, graph_.add_node(name, std::move(op), std::move(inputs)));
  Tensor tensor;
  tensor.id = id;
  const Shape& shape = graph_.value(id).type.shape;
  tensor.dims.assign(shape.begin(), shape.end());
  return tensor;
}

graph::ValueId Builder::constant(const std::string& name, const Dims& dims, std::vector<float> elements) {
  return graph_.add_constant_f32(name, Shape(Span<const std::int64_t>(dims.data(), dims.size())), std::move(elements));
}

Result<graph::ValueId> Builder::value(const std::string& name, const Tensor& tensor) {
  if (!tensor.is_known()) return tensor.id;
  if (!tensor.host->is_real)
    return unsupported("whole numbers of shape " + dims_text(tensor.dims) + " among computed ones");
  if (tensor.rank() > kMaxRank) return unsupported("a constant of shape " + dims_text(tensor.dims));
  return constant(name, tensor.dims, tensor.host->reals);
}

// Depth first from the outputs, without recursion: a file may chain as many nodes as it likes.
Status Builder::order() {
  std::set<std::string> read;
  for (int i = 0; i < source_.node_size(); ++i) {
    if (!nodes_.emplace(source_.node(i).name(), i).second)
      return corrupt_model("two nodes are named '" + source_.node(i).name() + "'");
    for (const std::string& input : source_.node(i).input()) {
      int number = 0;
      read.insert(reference_name(input, &number));
    }
  }
  for (int i = 0; i < source_.node_size(); ++i)
    if (read.count(source_.node(i).name()) == 0 && !is_silent(source_.node(i).op()) && !is_input(source_.node(i).op()))
      leaves_.push_back(i);
  if (leaves_.empty()) return corrupt_model("no node is an output: none is left that no other node reads");
  enum : char { kNew, kOpen, kDone };
  std::vector<char> state(static_cast<std::size_t>(source_.node_size()), kNew);
  for (int leaf : leaves_) {
    std::vector<int> stack = {leaf};
    while (!stack.empty()) {
      const int n = stack.back();
      char& mine = state[static_cast<std::size_t>(n)];
      if (mine != kNew) {
        if (mine == kOpen) sorted_.push_back(n);
        mine = kDone;
        stack.pop_back();
        continue;
      }
      mine = kOpen;
      for (const std::string& input : source_.node(n).input()) {
        int number = 0;
        const std::string name = reference_name(input, &number);
        if (number < 0) continue;
        const auto found = nodes_.find(name);
        if (found == nodes_.end())
          return corrupt_model("node '" + source_.node(n).name() + "' reads '" + input + "', which is not in the file");
        const char theirs = state[static_cast<std::size_t>(found->second)];
        if (theirs == kOpen)
          return corrupt_model("node '" + name + "' needs its own output, directly or through others");
        if (theirs == kNew) stack.push_back(found->second);
      }
    }
  }
  return {};
}

Status Builder::add_input(const dotori_tensorflow::NodeDef& node) {
  constexpr int kFloat = 1;
  const auto dtype = node.attr().find("dtype");
  if (dtype != node.attr().end() && dtype->second.type() != kFloat)
    return unsupported("an input of type " + std::to_string(dtype->second.type()) + " (only float32 is supported)");
  Dims dims;
  const auto option = options_.input_shapes.find(node.name());
  if (option != options_.input_shapes.end()) {
    dims = option->second;
  } else {
    const auto shape = node.attr().find("shape");
    if (shape != node.attr().end())
      for (const auto& dim : shape->second.shape().dim()) dims.push_back(dim.size());
    if (!dims.empty() && dims[0] < 1) dims[0] = 1;
  }
  if (dims.empty() || dims.size() > kMaxRank ||
      std::any_of(dims.begin(), dims.end(), [](std::int64_t d) { return d < 1; }))
    return unsupported("its shape " + dims_text(dims) + " is not fixed; give one: --input " + node.name() +
                       ":1x224x224x3");
  const Shape shape(Span<const std::int64_t>(dims.data(), dims.size()));
  if (!shape.checked_elements().ok()) return unsupported("its shape " + dims_text(dims) + " has too many elements");
  Tensor tensor;
  tensor.dims = dims;
  tensor.id = graph_.add_input(node.name(), DataType::kFloat32, shape);
  tensors_[node.name()] = {tensor};
  return {};
}

Result<Tensor> Builder::input_of(const std::string& reference) {
  int number = 0;
  const std::string name = reference_name(reference, &number);
  const std::vector<Tensor>& outputs = tensors_[name];
  if (number < static_cast<int>(outputs.size())) return outputs[static_cast<std::size_t>(number)];
  return unsupported("output " + std::to_string(number) + " of '" + name + "' is not computed");
}

Status Builder::add_node(const dotori_tensorflow::NodeDef& node) {
  if (is_input(node.op())) return add_input(node);
  if (node.op() == "Const") {
    const auto value = node.attr().find("value");
    if (value == node.attr().end()) return corrupt_model("a Const without a value");
    DOTORI_ASSIGN_OR_RETURN(HostTensor tensor, read_tensor(value->second.tensor()));
    tensors_[node.name()] = {known_tensor(std::move(tensor))};
    return {};
  }
  const NodeFunction function = find_op(node.op());
  if (function == nullptr) {
    const std::string hint = rewrite_hint(node.op());
    return unsupported("the operator is not supported" + (hint.empty() ? "" : "; " + hint));
  }
  std::vector<Tensor> inputs;
  std::string shapes;
  for (const std::string& input : node.input()) {
    if (input[0] == '^') continue;
    DOTORI_ASSIGN_OR_RETURN(Tensor tensor, input_of(input));
    shapes += (shapes.empty() ? "" : ", ") + dims_text(tensor.dims);
    inputs.push_back(std::move(tensor));
  }
  NodeContext context{*this, node, std::move(inputs)};
  auto outputs = function(context);
  if (!outputs.ok()) return outputs.status().with_context("inputs " + shapes);
  tensors_[node.name()] = std::move(*outputs);
  return {};
}

Status Builder::set_outputs() {
  for (int leaf : leaves_) {
    const std::string& name = source_.node(leaf).name();
    for (const Tensor& tensor : tensors_[name]) {
      if (tensor.is_known()) continue;
      if (std::find(graph_.outputs.begin(), graph_.outputs.end(), tensor.id) == graph_.outputs.end())
        graph_.outputs.push_back(tensor.id);
    }
  }
  if (graph_.outputs.empty()) return corrupt_model("no output depends on the input");
  return {};
}

Result<graph::Graph> Builder::build() {
  DOTORI_RETURN_IF_ERROR(order());
  for (int n : sorted_) {
    const dotori_tensorflow::NodeDef& node = source_.node(n);
    const Status status = add_node(node);
    if (!status.ok()) return status.with_context("node '" + node.name() + "' (" + node.op() + ")");
  }
  for (const auto& [name, shape] : options_.input_shapes) {
    const bool known = std::any_of(graph_.inputs.begin(), graph_.inputs.end(),
                                   [&, n = &name](graph::ValueId id) { return graph_.value(id).name == *n; });
    std::string names;
    for (graph::ValueId id : graph_.inputs) names += " '" + graph_.value(id).name + "'";
    if (!known) return invalid_argument("there is no input '" + name + "' (inputs:" + names + ")");
  }
  DOTORI_RETURN_IF_ERROR(set_outputs());
  return std::move(graph_);
}

}  // namespace dotori::convert::tensorflow
