// SPDX-License-Identifier: Apache-2.0
#include "quantize/function.h"

#include <algorithm>
#include <cmath>

namespace dotori::quantize {

double apply(const graph::Activation& f, double x) noexcept {
  using graph::Function;
  const double alpha = static_cast<double>(f.alpha), beta = static_cast<double>(f.beta);
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  const auto softplus = [](double v) { return std::max(v, 0.0) + std::log1p(std::exp(-std::fabs(v))); };
  switch (f.function) {
    case Function::kRelu: return std::max(x, 0.0);
    case Function::kClip: return std::min(std::max(x, alpha), beta);
    case Function::kLeakyRelu: return x >= 0 ? x : alpha * x;
    case Function::kSigmoid: return sigmoid(x);
    case Function::kTanh: return std::tanh(x);
    case Function::kHardSigmoid: return std::clamp(alpha * x + beta, 0.0, 1.0);
    case Function::kHardSwish: return x * std::clamp(x + 3, 0.0, 6.0) / 6;
    case Function::kSilu: return x * sigmoid(x);
    case Function::kMish: return x * std::tanh(softplus(x));
    case Function::kSoftplus: return softplus(x);
    case Function::kAbs: return std::fabs(x);
    case Function::kNegate: return -x;
    case Function::kSqrt: return std::sqrt(std::max(x, 0.0));
    case Function::kElu: return x >= 0 ? x : alpha * std::expm1(x);
    case Function::kFloor: return std::floor(x);
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

}  // namespace dotori::quantize
