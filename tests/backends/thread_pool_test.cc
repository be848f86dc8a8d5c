// SPDX-License-Identifier: Apache-2.0
#include "backends/thread_pool.h"

#include <gtest/gtest.h>
#include <time.h>

#include <atomic>
#include <vector>

namespace dotori::backends {
namespace {

TEST(ThreadPool, CallsEachIndexOnce) {
  for (int threads : {1, 2, 4, 7}) {
    auto pool = ThreadPool::create(threads);
    ASSERT_TRUE(pool.ok());
    EXPECT_GE((*pool)->size(), 1);
    EXPECT_LE((*pool)->size(), threads);
    for (int count : {0, 1, 2, 3, 17, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
      std::atomic<bool> worker_in_range{true};
      const int size = (*pool)->size();
      (*pool)->parallel_for(count, [&](int index, int worker) noexcept {
        calls[static_cast<std::size_t>(index)].fetch_add(1);
        if (worker < 0 || worker >= size) worker_in_range = false;
      });
      for (int i = 0; i < count; ++i)
        EXPECT_EQ(calls[static_cast<std::size_t>(i)].load(), 1) << threads << " threads, index " << i;
      EXPECT_TRUE(worker_in_range);
    }
  }
}

TEST(ThreadPool, ManyJobsInARowSeeEachOthersWrites) {
  auto pool = ThreadPool::create(3);
  ASSERT_TRUE(pool.ok());
  std::vector<int> cells(64, 0);
  for (int job = 0; job < 2000; ++job)
    (*pool)->parallel_for(64, [&](int index, int) noexcept { ++cells[static_cast<std::size_t>(index)]; });
  for (int cell : cells) EXPECT_EQ(cell, 2000);
}

TEST(ThreadPool, WakesFromSleep) {
  auto pool = ThreadPool::create(2);
  ASSERT_TRUE(pool.ok());
  for (int round = 0; round < 5; ++round) {
    const timespec pause{0, 5'000'000};  // well beyond the spin
    nanosleep(&pause, nullptr);
    std::atomic<int> sum{0};
    (*pool)->parallel_for(10, [&](int index, int) noexcept { sum.fetch_add(index); });
    EXPECT_EQ(sum.load(), 45);
  }
}

// A thread takes its next tile when it is done with one: a slow core gets fewer.
TEST(ThreadPool, ASlowWorkerGetsFewerTiles) {
  constexpr int kTiles = 60;
  auto pool = ThreadPool::create(2);
  ASSERT_TRUE(pool.ok());
  if ((*pool)->size() < 2) GTEST_SKIP() << "the system gave no second thread";
  std::atomic<int> tiles[2] = {};
  (*pool)->parallel_for(kTiles, [&](int, int worker) noexcept {
    const timespec work{0, worker == 1 ? 8'000'000 : 1'000'000};
    nanosleep(&work, nullptr);  // takes its time whatever else the machine does
    tiles[worker].fetch_add(1);
  });
  EXPECT_EQ(tiles[0] + tiles[1], kTiles);
  EXPECT_LT(tiles[1], kTiles / 3);
  EXPECT_GT(tiles[1], 0);
}

TEST(ThreadPool, RefusesImpossibleSizes) {
  for (int threads : {0, -1, 65}) {
    auto pool = ThreadPool::create(threads);
    ASSERT_FALSE(pool.ok());
    EXPECT_EQ(pool.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(pool.status().message().find(std::to_string(threads)), std::string::npos);
  }
}

}  // namespace
}  // namespace dotori::backends
