// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce.h"
#include "kernels/reduce/vec8_reduce.h"

namespace dotori::kernels {

DOTORI_DEFINE_REDUCE8(neon, mean, SumF8, true)
DOTORI_DEFINE_REDUCE8(neon, sum, SumF8, false)
DOTORI_DEFINE_REDUCE8(neon, max, ReduceMaxF8, false)
DOTORI_DEFINE_REDUCE8(neon, min, ReduceMinF8, false)

}  // namespace dotori::kernels
