// SPDX-License-Identifier: Apache-2.0
// Quantised .tflite files: each operator against the float file of the same numbers, and what the importer does at the
// edges.
#include <flatbuffers/flexbuffers.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>

#include <dotori/dotori.h>

#include "convert/convert.h"
#include "convert/tflite/flexbuffer.h"
#include "convert/tflite_file.h"
#include "graph/graph.h"
#include "support/random.h"

namespace dotori {
namespace {

using testing::byte_field;
using testing::bytes_of;
using testing::Field;
using testing::float_field;
using testing::int_field;
using testing::TfliteFile;

constexpr int kFloat32 = 0, kInt32 = 2, kUint8 = 3, kInt64 = 4, kInt8 = 9;

Result<graph::Graph> import(const TfliteFile& file) {
  const std::string path = ::testing::TempDir() + std::to_string(getpid()) + "_quantized.tflite";
  const std::vector<unsigned char> bytes = file.bytes();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  Result<graph::Graph> graph = convert::import_tflite(path, {});
  std::remove(path.c_str());
  return graph;
}

// Every output as real numbers, int64 for indices.
std::vector<std::vector<double>> run(const graph::Graph& graph, const std::vector<unsigned char>& input) {
  const Result<Model> model = Model::from_graph(graph);
  EXPECT_TRUE(model.ok()) << model.status().message();
  SessionOptions options;
  options.backend = BackendKind::kReference;
  Result<Session> session = Session::create(*model, options);
  EXPECT_TRUE(session.ok()) << session.status().message() << "\n" << to_string(graph);
  if (!session.ok()) return {};
  const TensorView x = session->input(0);
  EXPECT_EQ(x.size_bytes, input.size());
  if (x.size_bytes != input.size()) return {};
  std::memcpy(x.data, input.data(), input.size());
  EXPECT_TRUE(session->run().ok());
  std::vector<std::vector<double>> outputs;
  for (int o = 0; o < session->output_count(); ++o) {
    const TensorView y = session->output(o);
    const Quantization& q = model->outputs()[static_cast<std::size_t>(o)].quantization;
    std::vector<double> reals;
    for (std::int64_t i = 0; i < y.elements(); ++i) {
      double v = 0;
      if (y.type == DataType::kFloat32) v = static_cast<double>(y.f32()[i]);
      if (y.type == DataType::kInt32) v = y.i32()[i];
      if (y.type == DataType::kInt64) v = static_cast<double>(y.i64()[i]);
      if (y.type == DataType::kInt8) v = static_cast<const std::int8_t*>(y.data)[i];
      if (y.type == DataType::kUint8) v = static_cast<const std::uint8_t*>(y.data)[i];
      if (!q.empty()) v = static_cast<double>(q.scales[0]) * (v - q.zero_points[0]);
      reals.push_back(v);
    }
    outputs.push_back(std::move(reals));
  }
  return outputs;
}

// The same network twice: quantised and in float.
class Twin {
 public:
  // `type`: kInt8 or kUint8 of the activations. Zero points are given in int8.
  explicit Twin(int type = kInt8) : type_(type) {}

