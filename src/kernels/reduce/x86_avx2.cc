// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce.h"
#include "kernels/reduce/vec8_reduce.h"

namespace dotori::kernels {

DOTORI_DEFINE_REDUCE8(avx2, mean, SumF8, true)
DOTORI_DEFINE_REDUCE8(avx2, sum, SumF8, false)
DOTORI_DEFINE_REDUCE8(avx2, max, ReduceMaxF8, false)
DOTORI_DEFINE_REDUCE8(avx2, min, ReduceMinF8, false)

}  // namespace dotori::kernels
