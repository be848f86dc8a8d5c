// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
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

std::vector<ReduceF32Kernel> runnable() {
  size_t count = 0;
  const ReduceF32Kernel* kernels = reduce_f32_kernels(&count);
  std::vector<ReduceF32Kernel> found;
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), kernels[i].isa)) found.push_back(kernels[i]);
  return found;
}

double expected(ReduceFunction f, const std::vector<double>& x) {
  double sum = 0, largest = x[0], least = x[0];
  for (double v : x) {
    sum += v;
    largest = std::fmax(largest, v);
    least = std::fmin(least, v);
  }
  switch (f) {
    case ReduceFunction::kMean: return sum / static_cast<double>(x.size());
    case ReduceFunction::kSum: return sum;
    case ReduceFunction::kMax: return largest;
    default: return least;
  }
}

// The error of a sum of n numbers up to 1 with the blocked order is a few ulps of the sum of magnitudes.
double slack(ReduceFunction f, size_t n) {
  if (f == ReduceFunction::kMean) return 1e-6;
  return f == ReduceFunction::kSum ? 1e-6 * static_cast<double>(n) : 0;
}

TEST(ReduceF32, RowsAgainstDouble) {
  Random random(1);
  for (const ReduceF32Kernel& kernel : runnable())
    for (size_t cols : {1, 3, 7, 8, 9, 17, 40, 255, 256, 257, 264, 1003}) {
      const size_t rows = 3;
      GuardedBuffer<float> x(1, random.floats(rows * cols)), y(rows, 3);
      kernel.run_rows(x.data(), y.data(), rows, cols);
      EXPECT_TRUE(y.guards_intact());
      for (size_t r = 0; r < rows; ++r) {
        const std::vector<double> row(x.data() + r * cols, x.data() + (r + 1) * cols);
        EXPECT_NEAR(y[r], expected(kernel.function, row), slack(kernel.function, cols))
            << kernel.name << " cols=" << cols;
      }
    }
}

TEST(ReduceF32, ColumnsAgainstDoubleAndAnySplitGivesTheSameBits) {
  Random random(2);
  for (const ReduceF32Kernel& kernel : runnable())
    for (size_t cols : {1, 5, 8, 13, 32, 43, 77})
      for (size_t length : {1, 2, 31, 32, 33, 49, 100}) {
        const size_t stride = cols + 5;
        GuardedBuffer<float> x(2, random.floats((length - 1) * stride + cols)), y(cols, 1);
        kernel.run_columns(x.data(), y.data(), length, stride, cols);
        EXPECT_TRUE(y.guards_intact());
        for (size_t c = 0; c < cols; ++c) {
          std::vector<double> column;
          for (size_t a = 0; a < length; ++a) column.push_back(x[a * stride + c]);
          ASSERT_NEAR(y[c], expected(kernel.function, column), slack(kernel.function, length))
              << kernel.name << " c=" << c;
        }
        std::vector<float> split(cols);
        for (size_t c = 0; c < cols; c += 6)
          kernel.run_columns(x.data() + c, split.data() + c, length, stride, cols - c < 6 ? cols - c : 6);
        EXPECT_EQ(split, y.values()) << kernel.name << " length=" << length;
      }
}

TEST(ReduceF32, NegativeNumbersInfinitiesAndNan) {
  for (const ReduceF32Kernel& kernel : runnable()) {
    std::vector<float> x(11, -5.0f);
    float row = 0, column = 0;
    const auto run = [&] {
      kernel.run_rows(x.data(), &row, 1, x.size());
      kernel.run_columns(x.data(), &column, x.size(), 1, 1);
    };
    run();
    EXPECT_EQ(row, kernel.function == ReduceFunction::kSum ? -55 : -5) << kernel.name;
    EXPECT_EQ(column, row) << kernel.name;
    for (size_t at : {0u, 7u, 10u}) {
      const float before = x[at];
      x[at] = kNan;
      run();
      EXPECT_TRUE(std::isnan(row)) << kernel.name << " NaN at " << at;
      EXPECT_TRUE(std::isnan(column)) << kernel.name << " NaN at " << at;
      x[at] = before;
    }
    x[3] = kernel.function == ReduceFunction::kMin ? -kInf : kInf;
    run();
    EXPECT_EQ(row, x[3]) << kernel.name;
    EXPECT_EQ(column, x[3]) << kernel.name;
  }
}

