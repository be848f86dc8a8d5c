// SPDX-License-Identifier: Apache-2.0
// Adaptive rounding (the aim of Nagel et al. 2020, arXiv 2004.10568): the weights of a layer are rounded up or down so
// that the layer's output changes least, not each weight by itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "quantize/encoding.h"
#include "quantize/quantize.h"

namespace dotori::quantize {

// By node name: int8 weights for lower(). For each filter the squared output error is d' H d, where d are the rounding
// errors and H = sum of x x' over input patches x, spread over the samples; from rounding to nearest on, the weight
// whose other neighbour lessens the error most moves there, one at a time, then pairs of weights do. Layers whose
// patches hold more than 1,152 inputs are left out, and transposed convolutions.
Result<std::map<std::string, std::vector<std::int8_t>>> adapt_rounding(const graph::Graph& prepared,
                                                                       const std::vector<bool>& int8,
                                                                       const Encodings& encodings,
                                                                       const Calibration& data, std::size_t samples,
                                                                       const Options& options);

// One filter: `errors` are the rounding errors of its weights in steps, `can_move` the step (+1 or -1) to each weight's
// other neighbour, 0 where there is none. `h`: row-major size x size. Sets `moved`. Result: the error's part that is
// left, in (0, 1].
double descend(Span<const double> h, const std::vector<double>& errors, const std::vector<int>& can_move,
               std::vector<bool>* moved);

}  // namespace dotori::quantize
