// SPDX-License-Identifier: Apache-2.0
// The element-wise loops over F8, those of one operand over the widest vectors there are. Internal linkage.
// DOTORI_DEFINE_UNARY and DOTORI_DEFINE_BINARY8 in the ISA's file then define the functions of the vector rows of
// kernels.inc.
#pragma once

#include "kernels/elementwise/lanes.h"
#include "kernels/elementwise/vec8_math.h"

namespace dotori::kernels {
namespace {

// Each functor: the parameters in every lane, and y = f(x).
template <class V>
struct ReluV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return at_least8(V::splat(0.0f), x); }
};
template <class V>
struct ClipV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return at_most8(beta, at_least8(alpha, x)); }
};
template <class V>
struct LeakyReluV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return select8(less8(x, V::splat(0.0f)), mul8(x, alpha), x); }
};
template <class V>
struct SigmoidV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return sigmoid8(x); }
};
template <class V>
struct TanhV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return tanh8(x); }
};
template <class V>
struct HardSigmoidV {
  using F = typename V::F;
  F alpha, beta;
  // Product and sum rounded separately: the reference's bits.
  F operator()(F x) const noexcept {
    return at_most8(V::splat(1.0f), at_least8(V::splat(0.0f), add8(mul8(x, alpha), beta)));
  }
};
template <class V>
struct HardSwishV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept {
    // From -3 down the result is 0; the floor keeps -inf away from the product with 0.
    x = at_least8(V::splat(-3.0f), x);
    const F gate = at_most8(V::splat(6.0f), add8(x, V::splat(3.0f)));
    return mul8(x, mul8(gate, V::splat(1.0f / 6.0f)));
  }
};
template <class V>
struct SiluV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return silu8(x); }
};
template <class V>
struct MishV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return mish8(x); }
};
template <class V>
struct SoftplusV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return softplus8(x); }
};
template <class V>
struct ExpV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return exp8(x); }
};
template <class V>
struct SqrtV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return sqrt8(x); }
};
template <class V>
struct AbsV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return abs8(x); }
};
template <class V>
struct NegateV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return negate8(x); }
};
template <class V>
struct EluV {
  using F = typename V::F;
  F alpha, beta;
  F operator()(F x) const noexcept { return select8(less8(x, V::splat(0.0f)), mul8(alpha, expm1_negative8(x)), x); }
};

template <template <class> class Function>
void unary_loop(const float* x, float* y, size_t n, float alpha, float beta) noexcept {
  using V = Widest;
  const Function<V> f{V::splat(alpha), V::splat(beta)};
  size_t i = 0;
  for (; i + V::kLanes <= n; i += V::kLanes) V::store(y + i, f(V::load(x + i)));
  if (i < n) V::store_part(y + i, f(V::load_part(x + i, n - i)), n - i);
}

struct AddF8 {
  F8 operator()(F8 a, F8 b) const noexcept { return add8(a, b); }
};
struct SubF8 {
  F8 operator()(F8 a, F8 b) const noexcept { return sub8(a, b); }
};
struct MulF8 {
  F8 operator()(F8 a, F8 b) const noexcept { return mul8(a, b); }
};
struct DivF8 {
  F8 operator()(F8 a, F8 b) const noexcept { return div8(a, b); }
};
struct MinF8 {
  F8 operator()(F8 a, F8 b) const noexcept { return min8(a, b); }
};
struct MaxF8 {
  F8 operator()(F8 a, F8 b) const noexcept { return max8(a, b); }
};
struct SquaredDifferenceF8 {
  F8 operator()(F8 a, F8 b) const noexcept {
    const F8 d = sub8(a, b);
    return mul8(d, d);
  }
};
struct PreluF8 {
  F8 operator()(F8 a, F8 b) const noexcept { return select8(less8(a, splat8(0.0f)), mul8(a, b), a); }
};

// One row; kAScalar / kBScalar: that operand is one element. `n` may be 0.
template <class Function, bool kAScalar, bool kBScalar>
inline void binary_row8(const float* a, const float* b, float* y, size_t n, F8 low, F8 high) noexcept {
  const Function f{};
  const F8 a0 = splat8(kAScalar ? a[0] : 0.0f), b0 = splat8(kBScalar ? b[0] : 0.0f);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const F8 v = f(kAScalar ? a0 : load8(a + i), kBScalar ? b0 : load8(b + i));
    store8(y + i, at_most8(high, at_least8(low, v)));
  }
  if (i < n) {
    const F8 v = f(kAScalar ? a0 : load8_part(a + i, n - i), kBScalar ? b0 : load8_part(b + i, n - i));
    store8_part(y + i, at_most8(high, at_least8(low, v)), n - i);
  }
}

template <class Function, bool kAScalar, bool kBScalar>
void binary_loop8(const float* a, size_t a_stride, const float* b, size_t b_stride, float* y, size_t rows, size_t cols,
                  float low, float high) noexcept {
  const F8 low8 = splat8(low), high8 = splat8(high);
  for (size_t r = 0; r < rows; ++r)
    binary_row8<Function, kAScalar, kBScalar>(a + r * a_stride, b + r * b_stride, y + r * cols, cols, low8, high8);
}

}  // namespace
}  // namespace dotori::kernels

#define DOTORI_DEFINE_UNARY(isa, Functor, word)                                                          \
  void unary_f32_##word##__##isa(const float* x, float* y, size_t n, float alpha, float beta) noexcept { \
    unary_loop<Functor>(x, y, n, alpha, beta);                                                           \
  }
#define DOTORI_DEFINE_BINARY8_FORM(isa, Functor, word, form, a_scalar, b_scalar)                                       \
  void binary_f32_##word##_##form##__##isa(const float* a, size_t a_stride, const float* b, size_t b_stride, float* y, \
                                           size_t rows, size_t cols, float low, float high) noexcept {                 \
    binary_loop8<Functor, a_scalar, b_scalar>(a, a_stride, b, b_stride, y, rows, cols, low, high);                     \
  }
#define DOTORI_DEFINE_BINARY8(isa, Functor, word)                  \
  DOTORI_DEFINE_BINARY8_FORM(isa, Functor, word, vv, false, false) \
  DOTORI_DEFINE_BINARY8_FORM(isa, Functor, word, vs, false, true)  \
  DOTORI_DEFINE_BINARY8_FORM(isa, Functor, word, sv, true, false)
