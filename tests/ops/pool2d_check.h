// SPDX-License-Identifier: Apache-2.0
// The definitions of max_pool2d and average_pool2d as plain loops, compared with both backends.
#pragma once

#include <cmath>
#include <limits>

#include "ops/run_graph.h"
#include "support/random.h"

namespace dotori::testing {

struct PoolWindow {
  double sum = 0, greatest = -std::numeric_limits<double>::infinity();
  int inside = 0, padded = 0;  // positions in the image, in the padded image
};

// Op: graph::MaxPool2d or graph::AveragePool2d. `value_of` makes the output of a window. `out_h`, `out_w`: what must
// come out.
template <class Op, class ValueOf>
void check_pool(const Op& op, const Shape& shape, int out_h, int out_w, const ValueOf& value_of) {
  const int n = static_cast<int>(shape[0]), h = static_cast<int>(shape[1]), w = static_cast<int>(shape[2]);
  const int channels = static_cast<int>(shape[3]);
  Random random(static_cast<std::uint64_t>(h * 31 + w * 7 + channels));
  const std::vector<float> x = random.floats(static_cast<std::size_t>(shape.elements()), -3, -1);
  std::vector<double> expected;
  for (int image = 0; image < n; ++image) {
    for (int y = 0; y < out_h; ++y) {
      for (int col = 0; col < out_w; ++col) {
        for (int c = 0; c < channels; ++c) {
          PoolWindow window;
          for (int ky = 0; ky < op.kernel_h; ++ky) {
            for (int kx = 0; kx < op.kernel_w; ++kx) {
              const int iy = y * op.stride_h - op.pad_top + ky * op.dilation_h;
              const int ix = col * op.stride_w - op.pad_left + kx * op.dilation_w;
              if (iy < -op.pad_top || iy >= h + op.pad_bottom || ix < -op.pad_left || ix >= w + op.pad_right) continue;
              ++window.padded;
              if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
              ++window.inside;
              const double v =
                  static_cast<double>(x[static_cast<std::size_t>(((image * h + iy) * w + ix) * channels + c)]);
              window.sum += v;
              window.greatest = std::fmax(window.greatest, v);
            }
          }
          expected.push_back(value_of(window));
        }
      }
    }
  }
  for (const SessionOptions& options : all_session_options()) {
    const OpRun found = run_op(op, shape, x, {}, options);
    EXPECT_EQ(found.shape, Shape({n, out_h, out_w, channels}));
    ASSERT_EQ(found.values.size(), expected.size());
    if (options.backend == BackendKind::kReference) {
      EXPECT_NE(found.kernel.find("__reference"), std::string::npos) << found.kernel;
    }
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(static_cast<double>(found.values[i]), expected[i], 2e-6) << found.kernel << " element " << i;
  }
}

template <class Op>
Op make_pool(int kernel, int stride, int pad) {
  Op op;
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
  return op;
}

}  // namespace dotori::testing
