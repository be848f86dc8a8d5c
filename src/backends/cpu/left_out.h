// SPDX-License-Identifier: Apache-2.0
// What a build leaves out: DOTORI_OPERATORS and DOTORI_PRECISIONS (cmake/operators.cmake). A build with all has none of
// it.
#pragma once

#include <dotori/status.h>

#include "backends/plan.h"

namespace dotori::backends::cpu {

#if defined(DOTORI_WITHOUT_INT8)
inline constexpr bool kHasInt8 = false;
#else
inline constexpr bool kHasInt8 = true;
#endif
#if defined(DOTORI_WITHOUT_FLOAT32)
inline constexpr bool kHasFloat32 = false;
#else
inline constexpr bool kHasFloat32 = true;
#endif

// kUnsupported when the node computes in numbers that were left out.
Status check_precision(const CompileContext& context);

}  // namespace dotori::backends::cpu
