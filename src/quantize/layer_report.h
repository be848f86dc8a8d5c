// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "quantize/encoding.h"
#include "quantize/quantize.h"

namespace dotori::quantize {

// Fills report->nodes: every node of `int8` that `prepared` has too, in order, with the noise of its output over the
// first `samples` samples, noise from the nodes before it included. `encodings`: those that `int8` was made with. The
// int8 nodes with the most noise go to `worst`, noisiest first, with what they write.
Status report_layers(const graph::Graph& prepared, const graph::Graph& int8, const Encodings& encodings,
                     const Calibration& data, std::size_t samples, const Options& options,
                     graph::QuantizationReport* report, std::vector<NodeHistogram>* worst);

}  // namespace dotori::quantize
