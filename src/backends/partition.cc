// SPDX-License-Identifier: Apache-2.0
#include "backends/partition.h"

#include <algorithm>

namespace dotori::backends {
namespace {

using graph::Graph;
using graph::Node;
using graph::NodeId;
using graph::ValueId;

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

// Every node starts as a unit of its own. Two units that an edge joins become one unless another unit lies between
// them: then each would wait for the other.
class Units {
 public:
  Units(const Graph& graph, const std::vector<bool>& taken) : graph_(graph), taken_(taken) {
    const std::size_t nodes = graph.nodes().size();
    producer_.assign(graph.values().size(), -1);
    readers_.resize(nodes);
    for (std::size_t n = 0; n < nodes; ++n) {
      unit_.push_back(static_cast<int>(n));
      members_.push_back({static_cast<int>(n)});
      for (ValueId id : graph.nodes()[n].outputs) producer_[at(id.index)] = static_cast<int>(n);
      for (ValueId id : graph.nodes()[n].inputs)
        if (id.valid() && producer_[at(id.index)] >= 0)
          readers_[at(producer_[at(id.index)])].push_back(static_cast<int>(n));
    }
    visited_.assign(nodes, 0);
  }

  void merge_all() {
    // A merge can make a path that was in the way a direct edge, so repeat until nothing changes.
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t n = 0; n < readers_.size(); ++n)
        for (int reader : readers_[n]) changed = merge(static_cast<int>(n), reader) || changed;
    }
  }

