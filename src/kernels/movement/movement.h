// SPDX-License-Identifier: Apache-2.0
// Moving elements without changing them: strided copies (transpose, slice, concat, depth to space), padding and
// gathering. Elements are bytes in groups of 1, 4 or 8. Plain C++ on every machine: the work is memory traffic.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace dotori::kernels {

constexpr int kMaxCopyRank = 8;

// dst[sum i_k * dst_strides[k]] = src[sum i_k * src_strides[k]], nested loops around runs of `run_bytes` consecutive
// bytes. Strides are in bytes, those of src may be negative.
struct CopyLoops {
  int rank = 0;  // loops left after merging; 0: one run
  size_t dims[kMaxCopyRank] = {};
  ptrdiff_t src_strides[kMaxCopyRank] = {};
  ptrdiff_t dst_strides[kMaxCopyRank] = {};
  size_t run_bytes = 0;

  // What `copy_loops` can be split over: the length of the outermost loop.
  size_t outer() const noexcept { return rank == 0 ? 1 : dims[0]; }
  // The two innermost loops swap rows and columns of single elements.
  bool transposes() const noexcept {
    return rank >= 2 && src_strides[rank - 2] == static_cast<ptrdiff_t>(run_bytes) &&
           dst_strides[rank - 1] == static_cast<ptrdiff_t>(run_bytes);
  }
};

// `rank` <= kMaxCopyRank; dims >= 1; strides in elements. Loops of one element are left out, loops along which both
// sides walk on evenly are merged, a contiguous innermost loop becomes the run. The order of the loops stays (dst's
// order is best).
CopyLoops plan_copy(const int64_t* dims, const int64_t* src_strides, const int64_t* dst_strides, int rank,
                    size_t element_bytes) noexcept;
// The part of the copy with the outermost index in [begin, end) of loops.outer(). src and dst must not overlap.
void copy_loops(const CopyLoops& loops, const void* src, void* dst, size_t begin, size_t end) noexcept;

// Same numbers as graph::PadMode (asserted where both are known).
enum class PadMode : uint8_t { kConstant = 0, kReflect, kEdge, kSymmetric, kCount };

constexpr int kMaxPadRank = 6;

// Padding of dense tensors. Inner axes without padding are part of the block.
struct PadLoops {
  PadMode mode = PadMode::kConstant;
  int rank = 0;                    // axes left, the last of them padded; 0: nothing is padded
  int64_t dims[kMaxPadRank] = {};  // of the source
  int64_t before[kMaxPadRank] = {};
  int64_t out_dims[kMaxPadRank] = {};
  size_t src_strides[kMaxPadRank] = {};  // bytes
  size_t block_bytes = 0;                // one element of the innermost axis left (rank 0: the whole tensor)
  size_t element_bytes = 0;
  unsigned char fill[8] = {};  // one element, for kConstant

  size_t rows() const noexcept {
    size_t n = 1;
    for (int i = 0; i + 1 < rank; ++i) n *= static_cast<size_t>(out_dims[i]);
    return n;
  }
};

// Everything but `fill`. `dims`, `before` and `after` have `rank` (at most 6) numbers.
PadLoops plan_pad(PadMode mode, const int64_t* dims, const int64_t* before, const int64_t* after, int rank,
                  size_t element_bytes) noexcept;
// The source index for index `i` of the padded axis, or -1 for fill. Any amount of padding; kReflect needs dim > 1.
int64_t pad_source(PadMode mode, int64_t dim, int64_t before, int64_t i) noexcept;
// Rows [begin, end) of loops.rows(): all elements along the last axis left. src and dst must not overlap.
void pad_rows(const PadLoops& loops, const void* src, void* dst, size_t begin, size_t end) noexcept;

// dst block i = src block (i / count) * dim + indices[i % count] for i in [begin, end); blocks of `block_bytes`,
// indices in [0, dim).
void gather_blocks(const void* src, void* dst, size_t dim, const int64_t* indices, size_t count, size_t block_bytes,
                   size_t begin, size_t end) noexcept;

}  // namespace dotori::kernels
