// SPDX-License-Identifier: Apache-2.0
// The quantisation report of a model, for people and programs.
#pragma once

#include <string>
#include <vector>

#include "cli/cli.h"
#include "graph/graph.h"
#include "quantize/quantize.h"

namespace dotori::cli {

// "91.33 % to 90.67 % top-1 on 150 photos (-0.67)", or "not measured".
std::string accuracy_text(const graph::QuantizationReport& report);
Json quantization_json(const graph::QuantizationReport& report);
// What stands in a page about any model: the figures, and each layer's bits, noise and scale.
std::string quantization_section(const graph::QuantizationReport& report);
// A page of its own, with the noisiest layers drawn. No scripts, nothing fetched.
std::string quantization_page(const std::string& title, const graph::QuantizationReport& report,
                              const std::vector<quantize::NodeHistogram>& worst);

}  // namespace dotori::cli