  int tensor(const char* name, std::vector<std::int32_t> shape, float scale, int zero_point) {
    quantized.add_tensor(name, shape, type_);
    set_quantization({scale}, {zero_point});
    return real.add_tensor(name, std::move(shape));
  }
  int plain(const char* name, std::vector<std::int32_t> shape, int type) {
    quantized.add_tensor(name, shape, type);
    return real.add_tensor(name, std::move(shape), type);
  }
  // Random 8-bit numbers in [low, high] with a scale for all or for each index along `axis`.
  int constant(const char* name, std::vector<std::int32_t> shape, std::vector<float> scales, int zero_point = 0,
               int axis = 0, int low = -127, int high = 127) {
    std::size_t count = 1, inner = 1;
    for (std::size_t k = 0; k < shape.size(); ++k) {
      count *= static_cast<std::size_t>(shape[k]);
      if (static_cast<int>(k) > axis) inner *= static_cast<std::size_t>(shape[k]);
    }
    std::vector<unsigned char> stored;
    std::vector<float> reals;
    for (std::size_t i = 0; i < count; ++i) {
      const int v = random_.integer(low, high);
      const float scale = scales[scales.size() > 1 ? i / inner % scales.size() : 0];
      stored.push_back(static_cast<unsigned char>(type_ == kUint8 ? v + 128 : v));
      reals.push_back(scale * static_cast<float>(v - zero_point));
    }
    quantized.add_tensor(name, shape, type_);
    quantized.tensors.back().data = stored;
    set_quantization(scales, std::vector<int>(scales.size(), zero_point));
    quantized.tensors.back().quantized_dimension = axis;
    return real.add_floats(name, std::move(shape), reals);
  }
  int bias(const char* name, const std::vector<float>& scales, std::size_t count) {
    std::vector<std::int32_t> stored;
    std::vector<float> reals;
    for (std::size_t c = 0; c < count; ++c) {
      stored.push_back(random_.integer(-2000, 2000));
      reals.push_back(static_cast<float>(stored.back()) * scales[scales.size() > 1 ? c : 0]);
    }
    quantized.add_ints(name, stored);
    quantized.tensors.back().scales = scales;
    quantized.tensors.back().zero_points.assign(scales.size(), 0);
    return real.add_floats(name, {static_cast<std::int32_t>(count)}, reals);
  }
  int ints(const char* name, const std::vector<std::int32_t>& values) {
    quantized.add_ints(name, values);
    return real.add_ints(name, values);
  }
  int number(const char* name, std::int32_t value) {
    quantized.add_int(name, value);
    return real.add_int(name, value);
  }
  void op(int code, std::vector<std::int32_t> in, std::vector<std::int32_t> out, int options_type = 0,
          const std::vector<Field>& options = {}) {
    quantized.add_operator(code, in, out, options_type, options);
    real.add_operator(code, std::move(in), std::move(out), options_type, options);
  }

  // Runs both; every output of the quantised one is within `steps` of the float one's, clamped to what 8 bits can say.
  void check(std::vector<std::int32_t> outputs, double steps = 0.51) {
    for (TfliteFile* file : {&quantized, &real}) {
      file->inputs = {0};
      file->outputs = outputs;
    }
    Result<graph::Graph> q = import(quantized), f = import(real);
    ASSERT_TRUE(q.ok()) << q.status().message();
    ASSERT_TRUE(f.ok()) << f.status().message();
    graph = *q;
    std::vector<unsigned char> stored;
    std::vector<float> reals;
    const testing::FileTensor& x = quantized.tensors[0];
    std::size_t count = 1;
    for (std::int32_t d : x.shape) count *= static_cast<std::size_t>(d);
    for (std::size_t i = 0; i < count; ++i) {
      const int v = random_.integer(-128, 127);
      stored.push_back(static_cast<unsigned char>(type_ == kUint8 ? v + 128 : v));
      reals.push_back(x.scales[0] * static_cast<float>(v - zero_of(x)));
    }
    const std::vector<std::vector<double>> got = run(*q, stored), want = run(*f, bytes_of(reals));
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t o = 0; o < got.size(); ++o) {
      ASSERT_EQ(got[o].size(), want[o].size());
      const testing::FileTensor& y = quantized.tensors[static_cast<std::size_t>(outputs[o])];
      EXPECT_EQ(q->value(q->outputs[o]).name, y.name);
      const bool eight_bits = y.type == kInt8 || y.type == kUint8;
      const double scale = eight_bits ? static_cast<double>(y.scales[0]) : 1.0;
      for (std::size_t i = 0; i < got[o].size(); ++i) {
        double w = want[o][i];
        if (eight_bits) w = std::min(std::max(w, scale * (-128 - zero_of(y))), scale * (127 - zero_of(y)));
        ASSERT_NEAR(got[o][i], w, eight_bits ? steps * scale : 1e-5) << "output " << o << " element " << i << "\n"
                                                                     << to_string(*q);
      }
    }
    // Nothing but the edges leaves 8 bits.
    for (const graph::Node& node : q->nodes()) {
      const DataType type = q->value(node.outputs[0]).type.type;
      const bool edge = std::holds_alternative<graph::Quantize>(node.op) ||
                        std::holds_alternative<graph::Dequantize>(node.op) ||
                        std::holds_alternative<graph::ArgMax>(node.op);
      if (!edge && !in_float) {
        EXPECT_EQ(type, DataType::kInt8) << to_string(*q);
      }
    }
  }

