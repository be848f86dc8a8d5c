// SPDX-License-Identifier: Apache-2.0
#include "kernels/depthwise/vec8_rows.h"

namespace dotori::kernels {

DOTORI_DEFINE_DEPTHWISE8(avx512)

}  // namespace dotori::kernels
