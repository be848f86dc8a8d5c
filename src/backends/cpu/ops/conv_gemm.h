// SPDX-License-Identifier: Apache-2.0
// Convolutions as matrix products with indirect rows (kernels/gemm): conv2d, conv_transpose2d and fully_connected
// describe themselves as a ConvGemm, and run here. Nothing is copied to columns: the rows of A are pointers to input
// pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/plan.h"
#include "graph/activation.h"
#include "kernels/conv/conv.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_s8.h"

namespace dotori::backends::cpu {

// Output pixels at (first_y + j * ConvGemm::out_step_y, first_x + i * out_step_x), j < rows, i < columns, with the taps
// that they have in common. A convolution is one phase; a transposed one has a phase for each remainder modulo its
// stride.
struct ConvGemmPhase {
  // `span` neighbouring input pixels from (j * in_step_y + dy, i * in_step_x + dx); pixels outside the image count as
  // zeros.
  struct Tap {
    std::int32_t dy = 0, dx = 0;
    std::size_t weights = 0;  // where its weights are, in elements from the start of an output channel's
  };
  std::int64_t first_y = 0, first_x = 0, rows = 0, columns = 0;
  std::vector<Tap> taps;  // may be empty: the result is the bias
};

struct ConvGemm {
  std::int64_t batch = 1;
  std::int64_t in_h = 1, in_w = 1, in_c = 1;
  std::int64_t out_h = 1, out_w = 1, out_c = 1;
  std::int64_t groups = 1;
  std::int64_t span = 1;  // above 1 only without groups
  // Pixels that are taken as one, with one block of weights for each on the diagonal of a matrix of zeros; the sizes
  // above are those of the merged pixels. Above 1 only for emit_conv_gemm_s8 and a 1x1 kernel without groups.
  std::int64_t merged_pixels = 1;
  std::int64_t in_step_y = 1, in_step_x = 1;
  std::int64_t out_step_y = 1, out_step_x = 1;
  std::size_t weights_per_output = 0;  // elements of one output channel: kernel_h * kernel_w * in_c / groups
  std::vector<ConvGemmPhase> phases;
};

// Packs the constant weights (input 1) and bias (input 2), books scratch and emits the step.
// Errors: kUnsupported (an image beyond 2^31 pixels or channels), kOutOfMemory.
Status emit_conv_gemm(const ConvGemm& conv, const graph::Activation& activation, const kernels::GemmF32Kernel& kernel,
                      CompileContext& context);

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

// The float32 convolution by the plain C++ kernel; weights and bias may be computed by other nodes. `out_h` rows in
// each of `batch` images.
Status emit_conv_reference(const char* name, kernels::ConvF32Fn run, kernels::ConvF32 conv, std::int64_t batch,
                           std::int64_t out_h, const graph::Activation& activation, CompileContext& context);

// Whether emit_conv_gemm can be used: weights and bias are constants, and the kernel is not the plain C++ one.
bool can_use_gemm(const kernels::GemmF32Kernel& kernel, const CompileContext& context) noexcept;

// A dimension as the kernels count it, or kUnsupported.
Result<std::int32_t> kernel_size(const char* what, std::int64_t value);

}  // namespace dotori::backends::cpu
