// SPDX-License-Identifier: Apache-2.0
// float32 matrix product with indirect rows: the arithmetic of convolutions and fully connected layers.
//   c[r][j] = min(max(bias[j] + sum over t < taps, i < k of a[t][r][i] * b[t * k + i][j], low), high)
// The sum of an element starts at 0 and goes through t, then i, upwards, one multiply-add each: fused in the vector
// kernels, two roundings in the plain C++ ones; the bias (or what c holds) is added last. A deep product is cut along K
// into calls that add to c: short chains of roundings keep the error small (Higham, Accuracy and Stability of Numerical
// Algorithms, chapter 4). The bits depend on these cuts, which are the caller's, never on how rows and columns are cut
// into calls: neither on tiles nor on threads. A NaN sum stays NaN.
//
//            nr columns                  Rows of A are found through pointers, mr for each tap: a convolution points
//           +----------+                 at its input pixels and never copies them; a pixel outside the image is a row
//   taps*k  | panel of | ...  (B,        of zeros. B lies in panels of nr columns; the last one is filled up with
//           +----------+       packed)   zeros.
//   k floats of tap 0, tap 1, ...
//   mr +--+ +----------+
//      |  | |   tile   | ...  (C, in place)
//      +--+ +----------+
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"

namespace dotori::kernels {

// `m` rows times `n` columns: ceil(n / nr) panels side by side. Plain data; nothing is kept after the call.
struct GemmF32Strip {
  const float* const* a;  // [taps][mr]: row r of tap t is the k floats at a[t * mr + r] + a_offset; any alignment
  ptrdiff_t a_offset;     // floats, added to every pointer
  ptrdiff_t a_tile_step;  // pointers from a tile of mr rows to the next; c goes on without a gap
  size_t taps, k;         // either may be 0: then the sum is the bias
  const float* b;         // weights of the first panel: [taps * k][nr], aligned to 32 bytes, as is panel_stride
  const float* bias;      // nr numbers of the first panel; null: the sums are added to c
  size_t panel_stride;    // floats from one panel to the next, for both b and bias
  float* const* c;        // [m] rows; row r is the n floats at c[r] + c_offset; nothing behind them is touched
  ptrdiff_t c_offset;
  int32_t m;        // >= 1; rows from mr on are those of further tiles
  int32_t n;        // >= 1
  float low, high;  // not NaN; -infinity and infinity: no clamp
};

using GemmF32Fn = void (*)(const GemmF32Strip& strip) noexcept;
struct GemmF32Kernel {
  const char* name;  // "gemm_f32_6x16__avx2": mr x nr
  Isa isa;
  int32_t mr, nr;
  GemmF32Fn run;
};
// Everything compiled in, best first, the reference last; `*count` receives the number.
const GemmF32Kernel* gemm_f32_kernels(size_t* count) noexcept;
// The best kernel within `isa`; never fails. The Eigen kernel is chosen on machines that no kernel of ours is written
// for.
const GemmF32Kernel& select_gemm_f32(Isa isa = host_isa()) noexcept;

// Floats of one packed panel with `depth` = taps * k rows: nr biases, then [depth][nr] weights.
constexpr size_t gemm_f32_panel_elems(int32_t nr, size_t depth) noexcept {
  return static_cast<size_t>(nr) * (1 + depth);
}
// Panels of `n` columns.
constexpr size_t gemm_f32_panels(int32_t nr, size_t n) noexcept {
  return (n + static_cast<size_t>(nr) - 1) / static_cast<size_t>(nr);
}
// Packs taps of weights[n][depth]: column j of the packed matrix is, for each tap t, the k floats at
// weights + j * column_stride + tap_offsets[t]. `bias` is [n] or null (zeros). `packed` holds gemm_f32_panels(nr, n)
// panels.
void pack_gemm_f32(const float* weights, size_t column_stride, const size_t* tap_offsets, size_t taps, size_t k,
                   const float* bias, size_t n, int32_t nr, float* packed) noexcept;

// The rows of the table.
void gemm_f32_any__reference(const GemmF32Strip&) noexcept;
void gemm_f32_any__eigen(const GemmF32Strip&) noexcept;
#if defined(__x86_64__)
void gemm_f32_6x16__avx2(const GemmF32Strip&) noexcept;
void gemm_f32_12x32__avx512(const GemmF32Strip&) noexcept;
#elif defined(__aarch64__)
void gemm_f32_8x8__neon(const GemmF32Strip&) noexcept;
void gemm_f32_8x8__neon_a55(const GemmF32Strip&) noexcept;  // the same sums, scheduled for cores that execute in order
#endif
// Tiles of the plain C++ kernels.
constexpr int32_t kGemmReferenceMr = 4, kGemmReferenceNr = 8;
constexpr int32_t kGemmEigenMr = 16, kGemmEigenNr = 32;

}  // namespace dotori::kernels
