// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/cast.h"

namespace dotori::kernels {
namespace {

// Storage types; bool needs a type of its own because its conversion differs.
enum class Bool8 : uint8_t {};

template <class To>
struct IntegerLimits {
  static constexpr bool kSigned = To(-1) < To(0);
  static constexpr int kBits = sizeof(To) * 8;
  static constexpr To kMin = kSigned ? static_cast<To>(uint64_t{1} << (kBits - 1)) : To(0);
  static constexpr To kMax = static_cast<To>(~kMin);
  // The first float above the range and the lower end; powers of two, so both are exact.
  static constexpr float kAbove = static_cast<float>(uint64_t{1} << (kSigned ? kBits - 1 : kBits % 64));
  static constexpr float kLeast = kSigned ? -kAbove : 0.0f;
};

template <class From, class To>
struct Convert {
  static To of(From x) { return static_cast<To>(x); }
};
template <class To>
struct Convert<float, To> {
  static To of(float x) {
    using Limits = IntegerLimits<To>;
    if (x != x) return To(0);
    if (x >= Limits::kAbove) return Limits::kMax;
    if (x < Limits::kLeast) return Limits::kMin;
    return static_cast<To>(x);
  }
};
template <>
struct Convert<float, float> {
  static float of(float x) { return x; }
};
template <class From>
struct Convert<From, Bool8> {
  static Bool8 of(From x) { return static_cast<Bool8>(x != From(0)); }
};
template <>
struct Convert<float, Bool8> {
  static Bool8 of(float x) { return static_cast<Bool8>(x != 0); }
};

template <class From, class To>
void cast_loop(const void* x, void* y, size_t n) noexcept {
  const From* from = static_cast<const From*>(x);
  To* to = static_cast<To*>(y);
  for (size_t i = 0; i < n; ++i) to[i] = Convert<From, To>::of(from[i]);
}

#define DOTORI_CAST(FromEnum, From, from, ToEnum, To, to) \
  {"cast_" from "_" to "__reference", ElementType::FromEnum, ElementType::ToEnum, cast_loop<From, To>},
#define DOTORI_CASTS_FROM(FromEnum, From, from)             \
  DOTORI_CAST(FromEnum, From, from, kFloat32, float, "f32") \
  DOTORI_CAST(FromEnum, From, from, kInt8, int8_t, "s8")    \
  DOTORI_CAST(FromEnum, From, from, kUint8, uint8_t, "u8")  \
  DOTORI_CAST(FromEnum, From, from, kInt32, int32_t, "s32") \
  DOTORI_CAST(FromEnum, From, from, kInt64, int64_t, "s64") \
  DOTORI_CAST(FromEnum, From, from, kBool, Bool8, "bool")

// In the order of the enumeration, which select_cast relies on.
// clang-format off
constexpr CastKernel kCasts[] = {
  DOTORI_CASTS_FROM(kFloat32, float, "f32")
  DOTORI_CASTS_FROM(kInt8, int8_t, "s8")
  DOTORI_CASTS_FROM(kUint8, uint8_t, "u8")
  DOTORI_CASTS_FROM(kInt32, int32_t, "s32")
  DOTORI_CASTS_FROM(kInt64, int64_t, "s64")
  DOTORI_CASTS_FROM(kBool, Bool8, "bool")
};
// clang-format on
constexpr size_t kTypes = static_cast<size_t>(ElementType::kCount);
static_assert(sizeof(kCasts) / sizeof(kCasts[0]) == kTypes * kTypes);

}  // namespace

const CastKernel& select_cast(ElementType from, ElementType to) noexcept {
  return kCasts[static_cast<size_t>(from) * kTypes + static_cast<size_t>(to)];
}

}  // namespace dotori::kernels
