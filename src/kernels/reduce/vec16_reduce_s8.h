// SPDX-License-Identifier: Apache-2.0
// Reductions of int8 over sixteen elements. Internal linkage.
#pragma once

#include "kernels/quantize/vec16_s8.h"
#include "kernels/reduce/reduce_s8.h"

namespace dotori::kernels {
namespace {

// 256 times -128 still fits 16 bits.
constexpr size_t kWordBlock = 256;

// Each: the accumulator of sixteen columns. add() takes an element of each; result() is the acc of ReduceS8 without the
// zero point; `weight` times the zero point has to be subtracted.
struct SumS8 {
  I16 total = splat_i16(0);
  W16 part = splat_w16(0);
  void add(B16 x) noexcept { part = accumulate16(part, x); }
  void end_block() noexcept {
    total = add_i16(total, widen_w16(part));
    part = splat_w16(0);
  }
  I16 result() const noexcept { return total; }
  int32_t lanes() const noexcept { return sum_lanes_i16(total); }
  static int32_t join(int32_t acc, int32_t q) noexcept { return acc + q; }
  static int32_t weight(size_t n) noexcept { return static_cast<int32_t>(n); }
};
template <bool kMax>
struct ExtremeS8 {
  B16 most = splat16(kMax ? -128 : 127);
  void add(B16 x) noexcept { most = kMax ? max16(most, x) : min16(most, x); }
  void end_block() noexcept {}
  I16 result() const noexcept { return widen_w16(difference_w16(most, 0)); }
  int32_t lanes() const noexcept { return kMax ? max_lanes16(most) : min_lanes16(most); }
  static int32_t join(int32_t acc, int32_t q) noexcept { return (acc < q) == kMax ? q : acc; }
  static int32_t weight(size_t) noexcept { return 1; }
};
using ReduceMaxS8 = ExtremeS8<true>;
using ReduceMinS8 = ExtremeS8<false>;

// kBlocks * 16 neighbouring columns together, so that a row of them is a good part of a cache line.
template <class Join, int kBlocks>
inline void reduce_columns_block16(const int8_t* x, int8_t* y, size_t length, size_t stride, const ReduceS8& how,
                                   const Output16& out) noexcept {
  Join join[kBlocks];
  for (size_t a = 0; a < length; a += kWordBlock) {
    const size_t end = length - a > kWordBlock ? a + kWordBlock : length;
    for (size_t k = a; k < end; ++k)
      for (int b = 0; b < kBlocks; ++b) join[b].add(load16(x + k * stride + static_cast<size_t>(b) * 16));
    for (int b = 0; b < kBlocks; ++b) join[b].end_block();
  }
  const I16 shift = splat_i16(-Join::weight(length) * how.zero_point);
  for (int b = 0; b < kBlocks; ++b) {
    const F16 v = mul_f16(float_i16(add_i16(join[b].result(), shift)), splat_f16(how.scale));
    store16(y + b * 16, out(max_f16(v, mul_f16(v, splat_f16(how.out.slope)))));
  }
}

// Fewer than sixteen columns.
template <class Join>
inline void reduce_columns_part(const int8_t* x, int8_t* y, size_t length, size_t stride, size_t cols,
                                const ReduceS8& how) noexcept {
  int32_t acc[16];
  for (size_t c = 0; c < cols; ++c) acc[c] = x[c];
  for (size_t a = 1; a < length; ++a)
    for (size_t c = 0; c < cols; ++c) acc[c] = Join::join(acc[c], x[a * stride + c]);
  for (size_t c = 0; c < cols; ++c)
    y[c] = requantize(acc[c] - Join::weight(length) * how.zero_point, how.scale, how.out);
}

template <class Join>
inline void reduce_columns16(const int8_t* x, int8_t* y, size_t length, size_t stride, size_t cols,
                             const ReduceS8& how) noexcept {
  if (cols < 16) return reduce_columns_part<Join>(x, y, length, stride, cols, how);
  const Output16 out(how.out);
  size_t c = 0;
  for (; c + 64 <= cols; c += 64) reduce_columns_block16<Join, 4>(x + c, y + c, length, stride, how, out);
  for (; c + 16 <= cols; c += 16) reduce_columns_block16<Join, 1>(x + c, y + c, length, stride, how, out);
  // The ragged end once more with its neighbours.
  if (c < cols) reduce_columns_block16<Join, 1>(x + cols - 16, y + cols - 16, length, stride, how, out);
}

template <class Join>
inline void reduce_rows16(const int8_t* x, int8_t* y, size_t rows, size_t cols, const ReduceS8& how) noexcept {
  for (size_t r = 0; r < rows; ++r) {
    const int8_t* row = x + r * cols;
    Join join;
    size_t i = 0;
    while (i + 16 <= cols) {
      const size_t end = cols - i > kWordBlock * 16 ? i + kWordBlock * 16 : cols;
      for (; i + 16 <= end; i += 16) join.add(load16(row + i));
      join.end_block();
    }
    int32_t acc = join.lanes();
    for (; i < cols; ++i) acc = Join::join(acc, row[i]);
    y[r] = requantize(acc - Join::weight(cols) * how.zero_point, how.scale, how.out);
  }
}

}  // namespace
}  // namespace dotori::kernels

#define DOTORI_DEFINE_REDUCE_S8(isa, word, Join)                                                                \
  void reduce_rows_s8_##word##__##isa(const int8_t* x, int8_t* y, size_t rows, size_t cols,                     \
                                      const ReduceS8& how) noexcept {                                           \
    reduce_rows16<Join>(x, y, rows, cols, how);                                                                 \
  }                                                                                                             \
  void reduce_columns_s8_##word##__##isa(const int8_t* x, int8_t* y, size_t length, size_t stride, size_t cols, \
                                         const ReduceS8& how) noexcept {                                        \
    reduce_columns16<Join>(x, y, length, stride, cols, how);                                                    \
  }
