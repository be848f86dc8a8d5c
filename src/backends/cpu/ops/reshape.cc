// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "backends/cpu/cpu_ops.h"

namespace dotori::backends::cpu {

Status compile(const graph::Reshape&, CompileContext& context) {
  const std::size_t bytes =
      static_cast<std::size_t>(context.output_shape().elements()) * data_type_bytes(context.output_value().type.type);
  context.emit("copy__reference", 0,
               [bytes, x = context.input(0), y = context.output()](const RunContext& ctx) noexcept {
                 const void* src = ctx.read<void>(x);
                 void* dst = ctx.write<void>(y);
                 // The plan shares the memory where it can; a constant input has memory of its own.
                 if (src != dst) std::memcpy(dst, src, bytes);
               });
  return {};
}

}  // namespace dotori::backends::cpu
