// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce.h"

namespace dotori::kernels {

#define DOTORI_REDUCE_F32(Name, word, isa, bit)                                        \
  void reduce_rows_f32_##word##__##isa(const float*, float*, size_t, size_t) noexcept; \
  void reduce_columns_f32_##word##__##isa(const float*, float*, size_t, size_t, size_t) noexcept;
#include "kernels/reduce/kernels.inc"

namespace {

constexpr ReduceF32Kernel kReduceF32[] = {
#define DOTORI_REDUCE_F32(Name, word, isa, bit)                                                  \
  {"reduce_f32_" #word "__" #isa, bit, ReduceFunction::k##Name, reduce_rows_f32_##word##__##isa, \
   reduce_columns_f32_##word##__##isa},
#include "kernels/reduce/kernels.inc"
};

}  // namespace

const ReduceF32Kernel* reduce_f32_kernels(size_t* count) noexcept {
  *count = sizeof(kReduceF32) / sizeof(kReduceF32[0]);
  return kReduceF32;
}

const ReduceF32Kernel& select_reduce_f32(ReduceFunction function, Isa isa) noexcept {
  for (const ReduceF32Kernel& kernel : kReduceF32)
    if (kernel.function == function && isa_covers(isa, kernel.isa)) return kernel;
  return kReduceF32[0];  // not reached: the reference has every function
}

ReduceLoops plan_reduce(const int64_t* dims, int rank, unsigned reduced_axes) noexcept {
  ReduceLoops loops;
  // Innermost first, into reversed lists.
  size_t stride = 1;
  int last_kind = -1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    const size_t dim = static_cast<size_t>(dims[axis]);
    const int kind = (reduced_axes >> axis) & 1;
    if (dim == 1) continue;
    int& count = kind ? loops.reduced_rank : loops.kept_rank;
    size_t* loop_dims = kind ? loops.reduced_dims : loops.kept_dims;
    size_t* strides = kind ? loops.reduced_strides : loops.kept_strides;
    if (kind == last_kind) {
      loop_dims[count - 1] *= dim;
    } else {
      loop_dims[count] = dim;
      strides[count++] = stride;
    }
    (kind ? loops.reduced : loops.kept) *= dim;
    stride *= dim;
    last_kind = kind;
  }
  const auto reverse = [](size_t* values, int count) {
    for (int i = 0; i < count / 2; ++i) {
      const size_t v = values[i];
      values[i] = values[count - 1 - i];
      values[count - 1 - i] = v;
    }
  };
  reverse(loops.kept_dims, loops.kept_rank);
  reverse(loops.kept_strides, loops.kept_rank);
  reverse(loops.reduced_dims, loops.reduced_rank);
  reverse(loops.reduced_strides, loops.reduced_rank);
  return loops;
}

}  // namespace dotori::kernels
