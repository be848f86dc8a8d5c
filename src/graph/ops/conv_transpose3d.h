// SPDX-License-Identifier: Apache-2.0
// 3-D transposed convolution, with a fused activation.
//   inputs: x [N,D,H,W,C], weights [O,kernel_d,kernel_h,kernel_w,C/groups], bias [O] (optional)
//   output: [N,OD,OH,OW,O]
//   OD = (D - 1) * stride_d + dilation_d * (kernel_d - 1) + 1 + output_pad_d - pad_front - pad_back; OH, OW likewise.
// y[n, d*stride_d + i*dilation_d - pad_front, h*stride_h + j*dilation_h - pad_top, w*stride_w + k*dilation_w -
// pad_left, o] += x[n,d,h,w,c] * weights[o,i,j,k,c]. float32, or int8 with int32 bias.
#pragma once

#include "graph/activation.h"
#include "graph/operand.h"

namespace dotori::graph {

struct ConvTranspose3d {
  int kernel_d = 1, kernel_h = 1, kernel_w = 1;
  int stride_d = 1, stride_h = 1, stride_w = 1;
  int dilation_d = 1, dilation_h = 1, dilation_w = 1;
  // Voxels cut off the output, >= 0.
  int pad_front = 0, pad_back = 0, pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  int output_pad_d = 0, output_pad_h = 0, output_pad_w = 0;  // extra voxels at the back / bottom / right
  int groups = 1;
  Activation activation;

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
    f("output_pad_d", self.output_pad_d);
    f("output_pad_h", self.output_pad_h);
    f("output_pad_w", self.output_pad_w);
    f("groups", self.groups);
    f("activation", self.activation);
  }
};

Status infer(const ConvTranspose3d& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
