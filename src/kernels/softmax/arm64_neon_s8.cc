// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax_s8.h"
#include "kernels/softmax/vec16_softmax_s8.h"

namespace dotori::kernels {

void softmax_rows_s8__neon(const int8_t* x, int8_t* y, size_t rows, size_t cols, const SoftmaxS8& how) noexcept {
  softmax_rows16(x, y, rows, cols, how);
}

}  // namespace dotori::kernels
