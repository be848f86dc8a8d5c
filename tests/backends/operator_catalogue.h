// SPDX-License-Identifier: Apache-2.0
// Every operator as a small network of its own, in the variants that a backend may treat differently.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace dotori::testing {

struct OperatorCase {
  std::string name;  // "conv2d_3x3_relu6", "conv2d_s8_stride2"; letters, digits and underscores
  graph::Graph graph;
  // Whether XNNPACK, in any version, runs the node; where false the CPU does. The test asks both.
  bool xnnpack = false;
};

// float32 and whole numbers.
std::vector<OperatorCase> float_catalogue();
// int8 with scales; inputs and outputs of the graphs are int8, or float32 at a quantize or dequantize.
std::vector<OperatorCase> int8_catalogue();

}  // namespace dotori::testing
