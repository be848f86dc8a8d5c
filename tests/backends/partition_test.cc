// SPDX-License-Identifier: Apache-2.0
// partition() over hand-made and random graphs, held to its contract by plain reachability.
#include "backends/partition.h"

#include <gtest/gtest.h>

#include <set>

#include "support/random.h"

namespace dotori::backends {
namespace {

using graph::Graph;
using graph::ValueId;

ValueId relu(Graph& g, const std::string& name, ValueId x) {
  graph::Unary op;
  op.activation.function = graph::Function::kRelu;
  return *g.add_node(name, op, {x});
}
ValueId add(Graph& g, const std::string& name, ValueId a, ValueId b) {
  return *g.add_node(name, graph::Binary(), {a, b});
}
ValueId reshape(Graph& g, const std::string& name, ValueId x) {
  graph::Reshape op;
  op.shape = g.value(x).type.shape;
  return *g.add_node(name, op, {x});
}

std::vector<std::string> names(const Graph& g, const NodeRegion& region) {
  std::vector<std::string> all;
  for (graph::NodeId id : region.nodes) all.push_back(g.node(id).name);
  return all;
}
std::vector<std::string> names(const Graph& g, const std::vector<ValueId>& values) {
  std::vector<std::string> all;
  for (ValueId id : values) all.push_back(g.value(id).name);
  return all;
}
using Names = std::vector<std::string>;

TEST(Partition, JoinsAChainToOneRegion) {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 4});
  const ValueId a = relu(g, "a", x), b = relu(g, "b", a), c = relu(g, "c", b), d = relu(g, "d", c);
  g.outputs = {d};
  const Partition p = partition(g, {false, true, true, false});
  ASSERT_EQ(p.regions.size(), 1u);
  EXPECT_EQ(names(g, p.regions[0]), (Names{"b", "c"}));
  EXPECT_EQ(names(g, p.regions[0].inputs), Names{"a"});
  EXPECT_EQ(names(g, p.regions[0].outputs), Names{"c"});
  ASSERT_EQ(p.schedule.size(), 3u);
  EXPECT_EQ(p.schedule[0].region, -1);
  EXPECT_EQ(p.schedule[1].region, 0);
  EXPECT_EQ(p.schedule[2].region, -1);
}

// x -> a -> b (the CPU's) -> sum, and a -> c -> sum: a region of a, c and sum would wait for b, which waits for a.
TEST(Partition, KeepsRegionsConvex) {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 4});
  const ValueId a = relu(g, "a", x), b = relu(g, "b", a), c = relu(g, "c", a), sum = add(g, "sum", b, c);
  g.outputs = {sum};
  const Partition p = partition(g, {true, false, true, true});
  ASSERT_EQ(p.regions.size(), 2u);
  EXPECT_EQ(names(g, p.regions[0]).size() + names(g, p.regions[1]).size(), 3u);
  EXPECT_NE(p.region_of_node[0], p.region_of_node[3]);
}

TEST(Partition, GivesOutWhatTheCallerWantsFromInside) {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 4});
  const ValueId a = relu(g, "a", x), b = relu(g, "b", a);
  g.outputs = {a, b};
  const Partition p = partition(g, {true, true});
  ASSERT_EQ(p.regions.size(), 1u);
  EXPECT_EQ(names(g, p.regions[0].outputs), (Names{"a", "b"}));
}

TEST(Partition, LeavesReshapesAtTheEdgeToTheCpu) {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 4});
  const ValueId first = reshape(g, "first", x), a = relu(g, "a", first), inner = reshape(g, "inner", a),
                b = relu(g, "b", inner), last = reshape(g, "last", b), end = reshape(g, "end", last);
  g.outputs = {end};
  const Partition p = partition(g, std::vector<bool>(6, true));
  ASSERT_EQ(p.regions.size(), 1u);
  EXPECT_EQ(names(g, p.regions[0]), (Names{"a", "inner", "b"}));
  EXPECT_EQ(names(g, p.regions[0].inputs), Names{"first"});
  EXPECT_EQ(names(g, p.regions[0].outputs), Names{"b"});
}

