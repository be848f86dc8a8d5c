// SPDX-License-Identifier: Apache-2.0
#include "kernels/quantize/table_math.h"

#include <float.h>
#include <math.h>
#include <string.h>

namespace dotori::kernels {
namespace {

constexpr double kInfinity = INFINITY;
constexpr double kNan = NAN;
// ln 2 and pi / 2 in parts: all but the last have 32 or 33 significant bits, so that a product with an integer below
// 2^20 is exact.
constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kHalfPi1 = 0x1.921fb544p+0, kHalfPi2 = 0x1.0b4611a6p-34, kHalfPi3 = 0x1.3198a2e037073p-69;
constexpr double kLog2E = 1.4426950408889634074, kTwoOverPi = 0.63661977236758134308;
constexpr double kTwoOverSqrtPi = 1.1283791670955125739, kOneOverSqrtPi = 0.56418958354775628695;
constexpr double kSqrtHalf = 0.70710678118654752440;
constexpr double kMostReduced = 1048576.0;  // 2^20

// |x| < 2^51.
double nearest_even(double x) {
  constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52
  return (x + kShift) - kShift;
}

double absolute(double x) {
  return x < 0 ? -x : x;
}

// 2^n for n in [-1022, 1023].
double power_of_two(int n) {
  const uint64_t bits = static_cast<uint64_t>(n + 1023) << 52;
  double p;
  memcpy(&p, &bits, sizeof p);
  return p;
}

// sum over k >= 1 of x^k / k!, |x| <= 1/2.
double exp_minus_one_series(double x) {
  double sum = 0;
  for (int k = 17; k >= 1; --k) sum = (sum + 1) * (x / k);
  return sum;
}

// log((1 + s) / (1 - s)) = 2 (s + s^3 / 3 + s^5 / 5 + ...), |s| <= 0.18.
double log_ratio_series(double s) {
  const double square = s * s;
  double sum = 0;
  for (int k = 23; k >= 3; k -= 2) sum = (sum + 1.0 / k) * square;
  return 2 * s + 2 * s * sum;
}

double exp_minus_one(double x) {
  return absolute(x) < 0.5 ? exp_minus_one_series(x) : table_exp(x) - 1;
}

// log(1 + x), x in [0, 1].
double log_one_plus(double x) {
  return x < 0.4 ? log_ratio_series(x / (2 + x)) : table_log(1 + x);
}

// x - n pi / 2 with n the nearest integer; the quadrant n mod 4 in `*quadrant`.
double reduce_angle(double x, int* quadrant) {
  const double n = nearest_even(x * kTwoOverPi);
  *quadrant = static_cast<int>(static_cast<int64_t>(n) & 3);
  return ((x - n * kHalfPi1) - n * kHalfPi2) - n * kHalfPi3;
}

// |x| <= 0.8.
double sin_series(double x) {
  const double square = x * x;
  double sum = 0;
  for (int k = 19; k >= 3; k -= 2) sum = (sum + 1) * (-square / (k * (k - 1)));
  return x + x * sum;
}

double cos_series(double x) {
  const double square = x * x;
  double sum = 0;
  for (int k = 20; k >= 2; k -= 2) sum = (sum + 1) * (-square / (k * (k - 1)));
  return 1 + sum;
}

double sin_of_quadrant(double x, int quadrant) {
  const double magnitude = quadrant & 1 ? cos_series(x) : sin_series(x);
  return quadrant & 2 ? -magnitude : magnitude;
}

// exp(-x^2), with the square's rounding error put back: its relative effect would grow with x^2.
double exp_of_minus_square(double x) {
  // The high part has 26 bits, so its square is exact.
  const double split = x * 134217729.0, high = split - (split - x), low = x - high;
  return table_exp(-(high * high)) * table_exp(-(2 * high * low + low * low));
}

// erfc(x) = exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + (2/2) / (x + (3/2) / ...))), for x >= 2 (Abramowitz and Stegun
// 7.1.14).
double erfc_fraction(double x) {
  double tail = x;
  for (int k = 120; k >= 1; --k) tail = x + 0.5 * k / tail;
  return exp_of_minus_square(x) * kOneOverSqrtPi / tail;
}

// erf(x) = 2 / sqrt(pi) exp(-x^2) sum of 2^k x^(2k+1) / (1 * 3 * ... * (2k+1)), all terms positive (7.1.6).
double erf_series(double x) {
  double sum = 0;
  for (int k = 60; k >= 1; --k) sum = (sum + 1) * (2 * x * x / (2 * k + 1));
  return kTwoOverSqrtPi * exp_of_minus_square(x) * (x + x * sum);
}

double sigmoid(double x) {
  const double e = table_exp(-absolute(x));
  return (x < 0 ? e : 1) / (1 + e);
}

double softplus(double x) {
  return (x > 0 ? x : 0) + log_one_plus(table_exp(-absolute(x)));
}

double floor_of(double x) {
  if (!(absolute(x) < 2251799813685248.0)) return x;  // 2^51: whole already, or no number
  const double nearest = nearest_even(x);
  return nearest > x ? nearest - 1 : nearest;
}

// x * gate, 0 where the gate is 0 even for an infinite x.
double gated(double x, double gate) {
  return gate == 0 ? 0 : x * gate;
}

double clamp(double x, double low, double high) {
  if (x < low) x = low;
  return x > high ? high : x;
}

}  // namespace

double table_exp(double x) noexcept {
  if (x != x) return x;
  if (x > 709.8) return kInfinity;
  if (x < -745.2) return 0;
  const double n = nearest_even(x * kLog2E);
  const double reduced = (x - n * kLn2High) - n * kLn2Low;
  // Two factors: neither leaves the range of a normal number.
  const int whole = static_cast<int>(n), half = whole / 2;
  return (1 + exp_minus_one_series(reduced)) * power_of_two(half) * power_of_two(whole - half);
}

double table_log(double x) noexcept {
  if (x != x || x < 0) return kNan;
  if (x == 0) return -kInfinity;
  if (x == kInfinity) return x;
  int exponent = 0;
  if (x < DBL_MIN) {
    x *= 0x1p54;
    exponent = -54;
  }
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  exponent += static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0x000fffffffffffffull) | 0x3ff0000000000000ull;
  double mantissa;
  memcpy(&mantissa, &bits, sizeof mantissa);
  if (mantissa > 2 * kSqrtHalf) {
    mantissa *= 0.5;
    ++exponent;
  }
  const double log_mantissa = log_ratio_series((mantissa - 1) / (mantissa + 1));
  return exponent * kLn2High + (log_mantissa + exponent * kLn2Low);
}

