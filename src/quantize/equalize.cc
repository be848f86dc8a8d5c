// SPDX-License-Identifier: Apache-2.0
#include "quantize/equalize.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "graph/passes/rewrite.h"
#include "quantize/lower.h"

namespace dotori::quantize {
namespace {

using graph::Activation;
using graph::Function;
using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::Uses;
using graph::ValueId;

// No channel changes by more than this: a channel that hardly ever speaks may speak up on another photo.
constexpr double kMostScale = 64;
// A channel may be enlarged to this part of a clip's bound.
constexpr double kClipMargin = 0.75;

bool is_homogeneous(const Activation& a) {
  return a.function == Function::kIdentity || a.function == Function::kRelu || a.function == Function::kLeakyRelu;
}

// Channel c of the output depends on channel c of the input alone, in proportion, and the channels are last in both.
bool passes_channels(const Graph& graph, const Node& node) {
  const Shape& in = graph.value(node.inputs[0]).type.shape;
  const Shape& out = graph.value(node.outputs[0]).type.shape;
  if (in.rank() == 0 || out.rank() == 0 || in[in.rank() - 1] != out[out.rank() - 1]) return false;
  if (const auto* unary = std::get_if<graph::Unary>(&node.op)) return is_homogeneous(unary->activation);
  if (const auto* pad = std::get_if<graph::Pad>(&node.op)) {
    const int last = in.rank() - 1;
    return pad->before[last] == 0 && pad->after[last] == 0 &&
           (pad->mode != graph::PadMode::kConstant || pad->value == 0);
  }
  if (const auto* reduce = std::get_if<graph::Reduce>(&node.op)) {
    for (std::int64_t axis : reduce->axes) {
      if (axis == in.rank() - 1) return false;
    }
    return true;
  }
  return std::holds_alternative<graph::MaxPool2d>(node.op) || std::holds_alternative<graph::AveragePool2d>(node.op) ||
         std::holds_alternative<graph::MaxPool3d>(node.op) || std::holds_alternative<graph::AveragePool3d>(node.op) ||
         std::holds_alternative<graph::Resize2d>(node.op) || std::holds_alternative<graph::Reshape>(node.op);
}

// A value, or what a weighted layer reads, and the channel of it at which the scaled channels begin (behind a concat
// they are some among others).
template <class Id>
struct At {
  Id id;
  std::size_t offset = 0;
};

// A weighted layer and all that depends on the channels of its output, up to the weighted layers that read them.
struct Group {
  NodeId first;
  std::vector<At<NodeId>> seconds;
  std::vector<At<ValueId>> between;  // the first layer's output first
  bool concat = false;               // on some way the channels become some among others
};

class Equalizer {
 public:
  Equalizer(Graph& graph, std::vector<Extremes>& extremes) : graph_(graph), extremes_(extremes), uses_(graph) {
    readers_.resize(graph.values().size());
    for (std::size_t n = 0; n < graph.nodes().size(); ++n) {
      for (ValueId id : graph.nodes()[n].inputs) {
        if (id.valid()) readers_[index(id)].push_back({static_cast<std::int32_t>(n)});
      }
    }
  }

  std::vector<Group> groups() const {
    std::vector<Group> found;
    for (std::size_t n = 0; n < graph_.nodes().size(); ++n) {
      const Node& node = graph_.nodes()[n];
      if (!is_weighted(graph_, node) || !own_weights(node)) continue;
      const Activation& a = *graph::fused_activation(node.op);
      const bool relu6 = a.function == Function::kClip && a.alpha == 0 && a.beta > 0;
      if (!relu6 && !is_homogeneous(a)) continue;
      Group group;
      group.first = {static_cast<std::int32_t>(n)};
      if (follow({node.outputs[0], 0}, &group) && !group.seconds.empty()) found.push_back(std::move(group));
    }
    return found;
  }

  // The largest change, as a factor above 1.
  Result<double> equalize(const Group& group) {
    const std::vector<double> scales = choose_scales(group);
    double most = 1;
    for (double s : scales) most = std::max({most, s, 1 / s});
    constexpr double kNothing = 1.02;
    if (most < kNothing) return 1.0;
    DOTORI_RETURN_IF_ERROR(scale_first(graph_.node(group.first), scales));
    for (const At<NodeId>& second : group.seconds) {
      DOTORI_RETURN_IF_ERROR(scale_second(graph_.node(second.id), second.offset, scales));
    }
    for (const At<ValueId>& value : group.between) scale_extremes(extremes_[index(value.id)], value.offset, scales);
    return most;
  }

