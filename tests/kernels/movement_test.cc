// SPDX-License-Identifier: Apache-2.0
#include "kernels/movement/movement.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "support/guarded_buffer.h"

namespace dotori::kernels {
namespace {

using dotori::testing::GuardedBuffer;

using Dims = std::vector<std::int64_t>;

Dims dense_strides(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

std::int64_t product(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1},
                         [](std::int64_t a, std::int64_t b) { return a * b; });
}

template <class T>
std::vector<T> counting(std::int64_t n) {
  std::vector<T> v(static_cast<size_t>(n));
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<T>(i * 7 + 1);
  return v;
}

// Transposes by plan_copy, in two parts, and by index arithmetic.
template <class T>
void check_transpose(const Dims& dims, const std::vector<int>& perm, int expected_rank) {
  const int rank = static_cast<int>(dims.size());
  const Dims strides = dense_strides(dims);
  Dims out_dims, src_strides;
  for (int p : perm) {
    out_dims.push_back(dims[static_cast<size_t>(p)]);
    src_strides.push_back(strides[static_cast<size_t>(p)]);
  }
  const Dims out_strides = dense_strides(out_dims);
  const CopyLoops loops = plan_copy(out_dims.data(), src_strides.data(), out_strides.data(), rank, sizeof(T));
  EXPECT_EQ(loops.rank, expected_rank);
  const std::vector<T> x = counting<T>(product(dims));
  GuardedBuffer<T> y(x.size(), 1);
  copy_loops(loops, x.data(), y.data(), 0, loops.outer() / 2);
  copy_loops(loops, x.data(), y.data(), loops.outer() / 2, loops.outer());
  EXPECT_TRUE(y.guards_intact());
  for (std::int64_t i = 0; i < product(dims); ++i) {
    std::int64_t from = 0;
    for (size_t k = 0; k < out_dims.size(); ++k) from += i / out_strides[k] % out_dims[k] * src_strides[k];
    ASSERT_EQ(y[static_cast<size_t>(i)], x[static_cast<size_t>(from)]) << "element " << i;
  }
}

TEST(CopyLoops, TransposesOfEveryElementSize) {
  check_transpose<float>({1, 5, 7, 3}, {0, 3, 1, 2}, 2);
  check_transpose<float>({2, 35, 41, 3}, {0, 3, 1, 2}, 3);
  check_transpose<float>({37, 70}, {1, 0}, 2);
  check_transpose<std::uint8_t>({37, 70}, {1, 0}, 2);
  check_transpose<std::int64_t>({37, 70}, {1, 0}, 2);
  check_transpose<float>({2, 3, 4, 5, 2, 3}, {5, 4, 3, 2, 1, 0}, 6);
  check_transpose<std::int64_t>({2, 3, 4, 5, 2, 3}, {1, 0, 4, 5, 2, 3}, 4);
  check_transpose<float>({2, 3, 4, 5}, {0, 2, 1, 3}, 3);
  check_transpose<float>({4, 5}, {0, 1}, 0);
  // The shuffle of two groups of channels.
  for (std::int64_t half : {1, 3, 8, 29, 58}) {
    const int rank = half == 1 ? 0 : 3;
    check_transpose<float>({2, 9, 2, half}, {0, 1, 3, 2}, rank);
    check_transpose<std::uint8_t>({2, 9, 2, half}, {0, 1, 3, 2}, rank);
    check_transpose<std::int64_t>({2, 9, 2, half}, {0, 1, 3, 2}, rank);
  }
  check_transpose<std::uint8_t>({1, 1, 9}, {2, 0, 1}, 0);
}

TEST(CopyLoops, StridedAndReversedSource) {
  // y[i][j] = x[7 - 3 i][1 + 2 j] of x [8][6].
  const std::vector<float> x = counting<float>(48);
  const Dims dims = {3, 2}, src = {-3 * 6, 2}, dst = {2, 1};
  const CopyLoops loops = plan_copy(dims.data(), src.data(), dst.data(), 2, sizeof(float));
  GuardedBuffer<float> y(6, 3);
  copy_loops(loops, x.data() + 7 * 6 + 1, y.data(), 0, loops.outer());
  EXPECT_TRUE(y.guards_intact());
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 2; ++j)
      EXPECT_EQ(y[static_cast<size_t>(i * 2 + j)], x[static_cast<size_t>((7 - 3 * i) * 6 + 1 + 2 * j)]);
}

TEST(CopyLoops, EveryRunLength) {
  // Rows of `run` bytes out of a wider source into a wider destination.
  for (std::int64_t run = 1; run <= 70; ++run) {
    const std::vector<std::uint8_t> x = counting<std::uint8_t>(5 * (run + 3));
    const Dims dims = {5, run}, src = {run + 3, 1}, dst = {run + 1, 1};
    const CopyLoops loops = plan_copy(dims.data(), src.data(), dst.data(), 2, 1);
    EXPECT_EQ(loops.rank, 1);
    EXPECT_EQ(loops.run_bytes, static_cast<size_t>(run));
    std::vector<std::uint8_t> y(static_cast<size_t>(5 * (run + 1)), 0);
    copy_loops(loops, x.data(), y.data(), 0, 5);
    for (std::int64_t r = 0; r < 5; ++r)
      for (std::int64_t i = 0; i <= run; ++i)
        ASSERT_EQ(y[static_cast<size_t>(r * (run + 1) + i)], i < run ? x[static_cast<size_t>(r * (run + 3) + i)] : 0)
            << run;
  }
}

