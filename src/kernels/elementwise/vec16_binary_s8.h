// SPDX-License-Identifier: Apache-2.0
// The int8 element-wise loops over sixteen elements and more. Internal linkage. DOTORI_DEFINE_BINARY_S8 and
// DOTORI_DEFINE_PRELU_S8 in the ISA's file then define the functions of kernels_s8.inc.
#pragma once

#include "kernels/elementwise/binary_s8.h"
#include "kernels/quantize/vec16_s8.h"

namespace dotori::kernels {
namespace {

// Everything in the loops is forced inline: a call would pass whole sets of registers through memory.

// Each functor: v for the elements of both operands (B16, or B32 where there is one), and the result.
struct ScaledOperands {
  explicit ScaledOperands(const BinaryS8& from) noexcept : how(from) {}
  template <class Bytes>
  [[gnu::always_inline]] auto a(Bytes x) const noexcept {
    return scale_f16(float_difference16(x, how.a_zero_point), how.a_scale);
  }
  template <class Bytes>
  [[gnu::always_inline]] auto b(Bytes x) const noexcept {
    return scale_f16(float_difference16(x, how.b_zero_point), how.b_scale);
  }
  template <class Output, class Floats>
  [[gnu::always_inline]] static auto result(const Output& out, Floats v) noexcept {
    return out(v);
  }
  // No |v| is above.
  static float bound(const BinaryS8& how) noexcept {
    return 255 * how.a_scale + 255 * (how.b_scale < 0 ? -how.b_scale : how.b_scale);
  }
  BinaryS8 how;
};
struct AddS8 : ScaledOperands {
  using ScaledOperands::ScaledOperands;
  template <class Bytes>
  [[gnu::always_inline]] auto operator()(Bytes x, Bytes z) const noexcept {
    return add_f16(a(x), b(z));
  }
};
struct MinS8 : ScaledOperands {
  using ScaledOperands::ScaledOperands;
  template <class Bytes>
  [[gnu::always_inline]] auto operator()(Bytes x, Bytes z) const noexcept {
    return min_f16(a(x), b(z));
  }
};
struct MaxS8 : ScaledOperands {
  using ScaledOperands::ScaledOperands;
  template <class Bytes>
  [[gnu::always_inline]] auto operator()(Bytes x, Bytes z) const noexcept {
    return max_f16(a(x), b(z));
  }
};
struct MulS8 {
  explicit MulS8(const BinaryS8& from) noexcept : how(from) {}
  template <class Bytes>
  [[gnu::always_inline]] auto operator()(Bytes x, Bytes z) const noexcept {
    return scale_f16(float_product_split16(difference_w16(x, how.a_zero_point), difference_w16(z, how.b_zero_point)),
                     how.a_scale);
  }
  template <class Output, class Floats>
  [[gnu::always_inline]] static auto result(const Output& out, Floats v) noexcept {
    return out.from_split(v);
  }
  static float bound(const BinaryS8& how) noexcept { return 255 * 255 * how.a_scale; }
  BinaryS8 how;
};

// n >= kStep elements in blocks of kStep. A ragged end is the last kStep elements, read before anything is written
// because y may be an operand: the elements computed twice get the same bytes.
template <size_t kStep, class Load, class Block>
inline void row_blocks(int8_t* y, size_t n, const Load& at, const Block& block) noexcept {
  const auto last = at(n - kStep);
  size_t i = 0;
  if (kWideBytes == 16) {
    // Two at a time, or a core that works in order waits for every result of the one.
    for (; i + 2 * kStep <= n; i += 2 * kStep) {
      const auto first = at(i), second = at(i + kStep);
      const auto first_bytes = block(first), second_bytes = block(second);
      store(y + i, first_bytes);
      store(y + i + kStep, second_bytes);
    }
  }
  for (; i + kStep <= n; i += kStep) store(y + i, block(at(i)));
  if (i < n) store(y + n - kStep, block(last));
}

template <class Bytes>
struct Operands {
  Bytes a, b;
};

template <class Bytes, bool kAScalar, bool kBScalar>
inline Operands<Bytes> load_operands(const int8_t* a, const int8_t* b, size_t i) noexcept {
  Operands<Bytes> x;
  if (kAScalar) {
    splat(a[0], &x.a);
  } else {
    load(a + i, &x.a);
  }
  if (kBScalar) {
    splat(b[0], &x.b);
  } else {
    load(b + i, &x.b);
  }
  return x;
}

template <class Function, BinaryForm kForm, bool kSloped, bool kSmall>
void binary_rows16(const int8_t* a, size_t a_stride, const int8_t* b, size_t b_stride, int8_t* y, size_t rows,
                   size_t cols, const BinaryS8& how) noexcept {
  constexpr bool kA = kForm == BinaryForm::kScalarVector, kB = kForm == BinaryForm::kVectorScalar;
  const Function f(how);
  const OutputBytes<kSmall> out(how.out);
  const auto block = [&](auto x) __attribute__((always_inline)) {
    auto v = f(x.a, x.b);
    if (kSloped) v = max_f16(v, scale_f16(v, how.out.slope));
    return Function::result(out, v);
  };
  for (size_t r = 0; r < rows; ++r) {
    const int8_t* pa = a + r * a_stride;
    const int8_t* pb = b + r * b_stride;
    int8_t* py = y + r * cols;
    if (cols >= kWideBytes) {
      row_blocks<kWideBytes>(
          py, cols, [&](size_t i) noexcept { return load_operands<WideBytes, kA, kB>(pa, pb, i); }, block);
    } else if (cols >= 16) {
      row_blocks<16>(
          py, cols, [&](size_t i) noexcept { return load_operands<B16, kA, kB>(pa, pb, i); }, block);
    } else if (cols != 0) {
      const Operands<B16> x = {kA ? splat16(pa[0]) : load16_part(pa, cols),
                               kB ? splat16(pb[0]) : load16_part(pb, cols)};
      store16_part(py, block(x), cols);
    }
  }
}

template <class Function, BinaryForm kForm>
inline void binary_loop16(const int8_t* a, size_t a_stride, const int8_t* b, size_t b_stride, int8_t* y, size_t rows,
                          size_t cols, const BinaryS8& how) noexcept {
  // v * 1 is v.
  const bool sloped = how.out.slope != 1.0f;
  if (Function::bound(how) > kSmallValue) {
    binary_rows16<Function, kForm, true, false>(a, a_stride, b, b_stride, y, rows, cols, how);
  } else if (sloped) {
    binary_rows16<Function, kForm, true, true>(a, a_stride, b, b_stride, y, rows, cols, how);
  } else {
    binary_rows16<Function, kForm, false, true>(a, a_stride, b, b_stride, y, rows, cols, how);
  }
}

// What runs for the function of a name.
template <class Name>
struct BinaryLoop {
  using Function = Name;
  static BinaryS8 parameters(const BinaryS8& how) noexcept { return how; }
};
// x - z is x + (-z), bit by bit: one set of loops for both.
struct SubS8;
template <>
struct BinaryLoop<SubS8> {
  using Function = AddS8;
  static BinaryS8 parameters(BinaryS8 how) noexcept {
    how.b_scale = -how.b_scale;
    return how;
  }
};

struct PreluOperands16 {
  B16 x;
  F16 negative;
};

template <BinaryForm kForm>
void prelu_loop16(const int8_t* x, size_t x_stride, const float* negative, size_t negative_stride, int8_t* y,
                  size_t rows, size_t cols, float scale, int32_t x_zero_point, const QuantizedOutput& output) noexcept {
  constexpr bool kScalar = kForm == BinaryForm::kVectorScalar;
  const Output16 out(output);
  const F16 positive = splat_f16(scale);
  for (size_t r = 0; r < rows; ++r) {
    const int8_t* px = x + r * x_stride;
    const float* pn = negative + r * negative_stride;
    const F16 n0 = splat_f16(kScalar ? pn[0] : 0.0f);
    int8_t* py = y + r * cols;
    const auto block = [&](const PreluOperands16& at) noexcept {
      const F16 d = float_difference16(at.x, x_zero_point);
      return out(mul_f16(d, select_negative_f16(d, at.negative, positive)));
    };
    if (cols >= 16) {
      row_blocks<16>(
          py, cols,
          [&](size_t i) noexcept {
            return PreluOperands16{load16(px + i), kScalar ? n0 : load_f16(pn + i)};
          },
          block);
    } else if (cols != 0) {
      const PreluOperands16 at = {load16_part(px, cols), kScalar ? n0 : load_f16_part(pn, cols)};
      store16_part(py, block(at), cols);
    }
  }
}

}  // namespace
}  // namespace dotori::kernels

#define DOTORI_DEFINE_BINARY_S8(isa, Name, word, form, Form)                                                         \
  void binary_s8_##word##_##form##__##isa(const int8_t* a, size_t a_stride, const int8_t* b, size_t b_stride,        \
                                          int8_t* y, size_t rows, size_t cols, const BinaryS8& how) noexcept {       \
    using Loop = BinaryLoop<Name##S8>;                                                                               \
    binary_loop16<Loop::Function, BinaryForm::Form>(a, a_stride, b, b_stride, y, rows, cols, Loop::parameters(how)); \
  }
#define DOTORI_DEFINE_PRELU_S8(isa, form, Form)                                                                      \
  void prelu_s8_##form##__##isa(const int8_t* x, size_t x_stride, const float* negative, size_t negative_stride,     \
                                int8_t* y, size_t rows, size_t cols, float scale, int32_t x_zero_point,              \
                                const QuantizedOutput& out) noexcept {                                               \
    prelu_loop16<BinaryForm::Form>(x, x_stride, negative, negative_stride, y, rows, cols, scale, x_zero_point, out); \
  }