  TfliteFile quantized, real;
  graph::Graph graph;
  bool in_float = false;

 private:
  void set_quantization(std::vector<float> scales, const std::vector<int>& zero_points) {
    quantized.tensors.back().scales = std::move(scales);
    for (int z : zero_points) quantized.tensors.back().zero_points.push_back(type_ == kUint8 ? z + 128 : z);
  }
  double zero_of(const testing::FileTensor& t) const {
    return static_cast<double>(t.zero_points[0] - (type_ == kUint8 ? 128 : 0));
  }
  int type_;
  testing::Random random_{17};
};

const std::vector<Field> kConvRelu6 = {byte_field(0, 0), int_field(1, 1), int_field(2, 1), byte_field(3, 3)};

std::vector<float> times(const std::vector<float>& scales, float x) {
  std::vector<float> out;
  for (float s : scales) out.push_back(s * x);
  return out;
}

TEST(TfliteQuantized, ConvolutionWithAScaleForEachChannel) {
  Twin t;
  const std::vector<float> scales = {0.004f, 0.01f, 0.02f};
  const int x = t.tensor("x", {1, 5, 6, 4}, 0.02f, -7);
  const int w = t.constant("w", {3, 3, 3, 4}, scales);
  const int b = t.bias("b", times(scales, 0.02f), 3);
  const int y = t.tensor("y", {1, 5, 6, 3}, 6.0f / 255, -128);
  t.op(3, {x, w, b}, {y}, 1, kConvRelu6);
  t.check({y});
  const auto& conv = std::get<graph::Conv2d>(t.graph.nodes()[0].op);
  EXPECT_EQ(conv.activation.function, graph::Function::kClip);
}

TEST(TfliteQuantized, DepthwiseUint8WithZeroPoints) {
  Twin t(kUint8);
  const int x = t.tensor("x", {1, 5, 6, 3}, 0.02f, 9);
  const int w = t.constant("w", {1, 3, 3, 6}, {0.01f}, -20, 3);
  const int b = t.bias("b", {0.02f * 0.01f}, 6);
  const int y = t.tensor("y", {1, 3, 3, 6}, 0.05f, 4);
  t.op(4, {x, w, b}, {y}, 2, {byte_field(0, 0), int_field(1, 2), int_field(2, 2), int_field(3, 2), byte_field(4, 1)});
  t.check({y});
  // The graph's own tensors keep the file's type, scale and zero point.
  const graph::Value& in = t.graph.value(t.graph.inputs[0]);
  EXPECT_EQ(in.type.type, DataType::kUint8);
  EXPECT_EQ(in.quantization.zero_points[0], 137);
  EXPECT_EQ(t.graph.value(t.graph.outputs[0]).type.type, DataType::kUint8);
  EXPECT_EQ(t.graph.value(t.graph.outputs[0]).quantization.zero_points[0], 132);
  EXPECT_EQ(t.graph.task.preprocess.mean[0], 137);
  EXPECT_EQ(t.graph.task.preprocess.scale[0], 0.02f);
}

TEST(TfliteQuantized, DepthwiseWithAScaleForEachChannel) {
  Twin t;
  const std::vector<float> scales = {0.004f, 0.01f, 0.02f};
  const int x = t.tensor("x", {1, 5, 6, 3}, 0.02f, 9);
  const int w = t.constant("w", {1, 3, 3, 3}, scales, 0, 3);
  const int b = t.bias("b", times(scales, 0.02f), 3);
  const int y = t.tensor("y", {1, 5, 6, 3}, 0.03f, 4);
  t.op(4, {x, w, b}, {y}, 2, {byte_field(0, 0), int_field(1, 1), int_field(2, 1), int_field(3, 1), byte_field(4, 0)});
  t.check({y});
}

TEST(TfliteQuantized, TransposedConvolutionAndFullyConnected) {
  Twin t;
  const int x = t.tensor("x", {1, 2, 3, 4}, 0.02f, -7);
  const int shape = t.ints("shape", {1, 4, 6, 2});
  const int w = t.constant("w", {2, 2, 2, 4}, {0.01f});
  const int up = t.tensor("up", {1, 4, 6, 2}, 0.06f, 5);
  t.op(67, {shape, w, x}, {up}, 49, {byte_field(0, 1), int_field(1, 2), int_field(2, 2)});
  const int fw = t.constant("fw", {5, 48}, {0.02f});
  const int fb = t.bias("fb", {0.02f * 0.06f}, 5);
  const int y = t.tensor("y", {1, 5}, 0.4f, -3);
  t.op(9, {up, fw, fb}, {y}, 8, {byte_field(0, 1)});
  t.check({up, y}, 1.1);
}

// One operator of one input and one output.
struct Simple {
  const char* name;
  int code;
  int options_type;
  std::vector<Field> options;
  std::vector<std::int32_t> out_shape;
  float out_scale;
  int out_zero;
  std::vector<std::int32_t> second;  // a constant list of integers; empty: no second input
};

TEST(TfliteQuantized, OperatorsOfOneInput) {
  const std::vector<Field> pool = {byte_field(0, 0), int_field(1, 2), int_field(2, 2), int_field(3, 3),
                                   int_field(4, 3)};
  const std::vector<std::int32_t> same = {1, 4, 4, 8};
  const Simple simple[] = {
      {"average pool", 1, 5, pool, {1, 2, 2, 8}, 0.015f, 10, {}},
      {"max pool", 17, 5, pool, {1, 2, 2, 8}, 0.02f, -7, {}},
      {"max pool, another scale", 17, 5, pool, {1, 2, 2, 8}, 0.03f, -9, {}},
      {"logistic", 14, 0, {}, same, 1.0f / 256, -128, {}},
      {"relu", 19, 0, {}, same, 0.02f, -128, {}},
      {"relu6", 21, 0, {}, same, 6.0f / 255, -128, {}},
      {"relu n1 to 1", 20, 0, {}, same, 2.0f / 255, 0, {}},
      {"tanh", 28, 0, {}, same, 1.0f / 128, 0, {}},
      {"hard swish", 117, 0, {}, same, 0.02f, -100, {}},
      {"leaky relu", 98, 75, {float_field(0, 0.2f)}, same, 0.02f, -80, {}},
      {"elu", 111, 0, {}, same, 0.02f, -80, {}},
      {"softmax", 25, 9, {float_field(0, 1.0f)}, same, 1.0f / 256, -128, {}},
      {"mean", 40, 27, {}, {1, 8}, 0.01f, -3, {1, 2}},
      {"sum", 74, 27, {}, {1, 8}, 0.1f, -3, {1, 2}},
      {"reduce max", 82, 27, {byte_field(0, 1)}, {1, 1, 1, 8}, 0.02f, -7, {1, 2}},
      {"reshape", 22, 17, {}, {2, 64}, 0.02f, -7, {2, 64}},
      {"reshape, another scale", 22, 17, {}, {2, 64}, 0.04f, 7, {2, 64}},
      {"transpose", 39, 0, {}, {1, 8, 4, 4}, 0.02f, -7, {0, 3, 1, 2}},
      {"space to depth", 26, 19, {int_field(0, 2)}, {1, 2, 2, 32}, 0.02f, -7, {}},
      {"depth to space", 5, 94, {int_field(0, 2)}, {1, 8, 8, 2}, 0.02f, -7, {}},
      {"resize bilinear", 23, 15, {byte_field(2, 0), byte_field(3, 1)}, {1, 7, 9, 8}, 0.02f, -7, {7, 9}},
      {"resize nearest", 97, 74, {}, {1, 7, 9, 8}, 0.02f, -7, {7, 9}},
      {"squeeze", 43, 30, {}, {4, 4, 8}, 0.02f, -7, {}},
      {"quantize", 114, 0, {}, same, 0.05f, 20, {}},
  };
  for (const Simple& s : simple) {
    SCOPED_TRACE(s.name);
    Twin t;
    const int x = t.tensor("x", {1, 4, 4, 8}, 0.02f, -7);
    std::vector<std::int32_t> in = {x};
    if (!s.second.empty()) in.push_back(t.ints("list", s.second));
    const int y = t.tensor("y", s.out_shape, s.out_scale, s.out_zero);
    if (s.code == 114) {
      t.quantized.add_operator(114, in, {y});
      t.real.add_operator(22, {x, t.real.add_ints("shape", s.out_shape)}, {y}, 17);
    } else {
      t.op(s.code, in, {y}, s.options_type, s.options);
    }
    t.check({y}, 1.01);
  }
}

TEST(TfliteQuantized, OperatorsOfTwoInputs) {
  for (int code : {0, 41, 18, 55, 57}) {  // add, sub, mul, maximum, minimum
    SCOPED_TRACE(code);
    Twin t;
    const int x = t.tensor("x", {1, 4, 4, 8}, 0.02f, -7);
    const int half = t.tensor("half", {1, 4, 4, 8}, 0.01f, 3);
    t.op(28, {x}, {half});
    const int y = t.tensor("y", {1, 4, 4, 8}, 0.03f, 2);
    const int c = t.constant("c", {8}, {0.015f}, 4);
    const int z = t.tensor("z", {1, 4, 4, 8}, 0.04f, -2);
    const int options_type = code == 0 ? 11 : code == 41 ? 28 : code == 18 ? 21 : 0;
    t.op(code, {x, half}, {y}, options_type);
    t.op(code, {y, c}, {z}, options_type);
    t.check({z}, 3);
  }
}

TEST(TfliteQuantized, ConcatenationOfDifferentScalesWithRelu) {
  Twin t;
  const int x = t.tensor("x", {1, 4, 4, 8}, 0.02f, -7);
  const int a = t.tensor("a", {1, 4, 4, 8}, 1.0f / 256, -128);
  t.op(14, {x}, {a});
  const int y = t.tensor("y", {1, 4, 4, 16}, 0.021f, -120);
  t.op(2, {x, a}, {y}, 10, {int_field(0, 3), byte_field(1, 1)});
  t.check({y}, 1.1);
}

TEST(TfliteQuantized, SlicesSplitsPadsAndPrelu) {
  Twin t;
  const int x = t.tensor("x", {1, 4, 4, 8}, 0.02f, -7);
  const int a = t.tensor("a", {1, 4, 4, 4}, 0.02f, -7), b = t.tensor("b", {1, 4, 4, 4}, 0.02f, -7);
  t.op(49, {t.number("axis", 3), x}, {a, b}, 35, {int_field(0, 2)});
  const int s = t.tensor("s", {1, 2, 4, 4}, 0.02f, -7);
  t.op(65, {a, t.ints("begin", {0, 1, 0, 0}), t.ints("size", {1, 2, -1, 4})}, {s}, 0);
  const int st = t.tensor("st", {4, 2, 4}, 0.03f, 1);
  t.op(45, {b, t.ints("b0", {0, 0, 1, 0}), t.ints("e0", {1, 4, 4, 4}), t.ints("st0", {1, 1, 2, 1})}, {st}, 32,
       {int_field(4, 1)});
  const int p = t.tensor("p", {1, 4, 5, 4}, 0.02f, -7);
  t.op(34, {s, t.ints("pads", {0, 0, 1, 1, 1, 0, 0, 0})}, {p});
  const int slope = t.constant("slope", {1, 1, 4}, {0.01f}, 3);
  const int y = t.tensor("y", {1, 4, 5, 4}, 0.025f, 6);
  t.op(54, {p, slope}, {y});
  t.check({y, st}, 0.6);
}

TEST(TfliteQuantized, DivisionGoesThroughFloat) {
  Twin t;
  t.in_float = true;
  const int x = t.tensor("x", {1, 4, 4, 8}, 0.02f, -7);
  const int c = t.constant("c", {8}, {0.05f}, 0, 0, 20, 120);
  const int y = t.tensor("y", {1, 4, 4, 8}, 0.01f, -7);
  t.op(42, {x, c}, {y}, 29);
  t.check({y});
}

TEST(TfliteQuantized, ArgMaxAndDequantize) {
  Twin t;
  const int x = t.tensor("x", {1, 4, 4, 8}, 0.02f, -7);
  const int top = t.plain("top", {1, 4, 4}, kInt32);
  t.op(56, {x, t.ints("axis", {3})}, {top}, 40);
  const int y = t.plain("y", {1, 4, 4, 8}, kFloat32);
  t.quantized.add_operator(6, {x}, {y});
  t.real.add_operator(22, {x, t.real.add_ints("shape", {1, 4, 4, 8})}, {y}, 17);
  t.check({top, y});
}

TEST(TfliteQuantized, QuantizeFromFloatAndFromUint8) {
  TfliteFile file;
  file.add_tensor("x", {1, 4});
  file.add_tensor("q", {1, 4}, kInt8);
  file.tensors.back().scales = {0.5f};
  file.tensors.back().zero_points = {-3};
  file.add_operator(114, {0}, {1});
  file.inputs = {0};
  file.outputs = {1};
  Result<graph::Graph> graph = import(file);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(run(*graph, bytes_of(std::vector<float>{1, -1, 100, 0.75f}))[0], (std::vector<double>{1, -1, 65, 1}));

  // uint8 -> int8 of the same scale is how a uint8 input enters anyway: no second node.
  file.tensors[0].type = kUint8;
  file.tensors[0].scales = {0.5f};
  file.tensors[0].zero_points = {125};
  graph = import(file);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(graph->nodes().size(), 1u);
}

TEST(TfliteQuantized, FullRangeWeights) {
  for (const bool shiftable : {true, false}) {
    Twin t;
    const int x = t.tensor("x", {1, 16}, 0.02f, -7);
    const int w = t.constant("w", {4, 16}, {0.01f}, 5, 0, -100, 100);
    t.quantized.tensors.back().data[0] = 0x80;
    if (!shiftable) t.quantized.tensors.back().data[1] = 0x7f;
    std::memcpy(t.real.tensors.back().data.data(), bytes_of(std::vector<float>{-1.33f, 1.22f}).data(),
                shiftable ? 4 : 8);
    const int y = t.tensor("y", {1, 4}, 0.05f, 0);
    t.op(9, {x, w}, {y}, 8);
    t.check({y}, shiftable ? 0.51 : 1.1);
    EXPECT_EQ(t.graph.source.find("1 weights of -128 made -127") != std::string::npos, !shiftable) << t.graph.source;
  }
  Twin t;
  const int x = t.tensor("x", {1, 4}, 0.02f, -7);
  const int w = t.constant("w", {4, 4}, {0.01f}, 5, 0, -128, -128);
  t.quantized.tensors.back().data[0] = 0x7f;
  t.op(9, {x, w}, {t.tensor("y", {1, 4}, 0.05f, 0)}, 8);
  t.quantized.inputs = {0};
  t.quantized.outputs = {2};
  const Result<graph::Graph> graph = import(t.quantized);
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.status().message().find("'w'"), std::string::npos) << graph.status().message();
}