TEST(Partition, HasNoRegionsWhenNothingIsTaken) {
  Graph g;
  const ValueId x = g.add_input("x", DataType::kFloat32, {1, 4});
  g.outputs = {relu(g, "a", x)};
  const Partition p = partition(g, {false});
  EXPECT_TRUE(p.regions.empty());
  ASSERT_EQ(p.schedule.size(), 1u);
  EXPECT_EQ(p.schedule[0].node.index, 0);
}

Graph random_graph(testing::Random& random, int nodes, bool reshapes) {
  Graph g;
  std::vector<ValueId> values = {g.add_input("x", DataType::kFloat32, {1, 4})};
  const auto any = [&] {
    // Mostly recent values, so that chains come about.
    const int newest = static_cast<int>(values.size()) - 1;
    return values[static_cast<std::size_t>(random.integer(std::max(0, newest - 4), newest))];
  };
  for (int n = 0; n < nodes; ++n) {
    const std::string name = "n" + std::to_string(n);
    const int kind = random.integer(0, reshapes ? 3 : 2);
    values.push_back(kind == 0   ? add(g, name, any(), any())
                     : kind == 3 ? reshape(g, name, any())
                                 : relu(g, name, any()));
  }
  g.outputs = {values.back(), values[static_cast<std::size_t>(random.integer(1, nodes))]};
  return g;
}

std::set<int> readers(const Graph& g, ValueId id) {
  std::set<int> all;
  for (std::size_t n = 0; n < g.nodes().size(); ++n)
    for (ValueId input : g.nodes()[n].inputs)
      if (input == id) all.insert(static_cast<int>(n));
  return all;
}

// Every node once, each after what it reads; inputs and outputs of the regions from their definition.
void expect_sound(const Graph& g, const Partition& p, const std::vector<bool>& taken) {
  const std::size_t nodes = g.nodes().size();
  std::vector<int> position(nodes, -1);
  for (std::size_t s = 0; s < p.schedule.size(); ++s) {
    const Unit& unit = p.schedule[s];
    std::vector<graph::NodeId> members = {unit.node};
    if (unit.region >= 0) members = p.regions[static_cast<std::size_t>(unit.region)].nodes;
    ASSERT_FALSE(members.empty());
    EXPECT_EQ(members[0].index, unit.node.index);
    for (graph::NodeId id : members) {
      ASSERT_EQ(position[static_cast<std::size_t>(id.index)], -1) << "scheduled twice";
      position[static_cast<std::size_t>(id.index)] = static_cast<int>(s);
      EXPECT_EQ(p.region_of_node[static_cast<std::size_t>(id.index)], unit.region);
      if (unit.region >= 0) {
        EXPECT_TRUE(taken[static_cast<std::size_t>(id.index)]);
      }
    }
  }
  for (std::size_t n = 0; n < nodes; ++n) {
    ASSERT_GE(position[n], 0) << "never scheduled";
    for (int reader : readers(g, g.nodes()[n].outputs[0])) {
      // Equal only inside a region: an order of this kind exists for convex regions only.
      EXPECT_LE(position[n], position[static_cast<std::size_t>(reader)]);
      if (position[n] == position[static_cast<std::size_t>(reader)]) {
        EXPECT_GE(p.region_of_node[n], 0);
      }
    }
  }
  for (const NodeRegion& region : p.regions) {
    std::set<int> inside, inputs, outputs;
    for (graph::NodeId id : region.nodes) inside.insert(id.index);
    for (int n : inside) {
      for (ValueId id : g.nodes()[static_cast<std::size_t>(n)].inputs)
        if (inside.count(g.producer(id).index) == 0) inputs.insert(id.index);
      const ValueId out = g.nodes()[static_cast<std::size_t>(n)].outputs[0];
      bool wanted = std::find(g.outputs.begin(), g.outputs.end(), out) != g.outputs.end();
      for (int reader : readers(g, out)) wanted = wanted || inside.count(reader) == 0;
      if (wanted) outputs.insert(out.index);
    }
    std::set<int> found_inputs, found_outputs;
    for (ValueId id : region.inputs) found_inputs.insert(id.index);
    for (ValueId id : region.outputs) found_outputs.insert(id.index);
    EXPECT_EQ(found_inputs, inputs);
    EXPECT_EQ(found_outputs, outputs);
    EXPECT_EQ(region.inputs.size(), inputs.size()) << "one twice";
    EXPECT_EQ(region.outputs.size(), outputs.size()) << "one twice";
  }
}

