// SPDX-License-Identifier: Apache-2.0
#include "quantize/sensitivity.h"

#include <algorithm>
#include <cmath>

namespace dotori::quantize {

using graph::Graph;
using graph::Node;

namespace {

// Sums of one channel, or of a whole output.
struct Sums {
  double count = 0, y = 0, yy = 0, noise = 0, most = 0;

  void add(const Sums& other) {
    count += other.count;
    y += other.y;
    yy += other.yy;
    noise += other.noise;
    most = std::max(most, other.most);
  }
  // Noise against variance. A channel that hardly changes is measured against its size instead.
  double relative_noise() const {
    if (count == 0) return 0;
    const double variance = std::max(yy / count - (y / count) * (y / count), 1e-4 * most * most);
    return variance > 0 ? noise / count / variance : 0;
  }
};

// By node: its part of all weights plus its part of all work, and a little for being one more.
std::vector<double> prices_of(const Graph& graph) {
  std::vector<double> weights, work, prices;
  double all_weights = 1, all_work = 1;
  for (const Node& node : graph.nodes()) {
    const bool weighted = is_weighted(graph, node);
    weights.push_back(weighted ? static_cast<double>(graph.value(node.inputs[1]).type.shape.elements()) : 0);
    // An element costs about as much as this many multiply-accumulates.
    constexpr double kElementCost = 10;
    work.push_back(static_cast<double>(node_macs(graph, node)) +
                   kElementCost * static_cast<double>(graph.value(node.outputs[0]).type.shape.elements()));
    all_weights += weights.back();
    all_work += work.back();
  }
  constexpr double kLittle = 0.005;
  for (std::size_t n = 0; n < weights.size(); ++n) {
    prices.push_back(kLittle + weights[n] / all_weights + work[n] / all_work);
  }
  return prices;
}

}  // namespace

double decibel(double signal, double noise) noexcept {
  constexpr double kMost = 99;
  if (!(noise > 0)) return kMost;
  if (!(signal > 0)) return 0;
  return std::min(kMost, 10 * std::log10(signal / noise));
}

Result<std::vector<double>> signal_to_noise(const Graph& a, const Graph& b, const std::vector<ValuePair>& values,
                                            const Calibration& data, std::size_t samples, const Options& options,
                                            const char* stage) {
  std::vector<double> signal(values.size(), 0.0), noise(values.size(), 0.0);
  DOTORI_RETURN_IF_ERROR(watch_both(a, b, values, data, samples, options, stage,
                                    [&](std::size_t i, Span<const float> x, Span<const float> y) {
                                      double s = 0, n = 0;
                                      for (std::size_t k = 0; k < x.size() && k < y.size(); ++k) {
                                        const double v = static_cast<double>(x[k]);
                                        const double d = v - static_cast<double>(y[k]);
                                        s += v * v;
                                        n += d * d;
                                      }
                                      signal[i] += s;
                                      noise[i] += n;
                                    }));
  std::vector<double> result;
  for (std::size_t i = 0; i < values.size(); ++i) result.push_back(decibel(signal[i], noise[i]));
  return result;
}

Result<double> output_quality(const Graph& a, const Graph& b, const Calibration& data, std::size_t samples,
                              const Options& options, const char* stage) {
  std::vector<ValuePair> values;
  std::vector<std::vector<Sums>> sums;
  for (std::size_t i = 0; i < a.outputs.size(); ++i) {
    if (a.value(a.outputs[i]).type.type != DataType::kFloat32) continue;
    const Shape& shape = a.value(a.outputs[i]).type.shape;
    values.emplace_back(a.outputs[i], b.outputs[i]);
    sums.emplace_back(static_cast<std::size_t>(shape.rank() == 0 ? 1 : shape[shape.rank() - 1]));
  }
  if (values.empty()) return 99.0;
  DOTORI_RETURN_IF_ERROR(watch_both(a, b, values, data, samples, options, stage,
                                    [&](std::size_t i, Span<const float> x, Span<const float> y) {
                                      std::vector<Sums>& channels = sums[i];
                                      for (std::size_t k = 0; k < x.size(); ++k) {
                                        Sums& s = channels[k % channels.size()];
                                        const double v = static_cast<double>(x[k]);
                                        const double d = v - static_cast<double>(y[k]);
                                        s.count += 1;
                                        s.y += v;
                                        s.yy += v * v;
                                        s.noise += d * d;
                                        s.most = std::max(s.most, std::fabs(v));
                                      }
                                    }));
  double relative = 0;
  for (const std::vector<Sums>& channels : sums) {
    constexpr double kLeastElements = 64;
    if (channels[0].count >= kLeastElements) {
      double sum = 0;
      for (const Sums& s : channels) sum += s.relative_noise();
      relative += sum / static_cast<double>(channels.size());
    } else {
      Sums whole;
      for (const Sums& s : channels) whole.add(s);
      relative += whole.relative_noise();
    }
  }
  return decibel(1, relative / static_cast<double>(sums.size()));
}

Result<std::vector<Harm>> rank_by_harm(const Graph& prepared, const std::vector<bool>& int8, const Encodings& encodings,
                                       const LowerOptions& lower_options, const Calibration& data, std::size_t samples,
                                       const Options& options) {
  std::vector<std::size_t> candidates;
  for (std::size_t n = 0; n < int8.size(); ++n) {
    if (int8[n] && !keeps_encoding(prepared.nodes()[n].op)) candidates.push_back(n);
  }
  const std::vector<double> prices = prices_of(prepared);
  Options quiet = options;
  quiet.progress = nullptr;
  std::vector<Harm> harms;
  for (std::size_t n : candidates) {
    std::vector<bool> alone(int8.size(), false);
    alone[n] = true;
    DOTORI_ASSIGN_OR_RETURN(const Graph graph,
                            lower_nodes(prepared, alone, unify(prepared, alone, encodings), lower_options));
    Harm harm;
    harm.node = prepared.nodes()[n].name;
    harm.price = prices[n];
    DOTORI_ASSIGN_OR_RETURN(harm.decibel, output_quality(prepared, graph, data, samples, quiet, ""));
    harms.push_back(harm);
    if (options.progress) options.progress("ranking layers", harms.size(), candidates.size());
  }
  const auto worth = [](const Harm& h) { return std::pow(10, -h.decibel / 10) / h.price; };
  std::stable_sort(harms.begin(), harms.end(), [&](const Harm& x, const Harm& y) { return worth(x) > worth(y); });
  return harms;
}

}  // namespace dotori::quantize
