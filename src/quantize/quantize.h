// SPDX-License-Identifier: Apache-2.0
// Post-training quantisation: a float32 graph and some of its inputs in, an int8 graph out. Runs on the machine that
// converts, not on the device. Nothing here has shared state; one call uses one thread of its own plus the sessions'.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <dotori/session.h>
#include <dotori/status.h>

#include "graph/graph.h"
#include "graph/quantization_report.h"

namespace dotori::quantize {

// How the range of each value is chosen from what was seen of it.
enum class Observer {
  kAuto,        // for each value, whichever of the others has the least expected error
  kMinMax,      // all that was seen
  kAverage,     // mean of each sample's extremes
  kPercentile,  // 99.99 % of what was seen
  kEntropy,     // least Kullback-Leibler divergence
  kMse,         // least squared error
};

// Inputs that are like those the network will meet. `fill` writes sample i, in [0, samples), into the inputs of a
// session, which are those of the float32 graph: same names, order, types and shapes.
struct Calibration {
  std::size_t samples = 0;
  std::function<Status(Session& session, std::size_t sample)> fill;
};

// How good a graph is, in percent, higher is better; called for float32 and int8 graphs alike, all with the float32
// graph's inputs and outputs.
using Metric = std::function<Result<double>(const graph::Graph& graph)>;

struct Options {
  Observer observer = Observer::kAuto;
  bool equalize = true;
  bool bias_correction = true;
  bool adaround = false;                     // choose each weight's rounding by the layer's output error; takes minutes
  std::set<std::string> keep_fp32;           // names of nodes that stay float32
  DataType input_type = DataType::kFloat32;  // of the graph's float32 inputs: float32, int8 or uint8
  DataType output_type = DataType::kFloat32;  // of its float32 outputs
  int num_threads = 1;                        // of the sessions
  CoreClass cores = CoreClass::kAll;          // as SessionOptions::cores, ::core_mask
  std::uint64_t core_mask = 0;
  std::size_t max_memory_bytes = std::size_t{1} << 30;  // for the values watched at one time

  // Mixed precision: with a metric and max_drop >= 0, the nodes that harm most stay float32 until the metric is at most
  // `max_drop` below the float32 graph's.
  Metric metric;
  std::string metric_name;  // such as "top-1"
  int metric_samples = 0;
  double max_drop = -1;
  // Return the best graph found when max_drop cannot be met, instead of an error.
  bool accept_any_drop = false;

  // Called now and then: what is being done, how much of it is done, how much there is.
  std::function<void(const char* stage, std::size_t done, std::size_t total)> progress;
};

// Counts of a value's elements in equal bins from `low` to `high`, for drawing.
struct Histogram {
  float low = 0, high = 0;
  std::vector<std::uint32_t> counts;
};

// A node whose output has much quantisation noise: what it writes, in float32 and in int8.
struct NodeHistogram {
  std::string name;
  Histogram fp32, int8;
};

struct Quantized {
  graph::Graph graph;                // its `quantization` is filled in but for the sizes
  std::vector<std::string> kept;     // nodes that mixed precision left float32, most harmful first
  std::vector<NodeHistogram> worst;  // the nodes with the lowest signal to noise, worst first
  int metric_evaluations = 0;
};

// `fp32`: a graph that graph::optimize() has passed, with static shapes, not quantised yet. Errors: kInvalidArgument
// (no samples, a name in keep_fp32 that no node has, values that are not finite, a graph quantised already, nothing to
// quantise); kUnsupported when max_drop cannot be met (the message says how near it came); what `fill`, `metric` and
// the sessions return.
Result<Quantized> quantize(const graph::Graph& fp32, const Calibration& data, const Options& options);

}  // namespace dotori::quantize
