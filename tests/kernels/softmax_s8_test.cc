// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax_s8.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/quantize/table_math.h"
#include "support/guarded_buffer.h"
#include "support/int8_inputs.h"
#include "support/random.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;
using dotori::testing::int8_inputs;
using dotori::testing::Random;

std::vector<int8_t> expected(const std::vector<int8_t>& x, const SoftmaxS8& how) {
  const int largest = *std::max_element(x.begin(), x.end());
  int64_t sum = 0;
  for (int8_t v : x) sum += how.table[largest - v];
  std::vector<int8_t> y;
  for (int8_t v : x) {
    const float part = static_cast<float>(how.table[largest - v]) / static_cast<float>(sum);
    const float scaled = part * how.scale;
    const double q = std::nearbyint(static_cast<double>(scaled)) + how.out.zero_point;
    y.push_back(static_cast<int8_t>(std::fmin(std::fmax(q, how.out.low), how.out.high)));
  }
  return y;
}

TEST(SoftmaxS8, RowsByTheRule) {
  Random random(1);
  size_t count = 0;
  const SoftmaxS8Kernel* kernels = softmax_s8_kernels(&count);
  for (double step : {0.0, 0.002, 0.05, 0.7}) {
    int32_t table[256];
    make_softmax_table(step, table);
    for (const QuantizedOutput& out : {QuantizedOutput{1, -128, -128, 127}, QuantizedOutput{1, 9, -100, 127}})
      for (size_t k = 0; k < count; ++k) {
        if (!isa_covers(machine_isa(), kernels[k].isa)) continue;
        const SoftmaxS8 how = {table, 256, out};
        for (size_t cols : {1, 2, 5, 15, 16, 17, 21, 32, 255, 256, 257, 300, 529}) {
          const size_t rows = 3;
          GuardedBuffer<int8_t> x(1, int8_inputs(random, rows * cols)), y(rows * cols, 2);
          kernels[k].run_rows(x.data(), y.data(), rows, cols, how);
          EXPECT_TRUE(y.guards_intact());
          for (size_t r = 0; r < rows; ++r) {
            const std::vector<int8_t> row(x.data() + r * cols, x.data() + (r + 1) * cols);
            const std::vector<int8_t> got(y.data() + r * cols, y.data() + (r + 1) * cols);
            ASSERT_EQ(got, expected(row, how)) << kernels[k].name << " cols=" << cols << " step=" << step;
          }
          kernels[k].run_rows(x.data(), x.data(), rows, cols, how);
          EXPECT_EQ(x.values(), y.values()) << kernels[k].name << " in place";
        }
      }
  }
}

TEST(SoftmaxS8, LongRowsOfTheLargestElement) {
  int32_t table[256];
  make_softmax_table(0.1, table);
  const SoftmaxS8 how = {table, 1e6f, {1, -128, -128, 127}};
  size_t count = 0;
  const SoftmaxS8Kernel* kernels = softmax_s8_kernels(&count);
  for (size_t k = 0; k < count; ++k) {
    if (!isa_covers(machine_isa(), kernels[k].isa)) continue;
    std::vector<int8_t> x(5000, 127);  // the sum of the entries is above 2^32
    kernels[k].run_rows(x.data(), x.data(), 1, x.size(), how);
    EXPECT_EQ(x, std::vector<int8_t>(5000, 200 - 128)) << kernels[k].name;
  }
}

TEST(SoftmaxS8, ColumnsByTheRule) {
  Random random(2);
  int32_t table[256];
  make_softmax_table(0.03, table);
  const SoftmaxS8 how = {table, 256, {1, -128, -128, 127}};
  const size_t length = 7, stride = 6, cols = 4;
  GuardedBuffer<int8_t> x(1, int8_inputs(random, length * stride));
  std::vector<int8_t> y(length * stride, 1);
  softmax_columns_s8__reference(x.data(), y.data(), length, stride, cols, how);
  for (size_t c = 0; c < stride; ++c) {
    std::vector<int8_t> column;
    for (size_t a = 0; a < length; ++a) column.push_back(x[a * stride + c]);
    const std::vector<int8_t> want = expected(column, how);
    for (size_t a = 0; a < length; ++a) EXPECT_EQ(y[a * stride + c], c < cols ? want[a] : 1);
  }
}

TEST(SoftmaxS8, SelectionFollowsTheIsa) {
  EXPECT_EQ(select_softmax_s8(kIsaNone).isa, kIsaNone);
  EXPECT_EQ(select_softmax_s8(machine_isa()).isa == kIsaNone, machine_isa() == kIsaNone);
}

}  // namespace
}  // namespace dotori::kernels
