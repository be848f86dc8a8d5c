// SPDX-License-Identifier: Apache-2.0
// Maximum over a window of a volume; padding never wins; a NaN in the window gives NaN.
//   input: x [N,D,H,W,C]   output: [N,OD,OH,OW,C]
//   OD = (D + pad_front + pad_back - (dilation_d * (kernel_d - 1) + 1)) / stride_d + 1, rounded down, or up when
//   ceil_mode (then a last window that would start in the padding at the end is dropped, as ONNX and PyTorch do); OH,
//   OW likewise.
// float32 or int8; padding is below the kernel in each direction, so no window lies in the padding alone.
#pragma once

#include "graph/operand.h"

namespace dotori::graph {

struct MaxPool3d {
  int kernel_d = 2, kernel_h = 2, kernel_w = 2;
  int stride_d = 2, stride_h = 2, stride_w = 2;
  int dilation_d = 1, dilation_h = 1, dilation_w = 1;
  int pad_front = 0, pad_back = 0, pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;  // voxels
  bool ceil_mode = false;

  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("kernel_d", self.kernel_d);
    f("kernel_h", self.kernel_h);
    f("kernel_w", self.kernel_w);
    f("stride_d", self.stride_d);
    f("stride_h", self.stride_h);
    f("stride_w", self.stride_w);
    f("dilation_d", self.dilation_d);
    f("dilation_h", self.dilation_h);
    f("dilation_w", self.dilation_w);
    f("pad_front", self.pad_front);
    f("pad_back", self.pad_back);
    f("pad_top", self.pad_top);
    f("pad_bottom", self.pad_bottom);
    f("pad_left", self.pad_left);
    f("pad_right", self.pad_right);
    f("ceil_mode", self.ceil_mode);
  }
};

Status infer(const MaxPool3d& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
