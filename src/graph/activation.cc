// SPDX-License-Identifier: Apache-2.0
#include "graph/activation.h"

#include <cstddef>

namespace dotori::graph {
namespace {

constexpr const char* kFunctionNames[] = {
    "identity", "relu", "clip", "leaky_relu", "sigmoid", "tanh", "hard_sigmoid", "hard_swish", "silu",  "mish",
    "softplus", "exp",  "sqrt", "abs",        "negate",  "log",  "reciprocal",   "elu",        "floor", "rsqrt",
    "square",   "gelu", "ceil", "round",      "sign",    "erf",  "sin",          "cos"};
static_assert(sizeof kFunctionNames / sizeof kFunctionNames[0] == static_cast<std::size_t>(Function::kCount));

}  // namespace

const char* function_name(Function f) noexcept {
  return f < Function::kCount ? kFunctionNames[static_cast<std::size_t>(f)] : "unknown";
}

}  // namespace dotori::graph
