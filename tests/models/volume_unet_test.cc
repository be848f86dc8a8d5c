// SPDX-License-Identifier: Apache-2.0
// Small 3-D U-Nets: float32 against plain loops in double, int8 against a hash that holds on every machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "models/all_tensors.h"
#include "models/small_unet.h"
#include "ops/conv3d_check.h"
#include "ops/pool3d_check.h"

namespace dotori {
namespace {

using graph::Activation;
using graph::Function;
using graph::ValueId;

// A tensor of the plain computation.
struct Volume {
  Shape shape;
  std::vector<double> data;
};

// Builds the graph and computes each node's output beside it.
class FloatUnet {
 public:
  FloatUnet(const Shape& shape, std::uint64_t seed) : random_(seed) {
    add(g.add_input("volume", DataType::kFloat32, shape), {shape, {}});
    const std::vector<float> x = random_.floats(static_cast<std::size_t>(shape.elements()));
    volumes_[0].data.assign(x.begin(), x.end());
  }

  template <class Op>
  ValueId convolve(Op op, ValueId x, std::int64_t outputs, const Activation& activation) {
    op.activation = activation;
    const std::int64_t in = at(x).shape[4];
    const Shape shape = {outputs, op.kernel_d, op.kernel_h, op.kernel_w, in};
    const float spread = 1.7f / std::sqrt(static_cast<float>(shape.elements() / outputs));
    const std::vector<float> w = random_.floats(static_cast<std::size_t>(shape.elements()), -spread, spread);
    const std::vector<float> b = random_.floats(static_cast<std::size_t>(outputs), -0.2f, 0.2f);
    const ValueId y = node(op, {x, g.add_constant_f32("w", shape, w), g.add_constant_f32("b", {outputs}, b)});
    const Shape out = g.value(y).type.shape;
    const std::vector<float> input(at(x).data.begin(), at(x).data.end());
    std::vector<double> sums = testing::volume_sums(op, at(x).shape, input, w, b, out);
    for (double& v : sums) v = testing::activated(activation, v);
    add(y, {out, sums});
    return y;
  }
  ValueId pool(ValueId x) {
    const ValueId y = node(graph::MaxPool3d(), {x});
    Volume out = {g.value(y).type.shape, {}};
    for (const testing::VolumeWindow& window :
         testing::volume_windows(graph::MaxPool3d(), at(x).shape, at(x).data, out.shape))
      out.data.push_back(window.greatest());
    add(y, out);
    return y;
  }
  ValueId concat(ValueId a, ValueId b) {
    graph::Concat op;
    op.axis = 4;
    const ValueId y = node(op, {a, b});
    Volume out = {g.value(y).type.shape, {}};
    const auto copy = [&](const Volume& from, std::int64_t voxel) {
      const auto first = from.data.begin() + voxel * from.shape[4];
      out.data.insert(out.data.end(), first, first + from.shape[4]);
    };
    for (std::int64_t voxel = 0; voxel < out.shape.elements() / out.shape[4]; ++voxel) {
      copy(at(a), voxel);
      copy(at(b), voxel);
    }
    add(y, out);
    return y;
  }
  ValueId softmax(ValueId x) {
    graph::Softmax op;
    op.axis = 4;
    const ValueId y = node(op, {x});
    Volume out = at(x);
    const std::size_t classes = static_cast<std::size_t>(out.shape[4]);
    for (std::size_t i = 0; i < out.data.size(); i += classes) {
      double sum = 0;
      for (std::size_t c = 0; c < classes; ++c) sum += out.data[i + c] = std::exp(out.data[i + c]);
      for (std::size_t c = 0; c < classes; ++c) out.data[i + c] /= sum;
    }
    add(y, out);
    return y;
  }
  const Volume& at(ValueId id) const { return volumes_[static_cast<std::size_t>(id.index)]; }

  graph::Graph g;

