// SPDX-License-Identifier: Apache-2.0
// How a step applies its fused activation: a clamp inside the kernel where the function is one, else a unary kernel
// over each finished tile while it is still in cache.
#pragma once

#include <cmath>
#include <limits>

#include "graph/activation.h"
#include "kernels/elementwise/elementwise.h"

namespace dotori::backends::cpu {

static_assert(static_cast<int>(graph::Function::kCount) == static_cast<int>(kernels::UnaryFunction::kCount));
static_assert(static_cast<int>(graph::Function::kCos) == static_cast<int>(kernels::UnaryFunction::kCos));
static_assert(static_cast<int>(graph::Function::kHardSwish) == static_cast<int>(kernels::UnaryFunction::kHardSwish));

// A plain value, captured by steps.
struct FusedActivation {
  float low = -std::numeric_limits<float>::infinity();  // clamp for kernels that take one
  float high = std::numeric_limits<float>::infinity();
  kernels::UnaryF32Fn after = nullptr;  // null when the clamp says it all
  float alpha = 0, beta = 0;

  // In place over `n` finished elements.
  void apply(float* y, std::size_t n) const noexcept {
    if (after != nullptr) after(y, y, n, alpha, beta);
  }
};

inline FusedActivation make_fused_activation(const graph::Activation& activation, kernels::Isa isa) noexcept {
  FusedActivation fused;
  switch (activation.function) {
    case graph::Function::kIdentity: break;
    case graph::Function::kRelu: fused.low = 0; break;
    case graph::Function::kClip:
      fused.low = activation.alpha;
      fused.high = activation.beta;
      break;
    default:
      fused.after = kernels::select_unary_f32(static_cast<kernels::UnaryFunction>(activation.function), isa).run;
      fused.alpha = activation.alpha;
      fused.beta = activation.beta;
  }
  return fused;
}

}  // namespace dotori::backends::cpu
