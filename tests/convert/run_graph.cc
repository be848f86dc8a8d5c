// SPDX-License-Identifier: Apache-2.0
#include "convert/run_graph.h"

#include <dotori/dotori.h>
#include <gtest/gtest.h>

namespace dotori::testing {

std::vector<std::vector<float>> run_graph(const graph::Graph& graph, const std::vector<float>& input) {
  const auto model = Model::from_graph(graph);
  EXPECT_TRUE(model.ok()) << model.status().message();
  if (!model.ok()) return {};
  SessionOptions options;
  options.backend = BackendKind::kReference;
  auto session = Session::create(*model, options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  if (!session.ok()) return {};
  const TensorView x = session->input(0);
  EXPECT_EQ(static_cast<std::size_t>(x.elements()), input.size());
  if (x.f32() == nullptr || static_cast<std::size_t>(x.elements()) != input.size()) return {};
  std::copy(input.begin(), input.end(), x.f32());
  const Status status = session->run();
  EXPECT_TRUE(status.ok()) << status.message();
  std::vector<std::vector<float>> outputs;
  for (int i = 0; i < session->output_count(); ++i) {
    const TensorView y = session->output(i);
    if (y.f32() != nullptr) outputs.emplace_back(y.f32(), y.f32() + y.elements());
  }
  return outputs;
}

}  // namespace dotori::testing
