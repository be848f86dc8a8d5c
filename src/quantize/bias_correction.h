// SPDX-License-Identifier: Apache-2.0
// Empirical bias correction (Nagel et al. 2019, arXiv 1906.04721, section 4.2): rounding weights and activations moves
// the mean of each output channel, and the bias can move it back.
#pragma once

#include <map>
#include <vector>

#include "quantize/encoding.h"
#include "quantize/quantize.h"

namespace dotori::quantize {

// Adds to the biases of a prepared graph what its int8 layers lose: for each channel of each weighted layer in `int8`,
// the mean of float32 minus int8 output over the samples, both computed from the float32 graph's own values, so that
// every layer makes good its own error and nobody else's. Only elements count where neither result is cut off by the
// fused activation; a channel with few of them stays as it is. Result: layers that were changed.
Result<int> correct_biases(graph::Graph& prepared, const Encodings& encodings, const std::vector<bool>& int8,
                           const std::map<std::string, std::vector<std::int8_t>>* weights, const Calibration& data,
                           std::size_t samples, const Options& options);

}  // namespace dotori::quantize
