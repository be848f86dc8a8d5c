// SPDX-License-Identifier: Apache-2.0
// Chains of convolutions that run as one step, a few rows at a time: what lies between them is never a whole tensor,
// and stays in the second-level cache.
//
//   1x1 conv    ▒▒▒▒▒▒░░░░    a band of rows is computed, the depthwise convolution takes what it needs, the rows that
//   depthwise     ▒▒▒▒░░░░    it needs again are kept, and so on down the image
//   1x1 conv        ▒▒░░░░
//
// Every element is computed as without the chain, bit by bit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/plan.h"

namespace dotori::backends::cpu {

struct RowChains {
  std::vector<std::vector<graph::NodeId>> chains;  // each in the order of its links; no node is in two
  std::vector<std::string> ends;  // by node: why it and the next are not links; empty where they cannot be
};

// The chains of `graph`. `free[n]`: node n runs on the CPU and may be in one.
RowChains row_chains(const graph::Graph& graph, const std::vector<bool>& free, const CompileOptions& options);

// One link after the other: begin(node) has made context.node() the link when add() is called; finish() emits the step
// of all with context.node() the last.
class RowChain {
 public:
  RowChain();
  ~RowChain();
  Status add(CompileContext& context);
  Status finish(CompileContext& context);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dotori::backends::cpu
