// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/elementwise.h"

namespace dotori::kernels {

// The vector ISA of the architecture that is compiled for; the kernels themselves are in <arch>_<isa>.cc.
#if defined(__x86_64__)
#define DOTORI_VECTOR_ISA avx2
#define DOTORI_VECTOR_ISA_BIT kIsaAvx2
#elif defined(__aarch64__)
#define DOTORI_VECTOR_ISA neon
#define DOTORI_VECTOR_ISA_BIT kIsaNeon
#endif

// With AVX-512 those of one operand, which compute more than they load.
#if defined(__x86_64__) && !defined(DOTORI_NO_AVX512)
#define DOTORI_WIDE_ISA avx512
#endif

#define DOTORI_UNARY_SYMBOL(word, isa) unary_f32_##word##__##isa
#define DOTORI_BINARY_SYMBOL(word, form, isa) binary_f32_##word##_##form##__##isa
#define DOTORI_STRING(x) #x

#define DOTORI_DECLARE_UNARY(word, isa) \
  void DOTORI_UNARY_SYMBOL(word, isa)(const float*, float*, size_t, float, float) noexcept;
#define DOTORI_DECLARE_BINARY_FORM(word, form, isa)                                                              \
  void DOTORI_BINARY_SYMBOL(word, form, isa)(const float*, size_t, const float*, size_t, float*, size_t, size_t, \
                                             float, float) noexcept;
#define DOTORI_DECLARE_BINARY(word, isa)    \
  DOTORI_DECLARE_BINARY_FORM(word, vv, isa) \
  DOTORI_DECLARE_BINARY_FORM(word, vs, isa) \
  DOTORI_DECLARE_BINARY_FORM(word, sv, isa)

#define DOTORI_UNARY_ROW(Name, word, isa, bit) \
  {"unary_f32_" #word "__" DOTORI_STRING(isa), bit, UnaryFunction::k##Name, DOTORI_UNARY_SYMBOL(word, isa)},
#define DOTORI_BINARY_ROW_FORM(Name, word, isa, bit, form, Form)                                          \
  {"binary_f32_" #word "_" #form "__" DOTORI_STRING(isa), bit, BinaryFunction::k##Name, BinaryForm::Form, \
   DOTORI_BINARY_SYMBOL(word, form, isa)},
#define DOTORI_BINARY_ROW(Name, word, isa, bit)                   \
  DOTORI_BINARY_ROW_FORM(Name, word, isa, bit, vv, kVectorVector) \
  DOTORI_BINARY_ROW_FORM(Name, word, isa, bit, vs, kVectorScalar) \
  DOTORI_BINARY_ROW_FORM(Name, word, isa, bit, sv, kScalarVector)

#ifdef DOTORI_WIDE_ISA
#define DOTORI_UNARY_VECTOR(Name, word) DOTORI_DECLARE_UNARY(word, DOTORI_WIDE_ISA)
#include "kernels/elementwise/kernels.inc"
#endif
#ifdef DOTORI_VECTOR_ISA
#define DOTORI_UNARY_VECTOR(Name, word) DOTORI_DECLARE_UNARY(word, DOTORI_VECTOR_ISA)
#define DOTORI_BINARY_VECTOR(Name, word) DOTORI_DECLARE_BINARY(word, DOTORI_VECTOR_ISA)
#endif
#define DOTORI_UNARY_REFERENCE(Name, word) DOTORI_DECLARE_UNARY(word, reference)
#define DOTORI_BINARY_REFERENCE(Name, word) DOTORI_DECLARE_BINARY(word, reference)
#include "kernels/elementwise/kernels.inc"

namespace {

constexpr UnaryF32Kernel kUnaryF32[] = {
#ifdef DOTORI_WIDE_ISA
#define DOTORI_UNARY_VECTOR(Name, word) DOTORI_UNARY_ROW(Name, word, DOTORI_WIDE_ISA, kIsaAvx512)
#include "kernels/elementwise/kernels.inc"
#endif
#ifdef DOTORI_VECTOR_ISA
#define DOTORI_UNARY_VECTOR(Name, word) DOTORI_UNARY_ROW(Name, word, DOTORI_VECTOR_ISA, DOTORI_VECTOR_ISA_BIT)
#endif
#define DOTORI_UNARY_REFERENCE(Name, word) DOTORI_UNARY_ROW(Name, word, reference, kIsaNone)
#include "kernels/elementwise/kernels.inc"
};

constexpr BinaryF32Kernel kBinaryF32[] = {
#ifdef DOTORI_VECTOR_ISA
#define DOTORI_BINARY_VECTOR(Name, word) DOTORI_BINARY_ROW(Name, word, DOTORI_VECTOR_ISA, DOTORI_VECTOR_ISA_BIT)
#endif
#define DOTORI_BINARY_REFERENCE(Name, word) DOTORI_BINARY_ROW(Name, word, reference, kIsaNone)
#include "kernels/elementwise/kernels.inc"
};

}  // namespace

const UnaryF32Kernel* unary_f32_kernels(size_t* count) noexcept {
  *count = sizeof(kUnaryF32) / sizeof(kUnaryF32[0]);
  return kUnaryF32;
}

const UnaryF32Kernel& select_unary_f32(UnaryFunction function, Isa isa) noexcept {
  for (const UnaryF32Kernel& kernel : kUnaryF32)
    if (kernel.function == function && isa_covers(isa, kernel.isa)) return kernel;
  return kUnaryF32[0];  // not reached: the reference has every function
}

const BinaryF32Kernel* binary_f32_kernels(size_t* count) noexcept {
  *count = sizeof(kBinaryF32) / sizeof(kBinaryF32[0]);
  return kBinaryF32;
}

const BinaryF32Kernel& select_binary_f32(BinaryFunction function, BinaryForm form, Isa isa) noexcept {
  for (const BinaryF32Kernel& kernel : kBinaryF32)
    if (kernel.function == function && kernel.form == form && isa_covers(isa, kernel.isa)) return kernel;
  return kBinaryF32[0];  // not reached: the reference has every function and form
}

}  // namespace dotori::kernels
