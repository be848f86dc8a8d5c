// SPDX-License-Identifier: Apache-2.0
// max_pool3d and average_pool3d, float32 and int8, against plain loops on every backend.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/pool3d_check.h"
#include "ops/quantized_graph.h"
#include "ops/run_graph.h"
#include "support/int8_inputs.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::AveragePool3d;
using graph::MaxPool3d;
using testing::make_volume_pool;
using testing::per_tensor;
using testing::VolumeWindow;

// `value_of` makes the output of a window.
template <class Op, class ValueOf>
void check(const Op& op, const Shape& in, const Shape& out, const ValueOf& value_of) {
  testing::Random random(static_cast<std::uint64_t>(in.elements() + op.kernel_w));
  const std::vector<float> x = random.floats(static_cast<std::size_t>(in.elements()), -3, -1);
  const std::vector<VolumeWindow> windows = testing::volume_windows(op, in, x, out);
  std::vector<float> first;
  for (const SessionOptions& options : testing::all_session_options()) {
    const testing::OpRun found = testing::run_op(op, in, x, {}, options);
    ASSERT_EQ(found.shape, out);
    EXPECT_NE(found.kernel.find("pool_f32_"), std::string::npos) << found.kernel;
    for (std::size_t i = 0; i < windows.size(); ++i)
      ASSERT_NEAR(static_cast<double>(found.values[i]), value_of(windows[i]), 2e-6) << found.kernel << " at " << i;
    if (first.empty()) first = found.values;
    EXPECT_EQ(found.values, first) << found.kernel << ": all kernels give the same bits";
  }
}

template <class Op, class ValueOf>
void check_s8(const Op& op, const Shape& in, const Shape& out, const Quantization& x_rule, const Quantization& y_rule,
              const ValueOf& value_of) {
  testing::Random random(static_cast<std::uint64_t>(in.elements() + op.kernel_w));
  const std::vector<std::int8_t> x = testing::int8_inputs(random, static_cast<std::size_t>(in.elements()));
  std::vector<std::int8_t> want;
  for (const VolumeWindow& window : testing::volume_windows(op, in, x, out)) want.push_back(value_of(window));
  graph::Graph g;
  const graph::ValueId input = testing::add_quantized_input(g, "x", in, x_rule);
  const graph::ValueId output = testing::add_quantized_output(g, op, {input}, y_rule);
  ASSERT_TRUE(output.valid());
  EXPECT_EQ(g.value(output).type.shape, out);
  std::string kernel;
  EXPECT_EQ(testing::run_quantized(g, {x}, &kernel), want) << kernel << " " << in.to_string();
  EXPECT_NE(kernel.find("pool_s8_"), std::string::npos) << kernel;
}

double mean(const AveragePool3d& op, const VolumeWindow& w) {
  return w.sum() / (op.count_include_pad ? w.padded : static_cast<int>(w.elements.size()));
}

void check_average_s8(const AveragePool3d& op, const Shape& in, const Shape& out) {
  const Quantization x = per_tensor(0.04f, 9), y = per_tensor(0.03f, -20);
  check_s8(op, in, out, x, y, [&](const VolumeWindow& w) {
    const int inside = static_cast<int>(w.elements.size()), count = op.count_include_pad ? w.padded : inside;
    const float scale = static_cast<float>(static_cast<double>(x.scales[0]) /
                                           (static_cast<double>(y.scales[0]) * static_cast<double>(count)));
    const float sum = static_cast<float>(w.sum() - inside * x.zero_points[0]);
    const double q = std::nearbyint(static_cast<double>(sum * scale)) + y.zero_points[0];
    return static_cast<std::int8_t>(std::min(std::max(q, -128.0), 127.0));
  });
}

TEST(MaxPool3d, Shapes) {
  testing::each_volume_pool<MaxPool3d>([](const MaxPool3d& op, const Shape& in, const Shape& out) {
    check(op, in, out, [](const VolumeWindow& w) { return w.greatest(); });
  });
}

TEST(MaxPool3d, NotANumberStays) {
  const Shape in = {1, 2, 2, 2, 9};
  for (std::size_t at = 0; at < 72; at += 9) {
    std::vector<float> x(72, 1.0f);
    x[at] = std::numeric_limits<float>::quiet_NaN();
    for (const SessionOptions& options : testing::all_session_options()) {
      const testing::OpRun found = testing::run_op(MaxPool3d(), in, x, {}, options);
      EXPECT_TRUE(std::isnan(found.values[0])) << found.kernel;
      EXPECT_EQ(found.values[1], 1.0f) << found.kernel;
    }
  }
}

TEST(AveragePool3d, Shapes) {
  for (bool count_include_pad : {false, true}) {
    testing::each_volume_pool<AveragePool3d>([&](AveragePool3d op, const Shape& in, const Shape& out) {
      op.count_include_pad = count_include_pad;
      check(op, in, out, [&](const VolumeWindow& w) { return mean(op, w); });
    });
  }
}

// More rows than one task takes.
TEST(AveragePool3d, ManyTasks) {
  const AveragePool3d op = make_volume_pool<AveragePool3d>(3, 1, 1);
  check(op, {1, 9, 10, 12, 64}, {1, 9, 10, 12, 64}, [&](const VolumeWindow& w) { return mean(op, w); });
}

TEST(MaxPool3dS8, Shapes) {
  const Quantization q = per_tensor(0.04f, 9);
  testing::each_volume_pool<MaxPool3d>([&](const MaxPool3d& op, const Shape& in, const Shape& out) {
    check_s8(op, in, out, q, q, [](const VolumeWindow& w) { return static_cast<std::int8_t>(w.greatest()); });
  });
}

TEST(AveragePool3dS8, Shapes) {
  for (bool count_include_pad : {false, true}) {
    testing::each_volume_pool<AveragePool3d>([&](AveragePool3d op, const Shape& in, const Shape& out) {
      op.count_include_pad = count_include_pad;
      check_average_s8(op, in, out);
    });
  }
}

TEST(MaxPool3d, Refusals) {
  graph::Graph g;
  const graph::ValueId volume = g.add_input("volume", DataType::kFloat32, {1, 3, 4, 5, 2});
  const graph::ValueId image = g.add_input("image", DataType::kFloat32, {1, 3, 4, 2});
  EXPECT_TRUE(g.add_node("fits", make_volume_pool<MaxPool3d>(3, 1, 0), {volume}).ok());
  EXPECT_FALSE(g.add_node("rank", make_volume_pool<MaxPool3d>(3, 1, 0), {image}).ok());
  EXPECT_FALSE(g.add_node("padding alone", make_volume_pool<MaxPool3d>(2, 1, 2), {volume}).ok());
  const Status large = g.add_node("large", make_volume_pool<MaxPool3d>(4, 1, 0), {volume}).status();
  EXPECT_NE(large.message().find("depth"), std::string::npos) << large.message();
}

}  // namespace
}  // namespace dotori
