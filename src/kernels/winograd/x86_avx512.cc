// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd/vec8_winograd.h"

namespace dotori::kernels {

void winograd_input_f32__avx512(const WinogradInputF32& w) noexcept {
  winograd_input(w);
}
void winograd_output_f32__avx512(const WinogradOutputF32& w) noexcept {
  winograd_output(w);
}

}  // namespace dotori::kernels
