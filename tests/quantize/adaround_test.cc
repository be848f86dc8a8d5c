// SPDX-License-Identifier: Apache-2.0
#include "quantize/adaround.h"

#include "small_networks.h"

namespace dotori::quantize {
namespace {

double form(const std::vector<double>& h, const std::vector<double>& d) {
  double sum = 0;
  for (std::size_t a = 0; a < d.size(); ++a) {
    for (std::size_t b = 0; b < d.size(); ++b) sum += d[a] * h[a * d.size() + b] * d[b];
  }
  return sum;
}

TEST(AdaptRounding, OppositeErrorsOfLikeInputsCancel) {
  // Both weights see the same input: rounding both down loses 0.8, one of them up gains back all but 0.2.
  const std::vector<double> h = {1, 1, 1, 1};
  std::vector<bool> moved;
  const double left = descend(h, {-0.4, -0.4}, {1, 1}, &moved);
  EXPECT_EQ(moved, (std::vector<bool>{true, false}));
  EXPECT_NEAR(left, 0.04 / 0.64, 1e-12);
}

TEST(AdaptRounding, IndependentWeightsStayNearest) {
  const std::vector<double> h = {1, 0, 0, 1};
  std::vector<bool> moved;
  EXPECT_EQ(descend(h, {-0.4, 0.3}, {1, -1}, &moved), 1);
  EXPECT_EQ(moved, (std::vector<bool>{false, false}));
}

TEST(AdaptRounding, NeverWorseAndOftenBest) {
  testing::Random random(9);
  double gained = 0;
  for (int trial = 0; trial < 20; ++trial) {
    constexpr std::size_t n = 6;
    std::vector<double> h(n * n, 0.0), errors;
    for (int patch = 0; patch < 12; ++patch) {
      double x[n];
      for (double& v : x) v = static_cast<double>(random.uniform(0, 1));
      for (std::size_t a = 0; a < n; ++a)
        for (std::size_t b = 0; b < n; ++b) h[a * n + b] += x[a] * x[b];
    }
    std::vector<int> can_move;
    for (std::size_t i = 0; i < n; ++i) {
      errors.push_back(static_cast<double>(random.uniform(-0.5f, 0.5f)));
      can_move.push_back(errors.back() < 0 ? 1 : -1);
    }
    std::vector<bool> moved;
    const double left = descend(h, errors, can_move, &moved);
    double best = form(h, errors);
    const double nearest = best;
    for (unsigned bits = 0; bits < (1u << n); ++bits) {
      std::vector<double> d = errors;
      for (std::size_t i = 0; i < n; ++i) d[i] += (bits >> i & 1) != 0 ? can_move[i] : 0;
      best = std::min(best, form(h, d));
    }
    std::vector<double> reached = errors;
    for (std::size_t i = 0; i < n; ++i) reached[i] += moved[i] ? can_move[i] : 0;
    EXPECT_NEAR(form(h, reached), left * nearest, 1e-9);
    EXPECT_LE(left, 1);
    if (nearest > best) gained += (nearest - form(h, reached)) / (nearest - best) / 20;
  }
  EXPECT_GT(gained, 0.75);
}

TEST(AdaptRounding, LessensTheNetworksError) {
  NetworkMaker m(11);
  ValueId x = m.conv("a", m.input({1, 10, 10, 3}), 16, 3, {Function::kRelu, 0, 0});
  x = m.conv("b", x, 16, 3, {Function::kRelu, 0, 0}, 16);
  x = m.conv("c", x, 16, 1, {Function::kRelu, 0, 0});
  m.graph.outputs = {m.conv("d", x, 8, 1)};
  const Calibration data = random_calibration(16, 0.5f, 1);
  Options options;
  options.bias_correction = false;
  const Result<Quantized> nearest = quantize(m.graph, data, options);
  options.adaround = true;
  const Result<Quantized> adapted = quantize(m.graph, data, options);
  ASSERT_TRUE(nearest.ok()) << nearest.status().message();
  ASSERT_TRUE(adapted.ok()) << adapted.status().message();
  double before = 0, after = 0;
  for (std::size_t sample = 100; sample < 104; ++sample) {  // none of the calibration's
    const std::vector<float> exact = outputs_of(m.graph, data, sample);
    before += sqnr(exact, outputs_of(nearest->graph, data, sample));
    after += sqnr(exact, outputs_of(adapted->graph, data, sample));
  }
  EXPECT_GT(after, before);
  EXPECT_NE(adapted->graph.quantization.method.find("rounding adapted in 4 layers"), std::string::npos);
}

}  // namespace
}  // namespace dotori::quantize