 private:
  // Biases may be shared (often all are the same zeros): a copy costs nothing.
  bool own_weights(const Node& node) const { return uses_.readers(node.inputs[1]) == 1; }

  // Adds what depends on these channels; false where something does that a scale cannot pass.
  bool follow(At<ValueId> v, Group* group) const {
    const std::vector<NodeId>& readers = readers_[index(v.id)];
    if (readers.empty() || uses_.is_output(v.id)) return false;
    group->between.push_back(v);
    for (NodeId id : readers) {
      const Node& node = graph_.node(id);
      if (std::count(node.inputs.begin(), node.inputs.end(), v.id) != 1) return false;
      if (is_weighted(graph_, node)) {
        // Weights that several layers share cannot be scaled for one.
        if (node.inputs[0] != v.id || !own_weights(node)) return false;
        group->seconds.push_back({id, v.offset});
        continue;
      }
      std::size_t offset = v.offset;
      if (const auto* concat = std::get_if<graph::Concat>(&node.op)) {
        if (concat->axis != graph_.value(node.outputs[0]).type.shape.rank() - 1) return false;
        for (ValueId input : node.inputs) {
          if (input == v.id) break;
          offset += static_cast<std::size_t>(graph_.value(input).type.shape[concat->axis]);
        }
        group->concat = true;
      } else if (node.inputs[0] != v.id || !passes_channels(graph_, node)) {
        return false;
      }
      if (!follow({node.outputs[0], offset}, group)) return false;
    }
    return true;
  }

  // Calls visit(weight index, filter, input channel) for each weight of the layer.
  template <class F>
  void each_weight(const Node& node, F&& visit) const {
    const Shape& w = graph_.value(node.inputs[1]).type.shape;
    const std::size_t filters = static_cast<std::size_t>(w[0]), width = static_cast<std::size_t>(w[w.rank() - 1]);
    const std::size_t each = static_cast<std::size_t>(w.elements()) / filters;
    const std::size_t per_group = filters / static_cast<std::size_t>(graph::filter_groups(node.op));
    for (std::size_t o = 0; o < filters; ++o) {
      for (std::size_t i = 0; i < each; ++i) visit(o * each + i, o, o / per_group * width + i % width);
    }
  }

  // How much of each filter's own range the weights take up that read channel c: the largest of all layers that read
  // it.
  void find_reading(const At<NodeId>& second, std::vector<double>* reading) const {
    const Node& node = graph_.node(second.id);
    const float* weights = graph::f32_constant(graph_, node.inputs[1]);
    std::vector<double> filter_range(static_cast<std::size_t>(graph_.value(node.inputs[1]).type.shape[0]), 0.0);
    each_weight(node, [&](std::size_t i, std::size_t o, std::size_t) {
      filter_range[o] = std::max(filter_range[o], std::fabs(static_cast<double>(weights[i])));
    });
    each_weight(node, [&](std::size_t i, std::size_t o, std::size_t c) {
      if (filter_range[o] <= 0 || c < second.offset || c - second.offset >= reading->size()) return;
      double& r = (*reading)[c - second.offset];
      r = std::max(r, std::fabs(static_cast<double>(weights[i])) / filter_range[o]);
    });
  }

  bool is_depthwise(const Node& node) const {
    const Shape& w = graph_.value(node.inputs[1]).type.shape;
    return w[w.rank() - 1] == 1 && graph::filter_groups(node.op) > 1;
  }

  std::vector<double> choose_scales(const Group& group) const {
    // A mean or a pool lies within what it is made of: the first value has the widest ranges.
    const Extremes& seen = extremes_[index(group.between.front().id)];
    const std::size_t channels = seen.channel_low.size();
    std::vector<double> range(channels), reading(channels, 0.0);
    for (std::size_t c = 0; c < channels; ++c) {
      range[c] = static_cast<double>(std::max(std::fabs(seen.channel_low[c]), std::fabs(seen.channel_high[c])));
    }
    double widest = 0;
    for (const At<ValueId>& value : group.between) {
      const Extremes& e = extremes_[index(value.id)];
      widest = std::max({widest, std::fabs(e.low), std::fabs(e.high)});
    }
    std::vector<double> scales(channels, 1.0);
    if (widest <= 0) return scales;

    bool depthwise = true;
    for (const At<NodeId>& second : group.seconds) {
      find_reading(second, &reading);
      depthwise = depthwise && is_depthwise(graph_.node(second.id));
    }
    double most = 0;
    for (std::size_t c = 0; c < channels; ++c) {
      if (range[c] <= 0 || reading[c] <= 0) continue;
      scales[c] = depthwise ? range[c] / widest : std::sqrt(range[c] / widest / reading[c]);
      most = std::max(most, range[c] / scales[c]);
    }
    // The widest channel stays as wide as the widest was; beside other channels each finds its place by itself.
    if (group.concat || most <= 0) most = widest;
    const Activation& a = *graph::fused_activation(graph_.node(group.first).op);
    for (std::size_t c = 0; c < channels; ++c) {
      if (range[c] <= 0 || reading[c] <= 0) continue;
      double s = std::clamp(scales[c] * most / widest, 1 / kMostScale, kMostScale);
      if (a.function == Function::kClip) {
        const double least = range[c] / (kClipMargin * static_cast<double>(a.beta));
        s = std::min(1.0, std::max(s, least));
      }
      scales[c] = s;
    }
    return scales;
  }

