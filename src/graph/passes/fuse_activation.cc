// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"

namespace dotori::graph {
namespace {

// Constants in files are rounded to float, some to six digits.
bool close(float a, float b) {
  return std::fabs(a - b) <= 1e-6f;
}

constexpr float kSixth = 1.0f / 6;

bool is_relu6(const Activation& a) {
  return a.function == Function::kClip && a.alpha == 0 && a.beta == 6;
}

// Finds the formulas of activations in the nodes before a value. Every function gives the value x of the formula in its
// comment, or an invalid id.
class Formula {
 public:
  Formula(const Graph& graph, const Uses& uses) : graph_(graph), uses_(uses) {}

  // f(x), with the parameters of `f`.
  ValueId of_unary(ValueId v, Function function) const {
    const Unary* unary = op_before<Unary>(v);
    if (unary == nullptr || unary->activation.function != function) return {};
    return node_before(v)->inputs[0];
  }
  // hard_sigmoid(x) = min(max(x + 3, 0), 6) / 6, as one node or several.
  ValueId of_hard_sigmoid(ValueId v) const {
    const Unary* unary = op_before<Unary>(v);
    if (unary != nullptr) {
      const Activation& a = unary->activation;
      const bool standard = a.function == Function::kHardSigmoid && close(a.alpha, kSixth) && close(a.beta, 0.5f);
      return standard ? node_before(v)->inputs[0] : ValueId{};
    }
    return of_shifted_relu6(of_sixth(v));
  }
  // min(max(x + 3, 0), 6)
  ValueId of_shifted_relu6(ValueId v) const {
    if (const Unary* unary = op_before<Unary>(v)) {
      return is_relu6(unary->activation) ? of_add_three(node_before(v)->inputs[0], false) : ValueId{};
    }
    return of_add_three(v, true);
  }
  // x / 6
  ValueId of_sixth(ValueId v) const {
    const Binary* binary = op_before<Binary>(v);
    if (binary == nullptr || !binary->activation.is_identity()) return {};
    if (binary->function == BinaryFunction::kMul) return beside_scalar(v, kSixth, true);
    if (binary->function == BinaryFunction::kDiv) return beside_scalar(v, 6, false);
    return {};
  }
  // x * f(x), where `inner(f)` gives the x of f.
  template <class Inner>
  ValueId of_product(ValueId v, const Inner& inner) const {
    const Binary* binary = op_before<Binary>(v);
    if (binary == nullptr || binary->function != BinaryFunction::kMul || !binary->activation.is_identity()) return {};
    const Node& node = *node_before(v);
    for (std::size_t i = 0; i < 2; ++i) {
      const ValueId x = node.inputs[i];
      if (inner(node.inputs[1 - i]) == x) return x;
    }
    return {};
  }

 private:
  const Node* node_before(ValueId v) const {
    const NodeId id = v.valid() ? uses_.producer(v) : NodeId{};
    return id.valid() ? &graph_.node(id) : nullptr;
  }
  template <class T>
  const T* op_before(ValueId v) const {
    const Node* node = node_before(v);
    return node == nullptr ? nullptr : std::get_if<T>(&node->op);
  }
  // x + 3, with ReLU6 fused or nothing.
  ValueId of_add_three(ValueId v, bool with_relu6) const {
    const Binary* binary = op_before<Binary>(v);
    if (binary == nullptr || binary->function != BinaryFunction::kAdd) return {};
    const bool matches = with_relu6 ? is_relu6(binary->activation) : binary->activation.is_identity();
    return matches ? beside_scalar(v, 3, true) : ValueId{};
  }
  // The other operand of a Binary with this constant and the operand's shape.
  ValueId beside_scalar(ValueId v, float scalar, bool commutes) const {
    const Node& node = *node_before(v);
    for (std::size_t i = commutes ? 0 : 1; i < 2; ++i) {
      float found = 0;
      if (!f32_scalar(graph_, node.inputs[i], &found) || !close(found, scalar)) continue;
      const ValueId x = node.inputs[1 - i];
      if (graph_.value(x).type.shape == graph_.value(v).type.shape) return x;
    }
    return {};
  }

  const Graph& graph_;
  const Uses& uses_;
};

// The activation that `v` computes and its argument, when a formula ends in it.
ValueId recognise(const Formula& formula, ValueId v, Activation* activation) {
  const auto sigmoid = [&](ValueId f) { return formula.of_unary(f, Function::kSigmoid); };
  const auto tanh_softplus = [&](ValueId f) {
    return formula.of_unary(formula.of_unary(f, Function::kTanh), Function::kSoftplus);
  };
  const auto hard_sigmoid = [&](ValueId f) { return formula.of_hard_sigmoid(f); };
  const auto shifted_relu6 = [&](ValueId f) { return formula.of_shifted_relu6(f); };

  *activation = {Function::kSilu, 0, 0};
  ValueId x = formula.of_product(v, sigmoid);
  if (x.valid()) return x;
  *activation = {Function::kMish, 0, 0};
  x = formula.of_product(v, tanh_softplus);
  if (x.valid()) return x;
  *activation = {Function::kHardSwish, 0, 0};
  x = formula.of_product(v, hard_sigmoid);
  if (x.valid()) return x;
  const ValueId whole = formula.of_sixth(v);
  if (!whole.valid()) return {};
  x = formula.of_product(whole, shifted_relu6);
  if (x.valid()) return x;
  *activation = {Function::kHardSigmoid, kSixth, 0.5f};
  return formula.of_shifted_relu6(whole);
}

bool is_float(const Graph& graph, ValueId id) {
  return graph.value(id).type.type == DataType::kFloat32;
}

Status recognise_formulas(Graph& graph) {
  const Uses uses(graph);
  const Formula formula(graph, uses);
  for (Node& node : graph.nodes()) {
    // An int8 graph has roundings of its own between the operators.
    if (!std::holds_alternative<Binary>(node.op) || !is_float(graph, node.outputs[0])) continue;
    Activation activation;
    const ValueId x = recognise(formula, node.outputs[0], &activation);
    if (!x.valid()) continue;
    node.op = Unary{activation};
    node.inputs = {x};
  }
  return remove_dead(graph);
}

}  // namespace

Status fuse_activation(Graph& graph) {
  DOTORI_RETURN_IF_ERROR(recognise_formulas(graph));
  Uses uses(graph);
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.nodes()[n];
    const auto* unary = std::get_if<Unary>(&node.op);
    if (unary == nullptr || unary->activation.is_identity() || !is_float(graph, node.outputs[0])) continue;
    const ValueId x = node.inputs[0];
    const NodeId writer = uses.producer(x);
    if (!writer.valid() || !uses.has_one_reader(x)) continue;
    Activation* activation = fused_activation(graph.node(writer).op);
    if (activation == nullptr || !activation->is_identity()) continue;
    *activation = unary->activation;
    absorb(graph, uses, writer, {static_cast<std::int32_t>(n)});
  }
  return remove_dead(graph);
}

}  // namespace dotori::graph
