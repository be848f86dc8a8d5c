// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::Random;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<SoftmaxF32Kernel> runnable() {
  size_t count = 0;
  const SoftmaxF32Kernel* kernels = softmax_f32_kernels(&count);
  std::vector<SoftmaxF32Kernel> found;
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), kernels[i].isa)) found.push_back(kernels[i]);
  return found;
}

std::vector<double> expected(const std::vector<float>& x, double beta) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (float v : x) largest = std::fmax(largest, beta * v);
  std::vector<double> y;
  for (float v : x) {
    y.push_back(std::exp(beta * v - largest));
    sum += y.back();
  }
  for (double& v : y) v /= sum;
  return y;
}

TEST(SoftmaxF32, RowsAgainstDouble) {
  Random random(1);
  for (const SoftmaxF32Kernel& kernel : runnable())
    for (size_t cols : {1, 2, 5, 7, 8, 9, 16, 21, 85, 1001})
      for (float beta : {1.0f, 0.5f, -2.0f}) {
        const size_t rows = 3;
        GuardedBuffer<float> x(1, random.floats(rows * cols, -12, 12)), y(rows * cols, 2);
        kernel.run_rows(x.data(), y.data(), rows, cols, beta);
        EXPECT_TRUE(y.guards_intact()) << kernel.name << " cols=" << cols;
        for (size_t r = 0; r < rows; ++r) {
          const std::vector<double> want =
              expected(std::vector<float>(x.data() + r * cols, x.data() + (r + 1) * cols), beta);
          for (size_t c = 0; c < cols; ++c)
            ASSERT_NEAR(y[r * cols + c], want[c], 3e-6 * want[c] + 1e-37)
                << kernel.name << " cols=" << cols << " c=" << c;
        }
        const std::vector<float> apart = y.values();
        kernel.run_rows(x.data(), x.data(), rows, cols, beta);
        EXPECT_EQ(x.values(), apart) << kernel.name << " in place";
      }
}

TEST(SoftmaxF32, ColumnsAgainstDoubleAndAnySplitGivesTheSameBits) {
  Random random(2);
  for (const SoftmaxF32Kernel& kernel : runnable())
    for (size_t cols : {1, 3, 8, 11, 19}) {
      const size_t length = 13, stride = cols + 2;
      GuardedBuffer<float> x(3, random.floats(length * stride, -9, 9)), y(length * stride, 1);
      std::memset(y.data(), 0, length * stride * sizeof(float));
      kernel.run_columns(x.data(), y.data(), length, stride, cols, 1);
      EXPECT_TRUE(y.guards_intact()) << kernel.name;
      for (size_t c = 0; c < stride; ++c) {
        std::vector<float> column;
        for (size_t a = 0; a < length; ++a) column.push_back(x[a * stride + c]);
        const std::vector<double> want = expected(column, 1);
        for (size_t a = 0; a < length; ++a) {
          const double wanted = c < cols ? want[a] : 0;  // between the columns nothing is written
          ASSERT_NEAR(y[a * stride + c], wanted, 3e-6 * wanted) << kernel.name << " a=" << a << " c=" << c;
        }
      }
      std::vector<float> split(length * stride, 0.0f);
      for (size_t c = 0; c < cols; c += 3)
        kernel.run_columns(x.data() + c, split.data() + c, length, stride, cols - c < 3 ? cols - c : 3, 1);
      EXPECT_EQ(split, y.values()) << kernel.name;
    }
}

TEST(SoftmaxF32, LargeNumbersInfinitiesAndNan) {
  for (const SoftmaxF32Kernel& kernel : runnable())
    for (bool columns : {false, true}) {
      const auto run = [&](std::vector<float> x) {
        if (columns) {
          kernel.run_columns(x.data(), x.data(), x.size(), 1, 1, 1);
        } else {
          kernel.run_rows(x.data(), x.data(), 1, x.size(), 1);
        }
        return x;
      };
      EXPECT_EQ(run(std::vector<float>(16, 3e38f)), std::vector<float>(16, 1.0f / 16)) << kernel.name;
      EXPECT_EQ(run({-kInf, 0, -3e38f, 0}), (std::vector<float>{0, 0.5f, 0, 0.5f})) << kernel.name;
      for (size_t at : {0u, 4u, 9u}) {
        std::vector<float> x(10, 1.0f);
        x[at] = kNan;
        for (float v : run(x)) EXPECT_TRUE(std::isnan(v)) << kernel.name << " NaN at " << at;
      }
      for (float v : run(std::vector<float>(10, -kInf))) EXPECT_TRUE(std::isnan(v)) << kernel.name;
    }
}

TEST(SoftmaxF32, SelectionFollowsTheIsa) {
  EXPECT_EQ(select_softmax_f32(kIsaNone).isa, kIsaNone);
  EXPECT_EQ(select_softmax_f32(machine_isa()).isa == kIsaNone, machine_isa() == kIsaNone);
}

}  // namespace
}  // namespace dotori::kernels
