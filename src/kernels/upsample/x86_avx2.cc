// SPDX-License-Identifier: Apache-2.0
#include "kernels/upsample/vec8_rows.h"

namespace dotori::kernels {

void resize_f32_bilinear__avx2(const ResizeTap* columns, int32_t out_w, int32_t channels, const float* top,
                               const float* bottom, float row_fraction, float* dst_row) noexcept {
  bilinear_row(columns, out_w, channels, top, bottom, row_fraction, dst_row);
}

}  // namespace dotori::kernels
