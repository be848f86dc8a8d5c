// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/binary_s8.h"
#include "kernels/elementwise/vec16_binary_s8.h"

namespace dotori::kernels {

#define DOTORI_BINARY_S8(Name, word, form, Form) DOTORI_DEFINE_BINARY_S8(neon, Name, word, form, Form)
#define DOTORI_PRELU_S8(form, Form) DOTORI_DEFINE_PRELU_S8(neon, form, Form)
#include "kernels/elementwise/kernels_s8.inc"

}  // namespace dotori::kernels