 private:
  void add(ValueId id, const Volume& volume) {
    volumes_.resize(g.values().size());
    volumes_[static_cast<std::size_t>(id.index)] = volume;
  }
  ValueId node(graph::Op op, std::vector<ValueId> inputs) {
    Result<ValueId> y = g.add_node("", std::move(op), std::move(inputs));
    EXPECT_TRUE(y.ok()) << y.status().message();
    return y.ok() ? *y : ValueId{0};
  }
  testing::Random random_;
  std::vector<Volume> volumes_;
};

graph::Conv3d three() {
  return testing::make_volume_conv<graph::Conv3d>(3, 1, 1);
}
graph::ConvTranspose3d up() {
  return testing::make_volume_conv<graph::ConvTranspose3d>(2, 2, 0);
}

constexpr Activation kRelu = {Function::kRelu, 0, 0}, kLeaky = {Function::kLeakyRelu, 0.01f, 0};

TEST(VolumeUnet, Float32MatchesPlainLoops) {
  FloatUnet net({1, 4, 6, 8, 1}, 3);
  const ValueId fine = net.convolve(three(), net.convolve(three(), {0}, 8, kRelu), 8, kRelu);
  const ValueId coarse = net.convolve(three(), net.pool(fine), 19, kRelu);
  const ValueId joined = net.concat(net.convolve(up(), coarse, 8, {}), fine);
  const ValueId merged = net.convolve(three(), joined, 8, kLeaky);
  const ValueId head = net.convolve(testing::make_volume_conv<graph::Conv3d>(1, 1, 0), merged, 2, {});
  const ValueId scores = net.softmax(head);
  net.g.outputs = {scores};
  const std::vector<double>& want = net.at(scores).data;
  const Result<Model> model = Model::from_graph(net.g);
  ASSERT_TRUE(model.ok()) << model.status().message();
  for (const SessionOptions& options : testing::all_session_options()) {
    Result<Session> session = Session::create(*model, options);
    ASSERT_TRUE(session.ok()) << session.status().message();
    const std::vector<double>& x = net.at({0}).data;
    std::transform(x.begin(), x.end(), session->input(0).f32(), [](double v) { return static_cast<float>(v); });
    ASSERT_TRUE(session->run().ok());
    for (std::size_t i = 0; i < want.size(); ++i)
      ASSERT_NEAR(static_cast<double>(session->output(0).f32()[i]), want[i], 2e-6) << "at " << i;
  }
}

graph::Graph int8_unet() {
  testing::SmallUnetBuilder b;
  const ValueId volume = b.input({1, 4, 6, 8, 1});
  const auto conv = [&](ValueId x, int out, const Activation& activation) {
    graph::Conv3d op = three();
    op.activation = activation;
    return b.weighted(op, x, {out, 3, 3, 3, b.channels(x)}, 0);
  };
  const ValueId fine = conv(conv(volume, 12, kRelu), 16, kRelu);
  const ValueId coarse = conv(b.moved(graph::MaxPool3d(), fine), 24, kLeaky);
  graph::ConvTranspose3d enlarge = up();
  enlarge.activation = kLeaky;
  const ValueId large = b.weighted(enlarge, coarse, {16, 2, 2, 2, 24}, 0);
  graph::Concat concat;
  concat.axis = 4;
  const ValueId joined = b.node(concat, {large, fine}, testing::kSmallUnetScale);
  graph::AveragePool3d average = testing::make_volume_pool<graph::AveragePool3d>(3, 1, 1);
  const ValueId smooth = b.node(average, {conv(joined, 10, kLeaky)}, testing::kSmallUnetScale * 0.5f);
  const ValueId head = b.weighted(graph::Conv3d(), smooth, {2, 1, 1, 1, 10}, 0);
  graph::Softmax softmax;
  softmax.axis = 4;
  b.g.outputs = {b.node(softmax, {head}, 1.0f / 256)};
  return b.g;
}

TEST(VolumeUnet, Int8IsTheSameEverywhere) {
  // Over the hashes of all tensors, in the order of the nodes. A change of the arithmetic changes it.
  constexpr std::uint64_t kExpected = 0xedbe33bbf727d1df;
  const Result<Model> model = Model::from_graph(testing::with_all_outputs(int8_unet()));
  ASSERT_TRUE(model.ok()) << model.status().message();
  for (BackendKind backend : {BackendKind::kReference, BackendKind::kCpu}) {
    for (int threads = 1; threads <= 4; ++threads) {
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
        char line[64];
        std::snprintf(line, sizeof line, "%016llx ", static_cast<unsigned long long>(hashes.back()));
        text += line + model->outputs()[static_cast<std::size_t>(i)].name + "\n";
        // A tensor of few values would hide a mistake.
        const std::int8_t* bytes = static_cast<const std::int8_t*>(session->output(i).data);
        const auto ends = std::minmax_element(bytes, bytes + session->output(i).elements());
        EXPECT_GT(*ends.second - *ends.first, 50) << model->outputs()[static_cast<std::size_t>(i)].name;
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
