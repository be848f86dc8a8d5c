// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "kernels/movement/movement.h"

namespace dotori::kernels {
namespace {

// The two innermost loops of a copy.
struct Plane {
  size_t rows, cols;
  ptrdiff_t src_row, src_col, dst_row, dst_col;  // strides in bytes
};

// memcpy of a constant size is one load and one store.
template <size_t kBytes>
void copy_plane_fixed(const Plane& p, const unsigned char* src, unsigned char* dst) {
  for (size_t r = 0; r < p.rows; ++r) {
    const unsigned char* s = src + static_cast<ptrdiff_t>(r) * p.src_row;
    unsigned char* d = dst + static_cast<ptrdiff_t>(r) * p.dst_row;
    for (size_t c = 0; c < p.cols; ++c) {
      memcpy(d, s, kBytes);
      s += p.src_col;
      d += p.dst_col;
    }
  }
}

void copy_plane_runs(const Plane& p, size_t bytes, const unsigned char* src, unsigned char* dst) {
  for (size_t r = 0; r < p.rows; ++r)
    for (size_t c = 0; c < p.cols; ++c)
      memcpy(dst + static_cast<ptrdiff_t>(r) * p.dst_row + static_cast<ptrdiff_t>(c) * p.dst_col,
             src + static_cast<ptrdiff_t>(r) * p.src_row + static_cast<ptrdiff_t>(c) * p.src_col, bytes);
}

// Rows and columns swap: tiles that fit the first-level cache on both sides, so that every line fetched is used up.
template <size_t kBytes>
void transpose_plane(const Plane& p, const unsigned char* src, unsigned char* dst) {
  constexpr size_t kTile = 128 / kBytes < 32 ? 128 / kBytes : 32;
  for (size_t r0 = 0; r0 < p.rows; r0 += kTile)
    for (size_t c0 = 0; c0 < p.cols; c0 += kTile) {
      const Plane tile = {p.rows - r0 < kTile ? p.rows - r0 : kTile,
                          p.cols - c0 < kTile ? p.cols - c0 : kTile,
                          static_cast<ptrdiff_t>(kBytes),
                          p.src_col,
                          p.dst_row,
                          static_cast<ptrdiff_t>(kBytes)};
      copy_plane_fixed<kBytes>(tile, src + r0 * kBytes + static_cast<ptrdiff_t>(c0) * p.src_col,
                               dst + static_cast<ptrdiff_t>(r0) * p.dst_row + c0 * kBytes);
    }
}

// Two sequences become one, turn by turn (the shuffle of two groups of channels). The compiler makes vectors of the loop.
template <class T>
void interleave_two(size_t n, const unsigned char* first, const unsigned char* second, unsigned char* dst) {
  for (size_t i = 0; i < n; ++i) {
    T a, b;
    memcpy(&a, first + i * sizeof(T), sizeof(T));
    memcpy(&b, second + i * sizeof(T), sizeof(T));
    memcpy(dst + 2 * i * sizeof(T), &a, sizeof(T));
    memcpy(dst + (2 * i + 1) * sizeof(T), &b, sizeof(T));
  }
}

void copy_plane(const Plane& p, size_t bytes, bool transposes, const unsigned char* src, unsigned char* dst) {
  if (transposes) {
    if (p.cols == 2 && p.dst_row == static_cast<ptrdiff_t>(2 * bytes)) {
      if (bytes == 1) return interleave_two<uint8_t>(p.rows, src, src + p.src_col, dst);
      if (bytes == 4) return interleave_two<uint32_t>(p.rows, src, src + p.src_col, dst);
    }
    if (bytes == 1) return transpose_plane<1>(p, src, dst);
    if (bytes == 4) return transpose_plane<4>(p, src, dst);
    if (bytes == 8) return transpose_plane<8>(p, src, dst);
  }
  switch (bytes) {
    case 1: return copy_plane_fixed<1>(p, src, dst);
    case 2: return copy_plane_fixed<2>(p, src, dst);
    case 4: return copy_plane_fixed<4>(p, src, dst);
    case 8: return copy_plane_fixed<8>(p, src, dst);
    case 12: return copy_plane_fixed<12>(p, src, dst);
    case 16: return copy_plane_fixed<16>(p, src, dst);
    case 32: return copy_plane_fixed<32>(p, src, dst);
    case 64: return copy_plane_fixed<64>(p, src, dst);
    default: return copy_plane_runs(p, bytes, src, dst);
  }
}

}  // namespace

CopyLoops plan_copy(const int64_t* dims, const int64_t* src_strides, const int64_t* dst_strides, int rank,
                    size_t element_bytes) noexcept {
  CopyLoops loops;
  loops.run_bytes = element_bytes;
  const ptrdiff_t element = static_cast<ptrdiff_t>(element_bytes);
  // Innermost first; turned round at the end.
  for (int axis = rank - 1; axis >= 0; --axis) {
    if (dims[axis] == 1) continue;
    const size_t dim = static_cast<size_t>(dims[axis]);
    const ptrdiff_t src = static_cast<ptrdiff_t>(src_strides[axis]) * element;
    const ptrdiff_t dst = static_cast<ptrdiff_t>(dst_strides[axis]) * element;
    const ptrdiff_t run = static_cast<ptrdiff_t>(loops.run_bytes);
    if (loops.rank == 0 && src == run && dst == run) {
      loops.run_bytes *= dim;
      continue;
    }
    if (loops.rank > 0) {
      const int inner = loops.rank - 1;
      const ptrdiff_t count = static_cast<ptrdiff_t>(loops.dims[inner]);
      if (src == loops.src_strides[inner] * count && dst == loops.dst_strides[inner] * count) {
        loops.dims[inner] *= dim;
        continue;
      }
    }
    loops.dims[loops.rank] = dim;
    loops.src_strides[loops.rank] = src;
    loops.dst_strides[loops.rank] = dst;
    ++loops.rank;
  }
  for (int i = 0, j = loops.rank - 1; i < j; ++i, --j) {
    const CopyLoops old = loops;
    loops.dims[i] = old.dims[j];
    loops.src_strides[i] = old.src_strides[j];
    loops.dst_strides[i] = old.dst_strides[j];
    loops.dims[j] = old.dims[i];
    loops.src_strides[j] = old.src_strides[i];
    loops.dst_strides[j] = old.dst_strides[i];
  }
  return loops;
}

void copy_loops(const CopyLoops& loops, const void* src, void* dst, size_t begin, size_t end) noexcept {
  if (begin >= end) return;
  const unsigned char* s = static_cast<const unsigned char*>(src);
  unsigned char* d = static_cast<unsigned char*>(dst);
  if (loops.rank == 0) {
    memcpy(d, s, loops.run_bytes);
    return;
  }
  s += static_cast<ptrdiff_t>(begin) * loops.src_strides[0];
  d += static_cast<ptrdiff_t>(begin) * loops.dst_strides[0];
  size_t dims[kMaxCopyRank];
  for (int i = 0; i < loops.rank; ++i) dims[i] = loops.dims[i];
  dims[0] = end - begin;

  const int last = loops.rank - 1;
  Plane plane = {1, dims[last], 0, loops.src_strides[last], 0, loops.dst_strides[last]};
  const int outer_rank = last > 0 ? last - 1 : 0;
  if (last > 0) {
    plane.rows = dims[last - 1];
    plane.src_row = loops.src_strides[last - 1];
    plane.dst_row = loops.dst_strides[last - 1];
  }
  size_t index[kMaxCopyRank] = {};
  for (;;) {
    copy_plane(plane, loops.run_bytes, loops.transposes(), s, d);
    int axis = outer_rank - 1;
    for (; axis >= 0; --axis) {
      s += loops.src_strides[axis];
      d += loops.dst_strides[axis];
      if (++index[axis] < dims[axis]) break;
      s -= loops.src_strides[axis] * static_cast<ptrdiff_t>(dims[axis]);
      d -= loops.dst_strides[axis] * static_cast<ptrdiff_t>(dims[axis]);
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

void gather_blocks(const void* src, void* dst, size_t dim, const int64_t* indices, size_t count, size_t block_bytes,
                   size_t begin, size_t end) noexcept {
  const unsigned char* s = static_cast<const unsigned char*>(src);
  unsigned char* d = static_cast<unsigned char*>(dst);
  for (size_t i = begin; i < end; ++i) {
    const size_t from = i / count * dim + static_cast<size_t>(indices[i % count]);
    memcpy(d + i * block_bytes, s + from * block_bytes, block_bytes);
  }
}

}  // namespace dotori::kernels
