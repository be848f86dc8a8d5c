// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/elementwise.h"
#include "kernels/elementwise/vec8_kernels.h"

namespace dotori::kernels {

#define DOTORI_UNARY_VECTOR(Name, word) DOTORI_DEFINE_UNARY(avx2, Name##V, word)
#define DOTORI_BINARY_VECTOR(Name, word) DOTORI_DEFINE_BINARY8(avx2, Name##F8, word)
#include "kernels/elementwise/kernels.inc"

}  // namespace dotori::kernels
