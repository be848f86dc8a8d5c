// SPDX-License-Identifier: Apache-2.0
// Which way to run a node was measured to be fastest on one kind of machine, where there are several. Travels in the
// .dtr file. Hints that change no result beyond the algorithms' rounding: a machine of another kind, and a build that
// lacks an algorithm, go by their estimates as without them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dotori::graph {

// The numbers are stored in .dtr files: never change or reuse one.
enum class Algorithm : std::uint8_t { kEstimated = 0, kGemm = 1, kWinograd = 2, kCount };
// A node and the only reader of its output: each for itself, or as one step (backends/cpu/row_chains.h).
enum class Link : std::uint8_t { kEstimated = 0, kApart = 1, kChained = 2, kCount };

struct NodeChoice {
  Algorithm algorithm = Algorithm::kEstimated;
  Link link = Link::kEstimated;
};

struct Tuning {
  std::string isa;                // host_isa_name() of the machine
  std::int32_t threads = 1;       // that were measured with
  std::vector<NodeChoice> nodes;  // by node of the graph
};

}  // namespace dotori::graph
