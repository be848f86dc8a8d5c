// SPDX-License-Identifier: Apache-2.0
// Places buffers with known lifetimes in one arena. A pure function: same input, same output, no other state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <dotori/span.h>

namespace dotori::graph {

struct BufferLifetime {
  std::size_t size_bytes = 0;
  int first_step = 0;  // written first in this step …
  int last_step = 0;   // … read last in this step; >= first_step
};

struct MemoryPlan {
  std::vector<std::size_t> offsets;  // one a buffer, multiples of 64
  std::size_t arena_bytes = 0;
};

// Greedy by size: the largest buffer first, each at the lowest offset free during its whole lifetime. Two buffers share
// bytes only when their lifetimes are disjoint. Total arena below 2^48 bytes is assumed. O(n^2).
MemoryPlan plan_memory(Span<const BufferLifetime> buffers);

}  // namespace dotori::graph
