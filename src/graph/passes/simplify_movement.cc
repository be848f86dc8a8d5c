// SPDX-License-Identifier: Apache-2.0
#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"

namespace dotori::graph {
namespace {

bool is_identity_slice(const Slice& slice, const Shape& x) {
  // All elements of an axis, not backwards; of a single element the stride says nothing.
  for (int k = 0; k < x.rank(); ++k) {
    if (slice.size[k] != x[k] || (x[k] > 1 && slice.stride[k] < 0)) return false;
  }
  return true;
}

bool is_ascending(const Shape& perm) {
  for (int k = 0; k < perm.rank(); ++k) {
    if (perm[k] != k) return false;
  }
  return true;
}

// The output is the input, element by element, with the same type and shape.
bool copies_input(const Node& node, const TensorType& in, const TensorType& out) {
  if (!(in == out)) return false;
  if (std::holds_alternative<Reshape>(node.op) || std::holds_alternative<Cast>(node.op)) return true;
  // With equal shapes, pads add up to nothing.
  if (std::holds_alternative<Pad>(node.op)) return true;
  if (std::holds_alternative<Concat>(node.op)) return node.inputs.size() == 1;
  if (const auto* unary = std::get_if<Unary>(&node.op)) return unary->activation.is_identity();
  if (const auto* slice = std::get_if<Slice>(&node.op)) return is_identity_slice(*slice, in.shape);
  if (const auto* transpose = std::get_if<Transpose>(&node.op)) return is_ascending(transpose->perm);
  return false;
}

// The axes longer than 1 keep their order, so the elements keep theirs.
bool moves_only_ones(const Transpose& transpose, const Shape& x) {
  std::int64_t last = -1;
  for (std::int64_t axis : transpose.perm) {
    if (x[static_cast<int>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

class Simplifier {
 public:
  explicit Simplifier(Graph& graph) : graph_(graph), uses_(graph), replaced_by_(graph.values().size()) {}

  void run() {
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      Node& node = graph_.nodes()[n];
      for (ValueId& id : node.inputs) id = current(id);
      join_with_writer(node);
      bypass({static_cast<std::int32_t>(n)});
    }
    // Nodes seen before a value was replaced by a graph output still read the old one.
    for (Node& node : graph_.nodes()) {
      for (ValueId& id : node.inputs) id = current(id);
    }
  }

 private:
  ValueId current(ValueId id) {
    if (!id.valid()) return id;
    ValueId last = id;
    while (replacement(last).valid()) last = replacement(last);
    // The whole chain points at its end now, which keeps the walks short.
    while (id != last) {
      const ValueId next = replacement(id);
      replacement(id) = last;
      id = next;
    }
    return last;
  }
  ValueId& replacement(ValueId id) { return replaced_by_[static_cast<std::size_t>(id.index)]; }

  const Node* writer_of(ValueId id) const {
    const NodeId writer = uses_.producer(id);
    return writer.valid() ? &graph_.node(writer) : nullptr;
  }

  // Transpose of transpose, reshape of reshape: reads the first one's input. The first one goes when nobody else needs
  // it.
  void join_with_writer(Node& node) {
    if (auto* transpose = std::get_if<Transpose>(&node.op)) {
      const Node* writer = writer_of(node.inputs[0]);
      const Transpose* first = writer == nullptr ? nullptr : std::get_if<Transpose>(&writer->op);
      if (first != nullptr) {
        for (int k = 0; k < transpose->perm.rank(); ++k) {
          transpose->perm[k] = first->perm[static_cast<int>(transpose->perm[k])];
        }
        node.inputs[0] = current(writer->inputs[0]);
      }
      const Shape& x = graph_.value(node.inputs[0]).type.shape;
      if (!is_ascending(transpose->perm) && moves_only_ones(*transpose, x)) {
        node.op = Reshape{graph_.value(node.outputs[0]).type.shape};
      }
    }
    if (std::holds_alternative<Reshape>(node.op)) {
      const Node* writer = writer_of(node.inputs[0]);
      if (writer != nullptr && std::holds_alternative<Reshape>(writer->op)) {
        node.inputs[0] = current(writer->inputs[0]);
      }
    }
  }

  void bypass(NodeId id) {
    Node& node = graph_.node(id);
    if (node.inputs.empty() || node.outputs.size() != 1) return;
    const ValueId x = node.inputs[0], y = node.outputs[0];
    if (!copies_input(node, graph_.value(x).type, graph_.value(y).type)) return;
    if (!(graph_.value(x).quantization == graph_.value(y).quantization)) return;
    if (!uses_.is_output(y)) {
      replacement(y) = x;
    } else {
      // The graph output keeps its name: the node that writes x writes it instead.
      const NodeId writer = uses_.producer(x);
      if (!writer.valid() || uses_.is_output(x)) return;
      graph_.node(writer).outputs = {y};
      uses_.set_producer(y, writer);
      replacement(x) = y;
    }
    node.op = std::monostate{};
    node.inputs.clear();
    node.outputs.clear();
  }

  Graph& graph_;
  Uses uses_;
  std::vector<ValueId> replaced_by_;
};

}  // namespace

Status simplify_movement(Graph& graph) {
  Simplifier(graph).run();
  return remove_dead(graph);
}

}  // namespace dotori::graph
