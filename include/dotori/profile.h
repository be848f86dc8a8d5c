// SPDX-License-Identifier: Apache-2.0
// Per-node measurements of a session's runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dotori {

struct NodeProfile {
  std::string name;                // the node's name, from the source file; "first .. last" for several that run as one
  std::vector<std::string> nodes;  // the names of all nodes that run in this step, in order
  std::string op;  // the operator, such as "conv2d"; "region of 12" another backend's nodes, "chain of 3" our own
  std::string
      kernel;  // the kernel that was chosen, such as "gemm_f32_6x16__avx2" ("a + b" in a chain), or the backend's name
  std::string others;     // other ways to run it and why they were not chosen; empty where there is none
  double total_ms = 0;    // summed over all profiled runs
  double min_ms = 0;      // the fastest run
  std::int64_t macs = 0;  // multiply-accumulates a run; 0 where the idea does not apply
};

// Filled while SessionOptions::profile is set; one entry for each executed step, in execution order.
struct Profile {
  int runs = 0;
  std::vector<NodeProfile> nodes;
};

}  // namespace dotori
