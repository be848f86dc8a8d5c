// SPDX-License-Identifier: Apache-2.0
// Cross-layer equalisation (Nagel et al. 2019, arXiv 1906.04721, section 4.1): the channels between two weighted layers
// are brought to like ranges, so that one scale fits them all. With scales s, y_c / s_c is written by dividing the
// first layer's filter and bias of channel c by s_c and multiplying what the second layer reads from it by s_c; any
// function with f(s x) = s f(x) may stand between.
#pragma once

#include <vector>

#include "quantize/observer.h"

namespace dotori::quantize {

// Changes the weights of a prepared graph, which computes the same function up to rounding on inputs like those seen.
// Between the layers may stand relu, leaky_relu, pools, resizing, means over pixels, padding by zero and concat over
// channels; several layers may read the channels. A clip from 0 (ReLU6) stays as it is: only channels that were never
// seen near its bound are enlarged, and stay below it. Into a depthwise layer, whose channels have scales of their own,
// channels become fully equal; into others s_c is in proportion to the root of the channel's range over that of the
// weights that read it, so that neither becomes hard to quantise. `extremes`, by value: what was seen; brought up to
// date. Result: layers whose output was changed.
Result<int> equalize(graph::Graph& graph, std::vector<Extremes>& extremes);

}  // namespace dotori::quantize
