// SPDX-License-Identifier: Apache-2.0
// exp and its relatives on eight floats. Internal linkage.
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
inline F8 expm1_core8(F8 r) noexcept {
  F8 q = splat8(0.00138825178f);
  q = fma8(q, r, splat8(0.00836653262f));
  q = fma8(q, r, splat8(0.0416672006f));
  q = fma8(q, r, splat8(0.166665435f));
  q = fma8(q, r, splat8(0.49999997f));
  return fma8(mul8(r, r), q, r);
}

// x = n ln 2 + r with integral n and |r| <= ln(2) / 2; returns r.
inline F8 reduce_ln2_8(F8 x, F8* n) noexcept {
  *n = round8(mul8(x, splat8(kLog2E)));
  return fnma8(*n, splat8(kLn2Low), fnma8(*n, splat8(kLn2High), x));
}

// exp(x), at most 1.1 ulp off, subnormal results included; exp(-inf) = 0, exp(88.73) = inf.
inline F8 exp8(F8 x) noexcept {
  // Outside these the float32 result is 0 or infinite anyway, and n stays within scale_pow2_8's range.
  x = at_most8(splat8(89.0f), at_least8(splat8(-105.0f), x));
  F8 n;
  const F8 r = reduce_ln2_8(x, &n);
  return scale_pow2_8(add8(expm1_core8(r), splat8(1.0f)), n);
}

// exp(x) - 1 for x <= 0 (a positive x counts as 0), at most 1.7 ulp off.
inline F8 expm1_negative8(F8 x) noexcept {
  // Below -30 the result rounds to -1.
  x = at_most8(splat8(0.0f), at_least8(splat8(-30.0f), x));
  F8 n;
  const F8 p = expm1_core8(reduce_ln2_8(x, &n));
  const F8 scale = pow2_8(n);
  // 2^n (1 + p) - 1; exact in n == 0, where the cancellation would be.
  return fma8(scale, p, sub8(scale, splat8(1.0f)));
}

// log(1 + e) for e in [0, 1]. f - f^2/2 + f^3 P(f) for f in [sqrt(1/2) - 1, sqrt(2) - 1], P of degree 7, relative error
// of the fit 2^-27.3; above, 1 + e is halved first.
inline F8 log1p_unit8(F8 e) noexcept {
  const M8 small = less8(e, splat8(0.414213562f));
  const F8 f = select8(small, e, mul8(sub8(e, splat8(1.0f)), splat8(0.5f)));
  F8 p = splat8(-0.0763450265f);
  p = fma8(p, f, splat8(0.12761578f));
  p = fma8(p, f, splat8(-0.13160181f));
  p = fma8(p, f, splat8(0.142017573f));
  p = fma8(p, f, splat8(-0.166233569f));
  p = fma8(p, f, splat8(0.200012267f));
  p = fma8(p, f, splat8(-0.250008196f));
  p = fma8(p, f, splat8(0.333333313f));
  p = fma8(p, f, splat8(-0.5f));
  const F8 y = fma8(mul8(f, f), p, f);
  return select8(small, y, add8(y, splat8(kLn2High)));
}

// Products x * g(x) with g(-inf) = 0 must not meet inf * 0: all g used here round to 0 from here on.
constexpr float kProductFloor = -110.0f;

// 1 + exp(-x); infinite from x = -88.4 down, where a gate would be subnormal.
inline F8 one_plus_exp_negated8(F8 x) noexcept {
  // Above 87 the sum is 1, and 2^n stays a normal number.
  x = at_most8(splat8(89.0f), at_least8(splat8(-87.0f), negate8(x)));
  F8 n;
  const F8 p = expm1_core8(reduce_ln2_8(x, &n));
  return fma8(add8(p, splat8(1.0f)), pow2_8(n), splat8(1.0f));
}

// At most 2.6 ulp off; 0 where the result would be subnormal.
inline F8 sigmoid8(F8 x) noexcept {
  return quotient8(splat8(1.0f), one_plus_exp_negated8(x));
}

// At most 3 ulp off.
inline F8 tanh8(F8 x) noexcept {
  // tanh|x| = -t / (t + 2) with t = exp(-2|x|) - 1.
  const F8 t = expm1_negative8(mul8(abs8(x), splat8(-2.0f)));
  return with_sign8(div8(abs8(t), add8(t, splat8(2.0f))), x);
}

// At most 3.5 ulp off; 0 from x = -88.4 down, where the result is above -2^-120.
inline F8 silu8(F8 x) noexcept {
  return quotient8(at_least8(splat8(kProductFloor), x), one_plus_exp_negated8(x));
}

// At most 2 ulp off.
inline F8 softplus8(F8 x) noexcept {
  return add8(at_least8(splat8(0.0f), x), log1p_unit8(exp8(negate8(abs8(x)))));
}

// At most 5 ulp off, or 2^-142 where the gate is subnormal.
inline F8 mish8(F8 x) noexcept {
  // With e = exp(x): tanh(log(1 + e)) = w / (w + 2), w = e (e + 2); for x >= 0 both sides divided by e^2.
  const F8 e = exp8(negate8(abs8(x)));
  const M8 negative = less8(x, splat8(0.0f));
  const F8 two = splat8(2.0f);
  const F8 numerator = select8(negative, mul8(e, add8(e, two)), fma8(e, two, splat8(1.0f)));
  const F8 rest = select8(negative, two, mul8(mul8(e, e), two));
  return mul8(at_least8(splat8(kProductFloor), x), div8(numerator, add8(numerator, rest)));
}

}  // namespace
}  // namespace dotori::kernels
