// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "kernels/movement/movement.h"

namespace dotori::kernels {
namespace {

template <class T>
void fill_elements(unsigned char* dst, size_t count, const unsigned char* element) {
  T value;
  memcpy(&value, element, sizeof(T));
  for (size_t i = 0; i < count; ++i) memcpy(dst + i * sizeof(T), &value, sizeof(T));
}

void fill_blocks(const PadLoops& loops, unsigned char* dst, size_t blocks) {
  const size_t count = blocks * loops.block_bytes / loops.element_bytes;
  if (loops.element_bytes == 8) return fill_elements<uint64_t>(dst, count, loops.fill);
  if (loops.element_bytes == 4) return fill_elements<uint32_t>(dst, count, loops.fill);
  memset(dst, loops.fill[0], count);
}

// Out elements [first, stop) of the last axis, all on one side of the source row `src`.
void pad_border(const PadLoops& loops, const unsigned char* src, unsigned char* dst, int64_t first, int64_t stop) {
  const int last = loops.rank - 1;
  if (loops.mode == PadMode::kConstant) {
    fill_blocks(loops, dst + static_cast<size_t>(first) * loops.block_bytes, static_cast<size_t>(stop - first));
    return;
  }
  for (int64_t i = first; i < stop; ++i) {
    const int64_t from = pad_source(loops.mode, loops.dims[last], loops.before[last], i);
    memcpy(dst + static_cast<size_t>(i) * loops.block_bytes, src + static_cast<size_t>(from) * loops.block_bytes,
           loops.block_bytes);
  }
}

}  // namespace

PadLoops plan_pad(PadMode mode, const int64_t* dims, const int64_t* before, const int64_t* after, int rank,
                  size_t element_bytes) noexcept {
  PadLoops loops;
  loops.mode = mode;
  loops.element_bytes = element_bytes;
  loops.block_bytes = element_bytes;
  int last = rank - 1;
  for (; last >= 0 && before[last] == 0 && after[last] == 0; --last)
    loops.block_bytes *= static_cast<size_t>(dims[last]);
  loops.rank = last + 1;
  size_t stride = loops.block_bytes;
  for (int axis = last; axis >= 0; --axis) {
    loops.dims[axis] = dims[axis];
    loops.before[axis] = before[axis];
    loops.out_dims[axis] = before[axis] + dims[axis] + after[axis];
    loops.src_strides[axis] = stride;
    stride *= static_cast<size_t>(dims[axis]);
  }
  return loops;
}

int64_t pad_source(PadMode mode, int64_t dim, int64_t before, int64_t i) noexcept {
  const int64_t at = i - before;
  if (at >= 0 && at < dim) return at;
  switch (mode) {
    case PadMode::kReflect: {
      // The mirrored axis repeats every 2 (dim - 1) elements.
      const int64_t period = dim > 1 ? 2 * (dim - 1) : 1, phase = ((at % period) + period) % period;
      return phase < dim ? phase : period - phase;
    }
    case PadMode::kSymmetric: {
      const int64_t period = 2 * dim, phase = ((at % period) + period) % period;
      return phase < dim ? phase : period - 1 - phase;
    }
    case PadMode::kEdge: return at < 0 ? 0 : dim - 1;
    default: return -1;
  }
}

void pad_rows(const PadLoops& loops, const void* src, void* dst, size_t begin, size_t end) noexcept {
  const size_t block = loops.block_bytes;
  if (loops.rank == 0) {
    if (begin < end) memcpy(dst, src, block);
    return;
  }
  const int last = loops.rank - 1;
  const int64_t blocks = loops.out_dims[last], before = loops.before[last], dim = loops.dims[last];
  for (size_t row = begin; row < end; ++row) {
    unsigned char* d = static_cast<unsigned char*>(dst) + row * static_cast<size_t>(blocks) * block;
    const unsigned char* s = static_cast<const unsigned char*>(src);
    bool outside = false;
    int64_t index = static_cast<int64_t>(row);
    for (int axis = last - 1; axis >= 0 && !outside; --axis) {
      const int64_t from = pad_source(loops.mode, loops.dims[axis], loops.before[axis], index % loops.out_dims[axis]);
      index /= loops.out_dims[axis];
      outside = from < 0;
      if (!outside) s += static_cast<size_t>(from) * loops.src_strides[axis];
    }
    if (outside) {
      fill_blocks(loops, d, static_cast<size_t>(blocks));
      continue;
    }
    pad_border(loops, s, d, 0, before);
    memcpy(d + static_cast<size_t>(before) * block, s, static_cast<size_t>(dim) * block);
    pad_border(loops, s, d, before + dim, blocks);
  }
}

}  // namespace dotori::kernels
