// SPDX-License-Identifier: Apache-2.0
// Conv2d and ConvTranspose2d against their definition, scattered product by product in double.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "graph/ops/conv2d.h"
#include "graph/ops/conv_transpose2d.h"
#include "ops/run_graph.h"
#include "support/random.h"

namespace dotori::testing {

inline double activated(const graph::Activation& a, double x) {
  switch (a.function) {
    case graph::Function::kRelu: return std::fmax(x, 0.0);
    case graph::Function::kClip:
      return std::fmin(std::fmax(x, static_cast<double>(a.alpha)), static_cast<double>(a.beta));
    case graph::Function::kSilu: return x / (1 + std::exp(-x));
    case graph::Function::kLeakyRelu: return x >= 0 ? x : static_cast<double>(a.alpha) * x;
    default: return x;
  }
}

// Output position of input position `in` through tap `tap` of one axis; -1 for none.
inline std::int64_t output_position(const graph::Conv2d&, std::int64_t in, int tap, int stride, int dilation, int pad) {
  const std::int64_t scaled = in + pad - static_cast<std::int64_t>(tap) * dilation;
  return scaled >= 0 && scaled % stride == 0 ? scaled / stride : -1;
}
inline std::int64_t output_position(const graph::ConvTranspose2d&, std::int64_t in, int tap, int stride, int dilation,
                                    int pad) {
  return in * stride + static_cast<std::int64_t>(tap) * dilation - pad;
}

// x [N,H,W,C], weights [O,KH,KW,C/groups] -> y with the shape given.
template <class Op>
std::vector<double> convolved(const Op& op, const Shape& in, const std::vector<float>& x,
                              const std::vector<float>& weights, const std::vector<float>& bias, const Shape& out) {
  const std::int64_t outputs = out[3], group_in = in[3] / op.groups, group_out = outputs / op.groups;
  std::vector<double> y(static_cast<std::size_t>(out.elements()));
  for (std::size_t i = 0; i < y.size(); ++i)
    y[i] = bias.empty() ? 0.0 : static_cast<double>(bias[i % static_cast<std::size_t>(outputs)]);
  for (std::int64_t n = 0; n < in[0]; ++n) {
    for (std::int64_t iy = 0; iy < in[1]; ++iy) {
      for (std::int64_t ix = 0; ix < in[2]; ++ix) {
        const float* pixel = x.data() + ((n * in[1] + iy) * in[2] + ix) * in[3];
        for (int ky = 0; ky < op.kernel_h; ++ky) {
          const std::int64_t oy = output_position(op, iy, ky, op.stride_h, op.dilation_h, op.pad_top);
          if (oy < 0 || oy >= out[1]) continue;
          for (int kx = 0; kx < op.kernel_w; ++kx) {
            const std::int64_t ox = output_position(op, ix, kx, op.stride_w, op.dilation_w, op.pad_left);
            if (ox < 0 || ox >= out[2]) continue;
            double* to = y.data() + ((n * out[1] + oy) * out[2] + ox) * outputs;
            for (std::int64_t o = 0; o < outputs; ++o) {
              const float* w = weights.data() + ((o * op.kernel_h + ky) * op.kernel_w + kx) * group_in;
              const float* from = pixel + o / group_out * group_in;
              for (std::int64_t c = 0; c < group_in; ++c)
                to[o] += static_cast<double>(from[c]) * static_cast<double>(w[c]);
            }
          }
        }
      }
    }
  }
  for (double& v : y) v = activated(op.activation, v);
  return y;
}

// Runs the node with every backend and several thread counts. The kernels' names begin with `fast` on a machine that
// has one of ours, and with `reference` on the reference backend.
// For each product of a sum. Fewer multiplications cost precision (kernels/winograd/winograd.h).
inline double rounding_of(const std::string& kernel) {
  return kernel.rfind("winograd", 0) == 0 ? 1.5e-6 : 2e-7;
}

template <class Op>
void check_convolution(const Op& op, const Shape& in, std::int64_t outputs, bool with_bias,
                       const std::string& reference, const std::string& fast = "gemm_f32_") {
  Random random(static_cast<std::uint64_t>(in.elements() * 31 + outputs * 7 + op.kernel_w));
  const std::vector<float> x = random.floats(static_cast<std::size_t>(in.elements()));
  const Shape weight_shape = {outputs, op.kernel_h, op.kernel_w, in[3] / op.groups};
  const std::vector<float> weights = random.floats(static_cast<std::size_t>(weight_shape.elements()));
  const std::vector<float> bias = with_bias ? random.floats(static_cast<std::size_t>(outputs)) : std::vector<float>();
  std::vector<std::pair<Shape, std::vector<float>>> constants = {{weight_shape, weights}};
  if (with_bias) constants.push_back({{outputs}, bias});

  const double sums = static_cast<double>(weight_shape.elements() / outputs);
  std::vector<double> expected;
  std::vector<float> one_thread;
  for (const SessionOptions& options : all_session_options()) {
    const OpRun found = run_op(op, in, x, constants, options);
    ASSERT_EQ(found.shape.rank(), 4);
    if (expected.empty()) expected = convolved(op, in, x, weights, bias, found.shape);
    ASSERT_EQ(found.values.size(), expected.size());
    const bool plain = options.backend == BackendKind::kReference || std::string(host_isa_name()) == "none";
    if (options.backend != BackendKind::kXnnpack) {
      EXPECT_EQ(found.kernel.rfind(plain ? reference : fast, 0), 0u) << found.kernel;
    }
    const double rounding = rounding_of(found.kernel);
    for (std::size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR(static_cast<double>(found.values[i]), expected[i], rounding * (sums + 10))
          << found.kernel << " at " << i;
    if (options.backend != BackendKind::kCpu) continue;
    if (one_thread.empty()) one_thread = found.values;
    EXPECT_EQ(found.values, one_thread) << "the bits must not depend on the threads";
  }
}

}  // namespace dotori::testing
