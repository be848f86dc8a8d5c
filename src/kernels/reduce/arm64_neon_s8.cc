// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce_s8.h"
#include "kernels/reduce/vec16_reduce_s8.h"

namespace dotori::kernels {

DOTORI_DEFINE_REDUCE_S8(neon, sum, SumS8)
DOTORI_DEFINE_REDUCE_S8(neon, max, ReduceMaxS8)
DOTORI_DEFINE_REDUCE_S8(neon, min, ReduceMinS8)

}  // namespace dotori::kernels
