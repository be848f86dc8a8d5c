// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/binary_s8.h"

namespace dotori::kernels {

#define DOTORI_DECLARE_BINARY_S8(isa, word, form)                                                                \
  void binary_s8_##word##_##form##__##isa(const int8_t*, size_t, const int8_t*, size_t, int8_t*, size_t, size_t, \
                                          const BinaryS8&) noexcept;
#define DOTORI_DECLARE_PRELU_S8(isa, form)                                                                            \
  void prelu_s8_##form##__##isa(const int8_t*, size_t, const float*, size_t, int8_t*, size_t, size_t, float, int32_t, \
                                const QuantizedOutput&) noexcept;
#define DOTORI_BINARY_S8_ROW(isa, bit, Name, word, form, Form)                             \
  {"binary_s8_" #word "_" #form "__" #isa, bit, BinaryFunction::k##Name, BinaryForm::Form, \
   binary_s8_##word##_##form##__##isa},
#define DOTORI_PRELU_S8_ROW(isa, bit, form, Form) \
  {"prelu_s8_" #form "__" #isa, bit, BinaryForm::Form, prelu_s8_##form##__##isa},

#define DOTORI_BINARY_S8(Name, word, form, Form) DOTORI_DECLARE_BINARY_S8(reference, word, form)
#define DOTORI_PRELU_S8(form, Form) DOTORI_DECLARE_PRELU_S8(reference, form)
#include "kernels/elementwise/kernels_s8.inc"
#if defined(__x86_64__)
#define DOTORI_BINARY_S8(Name, word, form, Form) DOTORI_DECLARE_BINARY_S8(avx2, word, form)
#define DOTORI_PRELU_S8(form, Form) DOTORI_DECLARE_PRELU_S8(avx2, form)
#include "kernels/elementwise/kernels_s8.inc"
#elif defined(__aarch64__)
#define DOTORI_BINARY_S8(Name, word, form, Form) DOTORI_DECLARE_BINARY_S8(neon, word, form)
#define DOTORI_PRELU_S8(form, Form) DOTORI_DECLARE_PRELU_S8(neon, form)
#include "kernels/elementwise/kernels_s8.inc"
#endif

namespace {

constexpr BinaryS8Kernel kBinaryS8[] = {
#if defined(__x86_64__)
#define DOTORI_BINARY_S8(Name, word, form, Form) DOTORI_BINARY_S8_ROW(avx2, kIsaAvx2, Name, word, form, Form)
#include "kernels/elementwise/kernels_s8.inc"
#elif defined(__aarch64__)
#define DOTORI_BINARY_S8(Name, word, form, Form) DOTORI_BINARY_S8_ROW(neon, kIsaNeon, Name, word, form, Form)
#include "kernels/elementwise/kernels_s8.inc"
#endif
#define DOTORI_BINARY_S8(Name, word, form, Form) DOTORI_BINARY_S8_ROW(reference, kIsaNone, Name, word, form, Form)
#include "kernels/elementwise/kernels_s8.inc"
};

constexpr PreluS8Kernel kPreluS8[] = {
#if defined(__x86_64__)
#define DOTORI_PRELU_S8(form, Form) DOTORI_PRELU_S8_ROW(avx2, kIsaAvx2, form, Form)
#include "kernels/elementwise/kernels_s8.inc"
#elif defined(__aarch64__)
#define DOTORI_PRELU_S8(form, Form) DOTORI_PRELU_S8_ROW(neon, kIsaNeon, form, Form)
#include "kernels/elementwise/kernels_s8.inc"
#endif
#define DOTORI_PRELU_S8(form, Form) DOTORI_PRELU_S8_ROW(reference, kIsaNone, form, Form)
#include "kernels/elementwise/kernels_s8.inc"
};

}  // namespace

const BinaryS8Kernel* binary_s8_kernels(size_t* count) noexcept {
  *count = sizeof(kBinaryS8) / sizeof(kBinaryS8[0]);
  return kBinaryS8;
}

const BinaryS8Kernel* select_binary_s8(BinaryFunction function, BinaryForm form, Isa isa) noexcept {
  for (const BinaryS8Kernel& kernel : kBinaryS8)
    if (kernel.function == function && kernel.form == form && isa_covers(isa, kernel.isa)) return &kernel;
  return nullptr;
}

const PreluS8Kernel* prelu_s8_kernels(size_t* count) noexcept {
  *count = sizeof(kPreluS8) / sizeof(kPreluS8[0]);
  return kPreluS8;
}

const PreluS8Kernel& select_prelu_s8(BinaryForm form, Isa isa) noexcept {
  if (form == BinaryForm::kScalarVector) form = BinaryForm::kVectorVector;
  for (const PreluS8Kernel& kernel : kPreluS8)
    if (kernel.form == form && isa_covers(isa, kernel.isa)) return kernel;
  return kPreluS8[0];  // not reached: the reference has both forms
}

}  // namespace dotori::kernels
