// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce.h"

namespace dotori::kernels {
namespace {

// One result: start, step for each element, finish with the number of elements. Sums in double.
class Accumulator {
 public:
  explicit Accumulator(ReduceFunction function, float first) : function_(function), value_(first) {}
  void add(float v) {
    switch (function_) {
      case ReduceFunction::kMax:
        if (v > value_ || v != v) value_ = v;
        break;
      case ReduceFunction::kMin:
        if (v < value_ || v != v) value_ = v;
        break;
      default: value_ += v;
    }
  }
  float result(size_t n) const {
    return static_cast<float>(function_ == ReduceFunction::kMean ? value_ / static_cast<double>(n) : value_);
  }

 private:
  ReduceFunction function_;
  double value_;
};

float reduce_one(ReduceFunction function, const float* x, size_t length, size_t stride) {
  Accumulator accumulator(function, x[0]);
  for (size_t i = 1; i < length; ++i) accumulator.add(x[i * stride]);
  return accumulator.result(length);
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
void arg_max(const float* x, size_t length, size_t stride, bool select_last, size_t begin, size_t end, Index* index) {
  for (size_t i = begin; i < end; ++i) {
    const float* p = x + i / stride * stride * length + i % stride;
    size_t best = 0;
    float largest = p[0];
    for (size_t a = 1; a < length; ++a) {
      const float v = p[a * stride];
      const bool v_nan = v != v, largest_nan = largest != largest;
      const bool equal = v == largest || (v_nan && largest_nan);
      if ((v_nan && !largest_nan) || v > largest || (select_last && equal)) {
        // v > NaN is false, so a NaN stays the largest.
        best = a;
        largest = v;
      }
    }
    index[i] = static_cast<Index>(best);
  }
}

}  // namespace

#define DOTORI_REDUCE_REFERENCE(Name, word)                                                               \
  void reduce_rows_f32_##word##__reference(const float* x, float* y, size_t rows, size_t cols) noexcept { \
    for (size_t r = 0; r < rows; ++r) y[r] = reduce_one(ReduceFunction::k##Name, x + r * cols, cols, 1);  \
  }                                                                                                       \
  void reduce_columns_f32_##word##__reference(const float* x, float* y, size_t length, size_t stride,     \
                                              size_t cols) noexcept {                                     \
    for (size_t c = 0; c < cols; ++c) y[c] = reduce_one(ReduceFunction::k##Name, x + c, length, stride);  \
  }
DOTORI_REDUCE_REFERENCE(Mean, mean)
DOTORI_REDUCE_REFERENCE(Max, max)
DOTORI_REDUCE_REFERENCE(Sum, sum)
DOTORI_REDUCE_REFERENCE(Min, min)

void reduce_f32_any__reference(ReduceFunction function, const ReduceLoops& loops, const float* x, float* y,
                               size_t begin, size_t end) noexcept {
  for (size_t i = begin; i < end; ++i) {
    const float* p = x + offset_of(i, loops.kept_rank, loops.kept_dims, loops.kept_strides);
    Accumulator accumulator(function, p[0]);
    for (size_t k = 1; k < loops.reduced; ++k)
      accumulator.add(p[offset_of(k, loops.reduced_rank, loops.reduced_dims, loops.reduced_strides)]);
    y[i] = accumulator.result(loops.reduced);
  }
}

void arg_max_f32__reference(const float* x, size_t length, size_t stride, bool select_last, size_t begin, size_t end,
                            int32_t* index) noexcept {
  arg_max(x, length, stride, select_last, begin, end, index);
}

void arg_max_f32__reference(const float* x, size_t length, size_t stride, bool select_last, size_t begin, size_t end,
                            int64_t* index) noexcept {
  arg_max(x, length, stride, select_last, begin, end, index);
}

}  // namespace dotori::kernels
