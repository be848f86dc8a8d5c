// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <optional>
#include <utility>

#include "graph/passes/passes.h"
#include "graph/passes/rewrite.h"

namespace dotori::graph {
namespace {

// y = scale * x + shift for each channel of the convolution's output x.
struct Affine {
  std::vector<float> scale, shift;  // scale empty: 1
};

bool has_constant_filters(const Graph& graph, const Node& node) {
  if (!has_filters(node.op)) return false;
  if (!fused_activation(node.op)->is_identity() || f32_constant(graph, node.inputs[1]) == nullptr) return false;
  return node.inputs.size() < 3 || !node.inputs[2].valid() || f32_constant(graph, node.inputs[2]) != nullptr;
}

// The constant spread over the channels; empty when it varies along another axis or would change x's shape.
std::vector<float> channel_values(const Graph& graph, ValueId constant, const Shape& x) {
  const float* elements = f32_constant(graph, constant);
  if (elements == nullptr) return {};
  const Shape& shape = graph.value(constant).type.shape;
  const std::int64_t channels = x[x.rank() - 1];
  const std::int64_t last = shape.empty() ? 1 : shape[shape.rank() - 1];
  if (shape.rank() > x.rank() || shape.elements() != last || (last != 1 && last != channels)) return {};
  std::vector<float> values(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < values.size(); ++c) values[c] = elements[last == 1 ? 0 : c];
  return values;
}

// `convolved` is the input of `binary` that the convolution writes.
std::optional<Affine> affine_of(const Graph& graph, const Node& node, const Binary& binary, int convolved) {
  std::vector<float> c = channel_values(graph, node.inputs[static_cast<std::size_t>(1 - convolved)],
                                        graph.value(node.inputs[static_cast<std::size_t>(convolved)]).type.shape);
  if (c.empty()) return std::nullopt;
  Affine affine;
  switch (binary.function) {
    case BinaryFunction::kAdd: affine.shift = std::move(c); return affine;
    case BinaryFunction::kSub:
      if (convolved == 0) {
        for (float& v : c) v = -v;
      } else {
        affine.scale.assign(c.size(), -1.0f);
      }
      affine.shift = std::move(c);
      return affine;
    case BinaryFunction::kMul: affine.scale = std::move(c); return affine;
    case BinaryFunction::kDiv:
      if (convolved != 0) return std::nullopt;
      for (float& v : c) v = 1 / v;
      affine.scale = std::move(c);
      return affine;
    default: return std::nullopt;
  }
}

bool all_finite(const std::vector<float>& values) {
  for (float v : values) {
    if (!std::isfinite(v)) return false;
  }
  return true;
}

// Gives `conv` scaled weights and bias. False, and nothing changes, when a result would not be finite.
Result<bool> apply(Graph& graph, Uses& uses, Node& conv, const Affine& affine) {
  const Shape weights_shape = graph.value(conv.inputs[1]).type.shape;
  const std::size_t channels = static_cast<std::size_t>(weights_shape[0]);
  std::vector<float> weights;
  if (!affine.scale.empty()) {
    const float* old = f32_constant(graph, conv.inputs[1]);
    weights.assign(old, old + weights_shape.elements());
    const std::size_t per_channel = weights.size() / channels;
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= affine.scale[i / per_channel];
  }
  const bool has_bias = conv.inputs.size() > 2 && conv.inputs[2].valid();
  std::vector<float> bias;
  if (has_bias || !affine.shift.empty()) {
    bias.assign(channels, 0.0f);
    if (has_bias) {
      const float* old = f32_constant(graph, conv.inputs[2]);
      bias.assign(old, old + channels);
    }
    for (std::size_t o = 0; o < channels; ++o) {
      double b = bias[o];
      if (!affine.scale.empty()) b *= affine.scale[o];
      if (!affine.shift.empty()) b += affine.shift[o];
      bias[o] = static_cast<float>(b);
    }
  }
  if (!all_finite(weights) || !all_finite(bias)) return false;

  if (!weights.empty()) {
    DOTORI_ASSIGN_OR_RETURN(conv.inputs[1], uses.replace_constant_f32(graph, conv.inputs[1], weights));
  }
  if (!bias.empty()) {
    conv.inputs.resize(3);
    if (has_bias) {
      DOTORI_ASSIGN_OR_RETURN(conv.inputs[2], uses.replace_constant_f32(graph, conv.inputs[2], bias));
    } else {
      DOTORI_ASSIGN_OR_RETURN(conv.inputs[2], uses.add_constant_f32(graph, conv.name + "/bias",
                                                                    {static_cast<std::int64_t>(channels)}, bias));
    }
  }
  return true;
}

}  // namespace

Status fold_batch_norm(Graph& graph) {
  Uses uses(graph);
  // In order, so that of a chain each link finds the convolution that took over the link before.
  for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.nodes()[n];
    const auto* binary = std::get_if<Binary>(&node.op);
    if (binary == nullptr) continue;
    for (int convolved = 0; convolved < 2; ++convolved) {
      const ValueId x = node.inputs[static_cast<std::size_t>(convolved)];
      const NodeId writer = uses.producer(x);
      if (!writer.valid() || !uses.has_one_reader(x) || !has_constant_filters(graph, graph.node(writer))) continue;
      const std::optional<Affine> affine = affine_of(graph, node, *binary, convolved);
      if (!affine) continue;
      bool applied = false;
      DOTORI_ASSIGN_OR_RETURN(applied, apply(graph, uses, graph.node(writer), *affine));
      if (!applied) continue;
      *fused_activation(graph.node(writer).op) = binary->activation;
      absorb(graph, uses, writer, {static_cast<std::int32_t>(n)});
      break;
    }
  }
  return remove_dead(graph);
}

}  // namespace dotori::graph
