// SPDX-License-Identifier: Apache-2.0
// A small int8 U-Net with every int8 operator: the hash of each tensor is the one written here, whatever the machine,
// the instruction set and the number of threads. (tests/models/bit_exact.sh compares trained networks between two
// machines.)
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <set>

#include "models/all_tensors.h"
#include "ops/quantized_graph.h"

namespace dotori {
namespace {

using graph::Function;
using graph::ValueId;
using testing::per_tensor;

// Of most values: they lie in about -6 … 6, where the activations bend.
constexpr float kScale = 0.05f;

class Builder {
 public:
  ValueId input(const Shape& shape) {
    return testing::add_quantized_input(g, "image", shape, per_tensor(1.0f / 255, -128));
  }
  // A node whose output spreads over the int8 range: the scale is given, the zero point varies.
  ValueId node(graph::Op op, std::vector<ValueId> inputs, float scale) {
    return finish(std::move(op), std::move(inputs), per_tensor(scale, random_.integer(-40, 40)));
  }
  // A node that keeps its input's quantisation.
  ValueId moved(graph::Op op, ValueId x) { return finish(std::move(op), {x}, g.value(x).quantization); }

  ValueId conv(ValueId x, int out, int kernel, int stride, graph::Activation activation, int groups = 1,
               std::int32_t weight_zero_point = 0) {
    graph::Conv2d op;
    op.kernel_h = op.kernel_w = kernel;
    op.stride_h = op.stride_w = stride;
    op.pad_top = op.pad_left = op.pad_bottom = op.pad_right = (kernel - 1) / 2;
    op.groups = groups;
    op.activation = activation;
    return weighted(op, x, {out, kernel, kernel, channels(x) / groups}, weight_zero_point);
  }
  ValueId up_conv(ValueId x, int out) {
    graph::ConvTranspose2d op;
    op.kernel_h = op.kernel_w = op.stride_h = op.stride_w = 2;
    op.activation = {Function::kLeakyRelu, 0.2f, 0};
    return weighted(op, x, {out, 2, 2, channels(x)}, 0);
  }
  ValueId dense(ValueId x, int out) { return weighted(graph::FullyConnected{}, x, {out, channels(x)}, 0); }
  ValueId unary(ValueId x, graph::Activation activation, float scale) {
    return node(graph::Unary{activation}, {x}, scale);
  }
  ValueId binary(ValueId a, ValueId b, graph::BinaryFunction f, float scale) {
    graph::Binary op;
    op.function = f;
    return node(op, {a, b}, scale);
  }
  ValueId slopes(int count) {
    std::vector<std::int8_t> elements;
    for (int i = 0; i < count; ++i) elements.push_back(static_cast<std::int8_t>(random_.integer(-128, 127)));
    return testing::add_quantized_constant(g, "slopes", {count}, elements, per_tensor(0.01f, 3));
  }
  std::int64_t channels(ValueId x) const {
    const Shape& shape = g.value(x).type.shape;
    return shape[shape.rank() - 1];
  }

  graph::Graph g;

