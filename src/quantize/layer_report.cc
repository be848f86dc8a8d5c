// SPDX-License-Identifier: Apache-2.0
#include "quantize/layer_report.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "quantize/observer.h"
#include "quantize/sensitivity.h"
#include "quantize/watch.h"

namespace dotori::quantize {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;

constexpr std::size_t kWorst = 6;

Histogram histogram_of(const Extremes& range) {
  constexpr std::size_t kBins = 64;
  Histogram h;
  h.low = static_cast<float>(range.low);
  h.high = static_cast<float>(range.high);
  h.counts.assign(kBins, 0);
  return h;
}

void count(Span<const float> elements, Histogram* h) {
  const float width = (h->high - h->low) / static_cast<float>(h->counts.size());
  if (!(width > 0)) return;
  for (float x : elements) {
    const float bin = std::clamp((x - h->low) / width, 0.0f, static_cast<float>(h->counts.size() - 1));
    ++h->counts[static_cast<std::size_t>(bin)];
  }
}

// What a node writes in the two graphs, and its place in the report.
struct Compared {
  ValuePair values;
  std::size_t place = 0;
  double decibel = 0;
};

Status draw(const Graph& prepared, const Graph& int8, const std::vector<Compared>& nodes,
            const graph::QuantizationReport& report, const Calibration& data, std::size_t samples,
            const Options& options, std::vector<NodeHistogram>* worst) {
  std::vector<ValueId> ids;
  std::vector<ValuePair> pairs;
  for (const Compared& node : nodes) {
    ids.push_back(node.values.first);
    pairs.push_back(node.values);
  }
  std::vector<Extremes> ranges(nodes.size());
  DOTORI_RETURN_IF_ERROR(watch(prepared, ids, data, samples, options, "drawing",
                               [&](std::size_t i, std::size_t, const TensorView& view) { ranges[i].add(view); }));
  worst->clear();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    NodeHistogram h;
    h.name = report.nodes[nodes[i].place].name;
    h.fp32 = h.int8 = histogram_of(ranges[i]);
    worst->push_back(std::move(h));
  }
  return watch_both(prepared, int8, pairs, data, samples, options, "drawing",
                    [&](std::size_t i, Span<const float> x, Span<const float> y) {
                      count(x, &(*worst)[i].fp32);
                      count(y, &(*worst)[i].int8);
                    });
}

}  // namespace

Status report_layers(const Graph& prepared, const Graph& int8, const Encodings& encodings, const Calibration& data,
                     std::size_t samples, const Options& options, graph::QuantizationReport* report,
                     std::vector<NodeHistogram>* worst) {
  std::map<std::string, std::size_t> by_name;
  for (std::size_t n = 0; n < prepared.nodes().size(); ++n) by_name[prepared.nodes()[n].name] = n;
  std::vector<Compared> compared;
  report->nodes.clear();
  for (const Node& node : int8.nodes()) {
    const auto found = by_name.find(node.name);
    if (found == by_name.end()) continue;
    const ValueId x = prepared.nodes()[found->second].outputs[0], y = node.outputs[0];
    const graph::Value& value = int8.value(y);
    graph::QuantizedNode entry;
    entry.name = node.name;
    entry.bits = value.type.type == DataType::kInt8 ? 8 : 32;
    if (entry.bits == 8) {
      entry.scale = value.quantization.scales[0];
      entry.zero_point = value.quantization.zero_points[0];
      entry.range = encodings[index(x)].range;
    }
    if (prepared.value(x).type.type == DataType::kFloat32) compared.push_back({{x, y}, report->nodes.size(), 0});
    report->nodes.push_back(std::move(entry));
  }
  std::vector<ValuePair> pairs;
  for (const Compared& node : compared) pairs.push_back(node.values);
  DOTORI_ASSIGN_OR_RETURN(const std::vector<double> decibels,
                          signal_to_noise(prepared, int8, pairs, data, samples, options, "comparing layers"));
  for (std::size_t i = 0; i < compared.size(); ++i) {
    compared[i].decibel = decibels[i];
    report->nodes[compared[i].place].sqnr_db = static_cast<float>(decibels[i]);
  }
  const auto is_float = [&](const Compared& node) { return report->nodes[node.place].bits != 8; };
  compared.erase(std::remove_if(compared.begin(), compared.end(), is_float), compared.end());
  std::stable_sort(compared.begin(), compared.end(),
                   [](const Compared& a, const Compared& b) { return a.decibel < b.decibel; });
  if (compared.size() > kWorst) compared.resize(kWorst);
  return draw(prepared, int8, compared, *report, data, samples, options, worst);
}

}  // namespace dotori::quantize
