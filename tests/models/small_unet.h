// SPDX-License-Identifier: Apache-2.0
// A small int8 U-Net with every int8 operator, the same on every machine.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "ops/quantized_graph.h"
#include "support/random.h"

namespace dotori::testing {

// Of most values: they lie in about -6 … 6, where the activations bend.
inline constexpr float kSmallUnetScale = 0.05f;

class SmallUnetBuilder {
 public:
  graph::ValueId input(const Shape& shape) {
    return add_quantized_input(g, "image", shape, per_tensor(1.0f / 255, -128));
  }
  // A node whose output spreads over the int8 range: the scale is given, the zero point varies.
  graph::ValueId node(graph::Op op, std::vector<graph::ValueId> inputs, float scale) {
    return finish(std::move(op), std::move(inputs), per_tensor(scale, random_.integer(-40, 40)));
  }
  // A node that keeps its input's quantisation.
  graph::ValueId moved(graph::Op op, graph::ValueId x) { return finish(std::move(op), {x}, g.value(x).quantization); }

  graph::ValueId conv(graph::ValueId x, int out, int kernel, int stride, graph::Activation activation, int groups = 1,
                      std::int32_t weight_zero_point = 0) {
    graph::Conv2d op;
    op.kernel_h = op.kernel_w = kernel;
    op.stride_h = op.stride_w = stride;
    op.pad_top = op.pad_left = op.pad_bottom = op.pad_right = (kernel - 1) / 2;
    op.groups = groups;
    op.activation = activation;
    return weighted(op, x, {out, kernel, kernel, channels(x) / groups}, weight_zero_point);
  }
  graph::ValueId up_conv(graph::ValueId x, int out) {
    graph::ConvTranspose2d op;
    op.kernel_h = op.kernel_w = op.stride_h = op.stride_w = 2;
    op.activation = {graph::Function::kLeakyRelu, 0.2f, 0};
    return weighted(op, x, {out, 2, 2, channels(x)}, 0);
  }
  graph::ValueId dense(graph::ValueId x, int out) {
    return weighted(graph::FullyConnected{}, x, {out, channels(x)}, 0);
  }
  graph::ValueId unary(graph::ValueId x, graph::Activation activation, float scale) {
    return node(graph::Unary{activation}, {x}, scale);
  }
  graph::ValueId binary(graph::ValueId a, graph::ValueId b, graph::BinaryFunction f, float scale) {
    graph::Binary op;
    op.function = f;
    return node(op, {a, b}, scale);
  }
  graph::ValueId slopes(int count) {
    std::vector<std::int8_t> elements;
    for (int i = 0; i < count; ++i) elements.push_back(static_cast<std::int8_t>(random_.integer(-128, 127)));
    return add_quantized_constant(g, "slopes", {count}, elements, per_tensor(0.01f, 3));
  }
  // A node with random weights of this shape and a bias; a weight zero point other than 0: one scale for all of them.
  graph::ValueId weighted(graph::Op op, graph::ValueId x, const Shape& shape, std::int32_t weight_zero_point) {
    const std::int64_t outputs = shape[0], each = shape.elements() / outputs;
    std::vector<std::int8_t> w;
    for (std::int64_t i = 0; i < shape.elements(); ++i)
      w.push_back(static_cast<std::int8_t>(random_.integer(-127, 127)));
    std::vector<std::int32_t> bias;
    Quantization q;
    for (std::int64_t o = 0; o < outputs; ++o) {
      bias.push_back(random_.integer(-3000, 3000));
      if (weight_zero_point != 0 && o > 0) continue;
      // Elements of x spread by about 40, weights by 73: the sum of `each` products then spreads y by about 40.
      const float spread = 73 * std::sqrt(static_cast<float>(each));
      q.scales.push_back(random_.uniform(0.6f, 1.5f) * kSmallUnetScale / (g.value(x).quantization.scales[0] * spread));
      q.zero_points.push_back(weight_zero_point);
    }
    const std::string number = std::to_string(g.values().size());
    const graph::ValueId weights = add_quantized_constant(g, "w" + number, shape, w, q);
    const graph::ValueId biases = add_quantized_constant(g, "b" + number, {outputs}, bias, {});
    return node(std::move(op), {x, weights, biases}, kSmallUnetScale);
  }
  std::int64_t channels(graph::ValueId x) const {
    const Shape& shape = g.value(x).type.shape;
    return shape[shape.rank() - 1];
  }

  graph::Graph g;