  Status scale_first(Node& node, const std::vector<double>& scales) {
    const Shape& w = graph_.value(node.inputs[1]).type.shape;
    const float* old = graph::f32_constant(graph_, node.inputs[1]);
    std::vector<float> weights(old, old + w.elements());
    const std::size_t each = weights.size() / scales.size();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] = static_cast<float>(static_cast<double>(weights[i]) / scales[i / each]);
    }
    DOTORI_ASSIGN_OR_RETURN(node.inputs[1], uses_.replace_constant_f32(graph_, node.inputs[1], weights));
    if (node.inputs.size() < 3 || !node.inputs[2].valid()) return {};
    const float* old_bias = graph::f32_constant(graph_, node.inputs[2]);
    std::vector<float> bias(old_bias, old_bias + scales.size());
    for (std::size_t c = 0; c < bias.size(); ++c) {
      bias[c] = static_cast<float>(static_cast<double>(bias[c]) / scales[c]);
    }
    DOTORI_ASSIGN_OR_RETURN(node.inputs[2], uses_.replace_constant_f32(graph_, node.inputs[2], bias));
    return {};
  }

  Status scale_second(Node& node, std::size_t offset, const std::vector<double>& scales) {
    const Shape& w = graph_.value(node.inputs[1]).type.shape;
    const float* old = graph::f32_constant(graph_, node.inputs[1]);
    std::vector<float> weights(old, old + w.elements());
    each_weight(node, [&](std::size_t i, std::size_t, std::size_t c) {
      if (c < offset || c - offset >= scales.size()) return;
      weights[i] = static_cast<float>(static_cast<double>(weights[i]) * scales[c - offset]);
    });
    DOTORI_ASSIGN_OR_RETURN(node.inputs[1], uses_.replace_constant_f32(graph_, node.inputs[1], weights));
    return {};
  }

  static void scale_extremes(Extremes& e, std::size_t offset, const std::vector<double>& scales) {
    for (std::size_t i = 0; i < scales.size() && offset + i < e.channel_low.size(); ++i) {
      const std::size_t c = offset + i;
      e.channel_low[c] = static_cast<float>(static_cast<double>(e.channel_low[c]) / scales[i]);
      e.channel_high[c] = static_cast<float>(static_cast<double>(e.channel_high[c]) / scales[i]);
      e.channel_sum[c] /= scales[i];
    }
    e.low = e.high = 0;
    for (std::size_t c = 0; c < e.channel_low.size(); ++c) {
      e.low = std::min(e.low, static_cast<double>(e.channel_low[c]));
      e.high = std::max(e.high, static_cast<double>(e.channel_high[c]));
    }
  }

  Graph& graph_;
  std::vector<Extremes>& extremes_;
  Uses uses_;
  std::vector<std::vector<NodeId>> readers_;  // by value; once for each time a node reads it
};

}  // namespace

Result<int> equalize(Graph& graph, std::vector<Extremes>& extremes) {
  Equalizer equalizer(graph, extremes);
  const std::vector<Group> groups = equalizer.groups();
  std::vector<bool> changed(groups.size(), false);
  // Each group disturbs its neighbours a little; a few rounds settle it.
  constexpr int kRounds = 4;
  for (int round = 0; round < kRounds; ++round) {
    bool any = false;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      double change = 1;
      DOTORI_ASSIGN_OR_RETURN(change, equalizer.equalize(groups[g]));
      if (change > 1) changed[g] = any = true;
    }
    if (!any) break;
  }
  return static_cast<int>(std::count(changed.begin(), changed.end(), true));
}

}  // namespace dotori::quantize
