// SPDX-License-Identifier: Apache-2.0
// int8 matrix product with indirect rows and requantised results: the arithmetic of int8 convolutions and fully
// connected layers.
//   acc     = bias[j] + row_add[r] + sum over t < taps, i < k of a[t][r][i] * b[j][t * k + i]      (int32, exact)
//   c[r][j] = requantize(acc, scale[j], output) (kernels/quantize/requantize.h)
// Weights b are in [-127, 127], a in [-128, 127]. The caller has proved that no partial sum leaves int32; the order of
// the sum is therefore free, and every kernel gives the same bytes. Zero points are the caller's: that of the rows is
// folded into the bias (and fills rows outside the image), that of weights into row_add.
//
//   panel of nr columns:  int32 bias[nr], float scale[nr], int8 weights[taps][k * nr]           depth = taps * k
// The last panel is filled up with zeros (scale 1). K beyond the real depth is filled up with zero weights, so what the
// rows hold there does not matter. The order of the weights of a tap is the kernel's GemmS8Layout.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/isa.h"
#include "kernels/quantize/requantize.h"

namespace dotori::kernels {

// `m` rows times `n` columns: ceil(n / nr) panels side by side. Plain data; nothing is kept after the call.
struct GemmS8Strip {
  const void* const* a;  // [taps][mr]: row r of tap t is the k elements (int8, or int16 where the kernel's a_bytes is
                         // 2) from a[t * mr + r], plus a_offset elements; any alignment (int16: even)
  ptrdiff_t a_offset;
  size_t taps, k;          // k is a multiple of kr; either may be 0
  const void* panels;      // the first panel, aligned to 64 bytes, as is panel_stride
  size_t panel_stride;     // bytes from one panel to the next
  const int32_t* row_add;  // [m], or null: zeros
  int8_t* const* c;        // [m] rows; row r is the n bytes at c[r] + c_offset; nothing behind them is touched
  ptrdiff_t c_offset;
  int32_t m;  // 1..mr
  int32_t n;  // >= 1
  QuantizedOutput output;
};

// Where a panel holds the weight of column j and row i of a tap, for a tap of k rows.
//   kColumns: [k / kr][nr][kr]: kr weights of a column lie together.
//   kCrossed: (kr 8, nr a multiple of 4) blocks of 16 rows, and one of 8 where k is an odd multiple of 8. A block is
//     [4 steps][nr / 4][halves of 8 rows][4 columns][2 rows]: step s holds, for column j, pair (j ^ s) % 4 of each
//     half.
//   kColumnsPlus128: kColumns, and a column's bias less 128 times the sum of its weights (modulo 2^32), for kernels
//   that
//     read rows plus 128, as unsigned bytes.
enum class GemmS8Layout : uint8_t { kColumns, kCrossed, kColumnsPlus128 };

using GemmS8Fn = void (*)(const GemmS8Strip& strip) noexcept;
struct GemmS8Kernel {
  const char* name;  // "gemm_s8_6x16__avx2": mr x nr
  Isa isa;
  int32_t mr, nr;
  int32_t kr;       // k comes in multiples of it
  int32_t a_bytes;  // 1: rows of int8; 2: rows of int16
  GemmS8Layout layout;
  GemmS8Fn run;
};
// Everything compiled in, best first, the reference last; `*count` receives the number.
const GemmS8Kernel* gemm_s8_kernels(size_t* count) noexcept;
// The best kernel within `isa`; never fails.
const GemmS8Kernel& select_gemm_s8(Isa isa = host_isa()) noexcept;

// Rows for a kernel: row r of `m` becomes the `taps` runs of k int8 from a[t * a_step + r] + a_offset, behind each
// other at `to` + r * row_bytes, sign-extended to int16 where the kernel's a_bytes is 2; then zeros up to row_bytes,
// which is a multiple of 64. No overlap; reads nothing beside the runs.
struct GemmS8Gather {
  const int8_t* const* a;
  ptrdiff_t a_offset;
  size_t a_step, taps, k;
  int32_t m;
  void* to;  // aligned to 64 bytes
  size_t row_bytes;
  int32_t* sums;  // [m], the sum of each row's elements; or null
};
using GemmS8GatherFn = void (*)(const GemmS8Gather& gather) noexcept;
GemmS8GatherFn select_gemm_s8_gather(const GemmS8Kernel& kernel) noexcept;

constexpr size_t gemm_s8_round_up(size_t n, size_t to) noexcept {
  return (n + to - 1) / to * to;
}
// Bytes of one packed panel with `depth` = taps * k rows, a multiple of 64.
constexpr size_t gemm_s8_panel_bytes(int32_t nr, size_t depth) noexcept {
  return gemm_s8_round_up(static_cast<size_t>(nr) * (8 + depth), 64);
}
// Packs `n` columns of one tap list: column j of the matrix is, for each tap t, the `k` weights at
//   weights + j * column_stride + tap_offsets[t], followed by zeros up to `padded_k` (a multiple of kr).
// `bias` and `scale` are [n]. `packed` holds ceil(n / nr) panels of gemm_s8_panel_bytes(nr, taps * padded_k) bytes.
void pack_gemm_s8(const int8_t* weights, size_t column_stride, const size_t* tap_offsets, size_t taps, size_t k,
                  size_t padded_k, const int32_t* bias, const float* scale, size_t n, const GemmS8Kernel& kernel,
                  void* packed) noexcept;

// The rows of the table.
void gemm_s8_any__reference(const GemmS8Strip&) noexcept;
#if defined(__x86_64__)
void gemm_s8_6x16__avx2(const GemmS8Strip&) noexcept;
void gemm_s8_gather__avx2(const GemmS8Gather&) noexcept;
void gemm_s8_12x32__avx512_vnni(const GemmS8Strip&) noexcept;
void gemm_s8_gather__avx512_vnni(const GemmS8Gather&) noexcept;
#elif defined(__aarch64__)
void gemm_s8_8x8__neon_dot(const GemmS8Strip&) noexcept;
void gemm_s8_4x16__neon(const GemmS8Strip&) noexcept;
void gemm_s8_gather__neon(const GemmS8Gather&) noexcept;
#endif
// The tile of the plain C++ kernel.
constexpr int32_t kGemmS8ReferenceMr = 4, kGemmS8ReferenceNr = 8;

}  // namespace dotori::kernels
