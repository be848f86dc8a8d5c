// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce_s8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/guarded_buffer.h"
#include "support/int8_inputs.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::int8_inputs;
using dotori::testing::Random;

std::vector<ReduceS8Kernel> runnable() {
  size_t count = 0;
  const ReduceS8Kernel* kernels = reduce_s8_kernels(&count);
  std::vector<ReduceS8Kernel> found;
  for (size_t i = 0; i < count; ++i)
    if (isa_covers(machine_isa(), kernels[i].isa)) found.push_back(kernels[i]);
  return found;
}

int expected(ReduceFunction f, const std::vector<int8_t>& x, const ReduceS8& how) {
  int64_t acc = 0;
  for (int8_t v : x) acc += v - how.zero_point;
  if (f == ReduceFunction::kMax) acc = *std::max_element(x.begin(), x.end()) - how.zero_point;
  if (f == ReduceFunction::kMin) acc = *std::min_element(x.begin(), x.end()) - how.zero_point;
  float v = static_cast<float>(acc);
  v *= how.scale;
  if (v < 0) v *= how.out.slope;
  const double q = std::nearbyint(static_cast<double>(v)) + how.out.zero_point;
  return static_cast<int>(std::fmin(std::fmax(q, how.out.low), how.out.high));
}

const ReduceS8 kHows[] = {
    {0, 0.5f, {1, 0, -128, 127}},    {-128, 0.0203f, {1, -128, -128, 127}}, {127, 0.0021f, {1, 100, -128, 127}},
    {5, 0.31f, {0.1f, -7, -90, 80}}, {-3, 1e25f, {1, 4, -128, 127}},
};

TEST(ReduceS8, RowsByTheRule) {
  Random random(1);
  for (const ReduceS8Kernel& kernel : runnable())
    for (const ReduceS8& how : kHows)
      for (size_t cols : {1, 5, 15, 16, 17, 49, 255, 4095, 4096, 4097, 4130}) {
        const size_t rows = 2;
        GuardedBuffer<int8_t> x(1, int8_inputs(random, rows * cols)), y(rows, 3);
        kernel.run_rows(x.data(), y.data(), rows, cols, how);
        EXPECT_TRUE(y.guards_intact());
        for (size_t r = 0; r < rows; ++r)
          ASSERT_EQ(y[r], expected(kernel.function, {x.data() + r * cols, x.data() + (r + 1) * cols}, how))
              << kernel.name << " cols=" << cols;
      }
}

TEST(ReduceS8, ColumnsByTheRule) {
  Random random(2);
  for (const ReduceS8Kernel& kernel : runnable())
    for (const ReduceS8& how : kHows)
      for (size_t cols : {1, 3, 15, 16, 17, 40, 64, 83, 130})
        for (size_t length : {1, 2, 49, 256, 257}) {
          const size_t stride = cols + 5;
          GuardedBuffer<int8_t> x(2, int8_inputs(random, (length - 1) * stride + cols)), y(cols, 1);
          kernel.run_columns(x.data(), y.data(), length, stride, cols, how);
          EXPECT_TRUE(y.guards_intact());
          for (size_t c = 0; c < cols; ++c) {
            std::vector<int8_t> column;
            for (size_t a = 0; a < length; ++a) column.push_back(x[a * stride + c]);
            ASSERT_EQ(y[c], expected(kernel.function, column, how)) << kernel.name << " c=" << c << " of " << cols;
          }
        }
}

// All elements at one end: what overflows a 16-bit partial sum.
TEST(ReduceS8, ExtremeSums) {
  for (const ReduceS8Kernel& kernel : runnable())
    for (int8_t element : {int8_t{-128}, int8_t{127}})
      for (int zero_point : {-128, 127}) {
        const size_t length = 1000, cols = 16;
        const std::vector<int8_t> x(length * cols, element);
        std::vector<int8_t> y(cols);
        const ReduceS8 how = {zero_point, 1.0f / 2048, {1, 0, -128, 127}};
        const int want = expected(kernel.function, std::vector<int8_t>(length, element), how);
        kernel.run_columns(x.data(), y.data(), length, cols, cols, how);
        EXPECT_EQ(y, std::vector<int8_t>(cols, static_cast<int8_t>(want))) << kernel.name;
        kernel.run_rows(x.data(), y.data(), 1, x.size(), how);
        EXPECT_EQ(y[0], expected(kernel.function, x, how)) << kernel.name;
      }
}

TEST(ReduceS8, AnySetOfAxes) {
  Random random(5);
  const std::int64_t dims[] = {2, 3, 1, 4, 5};
  const std::vector<int8_t> x = int8_inputs(random, 120);
  for (unsigned axes = 1; axes < 32; ++axes) {
    const ReduceLoops loops = plan_reduce(dims, 5, axes);
    std::vector<std::vector<int8_t>> groups(loops.kept);
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
    for (ReduceFunction f : {ReduceFunction::kSum, ReduceFunction::kMax, ReduceFunction::kMin, ReduceFunction::kMean})
      for (const ReduceS8& how : kHows) {
        std::vector<int8_t> y(loops.kept);
        const size_t half = loops.kept / 2;
        reduce_s8_any__reference(f, loops, x.data(), y.data(), 0, half, how);
        reduce_s8_any__reference(f, loops, x.data(), y.data(), half, loops.kept, how);
        for (size_t i = 0; i < loops.kept; ++i) ASSERT_EQ(y[i], expected(f, groups[i], how)) << "axes=" << axes;
      }
  }
}

TEST(ArgMaxS8, FirstAndLastOfEqualOnes) {
  Random random(6);
  for (size_t length : {1, 2, 21, 60})
    for (size_t stride : {1, 3}) {
      const size_t outputs = 4 * stride;
      std::vector<int8_t> x = int8_inputs(random, outputs * length);
      std::vector<std::int32_t> first(outputs);
      std::vector<std::int64_t> last(outputs);
      arg_max_s8__reference(x.data(), length, stride, false, 0, 2, first.data());
      arg_max_s8__reference(x.data(), length, stride, false, 2, outputs, first.data());
      arg_max_s8__reference(x.data(), length, stride, true, 0, outputs, last.data());
      for (size_t i = 0; i < outputs; ++i) {
        std::vector<int8_t> column;
        for (size_t a = 0; a < length; ++a) column.push_back(x[(i / stride * length + a) * stride + i % stride]);
        const int8_t most = *std::max_element(column.begin(), column.end());
        EXPECT_EQ(first[i], std::find(column.begin(), column.end(), most) - column.begin());
        EXPECT_EQ(last[i], column.rend() - std::find(column.rbegin(), column.rend(), most) - 1);
      }
    }
}

TEST(ReduceS8, SelectionFollowsTheIsa) {
  for (ReduceFunction f : {ReduceFunction::kSum, ReduceFunction::kMax, ReduceFunction::kMin}) {
    EXPECT_EQ(select_reduce_s8(f, kIsaNone).isa, kIsaNone);
    EXPECT_EQ(select_reduce_s8(f, kIsaNone).function, f);
    EXPECT_EQ(select_reduce_s8(f, machine_isa()).function, f);
    EXPECT_EQ(select_reduce_s8(f, machine_isa()).isa == kIsaNone, machine_isa() == kIsaNone);
  }
  EXPECT_EQ(select_reduce_s8(ReduceFunction::kMean).function, ReduceFunction::kSum);
}

}  // namespace
}  // namespace dotori::kernels
