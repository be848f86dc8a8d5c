// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "graph/passes/rewrite.h"
#include "graph/verify_quantization.h"
#include "quantize/lower.h"

namespace dotori::quantize {

using graph::Graph;
using graph::Node;
using graph::ValueId;

namespace {

bool is_f32(const Graph& graph, ValueId id) {
  return id.valid() && graph.value(id).type.type == DataType::kFloat32;
}

bool is_constant_f32(const Graph& graph, ValueId id) {
  return is_f32(graph, id) && graph.value(id).is_constant();
}

bool is_f32_activation(const Graph& graph, ValueId id) {
  return is_f32(graph, id) && !graph.value(id).is_constant();
}

// An output element of a node without weights costs about as much as this many multiply-accumulates.
constexpr double kElementCost = 10;
// Nodes behind the last weighted layer stay float32 when they cost at most this part of the whole network.
constexpr double kCheapTail = 0.05;

// By node: no weighted layer reads its output, directly or through others.
std::vector<bool> tail_nodes(const Graph& graph) {
  std::vector<bool> feeds_weights(graph.values().size(), false), tail(graph.nodes().size(), false);
  for (std::size_t n = graph.nodes().size(); n-- > 0;) {
    const Node& node = graph.nodes()[n];
    const bool feeds =
        std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId id) { return feeds_weights[index(id)]; });
    const bool weighted = is_weighted(graph, node);
    tail[n] = !feeds && !weighted;
    if (!feeds && !weighted) continue;
    for (ValueId id : node.inputs) {
      if (id.valid()) feeds_weights[index(id)] = true;
    }
  }
  return tail;
}

// Weighted layers that only the tail reads, when they all together are next to nothing: the network's answer is spared
// a rounding to 8 bits (masks are decided where it is near its threshold).
constexpr double kSmallHead = 0.02;
std::vector<bool> small_heads(const Graph& graph, const std::vector<bool>& tail) {
  std::vector<bool> read_inside(graph.values().size(), false), heads(tail.size(), false);
  double all_macs = 0, all_weights = 0, macs = 0, weights = 0;
  for (std::size_t n = 0; n < tail.size(); ++n) {
    if (tail[n]) continue;
    for (ValueId id : graph.nodes()[n].inputs)
      if (id.valid()) read_inside[index(id)] = true;
  }
  for (std::size_t n = 0; n < tail.size(); ++n) {
    const Node& node = graph.nodes()[n];
    if (!is_weighted(graph, node)) continue;
    const double own_macs = static_cast<double>(node_macs(graph, node));
    const double own_weights = static_cast<double>(graph.value(node.inputs[1]).type.shape.elements());
    all_macs += own_macs;
    all_weights += own_weights;
    heads[n] = !read_inside[index(node.outputs[0])];
    if (!heads[n]) continue;
    macs += own_macs;
    weights += own_weights;
  }
  if (macs > kSmallHead * all_macs || weights > kSmallHead / 2 * all_weights) heads.assign(heads.size(), false);
  return heads;
}

bool is_cheap(const Graph& graph, const std::vector<bool>& tail) {
  double all = 0, behind = 0;
  for (std::size_t n = 0; n < tail.size(); ++n) {
    const Node& node = graph.nodes()[n];
    double cost = static_cast<double>(node_macs(graph, node));
    if (!is_weighted(graph, node)) {
      cost = kElementCost * static_cast<double>(graph.value(node.outputs[0]).type.shape.elements());
      if (std::holds_alternative<graph::Reshape>(node.op)) cost = 0;
    }
    all += cost;
    if (tail[n]) behind += cost;
  }
  return behind <= kCheapTail * all;
}

}  // namespace

bool is_weighted(const Graph& graph, const Node& node) noexcept {
  if (!graph::has_filters(node.op) || node.inputs.size() < 2 || !is_constant_f32(graph, node.inputs[1])) return false;
  return node.inputs.size() < 3 || !node.inputs[2].valid() || is_constant_f32(graph, node.inputs[2]);
}

bool keeps_encoding(const graph::Op& op) noexcept {
  return graph::keeps_quantization(op);
}

bool has_int8_form(const Graph& graph, const Node& node) noexcept {
  using namespace graph;
  if (node.inputs.empty() || node.outputs.size() != 1) return false;
  const Op& op = node.op;
  if (std::holds_alternative<ArgMax>(op)) return is_f32_activation(graph, node.inputs[0]);
  if (!is_f32(graph, node.outputs[0])) return false;
  if (has_filters(op)) {
    return is_f32_activation(graph, node.inputs[0]) && is_weighted(graph, node);
  }
  if (const auto* binary = std::get_if<Binary>(&op)) {
    const BinaryFunction f = binary->function;
    return f == BinaryFunction::kAdd || f == BinaryFunction::kSub || f == BinaryFunction::kMul ||
           f == BinaryFunction::kMin || f == BinaryFunction::kMax;
  }
  if (std::holds_alternative<Prelu>(op)) {
    return is_f32_activation(graph, node.inputs[0]) && is_constant_f32(graph, node.inputs[1]);
  }
  if (std::holds_alternative<Concat>(op)) return true;
  if (const auto* unary = std::get_if<Unary>(&op)) {
    // A table of 256 numbers says nothing about functions that grow without bound or have a pole.
    const Function f = unary->activation.function;
    return f != Function::kExp && f != Function::kLog && f != Function::kReciprocal && f != Function::kRsqrt;
  }
  if (const auto* softmax = std::get_if<Softmax>(&op)) {
    return softmax->axis == graph.value(node.inputs[0]).type.shape.rank() - 1;
  }
  return is_f32_activation(graph, node.inputs[0]) &&
         (keeps_encoding(op) || std::holds_alternative<AveragePool2d>(op) ||
          std::holds_alternative<AveragePool3d>(op) || std::holds_alternative<Resize2d>(op) ||
          std::holds_alternative<Reduce>(op));
}

