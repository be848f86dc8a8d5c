// SPDX-License-Identifier: Apache-2.0
#include "graph/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace dotori::graph {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t align_up(std::size_t n) {
  return (n + kAlignment - 1) / kAlignment * kAlignment;
}

bool live_together(const BufferLifetime& a, const BufferLifetime& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

}  // namespace

MemoryPlan plan_memory(Span<const BufferLifetime> buffers) {
  MemoryPlan plan;
  plan.offsets.assign(buffers.size(), 0);
  std::vector<std::size_t> by_size(buffers.size());
  std::iota(by_size.begin(), by_size.end(), std::size_t{0});
  // Of equal sizes the first comes first, so that the plan does not depend on the sort.
  std::sort(by_size.begin(), by_size.end(), [&](std::size_t a, std::size_t b) {
    return buffers[a].size_bytes != buffers[b].size_bytes ? buffers[a].size_bytes > buffers[b].size_bytes : a < b;
  });

  std::vector<std::size_t> placed;  // ascending by offset
  for (std::size_t index : by_size) {
    const BufferLifetime& buffer = buffers[index];
    if (buffer.size_bytes == 0) break;
    const std::size_t size = align_up(buffer.size_bytes);
    std::size_t offset = 0;
    for (std::size_t other : placed) {
      if (!live_together(buffer, buffers[other])) continue;
      if (plan.offsets[other] >= offset + size) break;
      offset = std::max(offset, plan.offsets[other] + align_up(buffers[other].size_bytes));
    }
    plan.offsets[index] = offset;
    plan.arena_bytes = std::max(plan.arena_bytes, offset + size);
    const auto behind = std::upper_bound(placed.begin(), placed.end(), offset,
                                         [&](std::size_t o, std::size_t p) { return o < plan.offsets[p]; });
    placed.insert(behind, index);
  }
  return plan;
}

}  // namespace dotori::graph