 private:
  ValueId weighted(graph::Op op, ValueId x, const Shape& shape, std::int32_t weight_zero_point) {
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
      q.scales.push_back(random_.uniform(0.6f, 1.5f) * kScale / (g.value(x).quantization.scales[0] * spread));
      q.zero_points.push_back(weight_zero_point);
    }
    const std::string number = std::to_string(g.values().size());
    const ValueId weights = testing::add_quantized_constant(g, "w" + number, shape, w, q);
    const ValueId biases = testing::add_quantized_constant(g, "b" + number, {outputs}, bias, {});
    return node(std::move(op), {x, weights, biases}, kScale);
  }
  ValueId finish(graph::Op op, std::vector<ValueId> inputs, const Quantization& q) {
    Result<ValueId> id = g.add_node("n" + std::to_string(g.nodes().size()), std::move(op), std::move(inputs));
    EXPECT_TRUE(id.ok()) << id.status().message();
    if (!id.ok()) return {0};
    if (g.value(*id).type.type == DataType::kInt8) g.value(*id).quantization = q;
    return *id;
  }
  testing::Random random_{11};
};

graph::Graph small_unet() {
  Builder b;
  const graph::Activation relu = {Function::kRelu, 0, 0}, none, leaky = {Function::kLeakyRelu, 0.1f, 0};
  const ValueId image = b.input({1, 26, 22, 3});
  const ValueId stem = b.conv(image, 16, 3, 2, {Function::kClip, 0, 6});
  const ValueId deep = b.conv(stem, 16, 3, 1, relu, 16);
  const ValueId wide = b.conv(deep, 24, 1, 1, none);
  const ValueId swish = b.unary(wide, {Function::kHardSwish, 0, 0}, kScale);
  graph::MaxPool2d max_pool;
  max_pool.kernel_h = max_pool.kernel_w = max_pool.stride_h = max_pool.stride_w = 2;
  max_pool.ceil_mode = true;
  const ValueId pooled = b.moved(max_pool, swish);
  const ValueId five = b.conv(pooled, 24, 5, 1, leaky, 24, 9);
  const ValueId grouped = b.conv(five, 32, 3, 1, leaky, 4);
  graph::AveragePool2d average;
  average.kernel_h = average.kernel_w = 3;
  average.stride_h = average.stride_w = 1;
  average.pad_top = average.pad_bottom = average.pad_left = average.pad_right = 1;
  const ValueId smooth = b.node(average, {grouped}, kScale * 0.5f);
  graph::Reduce mean;
  mean.axes = {1, 2};
  const ValueId squeezed = b.node(mean, {smooth}, kScale * 0.2f);
  const ValueId excited = b.conv(squeezed, 32, 1, 1, none);
  const ValueId gate = b.unary(excited, {Function::kSigmoid, 0, 0}, 1.0f / 256);
  const ValueId gated = b.binary(smooth, gate, graph::BinaryFunction::kMul, kScale * 0.3f);
  const ValueId sum = b.binary(gated, grouped, graph::BinaryFunction::kAdd, kScale);
  const ValueId silu = b.unary(sum, {Function::kSilu, 0, 0}, kScale * 0.6f);
  const ValueId bent = b.node(graph::Prelu{}, {silu, b.slopes(32)}, kScale * 0.6f);
  const ValueId up = b.up_conv(bent, 24);
  graph::Resize2d resize;
  resize.filter = graph::ResizeFilter::kBilinear;
  resize.out_h = static_cast<int>(b.g.value(wide).type.shape[1]);
  resize.out_w = static_cast<int>(b.g.value(wide).type.shape[2]);
  const ValueId fitted = b.node(resize, {up}, kScale * 0.8f);
  graph::Concat concat;
  concat.axis = 3;
  const ValueId joined = b.node(concat, {fitted, swish}, kScale * 0.9f);
  const ValueId head = b.conv(joined, 7, 3, 1, none);
  resize.filter = graph::ResizeFilter::kNearest;
  resize.out_h = 26;
  resize.out_w = 22;
  const ValueId large = b.moved(resize, head);
  graph::Softmax softmax;
  softmax.axis = 3;
  const ValueId scores = b.node(softmax, {large}, 1.0f / 256);
  graph::ArgMax arg_max;
  arg_max.axis = 3;
  const ValueId classes = b.node(arg_max, {scores}, 1);
  const ValueId flat = b.moved(graph::Reshape{{1, 26 * 22 * 7}}, large);
  const ValueId logits = b.dense(flat, 10);
  graph::Quantize to_bytes;
  to_bytes.type = DataType::kUint8;
  Result<ValueId> bytes = b.g.add_node("bytes", to_bytes, {logits});
  EXPECT_TRUE(bytes.ok());
  b.g.value(*bytes).quantization = per_tensor(kScale * 1.3f, 120);
  b.g.outputs = {classes, *bytes};
  return b.g;
}

TEST(BitExact, SmallUnetOfEveryOperator) {
  // One hash over the hashes of all tensors, in the order of the nodes. A change of the arithmetic changes it.
  constexpr std::uint64_t kExpected = 12619841979009415906ull;
  const Result<Model> model = Model::from_graph(testing::with_all_outputs(small_unet()));
  ASSERT_TRUE(model.ok()) << model.status().message();
  for (BackendKind backend : {BackendKind::kReference, BackendKind::kCpu}) {
    for (int threads = 1; threads <= 8; ++threads) {
      SessionOptions options;
      options.backend = backend;
      options.num_threads = threads;
      Result<Session> session = Session::create(*model, options);
      ASSERT_TRUE(session.ok()) << session.status().message();
      testing::fill_random(*session, 3);
      ASSERT_TRUE(session->run().ok());
      std::vector<std::uint64_t> hashes;
      std::string text;
      for (int i = 0; i < session->output_count(); ++i) {
        hashes.push_back(testing::hash_of(session->output(i)));
        // A tensor of few values would hide a mistake.
        const TensorView y = session->output(i);
        const std::uint8_t* bytes = static_cast<const std::uint8_t*>(y.data);
        const std::size_t different = std::set<std::uint8_t>(bytes, bytes + y.size_bytes).size();
        if (y.elements() >= 64 && y.type == DataType::kInt8) {
          EXPECT_GE(different, 20u) << model->outputs()[static_cast<std::size_t>(i)].name;
        }
        char line[64];
        std::snprintf(line, sizeof line, "%016llx ", static_cast<unsigned long long>(hashes.back()));
        text += line + model->outputs()[static_cast<std::size_t>(i)].name + "\n";
      }
      const std::uint64_t all =
          graph::xxh64({reinterpret_cast<const unsigned char*>(hashes.data()), hashes.size() * sizeof(std::uint64_t)});
      ASSERT_EQ(all, kExpected) << (backend == BackendKind::kCpu ? host_isa_name() : "reference") << ", " << threads
                                << " threads\n"
                                << text;
    }
  }
}

}  // namespace
}  // namespace dotori