 private:
  graph::ValueId finish(graph::Op op, std::vector<graph::ValueId> inputs, const Quantization& q) {
    Result<graph::ValueId> id = g.add_node("n" + std::to_string(g.nodes().size()), std::move(op), std::move(inputs));
    EXPECT_TRUE(id.ok()) << id.status().message();
    if (!id.ok()) return {0};
    if (g.value(*id).type.type == DataType::kInt8) g.value(*id).quantization = q;
    return *id;
  }
  Random random_{11};
};

inline graph::Graph small_unet() {
  SmallUnetBuilder b;
  const graph::Activation relu = {graph::Function::kRelu, 0, 0}, none, leaky = {graph::Function::kLeakyRelu, 0.1f, 0};
  const graph::ValueId image = b.input({1, 26, 22, 3});
  const graph::ValueId stem = b.conv(image, 16, 3, 2, {graph::Function::kClip, 0, 6});
  const graph::ValueId deep = b.conv(stem, 16, 3, 1, relu, 16);
  const graph::ValueId wide = b.conv(deep, 24, 1, 1, none);
  const graph::ValueId swish = b.unary(wide, {graph::Function::kHardSwish, 0, 0}, kSmallUnetScale);
  graph::MaxPool2d max_pool;
  max_pool.kernel_h = max_pool.kernel_w = max_pool.stride_h = max_pool.stride_w = 2;
  max_pool.ceil_mode = true;
  const graph::ValueId pooled = b.moved(max_pool, swish);
  const graph::ValueId five = b.conv(pooled, 24, 5, 1, leaky, 24, 9);
  const graph::ValueId grouped = b.conv(five, 32, 3, 1, leaky, 4);
  graph::AveragePool2d average;
  average.kernel_h = average.kernel_w = 3;
  average.stride_h = average.stride_w = 1;
  average.pad_top = average.pad_bottom = average.pad_left = average.pad_right = 1;
  const graph::ValueId smooth = b.node(average, {grouped}, kSmallUnetScale * 0.5f);
  graph::Reduce mean;
  mean.axes = {1, 2};
  const graph::ValueId squeezed = b.node(mean, {smooth}, kSmallUnetScale * 0.2f);
  const graph::ValueId excited = b.conv(squeezed, 32, 1, 1, none);
  const graph::ValueId gate = b.unary(excited, {graph::Function::kSigmoid, 0, 0}, 1.0f / 256);
  const graph::ValueId gated = b.binary(smooth, gate, graph::BinaryFunction::kMul, kSmallUnetScale * 0.3f);
  const graph::ValueId sum = b.binary(gated, grouped, graph::BinaryFunction::kAdd, kSmallUnetScale);
  const graph::ValueId silu = b.unary(sum, {graph::Function::kSilu, 0, 0}, kSmallUnetScale * 0.6f);
  const graph::ValueId bent = b.node(graph::Prelu{}, {silu, b.slopes(32)}, kSmallUnetScale * 0.6f);
  const graph::ValueId up = b.up_conv(bent, 24);
  graph::Resize2d resize;
  resize.filter = graph::ResizeFilter::kBilinear;
  resize.out_h = static_cast<int>(b.g.value(wide).type.shape[1]);
  resize.out_w = static_cast<int>(b.g.value(wide).type.shape[2]);
  const graph::ValueId fitted = b.node(resize, {up}, kSmallUnetScale * 0.8f);
  graph::Concat concat;
  concat.axis = 3;
  const graph::ValueId joined = b.node(concat, {fitted, swish}, kSmallUnetScale * 0.9f);
  const graph::ValueId head = b.conv(joined, 7, 3, 1, none);
  resize.filter = graph::ResizeFilter::kNearest;
  resize.out_h = 26;
  resize.out_w = 22;
  const graph::ValueId large = b.moved(resize, head);
  graph::Softmax softmax;
  softmax.axis = 3;
  const graph::ValueId scores = b.node(softmax, {large}, 1.0f / 256);
  graph::ArgMax arg_max;
  arg_max.axis = 3;
  const graph::ValueId classes = b.node(arg_max, {scores}, 1);
  const graph::ValueId flat = b.moved(graph::Reshape{{1, 26 * 22 * 7}}, large);
  const graph::ValueId logits = b.dense(flat, 10);
  graph::Quantize to_bytes;
  to_bytes.type = DataType::kUint8;
  Result<graph::ValueId> bytes = b.g.add_node("bytes", to_bytes, {logits});
  EXPECT_TRUE(bytes.ok());
  b.g.value(*bytes).quantization = per_tensor(kSmallUnetScale * 1.3f, 120);
  b.g.outputs = {classes, *bytes};
  return b.g;
}

}  // namespace dotori::testing
