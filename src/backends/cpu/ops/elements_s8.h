// SPDX-License-Identifier: Apache-2.0
// The int8 paths of the element-wise, reducing and moving operators, one file each (<op>_s8.cc), and what they share.
// compile_s8 has the contract of compile() (cpu_ops.h), for a node whose first input is_quantized(); Concat: whose
// parts do not all have the output's quantisation.
#pragma once

#include <cstdint>

#include <dotori/status.h>

#include "backends/cpu/cpu_ops.h"
#include "backends/cpu/ops/quantized.h"
#include "kernels/quantize/table_math.h"

namespace dotori::backends::cpu {

Status compile_s8(const graph::Unary& op, CompileContext& context);
Status compile_s8(const graph::Binary& op, CompileContext& context);
Status compile_s8(const graph::Prelu& op, CompileContext& context);
Status compile_s8(const graph::Softmax& op, CompileContext& context);
Status compile_s8(const graph::Reduce& op, CompileContext& context);
Status compile_s8(const graph::Concat& op, CompileContext& context);

// For quantize and dequantize: how a uint8 tensor's bytes differ from those of the int8 tensor that means the same, and
// that tensor's zero point.
inline std::uint8_t flip_of(const graph::Value& value) noexcept {
  return value.type.type == DataType::kUint8 ? 0x80 : 0;
}
inline std::int32_t signed_zero_point(const graph::Value& value) noexcept {
  return tensor_zero_point(value) - flip_of(value);
}

// A quotient of scales as the float that kernels multiply by. kUnsupported above 2^100, where products could leave the
// range of float; a very small one may become 0.
Result<float> scale_factor(double factor);

// A table of 256 bytes in the plan's memory, indexed by uint8_t(element): requantises elements of `from` to `to`, which
// both have one scale.
Result<const std::int8_t*> requantize_table(CompileContext& context, const graph::Value& from, const graph::Value& to);

// Appends the step y[i] = table[x[i]] over all elements of output 0; x and y are tensors of bytes.
void emit_lookup(CompileContext& context, const std::int8_t* table);

}  // namespace dotori::backends::cpu
