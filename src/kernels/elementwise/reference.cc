// SPDX-License-Identifier: Apache-2.0
// The specification of the element-wise kernels in plain C++: one formula for each function, libm where it needs one.
#include <math.h>

#include "kernels/elementwise/elementwise.h"

namespace dotori::kernels {
namespace {

// From here down a gate (sigmoid, tanh of softplus) is 0 in float32; a larger |x| would only risk -inf * 0.
constexpr float kProductFloor = -110.0f;
constexpr double kSqrtHalf = 0.70710678118654752;

// Comparisons are written so that NaN takes the branch that returns it.
float at_least(float limit, float x) {
  return x < limit ? limit : x;
}
float at_most(float limit, float x) {
  return x > limit ? limit : x;
}

float reference_identity(float x, float, float) {
  return x;
}
float reference_relu(float x, float, float) {
  return at_least(0, x);
}
float reference_clip(float x, float alpha, float beta) {
  return at_most(beta, at_least(alpha, x));
}
float reference_leaky_relu(float x, float alpha, float) {
  return x < 0 ? alpha * x : x;
}
float reference_sigmoid(float x, float, float) {
  // exp of a non-positive number cannot overflow.
  const float e = expf(-fabsf(x));
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}
float reference_tanh(float x, float, float) {
  return tanhf(x);
}
float reference_hard_sigmoid(float x, float alpha, float beta) {
  return at_most(1, at_least(0, alpha * x + beta));
}
float reference_hard_swish(float x, float, float) {
  const float floored = at_least(-3, x);  // f is 0 there, and -inf * 0 would be NaN
  return floored * (at_most(6, floored + 3) * (1.0f / 6.0f));
}
float reference_silu(float x, float, float) {
  return at_least(kProductFloor, x) * reference_sigmoid(x, 0, 0);
}
float reference_softplus(float x, float, float) {
  return at_least(0, x) + log1pf(expf(-fabsf(x)));
}
float reference_mish(float x, float, float) {
  return at_least(kProductFloor, x) * tanhf(reference_softplus(x, 0, 0));
}
float reference_exp(float x, float, float) {
  return expf(x);
}
float reference_sqrt(float x, float, float) {
  return sqrtf(x);
}
float reference_abs(float x, float, float) {
  return fabsf(x);
}
float reference_negate(float x, float, float) {
  return -x;
}
float reference_log(float x, float, float) {
  return logf(x);
}
float reference_reciprocal(float x, float, float) {
  return 1.0f / x;
}
float reference_elu(float x, float alpha, float) {
  return x < 0 ? alpha * expm1f(x) : x;
}
float reference_floor(float x, float, float) {
  return floorf(x);
}
float reference_rsqrt(float x, float, float) {
  return 1.0f / sqrtf(x);
}
float reference_square(float x, float, float) {
  return x * x;
}
// erfc keeps the relative precision of the negative tail; in double, because its argument's rounding grows by x^2
// there.
float reference_gelu(float x, float, float) {
  const double floored = at_least(-20, x);  // f is 0 there
  return static_cast<float>(0.5 * floored * ::erfc(-floored * kSqrtHalf));
}
float reference_ceil(float x, float, float) {
  return ceilf(x);
}
float reference_round(float x, float, float) {
  return rintf(x);
}
float reference_sign(float x, float, float) {
  return x > 0 ? 1.0f : x < 0 ? -1.0f : x;
}
float reference_erf(float x, float, float) {
  return erff(x);
}
float reference_sin(float x, float, float) {
  return sinf(x);
}
float reference_cos(float x, float, float) {
  return cosf(x);
}

template <float (*f)(float, float, float)>
void unary_loop(const float* x, float* y, size_t n, float alpha, float beta) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = f(x[i], alpha, beta);
}

struct Add {
  static float of(float a, float b) { return a + b; }
  // Unsigned, because signed overflow is undefined.
  template <class T, class U>
  static T of_int(T a, T b) {
    return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
  }
};
struct Sub {
  static float of(float a, float b) { return a - b; }
  template <class T, class U>
  static T of_int(T a, T b) {
    return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
  }
};
struct Mul {
  static float of(float a, float b) { return a * b; }
  template <class T, class U>
  static T of_int(T a, T b) {
    return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
  }
};
struct Div {
  static float of(float a, float b) { return a / b; }
  template <class T, class U>
  static T of_int(T a, T b) {
    // The least integer divided by -1 wraps.
    if (b == -1) return static_cast<T>(U{0} - static_cast<U>(a));
    return b == 0 ? T{0} : static_cast<T>(a / b);
  }
};
struct Pow {
  static float of(float a, float b) { return powf(a, b); }
};
struct Min {
  static float of(float a, float b) { return a != a || a < b ? a : b; }
  template <class T, class U>
  static T of_int(T a, T b) {
    return a < b ? a : b;
  }
};
struct Max {
  static float of(float a, float b) { return a != a || a > b ? a : b; }
  template <class T, class U>
  static T of_int(T a, T b) {
    return a > b ? a : b;
  }
};
struct SquaredDifference {
  static float of(float a, float b) { return (a - b) * (a - b); }
};
struct Prelu {
  static float of(float a, float b) { return a < 0 ? a * b : a; }
};

template <class Function, size_t kAStep, size_t kBStep>
void binary_loop(const float* a, size_t a_stride, const float* b, size_t b_stride, float* y, size_t rows, size_t cols,
                 float low, float high) noexcept {
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c) {
      const float v = Function::of(a[r * a_stride + c * kAStep], b[r * b_stride + c * kBStep]);
      y[r * cols + c] = at_most(high, at_least(low, v));
    }
}

