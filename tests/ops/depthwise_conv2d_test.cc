// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "ops/run_graph.h"
#include "support/random.h"

namespace dotori {
namespace {

using graph::Activation;
using graph::Conv2d;
using graph::Function;

double activate(const Activation& a, double x) {
  switch (a.function) {
    case Function::kRelu: return std::fmax(x, 0.0);
    case Function::kClip: return std::fmin(std::fmax(x, static_cast<double>(a.alpha)), static_cast<double>(a.beta));
    case Function::kSilu: return x / (1 + std::exp(-x));
    case Function::kHardSwish: return x * std::fmin(std::fmax(x + 3, 0.0), 6.0) / 6;
    default: return x;
  }
}

void check(const Conv2d& op, const Shape& shape, bool with_bias) {
  const std::int64_t n = shape[0], h = shape[1], w = shape[2], channels = shape[3];
  testing::Random random(static_cast<std::uint64_t>(h * 100 + w * 10 + channels));
  const std::vector<float> x = random.floats(static_cast<std::size_t>(shape.elements()));
  const Shape weight_shape = {channels, op.kernel_h, op.kernel_w, 1};
  const std::vector<float> weights = random.floats(static_cast<std::size_t>(weight_shape.elements()));
  const std::vector<float> bias = random.floats(static_cast<std::size_t>(channels));
  std::vector<std::pair<Shape, std::vector<float>>> constants = {{weight_shape, weights}};
  if (with_bias) constants.push_back({{channels}, bias});
  const std::int64_t out_h = (h + op.pad_top + op.pad_bottom - op.dilation_h * (op.kernel_h - 1) - 1) / op.stride_h + 1;
  const std::int64_t out_w = (w + op.pad_left + op.pad_right - op.dilation_w * (op.kernel_w - 1) - 1) / op.stride_w + 1;

  std::vector<double> expected;
  for (std::int64_t image = 0; image < n; ++image) {
    for (std::int64_t y = 0; y < out_h; ++y) {
      for (std::int64_t col = 0; col < out_w; ++col) {
        for (std::int64_t c = 0; c < channels; ++c) {
          double sum = with_bias ? static_cast<double>(bias[static_cast<std::size_t>(c)]) : 0.0;
          for (std::int64_t ky = 0; ky < op.kernel_h; ++ky) {
            for (std::int64_t kx = 0; kx < op.kernel_w; ++kx) {
              const std::int64_t iy = y * op.stride_h - op.pad_top + ky * op.dilation_h;
              const std::int64_t ix = col * op.stride_w - op.pad_left + kx * op.dilation_w;
              if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
              sum += static_cast<double>(x[static_cast<std::size_t>(((image * h + iy) * w + ix) * channels + c)]) *
                     static_cast<double>(weights[static_cast<std::size_t>((c * op.kernel_h + ky) * op.kernel_w + kx)]);
            }
          }
          expected.push_back(activate(op.activation, sum));
        }
      }
    }
  }

  std::vector<float> one_thread;
  for (const SessionOptions& options : testing::all_session_options()) {
    const testing::OpRun found = testing::run_op(op, shape, x, constants, options);
    EXPECT_EQ(found.shape, Shape({n, out_h, out_w, channels}));
    ASSERT_EQ(found.values.size(), expected.size());
    if (options.backend != BackendKind::kXnnpack) {
      EXPECT_EQ(found.kernel.rfind("dwconv_f32_", 0), 0u) << found.kernel;
    }
    if (options.backend == BackendKind::kReference) {
      EXPECT_NE(found.kernel.find("__reference"), std::string::npos) << found.kernel;
    }
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(static_cast<double>(found.values[i]), expected[i], 2e-6 * op.kernel_h * op.kernel_w)
          << found.kernel << " " << i;
    if (options.backend == BackendKind::kCpu) {
      if (one_thread.empty()) one_thread = found.values;
      EXPECT_EQ(found.values, one_thread) << "the bits must not depend on the threads";
    }
  }
}

Conv2d depthwise(int kernel, int stride, int pad, int channels) {
  Conv2d op;
  op.kernel_h = op.kernel_w = kernel;
  op.stride_h = op.stride_w = stride;
  op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
  op.groups = channels;
  return op;
}

TEST(DepthwiseConv2d, FastShapes) {
  for (int kernel : {3, 5}) {
    for (int stride : {1, 2}) {
      for (int channels : {3, 8, 20})
        check(depthwise(kernel, stride, kernel / 2, channels), {1, 9, 21, channels}, true);
    }
  }
}

TEST(DepthwiseConv2d, BatchWithoutBias) {
  check(depthwise(3, 1, 1, 9), {3, 5, 6, 9}, false);
}

TEST(DepthwiseConv2d, AsymmetricPaddingDilationAndStride) {
  Conv2d op = depthwise(3, 1, 0, 10);
  op.kernel_h = 2;
  op.stride_h = 2;
  op.stride_w = 3;
  op.dilation_w = 2;
  op.pad_top = 1;
  op.pad_right = 4;
  check(op, {2, 8, 15, 10}, true);
}

TEST(DepthwiseConv2d, Activations) {
  for (Function f : {Function::kRelu, Function::kClip, Function::kSilu, Function::kHardSwish}) {
    Conv2d op = depthwise(3, 1, 1, 12);
    op.activation.function = f;
    if (f == Function::kClip) {
      op.activation.alpha = -0.5f;
      op.activation.beta = 0.75f;
    }
    check(op, {1, 7, 11, 12}, true);
  }
}

// Enough rows for several tasks.
TEST(DepthwiseConv2d, ManyTasks) {
  check(depthwise(5, 1, 2, 32), {1, 24, 24, 32}, true);
}

}  // namespace
}  // namespace dotori