TEST(TfliteQuantized, EightBitWeightsOfAFloatNetworkBecomeFloat) {
  Twin t;
  t.plain("x", {1, 5, 6, 4}, kFloat32);
  const int w = t.constant("w", {3, 3, 3, 4}, {0.004f, 0.01f, 0.02f});
  const int y = t.plain("y", {1, 5, 6, 3}, kFloat32);
  t.op(3, {0, w}, {y}, 1, kConvRelu6);
  for (TfliteFile* file : {&t.quantized, &t.real}) {
    file->inputs = {0};
    file->outputs = {y};
  }
  const Result<graph::Graph> hybrid = import(t.quantized), real = import(t.real);
  ASSERT_TRUE(hybrid.ok()) << hybrid.status().message();
  ASSERT_TRUE(real.ok());
  EXPECT_NE(hybrid->source.find("108 8-bit weights made float32"), std::string::npos) << hybrid->source;
  testing::Random random(3);
  const std::vector<unsigned char> input = bytes_of(random.floats(120));
  EXPECT_EQ(run(*hybrid, input), run(*real, input));
}

std::string refusal(const TfliteFile& file) {
  const Result<graph::Graph> graph = import(file);
  EXPECT_FALSE(graph.ok());
  return graph.status().message();
}

TEST(TfliteQuantized, RefusesWhatItCannotKeep) {
  const auto file_with = [](int type, std::vector<float> scales, std::vector<std::int64_t> zero_points) {
    TfliteFile file;
    for (const char* name : {"x", "y"}) {
      file.add_tensor(name, {1, 2}, type);
      file.tensors.back().scales = scales;
      file.tensors.back().zero_points = zero_points;
    }
    file.add_operator(28, {0}, {1});
    file.inputs = {0};
    file.outputs = {1};
    return file;
  };
  EXPECT_NE(refusal(file_with(7, {0.1f}, {0})).find("int16"), std::string::npos);
  EXPECT_NE(refusal(file_with(kInt8, {0.1f, 0.2f}, {0, 0})).find("2 scales"), std::string::npos);
  EXPECT_NE(refusal(file_with(kInt8, {0.1f}, {200})).find("zero point"), std::string::npos);
  EXPECT_NE(refusal(file_with(kInt8, {-0.1f}, {0})).find("scales must be"), std::string::npos);
  EXPECT_FALSE(refusal(file_with(kInt8, {}, {})).empty());

  TfliteFile wrong_bias;
  wrong_bias.add_tensor("x", {1, 2}, kInt8);
  wrong_bias.add_tensor("w", {1, 2}, kInt8);
  wrong_bias.tensors[1].data = {1, 2};
  wrong_bias.add_ints("b", {5});
  wrong_bias.add_tensor("y", {1, 1}, kInt8);
  for (testing::FileTensor& t : wrong_bias.tensors) {
    t.scales = {0.1f};
    t.zero_points = {0};
  }
  wrong_bias.add_operator(9, {0, 1, 2}, {3}, 8);
  wrong_bias.inputs = {0};
  wrong_bias.outputs = {3};
  EXPECT_NE(refusal(wrong_bias).find("the bias (tensor 'b', int32) has scale"), std::string::npos);
}

