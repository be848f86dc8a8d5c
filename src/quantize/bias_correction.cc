// SPDX-License-Identifier: Apache-2.0
#include "quantize/bias_correction.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/passes/rewrite.h"
#include "quantize/lower.h"
#include "quantize/watch.h"

namespace dotori::quantize {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

// Results strictly between the two are what the bias shifts one to one.
struct Linear {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
};

Linear linear_part(const Node& node, const Encoding& out) {
  Linear linear;
  const graph::Activation& a = *graph::fused_activation(node.op);
  switch (a.function) {
    case graph::Function::kRelu:
    case graph::Function::kLeakyRelu: linear.low = 0; break;
    case graph::Function::kClip:
      linear.low = static_cast<double>(a.alpha);
      linear.high = static_cast<double>(a.beta);
      break;
    default: break;
  }
  // Beyond what int8 can hold the error says nothing about the bias.
  const double scale = static_cast<double>(out.scale);
  linear.low = std::max(linear.low, scale * (-128 - out.zero_point));
  linear.high = std::min(linear.high, scale * (127 - out.zero_point));
  return linear;
}

struct Error {
  std::vector<double> sum, count;  // by channel
  double elements = 0;             // of each channel, cut off or not
};

}  // namespace

Status correct_biases(const Graph& prepared, const Encodings& encodings, const std::vector<bool>& int8,
                      const Calibration& data, std::size_t samples, const Options& options, Adjustments* adjustments) {
  LowerOptions lower_options;
  lower_options.adjustments = adjustments;
  DOTORI_ASSIGN_OR_RETURN(const Twins twins, lower_beside(prepared, int8, encodings, lower_options));
  const Encodings unified = unify(prepared, int8, encodings);
  std::vector<Error> errors(twins.values.size());
  std::vector<Linear> linear;
  for (std::size_t i = 0; i < twins.nodes.size(); ++i) {
    const Node& node = prepared.nodes()[twins.nodes[i]];
    const std::size_t channels = static_cast<std::size_t>(prepared.value(node.inputs[1]).type.shape[0]);
    errors[i].sum.assign(channels, 0);
    errors[i].count.assign(channels, 0);
    linear.push_back(linear_part(node, unified[index(node.outputs[0])]));
  }
  DOTORI_RETURN_IF_ERROR(watch_both(prepared, twins.graph, twins.values, data, samples, options, "correcting biases",
                                    [&](std::size_t i, Span<const float> fp32, Span<const float> q) {
                                      Error& e = errors[i];
                                      const Linear& l = linear[i];
                                      const std::size_t channels = e.sum.size();
                                      for (std::size_t k = 0; k < fp32.size(); k += channels) {
                                        for (std::size_t c = 0; c < channels; ++c) {
                                          const double y = static_cast<double>(fp32[k + c]),
                                                       z = static_cast<double>(q[k + c]);
                                          if (!(y > l.low && y < l.high && z > l.low && z < l.high)) continue;
                                          e.sum[c] += y - z;
                                          e.count[c] += 1;
                                        }
                                      }
                                      e.elements += static_cast<double>(fp32.size() / channels);
                                    }));

  for (std::size_t i = 0; i < twins.nodes.size(); ++i) {
    const Node& node = prepared.nodes()[twins.nodes[i]];
    const std::size_t channels = errors[i].sum.size();
    std::vector<float> bias(channels, 0.0f);
    if (node.inputs.size() > 2 && node.inputs[2].valid()) {
      std::copy_n(graph::f32_constant(prepared, node.inputs[2]), channels, bias.begin());
    }
    bool any = false;
    for (std::size_t c = 0; c < channels; ++c) {
      // Few elements, or few samples, make a mean that is chance.
      constexpr double kLeastPart = 0.02, kLeastCount = 16;
      if (errors[i].count[c] < std::max(kLeastCount, kLeastPart * errors[i].elements)) continue;
      bias[c] = static_cast<float>(static_cast<double>(bias[c]) + errors[i].sum[c] / errors[i].count[c]);
      any = true;
    }
    if (any) adjustments->biases[node.name] = std::move(bias);
  }
  return {};
}

}  // namespace dotori::quantize