template <class Function, class T, class U, size_t kAStep, size_t kBStep>
void binary_int_loop(const T* a, size_t a_stride, const T* b, size_t b_stride, T* y, size_t rows,
                     size_t cols) noexcept {
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c)
      y[r * cols + c] = Function::template of_int<T, U>(a[r * a_stride + c * kAStep], b[r * b_stride + c * kBStep]);
}

#define DOTORI_BINARY_INTEGER(Name, word)                                                        \
  {"binary_s32_" #word "_vv__reference", BinaryFunction::k##Name, BinaryForm::kVectorVector,     \
   binary_int_loop<Name, int32_t, uint32_t, 1, 1>},                                              \
      {"binary_s32_" #word "_vs__reference", BinaryFunction::k##Name, BinaryForm::kVectorScalar, \
       binary_int_loop<Name, int32_t, uint32_t, 1, 0>},                                          \
      {"binary_s32_" #word "_sv__reference", BinaryFunction::k##Name, BinaryForm::kScalarVector, \
       binary_int_loop<Name, int32_t, uint32_t, 0, 1>},
constexpr BinaryIntKernel<int32_t> kBinaryS32[] = {
#include "kernels/elementwise/kernels.inc"
};
#define DOTORI_BINARY_INTEGER(Name, word)                                                        \
  {"binary_s64_" #word "_vv__reference", BinaryFunction::k##Name, BinaryForm::kVectorVector,     \
   binary_int_loop<Name, int64_t, uint64_t, 1, 1>},                                              \
      {"binary_s64_" #word "_vs__reference", BinaryFunction::k##Name, BinaryForm::kVectorScalar, \
       binary_int_loop<Name, int64_t, uint64_t, 1, 0>},                                          \
      {"binary_s64_" #word "_sv__reference", BinaryFunction::k##Name, BinaryForm::kScalarVector, \
       binary_int_loop<Name, int64_t, uint64_t, 0, 1>},
constexpr BinaryIntKernel<int64_t> kBinaryS64[] = {
#include "kernels/elementwise/kernels.inc"
};

}  // namespace

#define DOTORI_UNARY_REFERENCE(Name, word)                                                                   \
  void unary_f32_##word##__reference(const float* x, float* y, size_t n, float alpha, float beta) noexcept { \
    unary_loop<reference_##word>(x, y, n, alpha, beta);                                                      \
  }
#define DOTORI_BINARY_REFERENCE_FORM(Name, word, form, a_step, b_step)                                               \
  void binary_f32_##word##_##form##__reference(const float* a, size_t a_stride, const float* b, size_t b_stride,     \
                                               float* y, size_t rows, size_t cols, float low, float high) noexcept { \
    binary_loop<Name, a_step, b_step>(a, a_stride, b, b_stride, y, rows, cols, low, high);                           \
  }
#define DOTORI_BINARY_REFERENCE(Name, word)          \
  DOTORI_BINARY_REFERENCE_FORM(Name, word, vv, 1, 1) \
  DOTORI_BINARY_REFERENCE_FORM(Name, word, vs, 1, 0) \
  DOTORI_BINARY_REFERENCE_FORM(Name, word, sv, 0, 1)
#include "kernels/elementwise/kernels.inc"

const BinaryIntKernel<int32_t>* select_binary_s32(BinaryFunction function, BinaryForm form) noexcept {
  for (const auto& kernel : kBinaryS32)
    if (kernel.function == function && kernel.form == form) return &kernel;
  return nullptr;
}

const BinaryIntKernel<int64_t>* select_binary_s64(BinaryFunction function, BinaryForm form) noexcept {
  for (const auto& kernel : kBinaryS64)
    if (kernel.function == function && kernel.form == form) return &kernel;
  return nullptr;
}

}  // namespace dotori::kernels
