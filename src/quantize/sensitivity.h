// SPDX-License-Identifier: Apache-2.0
// How much noise quantising brings, where, and which nodes bring most of it.
#pragma once

#include <string>
#include <vector>

#include "quantize/lower.h"
#include "quantize/watch.h"

namespace dotori::quantize {

// 10 log10(signal / noise), at most 99; 99 when there is no noise.
double decibel(double signal, double noise) noexcept;

// Of each pair of values, `b` against `a`: decibels over all samples' elements together.
Result<std::vector<double>> signal_to_noise(const graph::Graph& a, const graph::Graph& b,
                                            const std::vector<ValuePair>& values, const Calibration& data,
                                            std::size_t samples, const Options& options, const char* stage);

// How well `b` keeps the outputs of `a`, in decibels: noise against the spread of each output's channels (of the whole
// output where a channel has few elements), averaged over channels, then outputs, so that neither pixels nor
// probabilities in one tensor drown the others. Both graphs have the same outputs, in float32 or 8 bits.
Result<double> output_quality(const graph::Graph& a, const graph::Graph& b, const Calibration& data,
                              std::size_t samples, const Options& options, const char* stage);

struct Harm {
  std::string node;
  double decibel = 0;  // output_quality() with this node alone in int8
  double price = 0;    // the part of the network's weights and of its work that the node has; at least a little
};
// For each int8 node that is not just moving elements; the one whose noise costs least to get rid of first.
Result<std::vector<Harm>> rank_by_harm(const graph::Graph& prepared, const std::vector<bool>& int8,
                                       const Encodings& encodings, const LowerOptions& lower_options,
                                       const Calibration& data, std::size_t samples, const Options& options);

}  // namespace dotori::quantize
