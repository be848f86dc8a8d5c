// SPDX-License-Identifier: Apache-2.0
#include "graph/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/random.h"

namespace dotori::graph {
namespace {

std::size_t rounded(std::size_t n) {
  return (n + 63) / 64 * 64;
}

TEST(MemoryPlan, NothingNeedsNothing) {
  const MemoryPlan plan = plan_memory({});
  EXPECT_TRUE(plan.offsets.empty());
  EXPECT_EQ(plan.arena_bytes, 0u);
}

TEST(MemoryPlan, EmptyBuffersTakeNoRoom) {
  const std::vector<BufferLifetime> buffers = {{0, 0, 5}, {100, 0, 5}, {0, 2, 3}};
  EXPECT_EQ(plan_memory(buffers).arena_bytes, 128u);
}

TEST(MemoryPlan, AChainNeedsTwoBuffers) {
  std::vector<BufferLifetime> buffers;
  for (int i = 0; i < 10; ++i) buffers.push_back({640, i, i + 1});
  EXPECT_EQ(plan_memory(buffers).arena_bytes, 1280u);
}

TEST(MemoryPlan, SharingAStepIsALiveOverlap) {
  // The step that reads the first buffer last writes the second: both are needed at once.
  const std::vector<BufferLifetime> buffers = {{64, 0, 1}, {64, 1, 2}};
  const MemoryPlan plan = plan_memory(buffers);
  EXPECT_NE(plan.offsets[0], plan.offsets[1]);
}

TEST(MemoryPlan, FillsTheLowestGap) {
  // The large one spans both small ones, which are not live together and share the room behind it.
  const std::vector<BufferLifetime> buffers = {{64, 0, 1}, {1024, 0, 4}, {64, 3, 4}};
  const MemoryPlan plan = plan_memory(buffers);
  EXPECT_EQ(plan.offsets, (std::vector<std::size_t>{1024, 0, 1024}));
  EXPECT_EQ(plan.arena_bytes, 1088u);
}

TEST(MemoryPlan, RandomLifetimesNeverOverlap) {
  testing::Random random(7);
  for (int round = 0; round < 300; ++round) {
    const int count = random.integer(1, 40), steps = random.integer(1, 30);
    std::vector<BufferLifetime> buffers;
    for (int i = 0; i < count; ++i) {
      const int first = random.integer(0, steps - 1);
      buffers.push_back({static_cast<std::size_t>(random.integer(0, 5000)), first, random.integer(first, steps - 1)});
    }
    const MemoryPlan plan = plan_memory(buffers);
    ASSERT_EQ(plan.offsets.size(), buffers.size());
    std::size_t sum = 0, most_live = 0;
    for (int s = 0; s < steps; ++s) {
      std::size_t live = 0;
      for (const BufferLifetime& b : buffers) {
        if (b.first_step <= s && s <= b.last_step) live += rounded(b.size_bytes);
      }
      most_live = std::max(most_live, live);
    }
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      sum += rounded(buffers[i].size_bytes);
      EXPECT_EQ(plan.offsets[i] % 64, 0u);
      EXPECT_LE(plan.offsets[i] + buffers[i].size_bytes, plan.arena_bytes);
      for (std::size_t j = 0; j < i; ++j) {
        const bool together =
            buffers[i].first_step <= buffers[j].last_step && buffers[j].first_step <= buffers[i].last_step;
        const bool apart = plan.offsets[i] + buffers[i].size_bytes <= plan.offsets[j] ||
                           plan.offsets[j] + buffers[j].size_bytes <= plan.offsets[i];
        const bool empty = buffers[i].size_bytes == 0 || buffers[j].size_bytes == 0;
        EXPECT_TRUE(!together || apart || empty) << "round " << round << ": buffers " << i << " and " << j;
      }
    }
    EXPECT_LE(plan.arena_bytes, sum);
    EXPECT_GE(plan.arena_bytes, most_live);
    EXPECT_EQ(plan.offsets, plan_memory(buffers).offsets);
  }
}

}  // namespace
}  // namespace dotori::graph
