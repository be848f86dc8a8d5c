// SPDX-License-Identifier: Apache-2.0
// exp and its relatives on eight floats (F8), with AVX-512 on sixteen too. Internal linkage.
//
// The polynomials are minimax fits made for this file by a Remez exchange in 50-digit arithmetic, weighted for relative
// error of the whole function, then rounded to float32. Errors below are the largest found against libm in double
// precision, in units of the last place of the float32 result; tests/kernels/elementwise_test.cc holds them.
#pragma once

#include "kernels/elementwise/vec8.h"

namespace dotori::kernels {
namespace {

constexpr float kLog2E = 1.44269502f;
constexpr float kLn2High = 0.693147182f;     // ln 2 to 24 bits; n * kLn2High is exact inside an FMA
constexpr float kLn2Low = -1.90465421e-09f;  // the rest

// exp(r) - 1 for |r| <= ln(2) / 2: r + r^2 Q(r), Q of degree 4, relative error of the fit 2^-26.2.
template <class F>
inline F expm1_core8(F r) noexcept {
  F q = splat_as<F>(0.00138825178f);
  q = fma8(q, r, splat_as<F>(0.00836653262f));
  q = fma8(q, r, splat_as<F>(0.0416672006f));
  q = fma8(q, r, splat_as<F>(0.166665435f));
  q = fma8(q, r, splat_as<F>(0.49999997f));
  return fma8(mul8(r, r), q, r);
}

// x = n ln 2 + r with integral n and |r| <= ln(2) / 2; returns r.
template <class F>
inline F reduce_ln2_8(F x, F* n) noexcept {
  *n = round8(mul8(x, splat_as<F>(kLog2E)));
  return fnma8(*n, splat_as<F>(kLn2Low), fnma8(*n, splat_as<F>(kLn2High), x));
}

// exp(x), at most 1.1 ulp off, subnormal results included; exp(-inf) = 0, exp(88.73) = inf.
template <class F>
inline F exp8(F x) noexcept {
  // Outside these the float32 result is 0 or infinite anyway, and n stays within scale_pow2_8's range.
  x = at_most8(splat_as<F>(89.0f), at_least8(splat_as<F>(-105.0f), x));
  F n;
  const F r = reduce_ln2_8(x, &n);
  return scale_pow2_8(add8(expm1_core8(r), splat_as<F>(1.0f)), n);
}

// exp(x) - 1 for x <= 0 (a positive x counts as 0), at most 1.7 ulp off.
template <class F>
inline F expm1_negative8(F x) noexcept {
  // Below -30 the result rounds to -1.
  x = at_most8(splat_as<F>(0.0f), at_least8(splat_as<F>(-30.0f), x));
  F n;
  const F p = expm1_core8(reduce_ln2_8(x, &n));
  const F scale = pow2_8(n);
  // 2^n (1 + p) - 1; exact in n == 0, where the cancellation would be.
  return fma8(scale, p, sub8(scale, splat_as<F>(1.0f)));
}

// log(1 + e) for e in [0, 1]. f - f^2/2 + f^3 P(f) for f in [sqrt(1/2) - 1, sqrt(2) - 1], P of degree 7, relative error
// of the fit 2^-27.3; above, 1 + e is halved first.
template <class F>
inline F log1p_unit8(F e) noexcept {
  const auto small = less8(e, splat_as<F>(0.414213562f));
  const F f = select8(small, e, mul8(sub8(e, splat_as<F>(1.0f)), splat_as<F>(0.5f)));
  F p = splat_as<F>(-0.0763450265f);
  p = fma8(p, f, splat_as<F>(0.12761578f));
  p = fma8(p, f, splat_as<F>(-0.13160181f));
  p = fma8(p, f, splat_as<F>(0.142017573f));
  p = fma8(p, f, splat_as<F>(-0.166233569f));
  p = fma8(p, f, splat_as<F>(0.200012267f));
  p = fma8(p, f, splat_as<F>(-0.250008196f));
  p = fma8(p, f, splat_as<F>(0.333333313f));
  p = fma8(p, f, splat_as<F>(-0.5f));
  const F y = fma8(mul8(f, f), p, f);
  return select8(small, y, add8(y, splat_as<F>(kLn2High)));
}

// Products x * g(x) with g(-inf) = 0 must not meet inf * 0: all g used here round to 0 from here on.
constexpr float kProductFloor = -110.0f;

// 1 + exp(-x); infinite from x = -88.4 down, where a gate would be subnormal.
template <class F>
inline F one_plus_exp_negated8(F x) noexcept {
  // Above 87 the sum is 1, and 2^n stays a normal number.
  x = at_most8(splat_as<F>(89.0f), at_least8(splat_as<F>(-87.0f), negate8(x)));
  F n;
  const F p = expm1_core8(reduce_ln2_8(x, &n));
  return fma8(add8(p, splat_as<F>(1.0f)), pow2_8(n), splat_as<F>(1.0f));
}

// At most 2.6 ulp off; 0 where the result would be subnormal.
template <class F>
inline F sigmoid8(F x) noexcept {
  return quotient8(splat_as<F>(1.0f), one_plus_exp_negated8(x));
}

// At most 3 ulp off.
template <class F>
inline F tanh8(F x) noexcept {
  // tanh|x| = -t / (t + 2) with t = exp(-2|x|) - 1.
  const F t = expm1_negative8(mul8(abs8(x), splat_as<F>(-2.0f)));
  return with_sign8(div8(abs8(t), add8(t, splat_as<F>(2.0f))), x);
}

// At most 3.5 ulp off; 0 from x = -88.4 down, where the result is above -2^-120.
template <class F>
inline F silu8(F x) noexcept {
  return quotient8(at_least8(splat_as<F>(kProductFloor), x), one_plus_exp_negated8(x));
}

// At most 2 ulp off.
template <class F>
inline F softplus8(F x) noexcept {
  return add8(at_least8(splat_as<F>(0.0f), x), log1p_unit8(exp8(negate8(abs8(x)))));
}

// At most 5 ulp off, or 2^-142 where the gate is subnormal.
template <class F>
inline F mish8(F x) noexcept {
  // With e = exp(x): tanh(log(1 + e)) = w / (w + 2), w = e (e + 2); for x >= 0 both sides divided by e^2.
  const F e = exp8(negate8(abs8(x)));
  const auto negative = less8(x, splat_as<F>(0.0f));
  const F two = splat_as<F>(2.0f);
  const F numerator = select8(negative, mul8(e, add8(e, two)), fma8(e, two, splat_as<F>(1.0f)));
  const F rest = select8(negative, two, mul8(mul8(e, e), two));
  return mul8(at_least8(splat_as<F>(kProductFloor), x), div8(numerator, add8(numerator, rest)));
}

}  // namespace
}  // namespace dotori::kernels