std::vector<bool> choose_int8(const Graph& prepared, const std::set<std::string>& keep_fp32) {
  std::vector<bool> tail = tail_nodes(prepared);
  if (is_cheap(prepared, tail)) {
    const std::vector<bool> heads = small_heads(prepared, tail);
    for (std::size_t n = 0; n < tail.size(); ++n) tail[n] = tail[n] || heads[n];
  } else {
    tail.assign(tail.size(), false);
  }
  std::vector<bool> int8(prepared.nodes().size(), false), from_f32_node(prepared.values().size(), false);
  for (std::size_t n = 0; n < int8.size(); ++n) {
    const Node& node = prepared.nodes()[n];
    bool only_f32 = !is_weighted(prepared, node);
    for (ValueId id : node.inputs) {
      if (is_f32_activation(prepared, id)) only_f32 = only_f32 && from_f32_node[index(id)];
    }
    int8[n] = !only_f32 && !tail[n] && keep_fp32.count(node.name) == 0 && has_int8_form(prepared, node);
    for (ValueId id : node.outputs) from_f32_node[index(id)] = !int8[n];
  }
  return int8;
}

namespace {

// In its input's encoding the output of a relu or clip holds numbers that the input could hold too: nothing is rounded
// a second time. (Operators that only move elements must keep their encoding, these may.)
bool rounds_nothing(const graph::Op& op) {
  const auto* unary = std::get_if<graph::Unary>(&op);
  if (unary == nullptr) return keeps_encoding(op);
  return unary->activation.function == graph::Function::kRelu || unary->activation.function == graph::Function::kClip;
}

// Which values are quantised alike: a forest over value ids, each tree with its topologically first value at the root.
class Groups {
 public:
  explicit Groups(std::size_t values) : parent_(values) { std::iota(parent_.begin(), parent_.end(), 0u); }
  std::size_t root(std::size_t v) {
    while (parent_[v] != v) v = parent_[v] = parent_[parent_[v]];
    return v;
  }
  void follow(std::size_t v, std::size_t leader) { parent_[root(v)] = root(leader); }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace

Encodings unify(const Graph& prepared, const std::vector<bool>& int8, Encodings encodings) {
  Groups groups(prepared.values().size());
  for (std::size_t n = 0; n < int8.size(); ++n) {
    const Node& node = prepared.nodes()[n];
    if (int8[n] && rounds_nothing(node.op)) groups.follow(index(node.outputs[0]), index(node.inputs[0]));
  }

  // By root: the only concat that reads the group's values, and whether anything else does.
  constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
  std::vector<std::size_t> concat(prepared.values().size(), kNobody);
  std::vector<bool> shared(prepared.values().size(), false);
  for (std::size_t n = 0; n < int8.size(); ++n) {
    const Node& node = prepared.nodes()[n];
    for (ValueId id : node.inputs) {
      if (!is_f32_activation(prepared, id)) continue;
      const std::size_t root = groups.root(index(id));
      if (int8[n] && rounds_nothing(node.op)) continue;
      if (int8[n] && std::holds_alternative<graph::Concat>(node.op) && (concat[root] == kNobody || concat[root] == n)) {
        concat[root] = n;
      } else {
        shared[root] = true;
      }
    }
  }
  for (ValueId id : prepared.outputs) shared[groups.root(index(id))] = true;

  // Later concats first, so that one that feeds another hands on what it was given.
  for (std::size_t n = int8.size(); n-- > 0;) {
    const Node& node = prepared.nodes()[n];
    if (!int8[n] || !std::holds_alternative<graph::Concat>(node.op)) continue;
    const Encoding whole = encodings[groups.root(index(node.outputs[0]))];
    for (ValueId id : node.inputs) {
      if (!is_f32_activation(prepared, id)) continue;
      const std::size_t root = groups.root(index(id));
      if (shared[root] || concat[root] != n || !whole.known()) continue;
      encodings[root] = whole;
      encodings[root].range = graph::RangeMethod::kShared;
    }
  }
  for (std::size_t v = 0; v < encodings.size(); ++v) {
    const std::size_t root = groups.root(v);
    if (root == v) continue;
    encodings[v] = encodings[root];
    if (encodings[v].known()) encodings[v].range = graph::RangeMethod::kShared;
  }
  return encodings;
}

}  // namespace dotori::quantize
