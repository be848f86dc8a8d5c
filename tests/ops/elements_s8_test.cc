// SPDX-License-Identifier: Apache-2.0
// The int8 element-wise operators: bytes by the stated arithmetic, on every backend.
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/quantize/table_math.h"
#include "ops/int8_rule.h"
#include "ops/op_case.h"
#include "ops/quantized_graph.h"

namespace dotori::testing {
namespace {

using graph::ValueId;

// The compile-time refusal of a network.
Status refusal(const graph::Graph& g) {
  Result<Model> model = Model::from_graph(g);
  if (!model.ok()) return model.status();
  for (const SessionOptions& options : all_session_options()) {
    const Result<Session> session = Session::create(*model, options);
    if (session.ok()) return {};
    if (options.num_threads == 3) return session.status();
  }
  return {};
}

// ---------------------------------------------------------------- unary

TEST(UnaryS8Op, EveryFunctionByTheTable) {
  const Shape shape = {1, 3, 5, 23};
  const Bytes x = inputs_for(shape);
  const Quantization in = per_tensor(0.047f, 11), out = per_tensor(0.021f, -30);
  for (int f = 0; f < static_cast<int>(graph::Function::kCount); ++f) {
    graph::Unary op;
    op.activation = {static_cast<graph::Function>(f), 0.25f, 2.5f};
    graph::Graph g;
    const ValueId id = add_quantized_input(g, "x", shape, in);
    add_quantized_output(g, op, {id}, out);
    const Bytes y = run_quantized(g, {x});
    ASSERT_EQ(y.size(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double real =
          kernels::table_function(static_cast<kernels::UnaryFunction>(f), scale_of(in) * (x[i] - 11), 0.25f, 2.5f);
      const float v = rounded(real / scale_of(out));
      ASSERT_EQ(y[i], std::isnan(v) ? -30 : to_byte(v, out)) << graph::function_name(op.activation.function);
    }
  }
}

TEST(UnaryS8Op, SiluAgainstLibmAndManyTiles) {
  const Shape shape = {1, 60, 50, 19};
  const Bytes x = inputs_for(shape);
  const Quantization in = per_tensor(0.06f, -3), out = per_tensor(0.05f, -100);
  graph::Unary op;
  op.activation.function = graph::Function::kSilu;
  graph::Graph g;
  const ValueId id = add_quantized_input(g, "x", shape, in);
  add_quantized_output(g, op, {id}, out);
  std::string kernel;
  const Bytes y = run_quantized(g, {x}, &kernel);
  ASSERT_EQ(y.size(), x.size());
  EXPECT_EQ(kernel.substr(0, 9), "lookup_s8");
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double real = scale_of(in) * (x[i] + 3);
    const double q = real / (1 + std::exp(-real)) / scale_of(out) - 100;
    ASSERT_NEAR(y[i], std::fmin(std::fmax(q, -128), 127), 0.5001);
  }
}

// ---------------------------------------------------------------- binary

struct BinaryCase {
  graph::BinaryFunction function;
  Quantization a, b, y;
  graph::Activation activation;
};

Bytes expected_binary(const BinaryCase& c, const Shape& a_shape, const Bytes& a, const Shape& b_shape, const Bytes& b,
                      const Shape& out) {
  const double sa = scale_of(c.a), sb = scale_of(c.b), sy = scale_of(c.y);
  const float ka = rounded(sa / sy), kb = rounded(sb / sy), k = rounded(sa * sb / sy);
  int low = -128, high = 127;
  float slope = 1;
  if (c.activation.function == graph::Function::kRelu) low = c.y.zero_points[0];
  if (c.activation.function == graph::Function::kClip) {
    low = to_byte(c.activation.alpha / c.y.scales[0], c.y);
    high = to_byte(c.activation.beta / c.y.scales[0], c.y);
  }
  if (c.activation.function == graph::Function::kLeakyRelu) slope = c.activation.alpha;
  const auto pick = [&](const Shape& shape, const Bytes& x, const Shape& index) {
    Shape own = shape;
    for (int axis = 0; axis < shape.rank(); ++axis)
      own[axis] = shape[axis] == 1 ? 0 : index[axis + out.rank() - shape.rank()];
    return int{x[flat(shape, own)]};
  };
  Bytes y;
  for_each_index(out, [&](const Shape& index) {
    const int da = pick(a_shape, a, index) - c.a.zero_points[0], db = pick(b_shape, b, index) - c.b.zero_points[0];
    const float va = static_cast<float>(da) * ka, vb = static_cast<float>(db) * kb;
    float v = 0;
    switch (c.function) {
      case graph::BinaryFunction::kAdd: v = va + vb; break;
      case graph::BinaryFunction::kSub: v = va - vb; break;
      case graph::BinaryFunction::kMul: v = static_cast<float>(da * db) * k; break;
      case graph::BinaryFunction::kMin: v = std::min(va, vb); break;
      default: v = std::max(va, vb);
    }
    v = std::max(v, v * slope);
    y.push_back(to_byte(v, c.y, low, high));
  });
  return y;
}

void check_binary(const BinaryCase& c, const Shape& a_shape, const Shape& b_shape, const Shape& out,
                  bool b_constant = false) {
  SCOPED_TRACE(a_shape.to_string() + " " + graph::binary_function_name(c.function) + " " + b_shape.to_string());
  const Bytes a = inputs_for(a_shape, 2), b = inputs_for(b_shape, 3);
  graph::Graph g;
  const ValueId ia = add_quantized_input(g, "a", a_shape, c.a);
  const ValueId ib =
      b_constant ? add_quantized_constant(g, "b", b_shape, b, c.b) : add_quantized_input(g, "b", b_shape, c.b);
  graph::Binary op;
  op.function = c.function;
  op.activation = c.activation;
  add_quantized_output(g, op, {ia, ib}, c.y);
  const Bytes y = b_constant ? run_quantized(g, {a}) : run_quantized(g, {a, b});
  EXPECT_EQ(y, expected_binary(c, a_shape, a, b_shape, b, out));
}

constexpr graph::BinaryFunction kBinaries[] = {graph::BinaryFunction::kAdd, graph::BinaryFunction::kSub,
                                               graph::BinaryFunction::kMul, graph::BinaryFunction::kMin,
                                               graph::BinaryFunction::kMax};

TEST(BinaryS8Op, EveryFunctionInEveryUsualBroadcast) {
  for (graph::BinaryFunction f : kBinaries) {
    const BinaryCase c = {f, per_tensor(0.031f, -7), per_tensor(0.047f, 19), per_tensor(0.052f, 3), {}};
    check_binary(c, {1, 3, 5, 7}, {1, 3, 5, 7}, {1, 3, 5, 7});
    check_binary(c, {2, 3, 5, 7}, {}, {2, 3, 5, 7}, true);
    check_binary(c, {2, 3, 5, 19}, {19}, {2, 3, 5, 19}, true);
    check_binary(c, {9}, {2, 3, 5, 9}, {2, 3, 5, 9});
    check_binary(c, {2, 3, 5, 16}, {2, 1, 1, 16}, {2, 3, 5, 16});
    check_binary(c, {2, 1, 1, 43}, {2, 3, 5, 43}, {2, 3, 5, 43});
    check_binary(c, {2, 3, 4, 5}, {2, 3, 4, 1}, {2, 3, 4, 5});
    check_binary(c, {2, 1, 3, 1, 2, 1}, {1, 3, 1, 2, 1, 3}, {2, 3, 3, 2, 2, 3});
    check_binary(c, {}, {}, {});
  }
}

TEST(BinaryS8Op, ManyTiles) {
  for (graph::BinaryFunction f : {graph::BinaryFunction::kMul, graph::BinaryFunction::kAdd}) {
    const BinaryCase c = {f, per_tensor(0.02f, 127), per_tensor(0.011f, -128), per_tensor(0.05f, 0), {}};
    check_binary(c, {1, 40, 33, 24}, {1, 1, 1, 24}, {1, 40, 33, 24});
    check_binary(c, {40003}, {40003}, {40003});
    check_binary(c, {2, 20011}, {2, 1}, {2, 20011});
  }
}

TEST(BinaryS8Op, FusedActivations) {
  for (graph::BinaryFunction f : kBinaries)
    for (const graph::Activation& activation :
         {graph::Activation{graph::Function::kRelu, 0, 0}, graph::Activation{graph::Function::kClip, 0, 6},
          graph::Activation{graph::Function::kClip, -1, std::numeric_limits<float>::infinity()},
          graph::Activation{graph::Function::kLeakyRelu, 0.1f, 0}}) {
      const BinaryCase c = {f, per_tensor(0.11f, 5), per_tensor(0.07f, -19), per_tensor(0.06f, -30), activation};
      check_binary(c, {1, 4, 4, 11}, {1, 4, 4, 11}, {1, 4, 4, 11});
    }
}

TEST(BinaryS8Op, RefusesWhatHasNoInt8Kernel) {
  const Shape shape = {4};
  graph::Graph g;
  const ValueId a = add_quantized_input(g, "a", shape, per_tensor(1, 0));
  for (graph::BinaryFunction f :
       {graph::BinaryFunction::kDiv, graph::BinaryFunction::kPow, graph::BinaryFunction::kSquaredDifference}) {
    graph::Binary op;
    op.function = f;
    EXPECT_FALSE(g.add_node("n", op, {a, a}).ok());
  }
  // 2^200 does not fit the factor.
  graph::Graph wide;
  const ValueId x = add_quantized_input(wide, "x", shape, per_tensor(1e30f, 0));
  add_quantized_output(wide, graph::Binary{}, {x, x}, per_tensor(1e-30f, 0));
  const Status status = refusal(wide);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.message().find("quotient of the scales"), std::string::npos) << status.message();
}

// Results over their operands' memory, with a ragged end that is computed twice.
TEST(BinaryS8Op, InPlaceChain) {
  const Shape shape = {1, 3, 3, 37};
  const Bytes x = inputs_for(shape, 5);
  const Quantization q = per_tensor(0.1f, 4), r = per_tensor(0.15f, -9);
  graph::Graph g;
  const ValueId in = add_quantized_input(g, "x", shape, q);
  graph::Unary negate;
  negate.activation.function = graph::Function::kNegate;
  Result<ValueId> n = g.add_node("n", negate, {in});
  ASSERT_TRUE(n.ok());
  g.value(*n).quantization = q;
  graph::Binary op;
  op.function = graph::BinaryFunction::kMul;
  Result<ValueId> d = g.add_node("d", op, {*n, in});
  ASSERT_TRUE(d.ok());
  g.value(*d).quantization = r;
  add_quantized_output(g, graph::Binary{}, {*d, *d}, q);
  const Bytes y = run_quantized(g, {x});
  ASSERT_EQ(y.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::int8_t minus = to_byte(rounded(-scale_of(q) * (x[i] - 4) / scale_of(q)), q);
    const float k = rounded(scale_of(q) * scale_of(q) / scale_of(r));
    const std::int8_t product = to_byte(static_cast<float>((minus - 4) * (x[i] - 4)) * k, r);
    const float half = static_cast<float>(product + 9) * rounded(scale_of(r) / scale_of(q));
    ASSERT_EQ(y[i], to_byte(half + half, q));
  }
}

// ---------------------------------------------------------------- prelu

TEST(PreluS8Op, SlopesOfEveryUsualShape) {
  const Shape shape = {2, 3, 5, 21};
  const Bytes x = inputs_for(shape, 6);
  const Quantization in = per_tensor(0.04f, 9), slope_q = per_tensor(0.003f, -20), out = per_tensor(0.025f, -3);
  for (const Shape& slope_shape : {Shape{21}, Shape{1, 1, 21}, Shape{1}, Shape{3, 5, 21}, Shape{3, 1, 1}}) {
    const Bytes slope = inputs_for(slope_shape, 7);
    graph::Graph g;
    const ValueId ix = add_quantized_input(g, "x", shape, in);
    const ValueId is = add_quantized_constant(g, "slope", slope_shape, slope, slope_q);
    add_quantized_output(g, graph::Prelu{}, {ix, is}, out);
    const Bytes y = run_quantized(g, {x});
    Bytes want;
    for_each_index(shape, [&](const Shape& index) {
      Shape own = slope_shape;
      for (int axis = 0; axis < own.rank(); ++axis)
        own[axis] = slope_shape[axis] == 1 ? 0 : index[axis + shape.rank() - own.rank()];
      const int s = slope[flat(slope_shape, own)], d = x[flat(shape, index)] - 9;
      const float k = rounded(scale_of(in) / scale_of(out));
      const float negative = rounded(scale_of(in) * scale_of(slope_q) * (s + 20) / scale_of(out));
      want.push_back(to_byte(static_cast<float>(d) * (d < 0 ? negative : k), out));
    });
    EXPECT_EQ(y, want) << slope_shape.to_string();
  }
}

// ---------------------------------------------------------------- softmax

void check_softmax(const Shape& shape, int axis, float beta) {
  SCOPED_TRACE(shape.to_string() + " axis " + std::to_string(axis));
  const Bytes x = inputs_for(shape, 8);
  const Quantization in = per_tensor(0.06f, 5), out = per_tensor(1.0f / 256, -128);
  graph::Softmax op;
  op.axis = axis;
  op.beta = beta;
  graph::Graph g;
  const ValueId id = add_quantized_input(g, "x", shape, in);
  add_quantized_output(g, op, {id}, out);
  const Bytes y = run_quantized(g, {x});
  Bytes want;
  for_each_index(shape, [&](const Shape& index) {
    Shape at = index;
    int largest = -128;
    std::int64_t sum = 0;
    for (at[axis] = 0; at[axis] < shape[axis]; ++at[axis]) largest = std::max<int>(largest, x[flat(shape, at)]);
    const auto entry = [&](int q) {
      const double step = scale_of(in) * static_cast<double>(beta);
      return static_cast<std::int64_t>(std::nearbyint(kernels::table_exp(-step * (largest - q)) * 8388608));
    };
    for (at[axis] = 0; at[axis] < shape[axis]; ++at[axis]) sum += entry(x[flat(shape, at)]);
    const float part = static_cast<float>(entry(x[flat(shape, index)])) / static_cast<float>(sum);
    want.push_back(to_byte(part * rounded(1 / scale_of(out)), out));
  });
  EXPECT_EQ(y, want);
}

TEST(SoftmaxS8Op, EveryAxis) {
  for (int axis = 0; axis < 4; ++axis) {
    check_softmax({2, 3, 5, 9}, axis, 1);
    check_softmax({2, 3, 5, 9}, axis, 0.5f);
  }
  check_softmax({1, 1, 1, 300}, 3, 1);
}

TEST(SoftmaxS8Op, ManyTiles) {
  check_softmax({1, 40, 30, 21}, 3, 1);
  check_softmax({1, 9, 61, 70}, 1, 1);
}

}  // namespace
}  // namespace dotori::testing
