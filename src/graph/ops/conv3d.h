// SPDX-License-Identifier: Apache-2.0
// 3-D convolution (cross-correlation) over volumes, grouped, with a fused activation.
//   inputs: x [N,D,H,W,C], weights [O,kernel_d,kernel_h,kernel_w,C/groups], bias [O] (optional)
//   output: [N,OD,OH,OW,O]
//   OD = (D + pad_front + pad_back - (dilation_d * (kernel_d - 1) + 1)) / stride_d + 1, rounded down; OH, OW likewise.
// float32, or int8 with int32 bias (see verify_quantization.h). Output channel o reads the inputs of group o / (O /
// groups). A kernel larger than the padded input is an error.
#pragma once

#include "graph/activation.h"
#include "graph/operand.h"

namespace dotori::graph {

struct Conv3d {
  int kernel_d = 1, kernel_h = 1, kernel_w = 1;
  int stride_d = 1, stride_h = 1, stride_w = 1;
  int dilation_d = 1, dilation_h = 1, dilation_w = 1;
  // Voxels, >= 0.
  int pad_front = 0, pad_back = 0, pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
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
    f("groups", self.groups);
    f("activation", self.activation);
  }
};

Status infer(const Conv3d& op, Span<const Operand> inputs, Span<TensorType> outputs);

}  // namespace dotori::graph