double table_tanh(double x) noexcept {
  if (x != x) return x;
  // tanh|x| = -t / (t + 2) with t = exp(-2|x|) - 1.
  const double t = exp_minus_one(-2 * absolute(x));
  const double magnitude = -t / (t + 2);
  return x < 0 ? -magnitude : magnitude;
}

double table_erf(double x) noexcept {
  if (x != x) return x;
  const double magnitude = absolute(x);
  const double y = magnitude > 6 ? 1 : magnitude < 2 ? erf_series(magnitude) : 1 - erfc_fraction(magnitude);
  return x < 0 ? -y : y;
}

double table_erfc(double x) noexcept {
  if (x != x) return x;
  if (x > 27) return 0;
  return x < 2 ? 1 - table_erf(x) : erfc_fraction(x);
}

double table_sin(double x) noexcept {
  if (x - x != 0) return kNan;
  if (absolute(x) > kMostReduced) return 0;
  int quadrant;
  const double angle = reduce_angle(x, &quadrant);
  return sin_of_quadrant(angle, quadrant);
}

double table_cos(double x) noexcept {
  if (x - x != 0) return kNan;
  if (absolute(x) > kMostReduced) return 1;
  int quadrant;
  const double angle = reduce_angle(x, &quadrant);
  return sin_of_quadrant(angle, (quadrant + 1) & 3);
}

double table_function(UnaryFunction function, double x, float alpha, float beta) noexcept {
  if (x != x) return x;
  const double a = static_cast<double>(alpha), b = static_cast<double>(beta);
  switch (function) {
    case UnaryFunction::kIdentity: return x;
    case UnaryFunction::kRelu: return x > 0 ? x : 0;
    case UnaryFunction::kClip: return clamp(x, a, b);
    case UnaryFunction::kLeakyRelu: return x < 0 ? a * x : x;
    case UnaryFunction::kSigmoid: return sigmoid(x);
    case UnaryFunction::kTanh: return table_tanh(x);
    case UnaryFunction::kHardSigmoid: return clamp(a * x + b, 0, 1);
    case UnaryFunction::kHardSwish: return gated(x, clamp(x + 3, 0, 6) / 6);
    case UnaryFunction::kSilu: return gated(x, sigmoid(x));
    case UnaryFunction::kMish: return gated(x, table_tanh(softplus(x)));
    case UnaryFunction::kSoftplus: return softplus(x);
    case UnaryFunction::kExp: return table_exp(x);
    case UnaryFunction::kSqrt: return x < 0 ? kNan : sqrt(x);
    case UnaryFunction::kAbs: return absolute(x);
    case UnaryFunction::kNegate: return -x;
    case UnaryFunction::kLog: return table_log(x);
    case UnaryFunction::kReciprocal: return 1 / x;
    case UnaryFunction::kElu: return x < 0 ? a * exp_minus_one(x) : x;
    case UnaryFunction::kFloor: return floor_of(x);
    case UnaryFunction::kRsqrt: return x < 0 ? kNan : 1 / sqrt(x);
    case UnaryFunction::kSquare: return x * x;
    case UnaryFunction::kGelu: return gated(0.5 * x, table_erfc(-x * kSqrtHalf));
    case UnaryFunction::kCeil: return -floor_of(-x);
    case UnaryFunction::kRound: return absolute(x) < 2251799813685248.0 ? nearest_even(x) : x;
    case UnaryFunction::kSign: return x > 0 ? 1 : x < 0 ? -1 : 0;
    case UnaryFunction::kErf: return table_erf(x);
    case UnaryFunction::kSin: return table_sin(x);
    case UnaryFunction::kCos: return table_cos(x);
    case UnaryFunction::kCount: break;
  }
  return kNan;
}

void make_unary_table_s8(UnaryFunction function, float alpha, float beta, float x_scale, int32_t x_zero_point,
                         float y_scale, const QuantizedOutput& out, int8_t table[256]) noexcept {
  for (int q = -128; q < 128; ++q) {
    const double x = static_cast<double>(x_scale) * (q - x_zero_point);
    const float v = static_cast<float>(table_function(function, x, alpha, beta) / static_cast<double>(y_scale));
    table[static_cast<uint8_t>(q)] = v != v ? static_cast<int8_t>(out.zero_point) : quantize_real(v, out);
  }
}

void make_requantize_table_s8(int32_t x_zero_point, float scale, const QuantizedOutput& out,
                              int8_t table[256]) noexcept {
  for (int q = -128; q < 128; ++q)
    table[static_cast<uint8_t>(q)] = quantize_real(static_cast<float>(q - x_zero_point) * scale, out);
}

void make_softmax_table(double step, int32_t table[256]) noexcept {
  for (int d = 0; d < 256; ++d) table[d] = static_cast<int32_t>(nearest_even(table_exp(-step * d) * 0x1p23));
}

}  // namespace dotori::kernels
