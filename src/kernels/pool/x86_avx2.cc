// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/vec8_rows.h"

namespace dotori::kernels {

DOTORI_DEFINE_POOL8(avx2)

}  // namespace dotori::kernels
