// SPDX-License-Identifier: Apache-2.0
// Sliding windows: the attributes that convolutions and pools share, for sequences, images and volumes.
#pragma once

#include "convert/onnx/node_context.h"

namespace dotori::convert::onnx {

// Depth, height, width; the axes that an input lacks are as of a single slice or row. A sequence [N,C,L] counts as an
// image [N,C,1,L].
struct Window {
  std::int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1};
  std::int64_t pad_begin[3] = {0, 0, 0}, pad_end[3] = {0, 0, 0};

  // Input positions from the first to the last tap.
  std::int64_t extent(int k) const noexcept { return dilation[k] * (kernel[k] - 1) + 1; }
};

// The first of the three axes that a tensor of `rank` axes has: 2 for [N,C,L], 1 for [N,C,H,W], 0 for [N,C,D,H,W].
inline int first_axis(int rank) noexcept {
  return 5 - rank;
}

// x stored channels last: [N,H,W,C] (rank 4, or rank 3 with a height of 1 put in) or [N,D,H,W,C]. Throws for other
// ranks.
Tensor as_image(NodeContext& ctx, const Tensor& x);
// `y`, a result made from as_image(x), with the rank of x.
Tensor like_input(NodeContext& ctx, const Tensor& y, const Tensor& x);
// Reads kernel_shape (falling back to `kernel`, spatial dimensions only), strides, dilations, pads and auto_pad, which
// is resolved for an input image of x's size.
Window read_window(NodeContext& ctx, const Tensor& x, const Dims& kernel);
// The attribute `name`, one number for each spatial axis, as depth, height and width.
void read_axes(NodeContext& ctx, const char* name, const Dims& fallback, int rank, std::int64_t neutral,
               std::int64_t axes[3]);

template <class Op>
void set_window(const Window& w, Op* op) {
  op->kernel_h = small_int(w.kernel[1], "kernel height"), op->kernel_w = small_int(w.kernel[2], "kernel width");
  op->stride_h = small_int(w.stride[1], "stride"), op->stride_w = small_int(w.stride[2], "stride");
  op->dilation_h = small_int(w.dilation[1], "dilation"), op->dilation_w = small_int(w.dilation[2], "dilation");
  op->pad_top = small_int(w.pad_begin[1], "padding"), op->pad_bottom = small_int(w.pad_end[1], "padding");
  op->pad_left = small_int(w.pad_begin[2], "padding"), op->pad_right = small_int(w.pad_end[2], "padding");
}

template <class Op>
void set_window_3d(const Window& w, Op* op) {
  set_window(w, op);
  op->kernel_d = small_int(w.kernel[0], "kernel depth"), op->stride_d = small_int(w.stride[0], "stride");
  op->dilation_d = small_int(w.dilation[0], "dilation");
  op->pad_front = small_int(w.pad_begin[0], "padding"), op->pad_back = small_int(w.pad_end[0], "padding");
}

}  // namespace dotori::convert::onnx
