// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax.h"

namespace dotori::kernels {

#define DOTORI_SOFTMAX_F32(isa, bit)                                                  \
  void softmax_rows_f32__##isa(const float*, float*, size_t, size_t, float) noexcept; \
  void softmax_columns_f32__##isa(const float*, float*, size_t, size_t, size_t, float) noexcept;
#include "kernels/softmax/kernels.inc"

namespace {

constexpr SoftmaxF32Kernel kSoftmaxF32[] = {
#define DOTORI_SOFTMAX_F32(isa, bit) {"softmax_f32__" #isa, bit, softmax_rows_f32__##isa, softmax_columns_f32__##isa},
#include "kernels/softmax/kernels.inc"
};
constexpr size_t kCount = sizeof(kSoftmaxF32) / sizeof(kSoftmaxF32[0]);

}  // namespace

const SoftmaxF32Kernel* softmax_f32_kernels(size_t* count) noexcept {
  *count = kCount;
  return kSoftmaxF32;
}

const SoftmaxF32Kernel& select_softmax_f32(Isa isa) noexcept {
  for (const SoftmaxF32Kernel& kernel : kSoftmaxF32)
    if (isa_covers(isa, kernel.isa)) return kernel;
  return kSoftmaxF32[kCount - 1];
}

}  // namespace dotori::kernels
