// SPDX-License-Identifier: Apache-2.0
// Divides a graph between a backend that takes some of its nodes and the CPU, which takes all. A pure function.
#pragma once

#include <string>
#include <vector>

#include <dotori/span.h>

#include "graph/graph.h"

namespace dotori::backends {

// Nodes that run as one step. Convex: no path leaves the region and comes back, so that it can run in one go.
struct NodeRegion {
  std::vector<graph::NodeId> nodes;     // in the graph's order
  std::vector<graph::ValueId> inputs;   // read inside, written outside; without constants; ascending
  std::vector<graph::ValueId> outputs;  // written inside, read outside or outputs of the graph; ascending
};

// What runs as one step.
struct Unit {
  int region = -1;     // index into Partition::regions, or -1: a node on the CPU
  int chain = -1;      // index into Partition::chains, or -1
  graph::NodeId node;  // of the CPU, or the region's first, or the chain's last
};

struct Partition {
  std::vector<NodeRegion> regions;  // in the order of the schedule
  std::vector<int> region_of_node;  // -1: the CPU's
  std::vector<Unit> schedule;       // an order in which the units can run
  // Nodes of the CPU that run as one step; each but the first reads, of what is computed, only what the one before
  // writes, and nothing else reads that.
  std::vector<std::vector<graph::NodeId>> chains;
};

// `taken[n]` says whether the backend takes node n. Two taken nodes, one of which reads the other's output, are in one
// region wherever convexity allows. A reshape at the edge of a region goes to the CPU, where it costs nothing.
Partition partition(const graph::Graph& graph, const std::vector<bool>& taken);

// Makes a unit of each of `chains`, at the place of its last node.
void join_chains(std::vector<std::vector<graph::NodeId>> chains, Partition& partition);

}  // namespace dotori::backends
