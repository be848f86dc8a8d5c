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

}  // namespace

PadLoops plan_pad(const int64_t* dims, const int64_t* before, const int64_t* after, int rank, size_t element_bytes) noexcept {
  PadLoops loops;
  loops.element_bytes = element_bytes;
  loops.block_bytes = element_bytes;
  int last = rank - 1;
  for (; last >= 0 && before[last] == 0 && after[last] == 0; --last) loops.block_bytes *= static_cast<size_t>(dims[last]);
  loops.rank = last + 1;
  size_t stride = loops.block_bytes;
  for (int axis = last; axis >= 0; --axis) {
    loops.out_dims[axis] = static_cast<size_t>(before[axis] + dims[axis] + after[axis]);
    loops.src_strides[axis] = stride;
    stride *= static_cast<size_t>(dims[axis]);
  }
  if (last >= 0) {
    loops.before = static_cast<size_t>(before[last]);
    loops.copied = static_cast<size_t>(dims[last]);
  }
  return loops;
}

void pad_sources(PadMode mode, int64_t dim, int64_t before, int64_t after, int64_t* table) noexcept {
  for (int64_t i = 0; i < before + dim + after; ++i) {
    int64_t from = i - before;
    if (from < 0 || from >= dim) {
      switch (mode) {
        case PadMode::kReflect: {
          // The mirrored axis repeats every 2 (dim - 1) elements.
          const int64_t period = dim > 1 ? 2 * (dim - 1) : 1;
          from = ((from % period) + period) % period;
          if (from >= dim) from = period - from;
          break;
        }
        case PadMode::kSymmetric: {
          const int64_t period = 2 * dim;
          from = ((from % period) + period) % period;
          if (from >= dim) from = period - 1 - from;
          break;
        }
        case PadMode::kEdge:
          from = from < 0 ? 0 : dim - 1;
          break;
        default:
          from = -1;
      }
    }
    table[i] = from;
  }
}

void pad_rows(const PadLoops& loops, const void* src, void* dst, size_t begin, size_t end) noexcept {
  const size_t block = loops.block_bytes;
  if (loops.rank == 0) {
    if (begin < end) memcpy(dst, src, block);
    return;
  }
  const int last = loops.rank - 1;
  const size_t blocks = loops.out_dims[last];
  const int64_t* sources = loops.sources[last];
  for (size_t row = begin; row < end; ++row) {
    unsigned char* d = static_cast<unsigned char*>(dst) + row * blocks * block;
    const unsigned char* s = static_cast<const unsigned char*>(src);
    bool filled = false;
    size_t index = row;
    for (int axis = last - 1; axis >= 0; --axis) {
      const int64_t from = loops.sources[axis][index % loops.out_dims[axis]];
      index /= loops.out_dims[axis];
      if (from < 0) {
        filled = true;
        break;
      }
      s += static_cast<size_t>(from) * loops.src_strides[axis];
    }
    if (filled) {
      fill_blocks(loops, d, blocks);
      continue;
    }
    const auto border = [&](size_t first, size_t stop) {
      for (size_t i = first; i < stop; ++i) {
        if (sources[i] < 0) {
          // Only a constant border has these, and it has nothing else.
          fill_blocks(loops, d + first * block, stop - first);
          return;
        }
        memcpy(d + i * block, s + static_cast<size_t>(sources[i]) * block, block);
      }
    };
    border(0, loops.before);
    memcpy(d + loops.before * block, s, loops.copied * block);
    border(loops.before + loops.copied, blocks);
  }
}

}  // namespace dotori::kernels