std::vector<unsigned char> ssd_options(bool regular) {
  flexbuffers::Builder fbb;
  fbb.Map([&] {
    fbb.Int("max_detections", 3);
    fbb.Int("max_classes_per_detection", 1);
    fbb.Int("detections_per_class", 50);
    fbb.Int("num_classes", 2);
    fbb.Bool("use_regular_nms", regular);
    fbb.Float("nms_score_threshold", 0.25f);
    fbb.Float("nms_iou_threshold", 0.5f);
    fbb.Float("y_scale", 10.0f);
    fbb.Float("x_scale", 10.0f);
    fbb.Float("h_scale", 5.0f);
    fbb.Float("w_scale", 5.0f);
    fbb.String("note", "passed over");
  });
  fbb.Finish();
  return fbb.GetBuffer();
}

// Scores come from the input, one anchor a row.
TfliteFile ssd_file(bool regular) {
  TfliteFile file;
  file.add_tensor("image", {1, 4, 3}, kUint8);
  file.tensors[0].scales = {1.0f / 256};
  file.tensors[0].zero_points = {0};
  file.add_tensor("boxes", {1, 4, 4}, kUint8);
  file.tensors[1].data.assign(16, 128);
  file.tensors[1].scales = {0.1f};
  file.tensors[1].zero_points = {128};
  file.add_floats("anchors", {4, 4},
                  {0.2f, 0.2f, 0.2f, 0.2f, 0.21f, 0.2f, 0.2f, 0.2f, 0.7f, 0.7f, 0.2f, 0.2f, 0.7f, 0.2f, 0.2f, 0.2f});
  for (const char* name : {"found", "classes", "scores", "count"}) file.add_tensor(name, {});
  file.add_operator(32, {1, 0, 2}, {3, 4, 5, 6});
  file.operators[0].custom = "TFLite_Detection_PostProcess";
  file.operators[0].custom_options = ssd_options(regular);
  file.inputs = {0};
  file.outputs = {3, 4, 5, 6};
  return file;
}

