// SPDX-License-Identifier: Apache-2.0
// 2-D transposed convolution, with a fused activation.
//   inputs: x [N,H,W,C], weights [O,kernel_h,kernel_w,C/groups], bias [O] (optional)   output: [N,OH,OW,O]
//   OH = (H - 1) * stride_h + dilation_h * (kernel_h - 1) + 1 + output_pad_h - pad_top - pad_bottom; OW likewise.
// y[n, h*stride_h + i*dilation_h - pad_top, w*stride_w + j*dilation_w - pad_left, o] += x[n,h,w,c] * weights[o,i,j,c].
#pragma once

#include "graph/activation.h"
#include "graph/operand.h"

namespace dotori::graph {

struct ConvTranspose2d {
  int kernel_h = 1, kernel_w = 1;
  int stride_h = 1, stride_w = 1;
  int dilation_h = 1, dilation_w = 1;
  int pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;  // pixels cut off the output, >= 0
  int output_pad_h = 0, output_pad_w = 0;                        // extra rows / columns at the bottom / right
  int groups = 1;
  Activation activation;

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
    f("output_pad_h", self.output_pad_h);
    f("output_pad_w", self.output_pad_w);
    f("groups", self.groups);
    f("activation", self.activation);
  }
};

Status infer(const ConvTranspose2d& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
