// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce_s8.h"

namespace dotori::kernels {
namespace {

int32_t joined(ReduceFunction function, int32_t a, int32_t b) {
  switch (function) {
    case ReduceFunction::kMax: return a > b ? a : b;
    case ReduceFunction::kMin: return a < b ? a : b;
    default: return a + b;
  }
}

int8_t reduce_one(ReduceFunction function, const int8_t* x, size_t length, size_t stride, const ReduceS8& how) {
  int32_t acc = x[0] - how.zero_point;
  for (size_t i = 1; i < length; ++i) acc = joined(function, acc, x[i * stride] - how.zero_point);
  return requantize(acc, how.scale, how.out);
}

// Element offset of `index` into loops of `rank` dimensions.
size_t offset_of(size_t index, int rank, const size_t* dims, const size_t* strides) {
  size_t offset = 0;
  for (int i = rank - 1; i >= 0; --i) {
    offset += index % dims[i] * strides[i];
    index /= dims[i];
  }
  return offset;
}

template <class Index>
void arg_max(const int8_t* x, size_t length, size_t stride, bool select_last, size_t begin, size_t end, Index* index) {
  // Of equal elements the last one wins when a threshold of its own value is enough.
  const int margin = select_last ? 0 : 1;
  for (size_t i = begin; i < end; ++i) {
    const int8_t* p = x + i / stride * stride * length + i % stride;
    size_t best = 0;
    int threshold = p[0] + margin;
    for (size_t a = 1; a < length; ++a) {
      const int v = p[a * stride];
      if (v >= threshold) {
        best = a;
        threshold = v + margin;
      }
    }
    index[i] = static_cast<Index>(best);
  }
}

}  // namespace

#define DOTORI_REDUCE_S8_REFERENCE(Name, word)                                                                      \
  void reduce_rows_s8_##word##__reference(const int8_t* x, int8_t* y, size_t rows, size_t cols,                     \
                                          const ReduceS8& how) noexcept {                                           \
    for (size_t r = 0; r < rows; ++r) y[r] = reduce_one(ReduceFunction::k##Name, x + r * cols, cols, 1, how);       \
  }                                                                                                                 \
  void reduce_columns_s8_##word##__reference(const int8_t* x, int8_t* y, size_t length, size_t stride, size_t cols, \
                                             const ReduceS8& how) noexcept {                                        \
    for (size_t c = 0; c < cols; ++c) y[c] = reduce_one(ReduceFunction::k##Name, x + c, length, stride, how);       \
  }
DOTORI_REDUCE_S8_REFERENCE(Sum, sum)
DOTORI_REDUCE_S8_REFERENCE(Max, max)
DOTORI_REDUCE_S8_REFERENCE(Min, min)

void reduce_s8_any__reference(ReduceFunction function, const ReduceLoops& loops, const int8_t* x, int8_t* y,
                              size_t begin, size_t end, const ReduceS8& how) noexcept {
  for (size_t i = begin; i < end; ++i) {
    const int8_t* p = x + offset_of(i, loops.kept_rank, loops.kept_dims, loops.kept_strides);
    int32_t acc = p[0] - how.zero_point;
    for (size_t k = 1; k < loops.reduced; ++k) {
      const int8_t q = p[offset_of(k, loops.reduced_rank, loops.reduced_dims, loops.reduced_strides)];
      acc = joined(function, acc, q - how.zero_point);
    }
    y[i] = requantize(acc, how.scale, how.out);
  }
}

void arg_max_s8__reference(const int8_t* x, size_t length, size_t stride, bool select_last, size_t begin, size_t end,
                           int32_t* index) noexcept {
  arg_max(x, length, stride, select_last, begin, end, index);
}

void arg_max_s8__reference(const int8_t* x, size_t length, size_t stride, bool select_last, size_t begin, size_t end,
                           int64_t* index) noexcept {
  arg_max(x, length, stride, select_last, begin, end, index);
}

}  // namespace dotori::kernels
