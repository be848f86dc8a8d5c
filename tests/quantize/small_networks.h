// SPDX-License-Identifier: Apache-2.0
// Networks small enough to reason about, with seeded weights and inputs.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <dotori/dotori.h>

#include "graph/graph.h"
#include "quantize/quantize.h"
#include "support/random.h"

namespace dotori::quantize {

using graph::Activation;
using graph::Function;
using graph::Graph;
using graph::ValueId;

// Appends nodes; a failure is a test failure and gives an invalid id.
class NetworkMaker {
 public:
  explicit NetworkMaker(std::uint64_t seed = 1) : random_(seed) { graph.name = "small"; }

  ValueId input(const Shape& shape, const std::string& name = "x") {
    return graph.add_input(name, DataType::kFloat32, shape);
  }
  ValueId add(const std::string& name, graph::Op op, std::vector<ValueId> inputs) {
    Result<ValueId> id = graph.add_node(name, std::move(op), std::move(inputs));
    if (!id.ok()) ADD_FAILURE() << id.status().message();
    return id.ok() ? *id : ValueId();
  }
  ValueId constant(const std::string& name, const Shape& shape, float low = -1, float high = 1) {
    return graph.add_constant_f32(name, shape, random_.floats(static_cast<std::size_t>(shape.elements()), low, high));
  }
  // A convolution that keeps height and width.
  ValueId conv(const std::string& name, ValueId x, std::int64_t filters, int kernel, Activation activation = {},
               int groups = 1, bool bias = true) {
    const std::int64_t channels = graph.value(x).type.shape[3];
    const float size = 1 / std::sqrt(static_cast<float>(kernel * kernel * channels / groups));
    graph::Conv2d op;
    op.kernel_h = op.kernel_w = kernel;
    op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = kernel / 2;
    op.groups = groups;
    op.activation = activation;
    std::vector<ValueId> inputs = {
        x, constant(name + "/w", {filters, kernel, kernel, channels / groups}, -1.7f * size, 1.7f * size)};
    if (bias) inputs.push_back(constant(name + "/b", {filters}, -0.3f, 0.3f));
    return add(name, op, inputs);
  }

  Graph graph;

 private:
  testing::Random random_;
};

inline Calibration random_calibration(std::size_t samples, float low = -1, float high = 1) {
  Calibration data;
  data.samples = samples;
  data.fill = [=](Session& session, std::size_t i) {
    testing::Random random(1000 + i);
    for (int input = 0; input < session.input_count(); ++input) {
      const TensorView view = session.input(input);
      if (view.f32() == nullptr) return invalid_argument("not float32");
      for (std::int64_t e = 0; e < view.elements(); ++e) view.f32()[e] = random.uniform(low, high);
    }
    return Status();
  };
  return data;
}

// All float32 outputs, one after the other; 8-bit ones as real numbers.
inline std::vector<float> outputs_of(const Graph& graph, const Calibration& data, std::size_t sample) {
  std::vector<float> all;
  const Result<Model> model = Model::from_graph(graph);
  if (!model.ok()) {
    ADD_FAILURE() << model.status().message();
    return all;
  }
  Result<Session> session = Session::create(*model);
  if (!session.ok()) {
    ADD_FAILURE() << session.status().message();
    return all;
  }
  EXPECT_TRUE(data.fill(*session, sample).ok());
  EXPECT_TRUE(session->run().ok());
  for (int i = 0; i < session->output_count(); ++i) {
    const Result<std::vector<float>> values = dequantize(session->output(i));
    if (values.ok()) all.insert(all.end(), values->begin(), values->end());
  }
  return all;
}

inline double sqnr(const std::vector<float>& exact, const std::vector<float>& noisy) {
  EXPECT_EQ(exact.size(), noisy.size());
  double signal = 0, noise = 1e-30;
  for (std::size_t i = 0; i < exact.size() && i < noisy.size(); ++i) {
    signal += static_cast<double>(exact[i]) * static_cast<double>(exact[i]);
    noise += std::pow(static_cast<double>(exact[i]) - static_cast<double>(noisy[i]), 2);
  }
  return 10 * std::log10(signal / noise);
}

}  // namespace dotori::quantize
