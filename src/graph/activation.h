// SPDX-License-Identifier: Apache-2.0
// Element-wise functions of one variable, as an operator of their own (Unary) or fused into the operator before.
#pragma once

namespace dotori::graph {

// The numbers are stored in .dtr files: never change or reuse one.
enum class Function : unsigned char {
  kIdentity = 0,
  kRelu = 1,       // max(x, 0)
  kClip = 2,       // min(max(x, alpha), beta); ReLU6 is alpha 0, beta 6
  kLeakyRelu = 3,  // x >= 0 ? x : alpha * x
  kSigmoid = 4,    // 1 / (1 + exp(-x))
  kTanh = 5,
  kHardSigmoid = 6,  // min(max(alpha * x + beta, 0), 1)
  kHardSwish = 7,    // x * min(max(x + 3, 0), 6) / 6
  kSilu = 8,         // x * sigmoid(x)
  kMish = 9,         // x * tanh(softplus(x))
  kSoftplus = 10,    // log(1 + exp(x))
  kExp = 11,
  kSqrt = 12,
  kAbs = 13,
  kNegate = 14,
  kLog = 15,
  kReciprocal = 16,
  kElu = 17,  // x >= 0 ? x : alpha * (exp(x) - 1)
  kFloor = 18,
  kRsqrt = 19,
  kSquare = 20,
  kGelu = 21,  // x * (1 + erf(x / sqrt(2))) / 2
  kCeil = 22,
  kRound = 23,  // to nearest, ties to even
  kSign = 24,
  kErf = 25,
  kSin = 26,
  kCos = 27,
  kCount
};

const char* function_name(Function f) noexcept;  // "relu", "leaky_relu", …; static storage

// y = f(x), with the parameters that f uses. float32, or int8 through a table.
struct Activation {
  Function function = Function::kIdentity;
  float alpha = 0;
  float beta = 0;

  bool is_identity() const noexcept { return function == Function::kIdentity; }
  template <class Self, class F>
  static void fields(Self& self, F&& f) {
    f("function", self.function);
    f("alpha", self.alpha);
    f("beta", self.beta);
  }
};

}  // namespace dotori::graph
