// SPDX-License-Identifier: Apache-2.0
// The step of the operators that are one strided copy: transpose, slice, depth_to_space, space_to_depth.
#pragma once

#include <dotori/tensor.h>

#include <cstdint>
#include <string>

#include "backends/plan.h"
#include "kernels/movement/movement.h"

namespace dotori::backends::cpu {

// Element strides of a dense tensor.
Shape dense_strides(const Shape& shape) noexcept;

// Emits `name` + element size + "__reference": copies input 0, from element `src_offset` on, to output 0. dims,
// src_strides and dst_strides have `rank` numbers, strides in elements.
void emit_strided_copy(CompileContext& context, const char* name, const std::int64_t* dims,
                       const std::int64_t* src_strides, const std::int64_t* dst_strides, int rank,
                       std::int64_t src_offset);

}  // namespace dotori::backends::cpu
