// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "op_case.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

using graph::Binary;
using graph::BinaryFunction;
using graph::Function;

double apply(BinaryFunction f, double a, double b) {
  switch (f) {
    case BinaryFunction::kAdd: return a + b;
    case BinaryFunction::kSub: return a - b;
    case BinaryFunction::kMul: return a * b;
    case BinaryFunction::kDiv: return a / b;
    case BinaryFunction::kPow: return std::pow(a, b);
    case BinaryFunction::kMin: return std::min(a, b);
    case BinaryFunction::kMax: return std::max(a, b);
    default: return (a - b) * (a - b);
  }
}

// NumPy broadcasting by the definition: axes aligned at the end, an index into a dimension of 1 is 0.
template <class T>
std::vector<double> broadcast(BinaryFunction f, const Shape& a_shape, const std::vector<T>& a, const Shape& b_shape,
                              const std::vector<T>& b, const Shape& out) {
  const auto pick = [&](const Shape& shape, const std::vector<T>& x, const Shape& index) {
    Shape own = shape;
    for (int axis = 0; axis < shape.rank(); ++axis)
      own[axis] = shape[axis] == 1 ? 0 : index[axis + out.rank() - shape.rank()];
    return static_cast<double>(x[flat(shape, own)]);
  };
  std::vector<double> y;
  for_each_index(out,
                 [&](const Shape& index) { y.push_back(apply(f, pick(a_shape, a, index), pick(b_shape, b, index))); });
  return y;
}

void check(BinaryFunction f, const Shape& a_shape, const Shape& b_shape, const Shape& out, bool b_constant) {
  SCOPED_TRACE(a_shape.to_string() + " " + graph::binary_function_name(f) + " " + b_shape.to_string());
  Random random(static_cast<std::uint64_t>(a_shape.elements() * 31 + b_shape.elements()));
  const std::vector<float> a = random.floats(static_cast<std::size_t>(a_shape.elements()), 0.25f, 3);
  const std::vector<float> b = random.floats(static_cast<std::size_t>(b_shape.elements()), 0.25f, 3);
  OpCase c;
  c.input(a_shape, a);
  if (b_constant) {
    c.constant(b_shape, b);
  } else {
    c.input(b_shape, b);
  }
  Binary op;
  op.function = f;
  c.expect<float>(op, out, broadcast(f, a_shape, a, b_shape, b, out), 3e-7, 1e-6);
}

TEST(BinaryOp, EveryFunctionInEveryUsualBroadcast) {
  for (int i = 0; i < static_cast<int>(BinaryFunction::kCount); ++i) {
    const auto f = static_cast<BinaryFunction>(i);
    check(f, {1, 3, 5, 7}, {1, 3, 5, 7}, {1, 3, 5, 7}, false);
    check(f, {2, 3, 5, 7}, {}, {2, 3, 5, 7}, true);
    check(f, {2, 3, 5, 9}, {9}, {2, 3, 5, 9}, true);
    check(f, {9}, {2, 3, 5, 9}, {2, 3, 5, 9}, false);
    check(f, {2, 3, 5, 16}, {2, 1, 1, 16}, {2, 3, 5, 16}, false);
    check(f, {2, 1, 1, 11}, {2, 3, 5, 11}, {2, 3, 5, 11}, false);
  }
}

TEST(BinaryOp, AnyBroadcast) {
  const BinaryFunction f = BinaryFunction::kSub;
  check(f, {2, 3, 4, 5}, {2, 3, 4, 1}, {2, 3, 4, 5}, false);
  check(f, {3, 1}, {1, 6}, {3, 6}, false);
  check(f, {2, 1, 3, 1, 2, 1}, {1, 3, 1, 2, 1, 3}, {2, 3, 3, 2, 2, 3}, false);
  check(f, {}, {}, {}, false);
  check(f, {4, 1, 5}, {2, 1, 3, 1}, {2, 4, 3, 5}, false);
}

TEST(BinaryOp, ManyTiles) {
  check(BinaryFunction::kMul, {1, 40, 33, 24}, {1, 1, 1, 24}, {1, 40, 33, 24}, false);
  check(BinaryFunction::kAdd, {40003}, {40003}, {40003}, false);
  check(BinaryFunction::kAdd, {2, 20011}, {2, 1}, {2, 20011}, false);
  check(BinaryFunction::kAdd, {2, 20011}, {20011}, {2, 20011}, false);
}

