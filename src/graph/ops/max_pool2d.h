// SPDX-License-Identifier: Apache-2.0
// Maximum over a window; padding never wins; a NaN in the window gives NaN.
//   input: x [N,H,W,C]   output: [N,OH,OW,C]
//   OH = (H + pad_top + pad_bottom - (dilation_h * (kernel_h - 1) + 1)) / stride_h + 1, rounded down, or up when
//   ceil_mode (then a last window that would start in the bottom padding is dropped, as ONNX and PyTorch do); OW
//   likewise.
// float32 or int8; padding is below the kernel in each direction, so no window lies in the padding alone.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct MaxPool2d {
  int kernel_h = 2, kernel_w = 2;
  int stride_h = 2, stride_w = 2;
  int dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;  // pixels
  bool ceil_mode = false;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("kernel_h", self.kernel_h);
    f("kernel_w", self.kernel_w);
    f("stride_h", self.stride_h);
    f("stride_w", self.stride_w);
    f("dilation_h", self.dilation_h);
    f("dilation_w", self.dilation_w);
    f("pad_top", self.pad_top);
    f("pad_bottom", self.pad_bottom);
    f("pad_left", self.pad_left);
    f("pad_right", self.pad_right);
    f("ceil_mode", self.ceil_mode);
  }
};

Status infer(const MaxPool2d& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
