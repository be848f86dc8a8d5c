// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "graph/graph.h"

namespace dotori::quantize {

// Hands out names that no value, or no node, of a graph has. Graph's own function walks all values each time.
class Names {
 public:
  explicit Names(const graph::Graph& graph) {
    for (const graph::Value& value : graph.values()) values_.insert(value.name);
    for (const graph::Node& node : graph.nodes()) nodes_.insert(node.name);
  }
  std::string unique_value(const std::string& base) { return unique(base, values_); }
  std::string unique_node(const std::string& base) { return unique(base, nodes_); }

 private:
  static std::string unique(const std::string& base, std::set<std::string>& taken) {
    std::string name = base;
    for (int n = 2; !taken.insert(name).second; ++n) name = base + "_" + std::to_string(n);
    return name;
  }
  std::set<std::string> values_, nodes_;
};

}  // namespace dotori::quantize
