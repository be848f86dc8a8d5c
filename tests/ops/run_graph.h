// SPDX-License-Identifier: Apache-2.0
// One operator between one input and one output, run through a session.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <dotori/dotori.h>

#include "graph/graph.h"

namespace dotori::testing {

// The backend and thread count combinations every operator must agree on.
inline std::vector<SessionOptions> all_session_options() {
  SessionOptions fast, threaded, reference, xnnpack;
  threaded.num_threads = 3;
  reference.backend = BackendKind::kReference;
  xnnpack.backend = BackendKind::kXnnpack;
  if (!backend_available(BackendKind::kXnnpack)) return {fast, threaded, reference};
  return {fast, threaded, reference, xnnpack};
}

struct OpRun {
  Shape shape;  // of the output
  std::vector<float> values;
  std::string kernel;
};

// x -> op (with the constants behind x as further inputs) -> output. Empty values, and a test failure, when anything
// fails.
inline OpRun run_op(graph::Op op, const Shape& shape, const std::vector<float>& x,
                    const std::vector<std::pair<Shape, std::vector<float>>>& constants, SessionOptions options) {
  OpRun result;
  graph::Graph g;
  std::vector<graph::ValueId> inputs = {g.add_input("x", DataType::kFloat32, shape)};
  for (std::size_t i = 0; i < constants.size(); ++i)
    inputs.push_back(g.add_constant_f32("constant" + std::to_string(i), constants[i].first, constants[i].second));
  Result<graph::ValueId> y = g.add_node("node", std::move(op), std::move(inputs));
  if (!y.ok()) {
    ADD_FAILURE() << y.status().message();
    return result;
  }
  g.outputs = {*y};
  Result<Model> model = Model::from_graph(std::move(g));
  if (!model.ok()) {
    ADD_FAILURE() << model.status().message();
    return result;
  }
  options.profile = true;
  Result<Session> session = Session::create(*model, options);
  if (!session.ok()) {
    ADD_FAILURE() << session.status().message();
    return result;
  }
  const TensorView input = session->input(0);
  EXPECT_EQ(input.elements(), static_cast<std::int64_t>(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) input.f32()[i] = x[i];
  const Status status = session->run();
  EXPECT_TRUE(status.ok()) << status.message();
  const TensorView output = session->output(0);
  result.shape = output.shape;
  result.values.assign(output.f32(), output.f32() + output.elements());
  if (!session->profile().nodes.empty()) result.kernel = session->profile().nodes[0].kernel;
  return result;
}

}  // namespace dotori::testing