TEST(BinaryOp, FusedActivations) {
  const Shape shape = {1, 4, 4, 11};
  Random random(4);
  const std::vector<float> a = random.floats(176, -3, 3), b = random.floats(176, -3, 3);
  for (Function f : {Function::kRelu, Function::kClip, Function::kSilu, Function::kLeakyRelu}) {
    Binary op;
    op.activation = {f, f == Function::kLeakyRelu ? 0.1f : -0.5f, 2.0f};
    std::vector<double> want;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double v = static_cast<double>(a[i]) + b[i];
      if (f == Function::kRelu) want.push_back(std::max(v, 0.0));
      if (f == Function::kClip) want.push_back(std::min(std::max(v, -0.5), 2.0));
      if (f == Function::kSilu) want.push_back(v / (1 + std::exp(-v)));
      if (f == Function::kLeakyRelu) want.push_back(v >= 0 ? v : 0.1 * v);
    }
    OpCase().input(shape, a).input(shape, b).expect<float>(op, shape, want, 1e-6, 1e-6);
  }
}

TEST(BinaryOp, Integers) {
  const Shape a_shape = {2, 3, 5}, b_shape = {3, 1};
  const std::vector<std::int32_t> a32 = counting<std::int32_t>(a_shape, -14), b32 = {2, -3, 5};
  const std::vector<std::int64_t> a64(a32.begin(), a32.end()), b64(b32.begin(), b32.end());
  for (BinaryFunction f : {BinaryFunction::kAdd, BinaryFunction::kSub, BinaryFunction::kMul, BinaryFunction::kDiv,
                           BinaryFunction::kMin, BinaryFunction::kMax}) {
    Binary op;
    op.function = f;
    std::vector<double> want = broadcast(f, a_shape, a32, b_shape, b32, a_shape);
    for (double& v : want) v = std::trunc(v);
    OpCase().input(a_shape, a32).input(b_shape, b32).expect<std::int32_t>(op, a_shape, want);
    OpCase().input(a_shape, a64).constant(b_shape, b64).expect<std::int64_t>(op, a_shape, want);
  }
}

// Chains whose intermediate results the plan may keep in place, over either operand and over both.
TEST(BinaryOp, InPlaceChains) {
  const Shape shape = {1, 5, 5, 7};
  Random random(9);
  const std::vector<float> x = random.floats(175, -2, 2);
  graph::Graph g;
  const graph::ValueId in = g.add_input("x", DataType::kFloat32, shape);
  const auto unary = [&](graph::ValueId id, Function f) {
    graph::Unary op;
    op.activation.function = f;
    Result<graph::ValueId> out = g.add_node(g.unique_value_name("u"), op, {id});
    EXPECT_TRUE(out.ok());
    return *out;
  };
  const auto binary = [&](graph::ValueId a, graph::ValueId b, BinaryFunction f) {
    Binary op;
    op.function = f;
    Result<graph::ValueId> out = g.add_node(g.unique_value_name("b"), op, {a, b});
    EXPECT_TRUE(out.ok());
    return *out;
  };
  const graph::ValueId s = unary(in, Function::kSquare), n = unary(in, Function::kNegate);
  const graph::ValueId d = binary(in, s, BinaryFunction::kSub);  // over the second operand
  const graph::ValueId e = binary(n, d, BinaryFunction::kMul);   // over either
  const graph::ValueId f = binary(e, e, BinaryFunction::kAdd);   // over both
  g.outputs.push_back(unary(f, Function::kAbs));
  const Result<Model> model = Model::from_graph(g);
  ASSERT_TRUE(model.ok()) << model.status().message();
  Result<Session> session = Session::create(*model);
  ASSERT_TRUE(session.ok()) << session.status().message();
  std::memcpy(session->input(0).data, x.data(), x.size() * sizeof(float));
  ASSERT_TRUE(session->run().ok());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double v = x[i];
    EXPECT_NEAR(session->output(0).f32()[i], std::fabs(2 * -v * (v - v * v)), 1e-5) << i;
  }
}

}  // namespace
}  // namespace dotori::testing
