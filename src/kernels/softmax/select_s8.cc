// SPDX-License-Identifier: Apache-2.0
#include "kernels/softmax/softmax_s8.h"

namespace dotori::kernels {

#define DOTORI_SOFTMAX_S8(isa, bit) \
  void softmax_rows_s8__##isa(const int8_t*, int8_t*, size_t, size_t, const SoftmaxS8&) noexcept;
#include "kernels/softmax/kernels_s8.inc"

namespace {

constexpr SoftmaxS8Kernel kSoftmaxS8[] = {
#define DOTORI_SOFTMAX_S8(isa, bit) {"softmax_s8__" #isa, bit, softmax_rows_s8__##isa},
#include "kernels/softmax/kernels_s8.inc"
};
constexpr size_t kCount = sizeof(kSoftmaxS8) / sizeof(kSoftmaxS8[0]);

}  // namespace

const SoftmaxS8Kernel* softmax_s8_kernels(size_t* count) noexcept {
  *count = kCount;
  return kSoftmaxS8;
}

const SoftmaxS8Kernel& select_softmax_s8(Isa isa) noexcept {
  for (const SoftmaxS8Kernel& kernel : kSoftmaxS8)
    if (isa_covers(isa, kernel.isa)) return kernel;
  return kSoftmaxS8[kCount - 1];
}

}  // namespace dotori::kernels
