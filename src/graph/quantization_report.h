// SPDX-License-Identifier: Apache-2.0
// What is known about how a graph was quantised and what that cost. Travels in the .dtr file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dotori::graph {

// How the range of a quantised value was found. The numbers are stored in .dtr files: never change or reuse one.
enum class RangeMethod : std::uint8_t {
  kNone = 0,        // the node writes float32
  kFixed = 1,       // follows from the operator: sigmoid, softmax, tanh
  kMinMax = 2,      // least and largest value seen
  kAverage = 3,     // mean over the samples of each sample's least and largest value
  kPercentile = 4,  // the rarest values clipped
  kEntropy = 5,     // least Kullback-Leibler divergence from the values seen
  kMse = 6,         // least expected squared error
  kShared = 7,      // taken over from the value that it is moved from or concatenated into
  kCount
};

const char* range_method_name(RangeMethod method) noexcept;  // "min-max", …; static storage

struct QuantizedNode {
  std::string name;             // of a node in the graph
  std::int32_t bits = 8;        // 8 or 32
  float sqnr_db = 0;            // signal to quantisation noise of its output over the calibration samples
  float scale = 0;              // of its output; 0 for a node that writes float32
  std::int32_t zero_point = 0;  // of its output
  RangeMethod range = RangeMethod::kNone;
};

struct QuantizationReport {
  std::string method;  // such as "int8, range auto, equalised, biases corrected"; empty: not quantised by Dotori
  std::int32_t calibration_samples = 0;
  std::string metric;  // such as "top-1" or "AP50", in percent; empty: nobody measured what quantising cost
  std::int32_t metric_samples = 0;
  double before = 0, after = 0;  // the metric, in percent, of the float32 and of this graph
  double max_drop = -1;          // how far `after` was allowed to lie below `before`; negative: no limit was set
  std::uint64_t bytes_before = 0, bytes_after = 0;  // of the two .dtr files
  std::vector<QuantizedNode> nodes;                 // in the graph's order

  bool empty() const noexcept { return method.empty(); }
  bool measured() const noexcept { return !metric.empty(); }
  double drop() const noexcept { return before - after; }
};

}  // namespace dotori::graph
