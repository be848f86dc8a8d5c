// SPDX-License-Identifier: Apache-2.0
// Small int8 networks for tests: values with a quantisation, and one operator run on every backend.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <dotori/dotori.h>

#include "graph/graph.h"
#include "ops/run_graph.h"

namespace dotori::testing {

inline Quantization per_tensor(float scale, std::int32_t zero_point) {
  Quantization q;
  q.scales = {scale};
  q.zero_points = {zero_point};
  return q;
}

inline graph::ValueId add_quantized_input(graph::Graph& g, const std::string& name, const Shape& shape,
                                          const Quantization& quantization) {
  const graph::ValueId id = g.add_input(name, DataType::kInt8, shape);
  g.value(id).quantization = quantization;
  return id;
}

template <class T>
graph::ValueId add_quantized_constant(graph::Graph& g, const std::string& name, const Shape& shape,
                                      const std::vector<T>& elements, const Quantization& quantization) {
  const DataType type = sizeof(T) == 1 ? DataType::kInt8 : DataType::kInt32;
  Result<graph::ValueId> id = g.add_constant(name, type, shape, elements.data(), elements.size() * sizeof(T));
  EXPECT_TRUE(id.ok()) << id.status().message();
  g.value(*id).quantization = quantization;
  return *id;
}

// Appends the node and makes its int8 output the graph's. A test failure, and an invalid id, when the graph refuses it.
inline graph::ValueId add_quantized_output(graph::Graph& g, graph::Op op, std::vector<graph::ValueId> inputs,
                                           const Quantization& quantization) {
  Result<graph::ValueId> y = g.add_node("node", std::move(op), std::move(inputs));
  if (!y.ok()) {
    ADD_FAILURE() << y.status().message();
    return {};
  }
  g.value(*y).quantization = quantization;
  g.outputs = {*y};
  return *y;
}

// The int8 output 0 for the int8 inputs given, by every backend and several thread counts: all must give the same
// bytes. Empty, and a test failure, when anything fails. `kernel` receives the first node's kernel on the fast backend.
inline std::vector<std::int8_t> run_quantized(const graph::Graph& g,
                                              const std::vector<std::vector<std::int8_t>>& inputs,
                                              std::string* kernel = nullptr) {
  std::vector<std::int8_t> first;
  Result<Model> model = Model::from_graph(g);
  if (!model.ok()) {
    ADD_FAILURE() << model.status().message();
    return first;
  }
  std::vector<SessionOptions> all = all_session_options();
  for (int threads : {2, 8}) {
    all.emplace_back();
    all.back().num_threads = threads;
  }
  for (SessionOptions options : all) {
    options.profile = true;
    Result<Session> session = Session::create(*model, options);
    if (!session.ok()) {
      ADD_FAILURE() << session.status().message();
      return {};
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const TensorView view = session->input(static_cast<int>(i));
      EXPECT_EQ(view.size_bytes, inputs[i].size());
      std::memcpy(view.data, inputs[i].data(), inputs[i].size());
    }
    EXPECT_TRUE(session->run().ok());
    const TensorView output = session->output(0);
    const std::int8_t* bytes = static_cast<const std::int8_t*>(output.data);
    const std::vector<std::int8_t> found(bytes, bytes + output.size_bytes);
    const std::string name = session->profile().nodes.empty() ? "" : session->profile().nodes[0].kernel;
    if (first.empty()) {
      first = found;
      if (kernel != nullptr) *kernel = name;
    }
    EXPECT_EQ(found, first) << name << ", " << options.num_threads << " threads";
  }
  return first;
}

}  // namespace dotori::testing
