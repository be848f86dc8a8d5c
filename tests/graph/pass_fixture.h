// SPDX-License-Identifier: Apache-2.0
// A graph to rewrite: passes must keep it valid and its outputs' names and values.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "graph/interpreter.h"
#include "graph/passes/passes.h"
#include "graph/verify.h"
#include "support/random.h"

namespace dotori::graph {

using Pass = std::function<Status(Graph&)>;

class Passes : public ::testing::Test {
 protected:
  ValueId input(const Shape& shape, const char* name = "x") { return g.add_input(name, DataType::kFloat32, shape); }
  ValueId weights(const char* name, const Shape& shape, float low = -1, float high = 1) {
    return g.add_constant_f32(name, shape, random.floats(static_cast<std::size_t>(shape.elements()), low, high));
  }
  ValueId scalar(const char* name, float v) { return g.add_constant_f32(name, {}, {v}); }
  ValueId node(const char* name, Op op, std::vector<ValueId> inputs) {
    Result<ValueId> id = g.add_node(name, std::move(op), std::move(inputs));
    EXPECT_TRUE(id.ok()) << id.status().message();
    return *id;
  }
  ValueId unary(const char* name, Function f, ValueId x, float alpha = 0, float beta = 0) {
    return node(name, Unary{{f, alpha, beta}}, {x});
  }
  ValueId binary(const char* name, BinaryFunction f, ValueId a, ValueId b) { return node(name, Binary{f, {}}, {a, b}); }

  static std::vector<std::vector<double>> outputs_of(const Graph& graph) {
    testing::Interpreter interpreter(graph);
    testing::Random numbers(99);
    for (ValueId id : graph.inputs) {
      const std::vector<float> x =
          numbers.floats(static_cast<std::size_t>(graph.value(id).type.shape.elements()), -4, 4);
      interpreter.set(id, std::vector<double>(x.begin(), x.end()));
    }
    interpreter.run();
    std::vector<std::vector<double>> outputs;
    for (ValueId id : graph.outputs) outputs.push_back(interpreter.get(id).data);
    return outputs;
  }

  // Runs the pass: the graph stays valid, its outputs keep names and values.
  void rewrite(const Pass& pass) {
    const Status before = verify(g);
    ASSERT_TRUE(before.ok()) << before.message();
    const std::vector<std::vector<double>> expected = outputs_of(g);
    std::vector<std::string> names;
    for (ValueId id : g.outputs) names.push_back(g.value(id).name);
    const Status status = pass(g);
    ASSERT_TRUE(status.ok()) << status.message();
    const Status after = verify(g);
    ASSERT_TRUE(after.ok()) << after.message() << "\n" << to_string(g);
    const std::vector<std::vector<double>> found = outputs_of(g);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t o = 0; o < found.size(); ++o) {
      EXPECT_EQ(g.value(g.outputs[o]).name, names[o]);
      ASSERT_EQ(found[o].size(), expected[o].size());
      for (std::size_t i = 0; i < found[o].size(); ++i) {
        ASSERT_FALSE(std::isnan(expected[o][i]));
        ASSERT_NEAR(found[o][i], expected[o][i], 2e-5 * (1 + std::fabs(expected[o][i]))) << names[o] << " " << i;
      }
    }
  }

  Graph g;
  testing::Random random{5};
};

inline Conv2d conv(int kernel, int groups = 1) {
  Conv2d op;
  op.kernel_h = op.kernel_w = kernel;
  op.groups = groups;
  return op;
}

}  // namespace dotori::graph