TEST(ReduceF32, LongSumsStayAccurate) {
  // 0.1 is not exact; a plain float loop over these is off by 1e-4 relative.
  const size_t n = 200000;
  const std::vector<float> x(n, 0.1f);
  const double want = static_cast<double>(0.1f);
  for (const ReduceF32Kernel& kernel : runnable()) {
    if (kernel.function != ReduceFunction::kMean) continue;
    float y = 0;
    kernel.run_rows(x.data(), &y, 1, n);
    EXPECT_NEAR(y, want, 1e-6) << kernel.name << " rows";
    kernel.run_columns(x.data(), &y, n, 1, 1);
    EXPECT_NEAR(y, want, 5e-6) << kernel.name << " columns";
  }
}

TEST(ReduceF32, AnySetOfAxes) {
  Random random(5);
  const std::int64_t dims[] = {2, 3, 1, 4, 5};
  const std::vector<float> x = random.floats(120);
  for (unsigned axes = 1; axes < 32; ++axes) {
    const ReduceLoops loops = plan_reduce(dims, 5, axes);
    ASSERT_EQ(loops.kept * loops.reduced, 120u);
    for (int f = 0; f < 4; ++f) {
      std::vector<std::vector<double>> groups(loops.kept);
      for (size_t i = 0; i < x.size(); ++i) {
        size_t index = i, at = 0, size = 1;
        for (int axis = 4; axis >= 0; --axis) {
          const size_t here = index % static_cast<size_t>(dims[axis]);
          index /= static_cast<size_t>(dims[axis]);
          if ((axes >> axis) & 1) continue;
          at += here * size;
          size *= static_cast<size_t>(dims[axis]);
        }
        groups[at].push_back(x[i]);
      }
      std::vector<float> y(loops.kept);
      const size_t half = loops.kept / 2;
      reduce_f32_any__reference(static_cast<ReduceFunction>(f), loops, x.data(), y.data(), 0, half);
      reduce_f32_any__reference(static_cast<ReduceFunction>(f), loops, x.data(), y.data(), half, loops.kept);
      for (size_t i = 0; i < loops.kept; ++i)
        ASSERT_NEAR(y[i], expected(static_cast<ReduceFunction>(f), groups[i]), 1e-5) << "axes=" << axes << " f=" << f;
    }
  }
}

TEST(ReduceF32, PlanMergesAxes) {
  const std::int64_t nhwc[] = {2, 7, 7, 16};
  const ReduceLoops pooling = plan_reduce(nhwc, 4, 0b0110);
  EXPECT_EQ(pooling.reduced_rank, 1);
  EXPECT_EQ(pooling.reduced_dims[0], 49u);
  EXPECT_EQ(pooling.reduced_strides[0], 16u);
  EXPECT_EQ(pooling.kept_rank, 2);
  EXPECT_EQ(pooling.kept_strides[0], 784u);
  EXPECT_EQ(pooling.kept_strides[1], 1u);
}

TEST(ArgMax, FirstLastTiesAndNan) {
  // Three columns of length 4.
  const std::vector<float> x = {1, 5, 2,     //
                                3, 5, kNan,  //
                                3, 0, 9,     //
                                2, 5, kNan};
  std::int32_t first[3], last[3];
  arg_max_f32__reference(x.data(), 4, 3, false, 0, 3, first);
  arg_max_f32__reference(x.data(), 4, 3, true, 0, 3, last);
  EXPECT_EQ(std::vector<std::int32_t>(first, first + 3), (std::vector<std::int32_t>{1, 0, 1}));
  EXPECT_EQ(std::vector<std::int32_t>(last, last + 3), (std::vector<std::int32_t>{2, 3, 3}));
  // The same numbers as rows of 3, two at a time.
  std::int64_t rows[4];
  arg_max_f32__reference(x.data(), 3, 1, false, 0, 2, rows);
  arg_max_f32__reference(x.data(), 3, 1, false, 2, 4, rows);
  EXPECT_EQ(std::vector<std::int64_t>(rows, rows + 4), (std::vector<std::int64_t>{1, 2, 2, 2}));
}

TEST(ReduceF32, SelectionFollowsTheIsa) {
  for (int f = 0; f < static_cast<int>(ReduceFunction::kCount); ++f) {
    const ReduceFunction function = static_cast<ReduceFunction>(f);
    EXPECT_EQ(select_reduce_f32(function, kIsaNone).isa, kIsaNone);
    EXPECT_EQ(select_reduce_f32(function, kIsaNone).function, function);
    EXPECT_EQ(select_reduce_f32(function, machine_isa()).function, function);
    EXPECT_EQ(select_reduce_f32(function, machine_isa()).isa == kIsaNone, machine_isa() == kIsaNone);
  }
}

}  // namespace
}  // namespace dotori::kernels
