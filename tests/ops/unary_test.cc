// SPDX-License-Identifier: Apache-2.0
#include "op_case.h"
#include "support/random.h"

namespace dotori::testing {
namespace {

using graph::Function;

double apply(Function f, double x) {
  switch (f) {
    case Function::kRelu: return x > 0 ? x : 0;
    case Function::kClip: return x < -0.5 ? -0.5 : x > 1.5 ? 1.5 : x;
    case Function::kLeakyRelu: return x >= 0 ? x : -0.5 * x;
    case Function::kSigmoid: return 1 / (1 + std::exp(-x));
    case Function::kTanh: return std::tanh(x);
    case Function::kHardSigmoid: return std::fmin(std::fmax(-0.5 * x + 1.5, 0), 1);
    case Function::kHardSwish: return x * std::fmin(std::fmax(x + 3, 0), 6) / 6;
    case Function::kSilu: return x / (1 + std::exp(-x));
    case Function::kMish: return x * std::tanh(std::log1p(std::exp(x)));
    case Function::kSoftplus: return std::log1p(std::exp(x));
    case Function::kExp: return std::exp(x);
    case Function::kSqrt: return std::sqrt(x);
    case Function::kAbs: return std::fabs(x);
    case Function::kNegate: return -x;
    case Function::kLog: return std::log(x);
    case Function::kReciprocal: return 1 / x;
    case Function::kElu: return x >= 0 ? x : -0.5 * std::expm1(x);
    case Function::kFloor: return std::floor(x);
    case Function::kRsqrt: return 1 / std::sqrt(x);
    case Function::kSquare: return x * x;
    case Function::kGelu: return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
    case Function::kCeil: return std::ceil(x);
    case Function::kRound: return std::nearbyint(x);
    case Function::kSign: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case Function::kErf: return std::erf(x);
    case Function::kSin: return std::sin(x);
    case Function::kCos: return std::cos(x);
    default: return x;
  }
}

TEST(UnaryOp, EveryFunctionOverSeveralTiles) {
  Random random(1);
  const Shape small = {1, 3, 5, 7}, large = {1, 41, 41, 11};
  for (int f = 0; f < static_cast<int>(Function::kCount); ++f) {
    SCOPED_TRACE(graph::function_name(static_cast<Function>(f)));
    const bool vector = f == static_cast<int>(Function::kSilu);
    const Shape shape = vector ? large : small;
    const std::vector<float> x = random.floats(static_cast<std::size_t>(shape.elements()), -4, 4);
    std::vector<double> want;
    for (float v : x) want.push_back(apply(static_cast<Function>(f), v));
    graph::Unary op;
    op.activation = {static_cast<Function>(f), -0.5f, 1.5f};
    OpCase().input(shape, x).expect<float>(op, shape, want, 1e-6, 1e-6);
  }
}

}  // namespace
}  // namespace dotori::testing
