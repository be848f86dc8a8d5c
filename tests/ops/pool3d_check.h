// SPDX-License-Identifier: Apache-2.0
// What the windows of max_pool3d and average_pool3d hold, as plain loops.
#pragma once

#include <algorithm>
#include <vector>

#include <dotori/tensor.h>

#include "graph/ops/average_pool3d.h"
#include "graph/ops/max_pool3d.h"

namespace dotori::testing {

struct VolumeWindow {
  std::vector<double> elements;  // those inside the volume
  int padded = 0;                // positions in the padded volume
  double sum() const {
    double total = 0;
    for (double v : elements) total += v;
    return total;
  }
  double greatest() const { return *std::max_element(elements.begin(), elements.end()); }
};

// The windows of an output [N,OD,OH,OW,C], in its order.
template <class Op, class T>
std::vector<VolumeWindow> volume_windows(const Op& op, const Shape& in, const std::vector<T>& x, const Shape& out) {
  std::vector<VolumeWindow> windows;
  for (std::int64_t i = 0; i < out.elements(); ++i) {
    const std::int64_t c = i % out[4], ox = i / out[4] % out[3], oy = i / (out[4] * out[3]) % out[2];
    const std::int64_t oz = i / (out[4] * out[3] * out[2]) % out[1], n = i / (out.elements() / out[0]);
    VolumeWindow window;
    for (int kz = 0; kz < op.kernel_d; ++kz) {
      for (int ky = 0; ky < op.kernel_h; ++ky) {
        for (int kx = 0; kx < op.kernel_w; ++kx) {
          const std::int64_t z = oz * op.stride_d - op.pad_front + kz * op.dilation_d;
          const std::int64_t y = oy * op.stride_h - op.pad_top + ky * op.dilation_h;
          const std::int64_t w = ox * op.stride_w - op.pad_left + kx * op.dilation_w;
          if (z >= in[1] + op.pad_back || y >= in[2] + op.pad_bottom || w >= in[3] + op.pad_right) continue;
          ++window.padded;
          if (z < 0 || z >= in[1] || y < 0 || y >= in[2] || w < 0 || w >= in[3]) continue;
          const std::int64_t at = (((n * in[1] + z) * in[2] + y) * in[3] + w) * in[4] + c;
          window.elements.push_back(static_cast<double>(x[static_cast<std::size_t>(at)]));
        }
      }
    }
    windows.push_back(window);
  }
  return windows;
}

// A cube of a window.
template <class Op>
Op make_volume_pool(int kernel, int stride, int pad) {
  Op op;
  op.kernel_d = op.kernel_h = op.kernel_w = kernel;
  op.stride_d = op.stride_h = op.stride_w = stride;
  op.pad_front = op.pad_back = op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
  return op;
}

// Sizes, strides, dilations and paddings that differ along each axis.
template <class Op>
Op make_uneven_pool() {
  Op op;
  op.kernel_d = 3, op.kernel_h = 2, op.kernel_w = 4;
  op.stride_d = 2, op.stride_h = 3, op.stride_w = 1;
  op.dilation_d = 1, op.dilation_h = 2, op.dilation_w = 2;
  op.pad_front = 2, op.pad_back = 1, op.pad_top = 1, op.pad_bottom = 2, op.pad_left = 3, op.pad_right = 0;
  return op;
}

// What each test runs through: a window of every kind, and channels below and above a vector.
template <class Op, class Check>
void each_volume_pool(const Check& check) {
  for (int channels : {1, 8, 21}) {
    check(make_volume_pool<Op>(2, 2, 0), Shape{1, 4, 6, 8, channels}, Shape{1, 2, 3, 4, channels});
    check(make_volume_pool<Op>(3, 2, 1), Shape{2, 5, 4, 7, channels}, Shape{2, 3, 2, 4, channels});
    check(make_volume_pool<Op>(3, 1, 1), Shape{1, 3, 4, 5, channels}, Shape{1, 3, 4, 5, channels});
    check(make_volume_pool<Op>(4, 1, 0), Shape{1, 4, 4, 4, channels}, Shape{1, 1, 1, 1, channels});
    check(make_volume_pool<Op>(1, 2, 0), Shape{1, 3, 4, 5, channels}, Shape{1, 2, 2, 3, channels});
    check(make_uneven_pool<Op>(), Shape{2, 5, 6, 7, channels}, Shape{2, 3, 3, 4, channels});
    Op op = make_volume_pool<Op>(3, 2, 0);
    op.ceil_mode = true;
    check(op, Shape{1, 6, 7, 4, channels}, Shape{1, 3, 3, 2, channels});
  }
}

}  // namespace dotori::testing
