// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce_s8.h"

namespace dotori::kernels {

#define DOTORI_REDUCE_S8(Name, word, isa, bit)                                                           \
  void reduce_rows_s8_##word##__##isa(const int8_t*, int8_t*, size_t, size_t, const ReduceS8&) noexcept; \
  void reduce_columns_s8_##word##__##isa(const int8_t*, int8_t*, size_t, size_t, size_t, const ReduceS8&) noexcept;
#include "kernels/reduce/kernels_s8.inc"

namespace {

constexpr ReduceS8Kernel kReduceS8[] = {
#define DOTORI_REDUCE_S8(Name, word, isa, bit)                                                 \
  {"reduce_s8_" #word "__" #isa, bit, ReduceFunction::k##Name, reduce_rows_s8_##word##__##isa, \
   reduce_columns_s8_##word##__##isa},
#include "kernels/reduce/kernels_s8.inc"
};

}  // namespace

const ReduceS8Kernel* reduce_s8_kernels(size_t* count) noexcept {
  *count = sizeof(kReduceS8) / sizeof(kReduceS8[0]);
  return kReduceS8;
}

const ReduceS8Kernel& select_reduce_s8(ReduceFunction function, Isa isa) noexcept {
  if (function == ReduceFunction::kMean) function = ReduceFunction::kSum;
  for (const ReduceS8Kernel& kernel : kReduceS8)
    if (kernel.function == function && isa_covers(isa, kernel.isa)) return kernel;
  return kReduceS8[0];  // not reached: the reference has every function
}

}  // namespace dotori::kernels
