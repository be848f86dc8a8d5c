// SPDX-License-Identifier: Apache-2.0
// Conversion between element types, plain C++ on every machine.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace dotori::kernels {

// Same numbers as dotori::DataType (asserted where both are known).
enum class ElementType : uint8_t { kFloat32 = 0, kInt8, kUint8, kInt32, kInt64, kBool, kCount };

// n elements from x to y, which must not overlap. float -> integer truncates towards zero and saturates, NaN gives 0;
// a wider integer keeps its low bits; anything -> bool is x != 0; integer -> float rounds to nearest.
struct CastKernel {
  const char* name;  // "cast_f32_s32__reference"
  ElementType from, to;
  void (*run)(const void* x, void* y, size_t n) noexcept;
};
// Every pair of types has one, equal types too. Both below kCount.
const CastKernel& select_cast(ElementType from, ElementType to) noexcept;

}  // namespace dotori::kernels
