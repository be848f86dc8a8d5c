// SPDX-License-Identifier: Apache-2.0
// Conv3d and ConvTranspose3d against their definition, scattered product by product in double.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "graph/ops/conv3d.h"
#include "graph/ops/conv_transpose3d.h"
#include "ops/conv_check.h"
#include "ops/run_graph.h"
#include "support/random.h"

namespace dotori::testing {

inline std::int64_t output_position(const graph::Conv3d&, std::int64_t in, int tap, int stride, int dilation, int pad) {
  return output_position(graph::Conv2d(), in, tap, stride, dilation, pad);
}
inline std::int64_t output_position(const graph::ConvTranspose3d&, std::int64_t in, int tap, int stride, int dilation,
                                    int pad) {
  return output_position(graph::ConvTranspose2d(), in, tap, stride, dilation, pad);
}

// x [N,D,H,W,C], weights [O,KD,KH,KW,C/groups] -> y with the shape given, before the activation.
template <class Op>
std::vector<double> volume_sums(const Op& op, const Shape& in, const std::vector<float>& x,
                                const std::vector<float>& weights, const std::vector<float>& bias, const Shape& out) {
  const std::int64_t outputs = out[4], group_in = in[4] / op.groups, group_out = outputs / op.groups;
  std::vector<double> y(static_cast<std::size_t>(out.elements()));
  for (std::size_t i = 0; i < y.size(); ++i)
    y[i] = bias.empty() ? 0.0 : static_cast<double>(bias[i % static_cast<std::size_t>(outputs)]);
  const auto scatter = [&](const float* voxel, std::int64_t tap, double* to) {
    for (std::int64_t o = 0; o < outputs; ++o) {
      const float* w = weights.data() + (o * op.kernel_d * op.kernel_h * op.kernel_w + tap) * group_in;
      const float* from = voxel + o / group_out * group_in;
      for (std::int64_t c = 0; c < group_in; ++c) to[o] += static_cast<double>(from[c]) * static_cast<double>(w[c]);
    }
  };
  const std::int64_t voxels = in.elements() / in[4];
  for (std::int64_t v = 0; v < voxels; ++v) {
    const std::int64_t n = v / (in[1] * in[2] * in[3]), iz = v / (in[2] * in[3]) % in[1];
    const std::int64_t iy = v / in[3] % in[2], ix = v % in[3];
    for (int kz = 0; kz < op.kernel_d; ++kz) {
      const std::int64_t oz = output_position(op, iz, kz, op.stride_d, op.dilation_d, op.pad_front);
      if (oz < 0 || oz >= out[1]) continue;
      for (int ky = 0; ky < op.kernel_h; ++ky) {
        const std::int64_t oy = output_position(op, iy, ky, op.stride_h, op.dilation_h, op.pad_top);
        if (oy < 0 || oy >= out[2]) continue;
        for (int kx = 0; kx < op.kernel_w; ++kx) {
          const std::int64_t ox = output_position(op, ix, kx, op.stride_w, op.dilation_w, op.pad_left);
          if (ox < 0 || ox >= out[3]) continue;
          const std::int64_t tap = (std::int64_t{kz} * op.kernel_h + ky) * op.kernel_w + kx;
          scatter(x.data() + v * in[4], tap, y.data() + (((n * out[1] + oz) * out[2] + oy) * out[3] + ox) * outputs);
        }
      }
    }
  }
  return y;
}

// Runs the node with every backend and several thread counts. The kernels' names begin with `fast` on a machine that
// has one of ours, and with `reference` on the reference backend.
template <class Op>
void check_volume(const Op& op, const Shape& in, std::int64_t outputs, bool with_bias, const std::string& reference,
                  const std::string& fast = "gemm_f32_") {
  Random random(static_cast<std::uint64_t>(in.elements() * 31 + outputs * 7 + op.kernel_w));
  const std::vector<float> x = random.floats(static_cast<std::size_t>(in.elements()));
  const Shape weight_shape = {outputs, op.kernel_d, op.kernel_h, op.kernel_w, in[4] / op.groups};
  const std::vector<float> weights = random.floats(static_cast<std::size_t>(weight_shape.elements()));
  const std::vector<float> bias = with_bias ? random.floats(static_cast<std::size_t>(outputs)) : std::vector<float>();
  std::vector<std::pair<Shape, std::vector<float>>> constants = {{weight_shape, weights}};
  if (with_bias) constants.push_back({{outputs}, bias});

  const double sums = static_cast<double>(weight_shape.elements() / outputs);
  std::vector<double> expected;
  std::vector<float> one_thread;
  std::vector<SessionOptions> all = all_session_options();
  for (int threads : {2, 4}) {
    all.emplace_back();
    all.back().num_threads = threads;
  }
  for (const SessionOptions& options : all) {
    const OpRun found = run_op(op, in, x, constants, options);
    ASSERT_EQ(found.shape.rank(), 5);
    if (expected.empty()) {
      expected = volume_sums(op, in, x, weights, bias, found.shape);
      for (double& v : expected) v = activated(op.activation, v);
    }
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

// A cube of a kernel.
template <class Op>
Op make_volume_conv(int kernel, int stride, int pad, int groups = 1) {
  Op op;
  op.kernel_d = op.kernel_h = op.kernel_w = kernel;
  op.stride_d = op.stride_h = op.stride_w = stride;
  op.pad_front = op.pad_back = op.pad_top = op.pad_bottom = op.pad_left = op.pad_right = pad;
  op.groups = groups;
  return op;
}

// Sizes, strides, dilations and paddings that differ along each axis.
template <class Op>
Op make_uneven_conv(int groups = 1) {
  Op op;
  op.kernel_d = 2, op.kernel_h = 3, op.kernel_w = 4;
  op.stride_d = 3, op.stride_h = 2, op.stride_w = 1;
  op.dilation_d = 2, op.dilation_h = 1, op.dilation_w = 2;
  op.pad_front = 1, op.pad_back = 2, op.pad_top = 0, op.pad_bottom = 1, op.pad_left = 3, op.pad_right = 2;
  op.groups = groups;
  return op;
}

}  // namespace dotori::testing
