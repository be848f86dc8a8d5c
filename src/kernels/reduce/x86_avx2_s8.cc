// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce_s8.h"
#include "kernels/reduce/vec16_reduce_s8.h"

namespace dotori::kernels {

DOTORI_DEFINE_REDUCE_S8(avx2, sum, SumS8)
DOTORI_DEFINE_REDUCE_S8(avx2, max, ReduceMaxS8)
DOTORI_DEFINE_REDUCE_S8(avx2, min, ReduceMinS8)

}  // namespace dotori::kernels