TEST(TfliteQuantized, DetectionPostProcess) {
  for (bool regular : {false, true}) {
    const Result<graph::Graph> graph = import(ssd_file(regular));
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    // Background, class 0, class 1 for each anchor.
    const auto y = run(*graph, {0, 128, 0, 0, 192, 0, 255, 10, 10, 0, 0, 96});
    ASSERT_EQ(y.size(), 4u);
    EXPECT_EQ(y[3], std::vector<double>{2});
    EXPECT_EQ(y[2], (std::vector<double>{0.75, 0.375, 0}));
    EXPECT_EQ(y[1], (std::vector<double>{0, 1, 0}));
    EXPECT_NEAR(y[0][0], 0.11, 1e-6);  // the second anchor's top: the first overlaps it
    EXPECT_NEAR(y[0][4], 0.6, 1e-6);
    EXPECT_EQ(graph->task.task, Task::kDetection);
    EXPECT_EQ(graph->task.detection.decoder, DetectionDecoder::kSsd);
    EXPECT_EQ(graph->task.detection.classes, 2);
    ASSERT_EQ(graph->task.detection.scales.size(), 1u);
    EXPECT_EQ(graph->task.detection.scales[0].output, 0);
    EXPECT_EQ(graph->value(graph->outputs[2]).name, "scores");
  }
  TfliteFile other = ssd_file(false);
  other.operators[0].custom = "Another";
  EXPECT_NE(refusal(other).find("custom operator 'Another'"), std::string::npos);
}

