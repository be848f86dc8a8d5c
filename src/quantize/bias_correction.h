// SPDX-License-Identifier: Apache-2.0
// Empirical bias correction (Nagel et al. 2019, arXiv 1906.04721, section 4.2): rounding weights and activations moves
// the mean of each output channel, and the bias can move it back.
#pragma once

#include <vector>

#include "quantize/encoding.h"
#include "quantize/quantize.h"

namespace dotori::quantize {

// Fills adjustments->biases for the weighted layers in `int8`: to each channel's bias is added the mean of float32
// minus int8 output over the samples, both computed from the float32 graph's own values, so that every layer makes good
// its own error and nobody else's. Only elements count where neither result is cut off by the fused activation; a
// channel with few of them stays as it is.
Status correct_biases(const graph::Graph& prepared, const Encodings& encodings, const std::vector<bool>& int8,
                      const Calibration& data, std::size_t samples, const Options& options, Adjustments* adjustments);

}  // namespace dotori::quantize