// The source of every index of a padded axis.
Dims sources(PadMode mode, std::int64_t dim, std::int64_t before, std::int64_t after) {
  Dims from;
  for (std::int64_t i = 0; i < before + dim + after; ++i) from.push_back(pad_source(mode, dim, before, i));
  return from;
}

TEST(PadSource, EveryMode) {
  EXPECT_EQ(sources(PadMode::kConstant, 3, 2, 1), (Dims{-1, -1, 0, 1, 2, -1}));
  EXPECT_EQ(sources(PadMode::kReflect, 4, 3, 2), (Dims{3, 2, 1, 0, 1, 2, 3, 2, 1}));
  EXPECT_EQ(sources(PadMode::kEdge, 3, 2, 2), (Dims{0, 0, 0, 1, 2, 2, 2}));
  EXPECT_EQ(sources(PadMode::kSymmetric, 3, 3, 2), (Dims{2, 1, 0, 0, 1, 2, 2, 1}));
  EXPECT_EQ(sources(PadMode::kSymmetric, 1, 2, 2), (Dims{0, 0, 0, 0, 0}));
}

template <class T>
void check_pad(PadMode mode, const Dims& dims, const Dims& before, const Dims& after) {
  const int rank = static_cast<int>(dims.size());
  PadLoops loops = plan_pad(mode, dims.data(), before.data(), after.data(), rank, sizeof(T));
  const T value = static_cast<T>(77);
  std::memcpy(loops.fill, &value, sizeof(T));
  std::vector<Dims> tables;
  Dims out;
  for (size_t k = 0; k < dims.size(); ++k) {
    out.push_back(before[k] + dims[k] + after[k]);
    tables.push_back(sources(mode, dims[k], before[k], after[k]));
  }
  const std::vector<T> x = counting<T>(product(dims));
  GuardedBuffer<T> y(static_cast<size_t>(product(out)), 1);
  pad_rows(loops, x.data(), y.data(), 0, loops.rows() / 2);
  pad_rows(loops, x.data(), y.data(), loops.rows() / 2, loops.rows());
  EXPECT_TRUE(y.guards_intact());
  const Dims strides = dense_strides(dims), out_strides = dense_strides(out);
  for (std::int64_t i = 0; i < product(out); ++i) {
    std::int64_t from = 0;
    bool filled = false;
    for (size_t k = 0; k < dims.size(); ++k) {
      const std::int64_t source = tables[k][static_cast<size_t>(i / out_strides[k] % out[k])];
      filled = filled || source < 0;
      from += source * strides[k];
    }
    ASSERT_EQ(y[static_cast<size_t>(i)], filled ? value : x[static_cast<size_t>(from)]) << "element " << i;
  }
}

TEST(PadRows, EveryModeAndElementSize) {
  for (int m = 0; m < static_cast<int>(PadMode::kCount); ++m) {
    const PadMode mode = static_cast<PadMode>(m);
    check_pad<float>(mode, {2, 3, 4, 5}, {0, 1, 2, 0}, {0, 2, 1, 0});
    check_pad<std::uint8_t>(mode, {3, 4, 5}, {1, 0, 3}, {2, 0, 4});
    check_pad<std::int64_t>(mode, {4, 3}, {0, 2}, {3, 0});
    check_pad<float>(mode, {2, 2, 3, 2, 2, 3}, {1, 0, 1, 0, 1, 2}, {0, 1, 2, 1, 0, 1});
    check_pad<float>(mode, {2, 3}, {0, 0}, {0, 0});
  }
}

TEST(GatherBlocks, PicksBlocksInAnyOrder) {
  const std::vector<std::int32_t> x = counting<std::int32_t>(2 * 4 * 3);
  const std::vector<std::int64_t> indices = {3, 0, 3, 1, 2};
  GuardedBuffer<std::int32_t> y(2 * 5 * 3, 1);
  gather_blocks(x.data(), y.data(), 4, indices.data(), 5, 12, 0, 4);
  gather_blocks(x.data(), y.data(), 4, indices.data(), 5, 12, 4, 10);
  EXPECT_TRUE(y.guards_intact());
  for (size_t o = 0; o < 2; ++o)
    for (size_t i = 0; i < 5; ++i)
      for (size_t k = 0; k < 3; ++k)
        EXPECT_EQ(y[(o * 5 + i) * 3 + k], x[(o * 4 + static_cast<size_t>(indices[i])) * 3 + k]);
}

}  // namespace
}  // namespace dotori::kernels
