// SPDX-License-Identifier: Apache-2.0
// Looks at the values inside a graph while it runs.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "quantize/quantize.h"

namespace dotori::quantize {

// One graph with some of its values made visible. Nodes that none of them needs do not run.
class Watcher {
 public:
  // Each of `watched` must be a graph input or written by a node. Of `options` the threads and cores count.
  static Result<Watcher> create(const graph::Graph& graph, Span<const graph::ValueId> watched, const Options& options);
  Status run(const Calibration& data, std::size_t sample);
  // watched[i] of the last run. An 8-bit value has its scale.
  TensorView view(std::size_t i);

 private:
  Watcher(Session session, std::vector<int> places) : session_(std::move(session)), places_(std::move(places)) {}
  Session session_;
  std::vector<int> places_;  // at or above 0 among the outputs, below 0 input -1 - place
};

// Runs `graph` on the samples [0, samples) and calls visit(i, sample, elements of watched[i]) for each watched value.
// When they need more than options.max_memory_bytes together, several sessions run one after the other. The stage and
// the samples done go to options.progress. Errors: those of the session and of `data.fill`.
Status watch(const graph::Graph& graph, const std::vector<graph::ValueId>& watched, const Calibration& data,
             std::size_t samples, const Options& options, const char* stage,
             const std::function<void(std::size_t which, std::size_t sample, const TensorView& view)>& visit);

// Likewise for two graphs side by side: a value of each. 8-bit values are handed over as float32.
using ValuePair = std::pair<graph::ValueId, graph::ValueId>;
Status watch_both(const graph::Graph& a, const graph::Graph& b, const std::vector<ValuePair>& watched,
                  const Calibration& data, std::size_t samples, const Options& options, const char* stage,
                  const std::function<void(std::size_t which, Span<const float> a, Span<const float> b)>& visit);

}  // namespace dotori::quantize