TEST(TfliteQuantized, DamagedFlexBuffersAreRefusedOrRead) {
  const std::vector<unsigned char> good = ssd_options(true);
  const auto numbers = convert::tflite::read_flex_numbers(good);
  ASSERT_TRUE(numbers.ok());
  EXPECT_EQ(numbers->at("use_regular_nms"), 1);
  EXPECT_EQ(numbers->at("max_detections"), 3);
  EXPECT_EQ(numbers->at("nms_score_threshold"), 0.25);
  EXPECT_EQ(numbers->count("note"), 0u);
  testing::Random random(5);
  for (int i = 0; i < 20000; ++i) {
    std::vector<unsigned char> bytes(good.begin() + random.integer(0, 4), good.end() - random.integer(0, 4));
    for (int k = random.integer(1, 4); k > 0; --k) {
      bytes[random.bits() % bytes.size()] = static_cast<unsigned char>(random.bits());
    }
    (void)convert::tflite::read_flex_numbers(bytes);
  }
  for (std::size_t n = 0; n < good.size(); ++n) {
    (void)convert::tflite::read_flex_numbers(
        std::vector<unsigned char>(good.begin(), good.begin() + static_cast<long>(n)));
  }
  TfliteFile file = ssd_file(false);
  file.operators[0].custom_options.resize(2);
  EXPECT_NE(refusal(file).find("FlexBuffer"), std::string::npos);
}

}  // namespace
}  // namespace dotori
