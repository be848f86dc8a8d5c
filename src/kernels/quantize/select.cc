// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantize/quantize.h"

namespace dotori::kernels {

#define DOTORI_QUANTIZE(isa, bit)                                                                        \
  void lookup_s8__##isa(const int8_t*, size_t, int8_t*, size_t, size_t, size_t, const int8_t*) noexcept; \
  void quantize_f32__##isa(const float*, void*, size_t, float, int32_t, uint8_t) noexcept;               \
  void dequantize_f32__##isa(const void*, float*, size_t, float, int32_t, uint8_t) noexcept;
#include "kernels/quantize/kernels.inc"

namespace {

constexpr LookupS8Kernel kLookupS8[] = {
#define DOTORI_QUANTIZE(isa, bit) {"lookup_s8__" #isa, bit, lookup_s8__##isa},
#include "kernels/quantize/kernels.inc"
};
constexpr QuantizeF32Kernel kQuantizeF32[] = {
#define DOTORI_QUANTIZE(isa, bit) \
  {"quantize_f32__" #isa, "dequantize_f32__" #isa, bit, quantize_f32__##isa, dequantize_f32__##isa},
#include "kernels/quantize/kernels.inc"
};
constexpr size_t kCount = sizeof(kLookupS8) / sizeof(kLookupS8[0]);

}  // namespace

const LookupS8Kernel* lookup_s8_kernels(size_t* count) noexcept {
  *count = kCount;
  return kLookupS8;
}

const LookupS8Kernel& select_lookup_s8(Isa isa) noexcept {
  for (const LookupS8Kernel& kernel : kLookupS8)
    if (isa_covers(isa, kernel.isa)) return kernel;
  return kLookupS8[kCount - 1];
}

const QuantizeF32Kernel* quantize_f32_kernels(size_t* count) noexcept {
  *count = kCount;
  return kQuantizeF32;
}

const QuantizeF32Kernel& select_quantize_f32(Isa isa) noexcept {
  for (const QuantizeF32Kernel& kernel : kQuantizeF32)
    if (isa_covers(isa, kernel.isa)) return kernel;
  return kQuantizeF32[kCount - 1];
}

}  // namespace dotori::kernels
