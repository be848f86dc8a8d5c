// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "ops/conv_check.h"

namespace dotori {
namespace {

using graph::FullyConnected;
using graph::Function;

// x [rows..., features] * weights^T.
void check(const Shape& in, std::int64_t outputs, bool with_bias, Function function = Function::kIdentity) {
  FullyConnected op;
  op.activation.function = function;
  const std::int64_t features = in[in.rank() - 1], vectors = in.elements() / features;
  testing::Random random(static_cast<std::uint64_t>(in.elements() + outputs));
  const std::vector<float> x = random.floats(static_cast<std::size_t>(in.elements()));
  const std::vector<float> weights = random.floats(static_cast<std::size_t>(outputs * features));
  const std::vector<float> bias = random.floats(static_cast<std::size_t>(outputs));
  std::vector<std::pair<Shape, std::vector<float>>> constants = {{{outputs, features}, weights}};
  if (with_bias) constants.push_back({{outputs}, bias});

  std::vector<float> one_thread;
  for (const SessionOptions& options : testing::all_session_options()) {
    const testing::OpRun found = testing::run_op(op, in, x, constants, options);
    ASSERT_EQ(static_cast<std::int64_t>(found.values.size()), vectors * outputs);
    EXPECT_EQ(found.shape[found.shape.rank() - 1], outputs);
    for (std::int64_t v = 0; v < vectors; ++v) {
      for (std::int64_t o = 0; o < outputs; ++o) {
        double sum = with_bias ? static_cast<double>(bias[static_cast<std::size_t>(o)]) : 0.0;
        for (std::int64_t i = 0; i < features; ++i)
          sum += static_cast<double>(x[static_cast<std::size_t>(v * features + i)]) *
                 static_cast<double>(weights[static_cast<std::size_t>(o * features + i)]);
        ASSERT_NEAR(static_cast<double>(found.values[static_cast<std::size_t>(v * outputs + o)]),
                    testing::activated(op.activation, sum), 2e-7 * static_cast<double>(features + 10))
            << found.kernel << " vector " << v << " output " << o;
      }
    }
    if (options.backend == BackendKind::kReference) {
      EXPECT_EQ(found.kernel, "conv_f32_any__reference");
      continue;
    }
    if (options.backend != BackendKind::kCpu) continue;
    if (one_thread.empty()) one_thread = found.values;
    EXPECT_EQ(found.values, one_thread) << "the bits must not depend on the threads";
  }
}

TEST(FullyConnected, OneVector) {
  for (int outputs : {1, 7, 16, 40, 65, 130}) check({1, 37}, outputs, true);
  check({37}, 10, false);
}
TEST(FullyConnected, SeveralVectors) {
  for (int rows : {2, 3, 5, 6, 7, 13}) check({rows, 29}, 35, true);
  check({2, 3, 4, 20}, 17, true);
}
TEST(FullyConnected, Deep) {
  check({1, 1100}, 30, true);
  check({9, 530}, 20, false);
}
TEST(FullyConnected, Activations) {
  check({1, 50}, 70, true, Function::kRelu);
  check({7, 50}, 30, true, Function::kSilu);
}
// Enough work for the columns to be shared out among threads.
TEST(FullyConnected, ManyTasks) {
  check({1, 1500}, 400, true, Function::kSilu);
}

}  // namespace
}  // namespace dotori
