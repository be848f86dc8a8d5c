// SPDX-License-Identifier: Apache-2.0
// Convolutions as matrix products with indirect rows (kernels/gemm): conv2d, conv_transpose2d and fully_connected
// describe themselves as a ConvGemm, and run here. Nothing is copied to columns: the rows of A are pointers to input
// pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/cpu/row_stage.h"
#include "backends/plan.h"
#include "graph/activation.h"
#include "kernels/conv/conv.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_s8.h"

namespace dotori::backends::cpu {

// Output pixels at (first_y + j * ConvGemm::out_step_y, first_x + i * out_step_x), j < rows, i < columns, with the taps
// that they have in common, in slices first_z + k * out_step_z, k < slices, of a volume (an image has one slice). A
// convolution is one phase; a transposed one has a phase for each remainder modulo its stride.
struct ConvGemmPhase {
  // `span` neighbouring input pixels from (k * in_step_z + dz, j * in_step_y + dy, i * in_step_x + dx); pixels outside
  // the image count as zeros.
  struct Tap {
    std::int32_t dy = 0, dx = 0;
    std::size_t weights = 0;  // where its weights are, in elements from the start of an output channel's
    std::int32_t dz = 0;
  };
  std::int64_t first_y = 0, first_x = 0, rows = 0, columns = 0;
  std::int64_t first_z = 0, slices = 1;
  std::vector<Tap> taps;  // may be empty: the result is the bias
};

struct ConvGemm {
  std::int64_t batch = 1;
  std::int64_t in_d = 1, in_h = 1, in_w = 1, in_c = 1;
  std::int64_t out_d = 1, out_h = 1, out_w = 1, out_c = 1;
  std::int64_t groups = 1;
  std::int64_t span = 1;  // above 1 only without groups
  // Pixels that are taken as one, with one block of weights for each on the diagonal of a matrix of zeros; the sizes
  // above are those of the merged pixels. Above 1 only for emit_conv_gemm_s8 and a 1x1 kernel without groups.
  std::int64_t merged_pixels = 1;
  std::int64_t in_step_z = 1, in_step_y = 1, in_step_x = 1;
  std::int64_t out_step_z = 1, out_step_y = 1, out_step_x = 1;
  std::size_t weights_per_output = 0;  // elements of one output channel: the kernel's taps * in_c / groups
  std::vector<ConvGemmPhase> phases;
};

// Packs the constant weights (input 1) and bias (input 2), books scratch and emits the step.
// Errors: kUnsupported (an image beyond 2^31 pixels or channels), kOutOfMemory.
Status emit_conv_gemm(const ConvGemm& conv, const graph::Activation& activation, const kernels::GemmF32Kernel& kernel,
                      CompileContext& context);
// The same as a link of a chain, for one dense phase.
Result<std::unique_ptr<RowStage>> conv_gemm_stage(const ConvGemm& conv, const graph::Activation& activation,
                                                  const kernels::GemmF32Kernel& kernel, CompileContext& context);

// The same for int8 x, weights and y. Further errors: kUnsupported (a channel whose sum could overflow, or whose scales
// give no factor).
Status emit_conv_gemm_s8(const ConvGemm& conv, const graph::Activation& activation, const kernels::GemmS8Kernel& kernel,
                         CompileContext& context);
// How many of `pixels` neighbouring pixels a 1x1 convolution had better take as one: a narrow product costs more for
// each row than for its arithmetic.
std::int64_t gemm_s8_merged_pixels(const kernels::GemmS8Kernel& kernel, std::int64_t in_c, std::int64_t out_c,
                                   std::int64_t pixels) noexcept;
// Whether emit_conv_gemm_s8 needs no copy of the rows when a tap has `k` elements.
bool gemm_s8_reads_image(const kernels::GemmS8Kernel& kernel, std::int64_t k) noexcept;

// The float32 convolution by the plain C++ kernel; weights and bias may be computed by other nodes. `rows` output rows
// (of all slices) in each of `batch` images.
Status emit_conv_reference(const char* name, kernels::ConvF32Fn run, kernels::ConvF32 conv, std::int64_t batch,
                           std::int64_t rows, const graph::Activation& activation, CompileContext& context);

// Whether emit_conv_gemm can be used: weights and bias are constants, and the kernel is not the plain C++ one.
bool can_use_gemm(const kernels::GemmF32Kernel& kernel, const CompileContext& context) noexcept;

// Of two-dimensional `op` (conv2d, conv_transpose2d), x [N,H,W,C], y: what kernels::ConvF32 holds of them; and of
// three-dimensional ones, x [N,D,H,W,C].
template <class Op>
Result<kernels::ConvF32> describe_conv_f32(const Op& op, const Shape& x, const Shape& y);
template <class Op>
Result<kernels::ConvF32> describe_conv3d_f32(const Op& op, const Shape& x, const Shape& y);

// Output position o of a transposed convolution reads input (o + pad - tap * dilation) / stride where that is whole.
// For the positions o = first + stride * j that is j + shift, with one shift for all j: a convolution of stride 1 for
// each remainder of o. False: tap reads nothing there.
inline bool tap_shift(std::int64_t first, std::int64_t pad, std::int64_t tap, std::int64_t dilation,
                      std::int64_t stride, std::int32_t* shift) noexcept {
  const std::int64_t scaled = first + pad - tap * dilation;
  if (scaled % stride != 0) return false;
  *shift = static_cast<std::int32_t>(scaled / stride);
  return true;
}

// A dimension as the kernels count it, or kUnsupported.
Result<std::int32_t> kernel_size(const char* what, std::int64_t value);

template <class Op>
Result<kernels::ConvF32> describe_conv_f32(const Op& op, const Shape& x, const Shape& y) {
  kernels::ConvF32 conv{};
  const int last = x.rank() - 1;
  DOTORI_ASSIGN_OR_RETURN(conv.in_h, kernel_size("input height", x[last - 2]));
  DOTORI_ASSIGN_OR_RETURN(conv.in_w, kernel_size("input width", x[last - 1]));
  DOTORI_ASSIGN_OR_RETURN(conv.in_c, kernel_size("input channels", x[last]));
  DOTORI_ASSIGN_OR_RETURN(conv.out_h, kernel_size("output height", y[last - 2]));
  DOTORI_ASSIGN_OR_RETURN(conv.out_w, kernel_size("output width", y[last - 1]));
  DOTORI_ASSIGN_OR_RETURN(conv.out_c, kernel_size("output channels", y[last]));
  conv.kernel_h = op.kernel_h;
  conv.kernel_w = op.kernel_w;
  conv.stride_h = op.stride_h;
  conv.stride_w = op.stride_w;
  conv.dilation_h = op.dilation_h;
  conv.dilation_w = op.dilation_w;
  conv.pad_top = op.pad_top;
  conv.pad_left = op.pad_left;
  conv.groups = op.groups;
  return conv;
}

template <class Op>
Result<kernels::ConvF32> describe_conv3d_f32(const Op& op, const Shape& x, const Shape& y) {
  DOTORI_ASSIGN_OR_RETURN(kernels::ConvF32 conv, describe_conv_f32(op, x, y));
  DOTORI_ASSIGN_OR_RETURN(conv.in_d, kernel_size("input depth", x[1]));
  conv.kernel_d = op.kernel_d;
  conv.stride_d = op.stride_d;
  conv.dilation_d = op.dilation_d;
  conv.pad_front = op.pad_front;
  return conv;
}

}  // namespace dotori::backends::cpu
