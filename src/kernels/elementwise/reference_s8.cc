// SPDX-License-Identifier: Apache-2.0
// The specification of the int8 element-wise kernels in plain C++.
#include "kernels/elementwise/binary_s8.h"

namespace dotori::kernels {
namespace {

float scaled(int8_t x, int32_t zero_point, float scale) {
  return static_cast<float>(x - zero_point) * scale;
}
float scaled_a(int8_t a, const BinaryS8& how) {
  return scaled(a, how.a_zero_point, how.a_scale);
}
float scaled_b(int8_t b, const BinaryS8& how) {
  return scaled(b, how.b_zero_point, how.b_scale);
}

struct AddReal {
  static float of(int8_t a, int8_t b, const BinaryS8& how) { return scaled_a(a, how) + scaled_b(b, how); }
};
struct SubReal {
  static float of(int8_t a, int8_t b, const BinaryS8& how) { return scaled_a(a, how) - scaled_b(b, how); }
};
struct MulReal {
  static float of(int8_t a, int8_t b, const BinaryS8& how) {
    return static_cast<float>((a - how.a_zero_point) * (b - how.b_zero_point)) * how.a_scale;
  }
};
struct MinReal {
  static float of(int8_t a, int8_t b, const BinaryS8& how) {
    const float va = scaled_a(a, how), vb = scaled_b(b, how);
    return va < vb ? va : vb;
  }
};
struct MaxReal {
  static float of(int8_t a, int8_t b, const BinaryS8& how) {
    const float va = scaled_a(a, how), vb = scaled_b(b, how);
    return va > vb ? va : vb;
  }
};

template <class Function, BinaryForm kForm>
void binary_loop(const int8_t* a, size_t a_stride, const int8_t* b, size_t b_stride, int8_t* y, size_t rows,
                 size_t cols, const BinaryS8& how) noexcept {
  constexpr size_t kAStep = kForm == BinaryForm::kScalarVector ? 0 : 1;
  constexpr size_t kBStep = kForm == BinaryForm::kVectorScalar ? 0 : 1;
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c) {
      const float v = Function::of(a[r * a_stride + c * kAStep], b[r * b_stride + c * kBStep], how);
      const float sloped = v * how.out.slope;
      y[r * cols + c] = quantize_real(v < sloped ? sloped : v, how.out);
    }
}

template <BinaryForm kForm>
void prelu_loop(const int8_t* x, size_t x_stride, const float* negative, size_t negative_stride, int8_t* y, size_t rows,
                size_t cols, float scale, int32_t x_zero_point, const QuantizedOutput& out) noexcept {
  constexpr size_t kStep = kForm == BinaryForm::kVectorScalar ? 0 : 1;
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < cols; ++c) {
      const int32_t d = x[r * x_stride + c] - x_zero_point;
      const float factor = d < 0 ? negative[r * negative_stride + c * kStep] : scale;
      y[r * cols + c] = quantize_real(static_cast<float>(d) * factor, out);
    }
}

}  // namespace

#define DOTORI_BINARY_S8(Name, word, form, Form)                                                                   \
  void binary_s8_##word##_##form##__reference(const int8_t* a, size_t a_stride, const int8_t* b, size_t b_stride,  \
                                              int8_t* y, size_t rows, size_t cols, const BinaryS8& how) noexcept { \
    binary_loop<Name##Real, BinaryForm::Form>(a, a_stride, b, b_stride, y, rows, cols, how);                       \
  }
#define DOTORI_PRELU_S8(form, Form)                                                                                  \
  void prelu_s8_##form##__reference(const int8_t* x, size_t x_stride, const float* negative, size_t negative_stride, \
                                    int8_t* y, size_t rows, size_t cols, float scale, int32_t x_zero_point,          \
                                    const QuantizedOutput& out) noexcept {                                           \
    prelu_loop<BinaryForm::Form>(x, x_stride, negative, negative_stride, y, rows, cols, scale, x_zero_point, out);   \
  }
#include "kernels/elementwise/kernels_s8.inc"

}  // namespace dotori::kernels