  void release_edge_reshapes() {
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t n = 0; n < unit_.size(); ++n)
        if (taken_[n] && std::holds_alternative<graph::Reshape>(graph_.nodes()[n].op))
          changed = release_if_at_edge(static_cast<int>(n)) || changed;
    }
  }

  // Units in an order that respects the edges; of those that could be next, the one with the earliest node.
  std::vector<int> order() const {
    std::vector<int> waiting(unit_.size(), 0);
    for_each_edge([&](int from, int to) { waiting[at(to)] += from != to; });
    std::vector<int> ready, sorted;  // `ready` is a heap, the earliest node on top
    const auto later = [&](int a, int b) { return members_[at(a)][0] > members_[at(b)][0]; };
    const auto push = [&](int unit) {
      ready.push_back(unit);
      std::push_heap(ready.begin(), ready.end(), later);
    };
    for (std::size_t u = 0; u < members_.size(); ++u)
      if (!members_[u].empty() && waiting[u] == 0) push(static_cast<int>(u));
    while (!ready.empty()) {
      std::pop_heap(ready.begin(), ready.end(), later);
      const int unit = ready.back();
      ready.pop_back();
      sorted.push_back(unit);
      for (int member : members_[at(unit)])
        for (int reader : readers_[at(member)])
          if (unit_[at(reader)] != unit && --waiting[at(unit_[at(reader)])] == 0) push(unit_[at(reader)]);
    }
    return sorted;
  }

  const std::vector<int>& members(int unit) const { return members_[at(unit)]; }
  bool is_region(int unit) const { return taken_[at(members_[at(unit)][0])]; }

  NodeRegion region(int unit) const {
    NodeRegion region;
    std::vector<bool> written(graph_.values().size()), read_here(graph_.values().size());
    for (int member : members_[at(unit)]) {
      region.nodes.push_back(NodeId{member});
      const Node& node = graph_.nodes()[at(member)];
      for (ValueId id : node.inputs)
        if (id.valid() && !graph_.value(id).is_constant()) read_here[at(id.index)] = true;
      for (ValueId id : node.outputs) written[at(id.index)] = true;
    }
    const std::vector<bool> wanted = wanted_outside(unit);
    for (std::size_t v = 0; v < written.size(); ++v) {
      const ValueId id{static_cast<std::int32_t>(v)};
      if (read_here[v] && !written[v]) region.inputs.push_back(id);
      if (written[v] && wanted[v]) region.outputs.push_back(id);
    }
    return region;
  }

 private:
  template <class Visit>
  void for_each_edge(const Visit& visit) const {
    for (std::size_t n = 0; n < readers_.size(); ++n)
      for (int reader : readers_[n]) visit(unit_[n], unit_[at(reader)]);
  }

  std::vector<bool> wanted_outside(int unit) const {
    std::vector<bool> wanted(graph_.values().size());
    for (ValueId id : graph_.outputs) wanted[at(id.index)] = true;
    for (std::size_t n = 0; n < unit_.size(); ++n) {
      if (unit_[n] == unit) continue;
      for (ValueId id : graph_.nodes()[n].inputs)
        if (id.valid()) wanted[at(id.index)] = true;
    }
    return wanted;
  }

  bool merge(int from_node, int to_node) {
    const int from = unit_[at(from_node)], to = unit_[at(to_node)];
    if (from == to || !taken_[at(from_node)] || !taken_[at(to_node)] || path_between(from, to)) return false;
    for (int member : members_[at(to)]) unit_[at(member)] = from;
    std::vector<int>& joined = members_[at(from)];
    joined.insert(joined.end(), members_[at(to)].begin(), members_[at(to)].end());
    std::sort(joined.begin(), joined.end());
    members_[at(to)].clear();
    return true;
  }

  // Whether a path of three units or more leads from `from` to `to`.
  bool path_between(int from, int to) {
    ++round_;
    std::vector<int> open;
    visited_[at(from)] = round_;
    const auto expand = [&](int unit) {
      for (int member : members_[at(unit)])
        for (int reader : readers_[at(member)]) {
          const int next = unit_[at(reader)];
          if (next == to) {
            if (unit != from) return true;
          } else if (visited_[at(next)] != round_) {
            visited_[at(next)] = round_;
            open.push_back(next);
          }
        }
      return false;
    };
    if (expand(from)) return true;
    while (!open.empty()) {
      const int unit = open.back();
      open.pop_back();
      if (expand(unit)) return true;
    }
    return false;
  }

  bool release_if_at_edge(int node) {
    const int unit = unit_[at(node)];
    const ValueId input = graph_.nodes()[at(node)].inputs[0];
    const int writer = producer_[at(input.index)];
    const bool first = writer < 0 || unit_[at(writer)] != unit;
    const bool last = std::none_of(readers_[at(node)].begin(), readers_[at(node)].end(),
                                   [&](int reader) { return unit_[at(reader)] == unit; });
    if (!first && !last) return false;
    taken_[at(node)] = false;
    std::vector<int>& members = members_[at(unit)];
    if (members.size() == 1) return true;
    members.erase(std::find(members.begin(), members.end(), node));
    // Units carry the number of one of their nodes: the rest moves when the node that leaves gave its own.
    if (unit == node) {
      const int other = members[0];
      for (int member : members) unit_[at(member)] = other;
      members_[at(other)] = std::move(members);
    }
    members_[at(node)] = {node};
    unit_[at(node)] = node;
    return true;
  }

  const Graph& graph_;
  std::vector<bool> taken_;
  std::vector<int> producer_;              // by value
  std::vector<std::vector<int>> readers_;  // by node
  std::vector<int> unit_;                  // by node
  std::vector<std::vector<int>> members_;  // by unit, ascending; empty: no such unit any more
  std::vector<int> visited_;
  int round_ = 0;
};

}  // namespace

Partition partition(const Graph& graph, const std::vector<bool>& taken) {
  Units units(graph, taken);
  units.merge_all();
  units.release_edge_reshapes();

  Partition result;
  result.region_of_node.assign(graph.nodes().size(), -1);
  for (int unit : units.order()) {
    Unit scheduled;
    scheduled.node = NodeId{units.members(unit)[0]};
    if (units.is_region(unit)) {
      scheduled.region = static_cast<int>(result.regions.size());
      for (int member : units.members(unit)) result.region_of_node[at(member)] = scheduled.region;
      result.regions.push_back(units.region(unit));
    }
    result.schedule.push_back(scheduled);
  }
  return result;
}

void join_chains(std::vector<std::vector<NodeId>> chains, Partition& partition) {
  std::vector<int> chain_of(partition.region_of_node.size(), -1);
  for (std::size_t c = 0; c < chains.size(); ++c)
    for (NodeId id : chains[c]) chain_of[at(id.index)] = static_cast<int>(c);
  std::vector<Unit> schedule;
  for (Unit unit : partition.schedule) {
    if (unit.region < 0) unit.chain = chain_of[at(unit.node.index)];
    if (unit.chain < 0 || chains[at(unit.chain)].back().index == unit.node.index) schedule.push_back(unit);
  }
  partition.schedule = std::move(schedule);
  partition.chains = std::move(chains);
}

}  // namespace dotori::backends
