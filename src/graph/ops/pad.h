// SPDX-License-Identifier: Apache-2.0
// Adds before[k] and after[k] (>= 0) elements around each axis.   Any type for constant; reflect needs pads below the
// dimension, symmetric at most the dimension. constant: `value`; reflect: mirrored without repeating the border; edge:
// the border repeated; symmetric: mirrored with it.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

// The numbers are stored in .dtr files: never change or reuse one.
enum class PadMode : unsigned char { kConstant = 0, kReflect = 1, kEdge = 2, kSymmetric = 3, kCount };

const char* pad_mode_name(PadMode mode) noexcept;  // "constant", …; static storage

struct Pad {
  PadMode mode = PadMode::kConstant;
  Shape before, after;  // x's rank
  float value = 0;      // kConstant only; not NaN; a real number for int8, for other integers a whole number
                        // of the type, at most 2^24

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("mode", self.mode);
    f("before", self.before);
    f("after", self.after);
    f("value", self.value);
  }
};

Status infer(const Pad& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