// reach[a][b]: a path leads from unit a to unit b.
std::vector<std::vector<bool>> reachability(const Graph& g, const std::vector<int>& unit, std::size_t units) {
  std::vector<std::vector<bool>> reach(units, std::vector<bool>(units));
  for (std::size_t n = 0; n < unit.size(); ++n)
    for (int reader : readers(g, g.nodes()[n].outputs[0]))
      if (unit[n] != unit[static_cast<std::size_t>(reader)])
        reach[static_cast<std::size_t>(unit[n])][static_cast<std::size_t>(unit[static_cast<std::size_t>(reader)])] =
            true;
  for (std::size_t k = 0; k < units; ++k)
    for (std::size_t i = 0; i < units; ++i)
      for (std::size_t j = 0; j < units; ++j)
        if (reach[i][k] && reach[k][j]) reach[i][j] = true;
  return reach;
}

TEST(Partition, IsSoundOnRandomGraphs) {
  testing::Random random(11);
  for (int round = 0; round < 150; ++round) {
    const int nodes = random.integer(1, 30);
    const Graph g = random_graph(random, nodes, true);
    std::vector<bool> taken;
    for (int n = 0; n < nodes; ++n) taken.push_back(random.integer(0, 3) != 0);
    expect_sound(g, partition(g, taken), taken);
    if (::testing::Test::HasFailure()) FAIL() << "round " << round << "\n" << graph::to_string(g);
  }
}

// Two regions with an edge between them stay apart only when joining them would make a cycle.
TEST(Partition, IsMaximalOnRandomGraphs) {
  testing::Random random(12);
  for (int round = 0; round < 100; ++round) {
    const int nodes = random.integer(2, 24);
    const Graph g = random_graph(random, nodes, false);
    std::vector<bool> taken;
    for (int n = 0; n < nodes; ++n) taken.push_back(random.integer(0, 3) != 0);
    const Partition p = partition(g, taken);
    std::vector<int> unit(static_cast<std::size_t>(nodes));
    for (std::size_t s = 0; s < p.schedule.size(); ++s) {
      unit[static_cast<std::size_t>(p.schedule[s].node.index)] = static_cast<int>(s);
      if (p.schedule[s].region < 0) continue;
      for (graph::NodeId id : p.regions[static_cast<std::size_t>(p.schedule[s].region)].nodes)
        unit[static_cast<std::size_t>(id.index)] = static_cast<int>(s);
    }
    const auto reach = reachability(g, unit, p.schedule.size());
    for (int n = 0; n < nodes; ++n) {
      for (int reader : readers(g, g.nodes()[static_cast<std::size_t>(n)].outputs[0])) {
        const auto from = static_cast<std::size_t>(unit[static_cast<std::size_t>(n)]);
        const auto to = static_cast<std::size_t>(unit[static_cast<std::size_t>(reader)]);
        if (from == to || p.schedule[from].region < 0 || p.schedule[to].region < 0) continue;
        bool detour = false;
        for (std::size_t k = 0; k < p.schedule.size(); ++k) detour = detour || (reach[from][k] && reach[k][to]);
        EXPECT_TRUE(detour) << "n" << n << " and n" << reader << " could be in one region\n" << graph::to_string(g);
      }
    }
  }
}

}  // namespace
}  // namespace dotori::backends
